"""The patch vector (Eq. 2): each molecule's nodes convolved onto their centre."""

import torch
from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.tensor_product import (
    directions_and_lengths,
    edge_convolution,
    mean_at_receivers,
    product_spec,
)
from molinteract.network.embedding import LengthEmbedding


class Readout(nn.Module):
    """z = [h_c(i)^0e ‖ h_c(j)^0e]; both molecules share Γ, so exchanging them exchanges the halves.

    Parameters
    ----------
    irreps : Irreps
        Of the nodes.
    ns : int
        Scalars of each half.
    reach : float
        Last Gaussian of the node–centre distance, Å.
    """

    def __init__(self, irreps: Irreps, *, ns: int, reach: float) -> None:
        super().__init__()
        self.irreps = irreps
        self.spec = product_spec(irreps, Irreps(ns))
        self.lengths = LengthEmbedding(ns, reach)
        self.first = nn.Linear(ns + irreps.n0e, 2 * ns)
        self.second = nn.Linear(2 * ns, self.spec.weight_numel)
        self.norm = EquivariantBatchNorm(Irreps(ns))

    def forward(
        self, features: Tensor, positions: Tensor, patch_index: Tensor, molecule_index: Tensor, n_patches: int
    ) -> Tensor:
        """Return (patches, 2 ns)."""
        side = 2 * patch_index + molecule_index
        centres = mean_at_receivers(positions, side, 2 * n_patches)
        directions, lengths = directions_and_lengths(centres[side], positions)
        inputs = torch.cat([self.lengths(lengths), features[:, : self.irreps.n0e]], dim=1)
        halves = edge_convolution(
            features,
            directions,
            torch.relu(self.first(inputs)),
            self.second.weight,
            self.second.bias,
            spec=self.spec,
            receivers=side,
            senders=torch.arange(len(side), device=side.device),
            n_receivers=2 * n_patches,
        )
        normed: Tensor = self.norm(halves)
        return normed.view(n_patches, -1)
