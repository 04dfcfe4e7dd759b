"""The denoising head: a last message-passing layer with vector output (SPEC 2.4)."""

import torch
from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps, to_planes
from molinteract.network.geometry import Edges
from molinteract.network.interaction import Interaction

_INITIAL_SCALE = 0.1
"""The normed sum would start at unit size, far beyond the clamp of ±1 Å, where no gradient comes back."""


class DenoisingHead(nn.Module):
    """Predicts the displacement of every node: outputs 1x1o and 1x1e, summed.

    The 1e part is a pseudovector: with it the head turns with rotations, but not with reflections (as the paper has it).
    """

    def __init__(self, irreps: Irreps, *, ns: int, hidden: int, types: tuple[str, ...]) -> None:
        super().__init__()
        self.layer = Interaction(irreps, Irreps(0, 1, 1, 0), ns=ns, hidden=hidden, types=types, residual=False)
        for module in self.layer.modules():
            if isinstance(module, EquivariantBatchNorm):
                nn.init.constant_(module.weight, _INITIAL_SCALE)

    def forward(self, features: Tensor, edges: dict[str, Edges]) -> Tensor:
        """Return (nodes, 3) in Å, not yet clamped."""
        vectors = self.layer(to_planes(features, self.layer.irreps_in), edges).view(-1, 2, 3)
        return torch.sum(vectors, dim=1)
