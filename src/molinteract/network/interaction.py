"""One message-passing layer (Eq. 1)."""

import torch
from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps, pad
from molinteract.kernels.tensor_product import edge_convolution, product_spec
from molinteract.network.geometry import Edges

INTER = "inter"
INTRA = "intra"


class EdgeConvolution(nn.Module):
    """Mean over neighbours of Y(r̂_ab) ⊗_ψ h_b, ψ_ab = Ψ(e_ab, h_a^0e, h_b^0e), then batch norm: one type of edge.

    Parameters
    ----------
    irreps_in, irreps_out : Irreps
    ns : int
        Width of e_ab.
    hidden : int
        Hidden width of Ψ.
    """

    def __init__(self, irreps_in: Irreps, irreps_out: Irreps, *, ns: int, hidden: int) -> None:
        super().__init__()
        self.irreps_in = irreps_in
        self.spec = product_spec(irreps_in, irreps_out)
        self.first = nn.Linear(ns + 2 * irreps_in.n0e, hidden)
        self.second = nn.Linear(hidden, self.spec.weight_numel)
        self.norm = EquivariantBatchNorm(irreps_out)

    def forward(self, features: Tensor, edges: Edges) -> Tensor:
        """Return (nodes, irreps_out.dim); all nodes enter the norm, those without neighbours as zeros."""
        even = features[:, : self.irreps_in.n0e]
        inputs = torch.cat([edges.embedding, even[edges.receivers], even[edges.senders]], dim=1)
        message = edge_convolution(
            features,
            edges.directions,
            torch.relu(self.first(inputs)),
            self.second.weight,
            self.second.bias,
            spec=self.spec,
            receivers=edges.receivers,
            senders=edges.senders,
            n_receivers=features.shape[0],
        )
        normed: Tensor = self.norm(message)
        return normed


class Interaction(nn.Module):
    """h ← h ⊕ Σ_t BN_t(…): both types of edges; ⊕ adds after zero-padding to the larger irreps.

    Parameters
    ----------
    residual : bool
        False for the denoising layer, which returns the sum alone.
    """

    def __init__(
        self,
        irreps_in: Irreps,
        irreps_out: Irreps,
        *,
        ns: int,
        hidden: int,
        types: tuple[str, ...] = (INTER, INTRA),
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.irreps_in = irreps_in
        self.irreps_out = irreps_out
        self.residual = residual
        self.convolutions = nn.ModuleDict(
            {name: EdgeConvolution(irreps_in, irreps_out, ns=ns, hidden=hidden) for name in types}
        )

    def forward(self, features: Tensor, edges: dict[str, Edges]) -> Tensor:
        """Return (nodes, irreps_out.dim)."""
        messages = [convolution(features, edges[name]) for name, convolution in self.convolutions.items()]
        total = messages[0] if len(messages) == 1 else torch.stack(messages).sum(0)
        if not self.residual:
            return total
        return pad(features, self.irreps_in, self.irreps_out) + total
