"""What goes in: elements and edge lengths as scalars (SPEC 2.1)."""

import torch
from torch import Tensor, nn

MAX_Z = 118


class ElementEmbedding(nn.Embedding):
    """Trainable vector of each element, Z = 1 … 118, and one for anything else; initialised N(0, 1)."""

    def __init__(self, ns: int) -> None:
        super().__init__(MAX_Z + 1, ns)

    def forward(self, atomic_numbers: Tensor) -> Tensor:
        """Return (nodes, ns) scalars."""
        known = (atomic_numbers >= 1) & (atomic_numbers <= MAX_Z)
        return super().forward(torch.where(known, atomic_numbers, 0))


class LengthEmbedding(nn.Module):
    """Gaussians of a length, evenly spaced from 0 to ``reach`` with the spacing as width, then Linear–ReLU–Linear.

    Parameters
    ----------
    ns : int
        Number of Gaussians and width of the result.
    reach : float
        Å; for edges their cutoff + 2, because a perturbed edge can be longer than its cutoff.
    """

    centres: Tensor

    def __init__(self, ns: int, reach: float) -> None:
        super().__init__()
        self.register_buffer("centres", torch.linspace(0.0, reach, ns), persistent=False)
        self.width = reach / max(1, ns - 1)
        self.layers = nn.Sequential(nn.Linear(ns, ns), nn.ReLU(), nn.Linear(ns, ns))

    def forward(self, lengths: Tensor) -> Tensor:
        """Return (edges, ns) for lengths (edges,) in Å."""
        gaussians = torch.exp(-0.5 * ((lengths.unsqueeze(1) - self.centres) / self.width).square())
        embedded: Tensor = self.layers(gaussians)
        return embedded
