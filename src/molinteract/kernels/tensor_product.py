"""The fully connected weighted tensor product of node features with the spherical harmonics of an edge, l ≤ 1 × l ≤ 2.

Y = (1, √3 r̂, l = 2 of r̂) in e3nn's component normalisation. For scalar and vector features the Clebsch–Gordan contractions
have a closed form, so neither harmonics nor coefficient tables are ever made. Each path contributes Σ_u W[u, w] t[u] with

====================================  ==========================  ====================================  ==========
path                                  t                           path                                  t
====================================  ==========================  ====================================  ==========
0e × Y0 → 0e, 0o × Y0 → 0o            s                           1o × Y0 → 1o, 1e × Y0 → 1e            v / √3
1o × Y1 → 0e, 1e × Y1 → 0o            r̂·v                         1o × Y2 → 1o, 1e × Y2 → 1e            √(3/2) (r̂ (r̂·v) − v/3)
0e × Y1 → 1o, 0o × Y1 → 1e            r̂ s                         1o × Y1 → 1e, 1e × Y1 → 1o            (v × r̂) / √2
====================================  ==========================  ====================================  ==========

and each output block is scaled by √((2l + 1) / fan-in), e3nn's ``component`` and ``element`` normalisation.

Everything else reaches the tensor product through :func:`edge_convolution`; a faster formulation replaces what is behind it.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from molinteract.kernels.irreps import Irreps

_Path = tuple[str, int, str]
_BLOCKS = ("0e", "1o", "1e", "0o")
_SCALAR_PATHS: dict[str, tuple[_Path, ...]] = {
    "0e": (("0e", 0, "0e"), ("1o", 1, "0e")),
    "0o": (("0o", 0, "0o"), ("1e", 1, "0o")),
}
_RADIAL_PATHS: dict[str, _Path] = {"1o": ("0e", 1, "1o"), "1e": ("0o", 1, "1e")}
_VECTOR_PATHS: dict[str, tuple[_Path, ...]] = {
    "1o": (("1o", 0, "1o"), ("1o", 2, "1o"), ("1e", 1, "1o")),
    "1e": (("1e", 0, "1e"), ("1e", 2, "1e"), ("1o", 1, "1e")),
}


@dataclass(frozen=True)
class ProductSpec:
    """Paths and weights of one tensor product.

    Attributes
    ----------
    irreps_in, irreps_out : Irreps
        Of the node features and of the result.
    """

    irreps_in: Irreps
    irreps_out: Irreps

    def _size(self, side: Irreps, name: str) -> int:
        return dict(zip(_BLOCKS, (side.n0e, side.n1o, side.n1e, side.n0o), strict=True))[name]

    def path_shape(self, path: _Path) -> tuple[int, int]:
        """Return (multiplicity in, multiplicity out) of a path."""
        return self._size(self.irreps_in, path[0]), self._size(self.irreps_out, path[2])

    @cached_property
    def native_paths(self) -> tuple[_Path, ...]:
        """Paths in the order of our weights: scalar outputs, radial paths, vector outputs."""
        ordered = [p for paths in _SCALAR_PATHS.values() for p in paths]
        ordered += list(_RADIAL_PATHS.values())
        ordered += [p for paths in _VECTOR_PATHS.values() for p in paths]
        return tuple(p for p in ordered if math.prod(self.path_shape(p)))

    @cached_property
    def e3nn_paths(self) -> tuple[_Path, ...]:
        """The same paths in the order of e3nn's ``FullyConnectedTensorProduct``: input, harmonic, output."""
        return tuple(sorted(self.native_paths, key=lambda p: (_BLOCKS.index(p[0]), p[1], _BLOCKS.index(p[2]))))

    @cached_property
    def weight_numel(self) -> int:
        """Weights of one edge."""
        return sum(math.prod(self.path_shape(path)) for path in self.native_paths)

    @cached_property
    def slices(self) -> dict[_Path, slice]:
        """Where each path's weights, (in, out) row-major, lie in our order."""
        return _slices(self.native_paths, self)

    def from_e3nn(self) -> Tensor:
        """Return the (weight_numel,) index that picks our weights from e3nn's: ``ours = theirs[index]``."""
        theirs = _slices(self.e3nn_paths, self)
        return torch.cat([torch.arange(theirs[p].start, theirs[p].stop) for p in self.native_paths])

    def scale(self, block: str) -> float:
        """Return √((2l + 1) / fan-in) of an output block."""
        fan_in = sum(self.path_shape(path)[0] for path in self.native_paths if path[2] == block)
        return math.sqrt((3.0 if block.startswith("1") else 1.0) / fan_in) if fan_in else 0.0


def _slices(paths: tuple[_Path, ...], spec: ProductSpec) -> dict[_Path, slice]:
    out, start = {}, 0
    for path in paths:
        stop = start + math.prod(spec.path_shape(path))
        out[path] = slice(start, stop)
        start = stop
    return out


