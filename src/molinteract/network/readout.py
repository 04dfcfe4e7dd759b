"""The patch vector (Eq. 2): each molecule's nodes convolved onto their centre."""

import torch
from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.geometry import EdgeGeometry, directions_and_lengths
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.layout import EdgeLayout
from molinteract.kernels.paths import product_spec
from molinteract.kernels.segments import mean_at_nodes
from molinteract.kernels.tensor_product import edge_convolution
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
    vectors : int
        Vectors of each parity that a centre carries beside its scalars, for the rigid head.
    """

    def __init__(self, irreps: Irreps, *, ns: int, reach: float, vectors: int = 0) -> None:
        super().__init__()
        self.irreps = irreps
        self.irreps_out = Irreps(ns, vectors, vectors)
        self.spec = product_spec(irreps, self.irreps_out)
        self.lengths = LengthEmbedding(ns, reach)
        self.first = nn.Linear(ns + irreps.n0e, 2 * ns)
        self.second = nn.Linear(2 * ns, self.spec.weight_numel)
        self.norm = EquivariantBatchNorm(self.irreps_out)

    def centres(self, features: Tensor, positions: Tensor, layout: EdgeLayout) -> Tensor:
        """Return the features of both centres of each patch, (patches, 2, irreps_out.dim).

        ``layout`` leads from every atom to the centre of its molecule in its patch.
        """
        centres = mean_at_nodes(positions.index_select(0, layout.senders), layout.receiving)
        directions, lengths = directions_and_lengths(
            centres.index_select(0, layout.receivers), positions.index_select(0, layout.senders)
        )
        even = features[:, : self.irreps.n0e].index_select(0, layout.senders)
        halves = edge_convolution(
            features,
            EdgeGeometry(layout, directions),
            torch.relu(self.first(torch.cat([self.lengths(lengths), even], dim=1))),
            self.second.weight,
            self.second.bias,
            spec=self.spec,
        )
        normed: Tensor = self.norm(halves)
        return normed.view(layout.n_receivers // 2, 2, self.irreps_out.dim)

    def forward(self, features: Tensor, positions: Tensor, layout: EdgeLayout) -> Tensor:
        """Return z, (patches, 2 ns): the scalars of both centres."""
        centres = self.centres(features, positions, layout)
        return centres[..., : self.irreps_out.n0e].flatten(1)
