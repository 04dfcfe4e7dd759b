"""One message-passing layer (Eq. 1). Features are in planes here (:func:`molinteract.kernels.irreps.to_planes`)."""

from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps, pad
from molinteract.kernels.paths import product_spec
from molinteract.kernels.psi import pair_hidden
from molinteract.kernels.tensor_product import planes_convolution
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

    def forward(self, planes: Tensor, edges: Edges) -> Tensor:
        """Return planes (nodes, irreps_out.dim); all nodes enter the norm, those without neighbours as zeros."""
        even = planes[:, : self.irreps_in.n0e]
        layout = edges.geometry.layout
        hidden = pair_hidden(edges.embedding, even, self.first.weight, self.first.bias, layout)
        message = planes_convolution(
            planes, edges.geometry, hidden, self.second.weight, self.second.bias, spec=self.spec
        )
        normed: Tensor = self.norm(message, planes=True)
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

    def forward(self, planes: Tensor, edges: dict[str, Edges]) -> Tensor:
        """Return planes (nodes, irreps_out.dim) from planes (nodes, irreps_in.dim)."""
        messages = [convolution(planes, edges[name]) for name, convolution in self.convolutions.items()]
        total: Tensor = messages[0] if len(messages) == 1 else messages[0] + messages[1]
        if not self.residual:
            return total
        return pad(planes, self.irreps_in, self.irreps_out) + total