@lru_cache(maxsize=64)
def product_spec(irreps_in: Irreps, irreps_out: Irreps) -> ProductSpec:
    """Return the (cached) spec of a tensor product."""
    return ProductSpec(irreps_in, irreps_out)


def edge_convolution(
    features: Tensor,
    directions: Tensor,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    spec: ProductSpec,
    receivers: Tensor,
    senders: Tensor,
    n_receivers: int,
) -> Tensor:
    """Mean over the neighbours of Y(r̂) ⊗_ψ h with ψ = hidden @ weightᵀ + bias (the sum of Eq. 1).

    Parameters
    ----------
    features : (nodes, spec.irreps_in.dim)
    directions : (edges, 3)
        r̂, from receiver to sender.
    hidden : (edges, K)
        Activations of the last hidden layer of Ψ.
    weight : (spec.weight_numel, K), bias : (spec.weight_numel,)
        Last layer of Ψ, paths in the order of ``spec.native_paths``.
    receivers, senders : (edges,) int64
    n_receivers : int

    Returns
    -------
    (n_receivers, spec.irreps_out.dim)
        Zero where a node has no neighbour.
    """
    weights = torch.nn.functional.linear(hidden, weight, bias)
    messages = edge_product(features[senders], directions, weights, spec)
    return mean_at_receivers(messages, receivers, n_receivers)


def edge_product(features: Tensor, directions: Tensor, weights: Tensor, spec: ProductSpec) -> Tensor:
    """Weighted tensor product on each edge.

    Parameters
    ----------
    features : (edges, spec.irreps_in.dim)
    directions : (edges, 3)
    weights : (edges, spec.weight_numel)

    Returns
    -------
    (edges, spec.irreps_out.dim)
    """
    even, odd_vector, even_vector, odd = spec.irreps_in.split(features)
    r = directions.unsqueeze(1)
    scalars = {"0e": even, "0o": odd}
    vectors = {"1o": odd_vector, "1e": even_vector}
    dots = {name: (v * r).sum(-1) for name, v in vectors.items()}

    def weighted(path: _Path, t: Tensor) -> Tensor:
        return torch.bmm(t, weights[:, spec.slices[path]].reshape(-1, *spec.path_shape(path)))

    def scalar_output(block: str) -> Tensor:
        paths = [p for p in _SCALAR_PATHS[block] if p in spec.slices]
        terms = [weighted(p, (scalars if p[1] == 0 else dots)[p[0]].unsqueeze(1)).squeeze(1) for p in paths]
        return _total(terms, even, spec._size(spec.irreps_out, block)) * spec.scale(block)

    def vector_output(block: str) -> Tensor:
        terms = []
        for path in _VECTOR_PATHS[block]:
            if path in spec.slices:
                t = _vector_term(path[1], vectors[path[0]], dots[path[0]], r)
                terms.append(weighted(path, t.transpose(1, 2)))
        radial = _RADIAL_PATHS[block]
        if radial in spec.slices:
            terms.append(directions.unsqueeze(2) * weighted(radial, scalars[radial[0]].unsqueeze(1)))
        size = spec._size(spec.irreps_out, block)
        return _total(terms, even.unsqueeze(1).expand(-1, 3, -1), size).transpose(1, 2) * spec.scale(block)

    return spec.irreps_out.join(scalar_output("0e"), vector_output("1o"), vector_output("1e"), scalar_output("0o"))


def _vector_term(harmonic: int, v: Tensor, dot: Tensor, r: Tensor) -> Tensor:
    """Return t of a vector-to-vector path, (edges, channels, 3)."""
    if harmonic == 0:
        return v * (1.0 / math.sqrt(3.0))
    if harmonic == 2:
        along: Tensor = (r * dot.unsqueeze(2) - v / 3.0) * math.sqrt(1.5)
        return along
    across: Tensor = torch.linalg.cross(v, r.expand_as(v)) * (1.0 / math.sqrt(2.0))
    return across


def _total(terms: list[Tensor], like: Tensor, size: int) -> Tensor:
    if terms:
        return torch.stack(terms).sum(0) if len(terms) > 1 else terms[0]
    return like.new_zeros((*like.shape[:-1], size))


def mean_at_receivers(messages: Tensor, receivers: Tensor, n_receivers: int) -> Tensor:
    """Mean of messages (edges, d) at their receivers, (n_receivers, d); zero where there are none."""
    total = messages.new_zeros((n_receivers, messages.shape[1])).index_add(0, receivers, messages)
    degree = torch.bincount(receivers, minlength=n_receivers).clamp_(min=1).to(messages.dtype)
    return total / degree.unsqueeze(1)


def directions_and_lengths(positions_receiver: Tensor, positions_sender: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit vectors (edges, 3) from receiver to sender, and lengths (edges,); coincident points give zero."""
    vectors = positions_sender - positions_receiver
    lengths = torch.linalg.vector_norm(vectors, dim=1)
    return vectors / lengths.clamp(min=1e-8).unsqueeze(1), lengths
