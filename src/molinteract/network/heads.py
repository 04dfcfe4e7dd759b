"""The heads of pre-training: displacements of atoms, and the relative rigid motion of two fragments (SPEC 2.4)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps, to_planes
from molinteract.network.embedding import MAX_Z
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


@dataclass(frozen=True, slots=True, eq=False)
class RigidMotion:
    """Relative motion of the two fragments of each patch.

    Attributes
    ----------
    translation : (patches, 3)
        t = t_j − t_i, Å.
    rotation : (patches, 3)
        ω = ω_j − ω_i, each about the centre of its fragment, radians.
    log_distance : (patches,)
        ln(|t| / Å), from z alone.
    """

    translation: Tensor
    rotation: Tensor
    log_distance: Tensor


class RigidHead(nn.Module):
    """Decodes the relative motion through z: Σ_m g_m(z_j, z_i) v_m(j) − g_m(z_i, z_j) v_m(i).

    Exchanging the molecules changes the sign of both, whatever the weights. The translation is made of the polar vectors
    (1o) of the centres and the rotation of the axial ones (1e), so both follow reflections as well. z is brought to unit
    variance and the vectors of each centre to at most unit size before they are used: an odd patch cannot be answered with a
    motion far beyond all others.

    Parameters
    ----------
    irreps : Irreps
        Of a centre: scalars, and as many 1o as 1e vectors.
    hidden : int
        Hidden width of g and of the distance's network.
    """

    def __init__(self, irreps: Irreps, *, hidden: int) -> None:
        super().__init__()
        self.irreps = irreps
        width = 2 * irreps.n0e
        last = nn.Linear(hidden, irreps.n1o + irreps.n1e)
        self.gates = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), last)
        self.distance = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, 1))
        with torch.no_grad():
            last.weight.mul_(_INITIAL_SCALE)  # begin near "nothing has moved"

    def forward(self, centres: Tensor) -> RigidMotion:
        """Return the motion for the features of both centres, (patches, 2, irreps.dim)."""
        scalars, polar, axial, _ = self.irreps.split(centres)
        own_first = torch.stack([scalars.flatten(1), scalars.flip(1).flatten(1)], dim=1)
        own_first = functional.layer_norm(own_first, own_first.shape[-1:])
        gate_polar, gate_axial = self.gates(own_first).unsqueeze(-1).split([self.irreps.n1o, self.irreps.n1e], dim=2)
        pulls, turns = (gate_polar * _bounded(polar)).sum(2), (gate_axial * _bounded(axial)).sum(2)
        distance = self.distance(own_first).sum(dim=(1, 2))
        return RigidMotion(pulls[:, 1] - pulls[:, 0], turns[:, 1] - turns[:, 0], distance)


class ElementHead(nn.Linear):
    """Scores of every element for a node, from its orientation-free vector; the first is that of "anything else"."""

    def __init__(self, width: int) -> None:
        super().__init__(width, MAX_Z + 1)


class ContactHead(nn.Module):
    """How much the contact distances of a patch have changed, mean and root mean square, from z alone.

    A linear map of [z_i + z_j ‖ |z_i − z_j|]: what it needs must lie open in the vector that is handed on.

    Parameters
    ----------
    ns : int
        Half the width of z.
    """

    def __init__(self, ns: int) -> None:
        super().__init__()
        self.ns = ns
        self.linear = nn.Linear(2 * ns, 2)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return (patches, 2) in Å for z (patches, 2 ns)."""
        first, second = vectors[:, : self.ns], vectors[:, self.ns :]
        changes: Tensor = self.linear(torch.cat([first + second, (first - second).abs()], dim=1))
        return changes


def _bounded(vectors: Tensor) -> Tensor:
    """Shrink vectors (..., channels, 3) so that their root mean square stays below 1; short ones keep their length."""
    return vectors / (1.0 + vectors.square().sum(-1, keepdim=True).mean(-2, keepdim=True)).sqrt()
