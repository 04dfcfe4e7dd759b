"""The tensor product written plainly: every edge's weights are made and used, ordinary autograd does the rest.

The fast formulations are compared with this one, and this one with e3nn. It also serves what they leave out: gradients to
directions, second derivatives, unusual irreps.
"""

import math

import torch
from torch import Tensor

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, Path, ProductSpec


def reference_convolution(
    features: Tensor, geometry: EdgeGeometry, hidden: Tensor, weight: Tensor, bias: Tensor, *, spec: ProductSpec
) -> Tensor:
    """Return what :func:`molinteract.kernels.tensor_product.edge_convolution` returns."""
    layout = geometry.layout
    weights = torch.nn.functional.linear(hidden, weight, bias)
    messages = edge_product(features[layout.senders], geometry.directions, weights, spec)
    return mean_at_receivers(messages, layout.receivers, layout.n_receivers)


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

    sizes = [math.prod(spec.path_shape(path)) for path in spec.native_paths]
    parts = dict(zip(spec.native_paths, torch.split(weights, sizes, dim=1), strict=True))

    def weighted(path: Path, t: Tensor) -> Tensor:
        return torch.bmm(t, parts[path].reshape(-1, *spec.path_shape(path)))

    def scalar_output(block: str) -> Tensor:
        paths = spec.present(SCALAR_PATHS[block])
        terms = [weighted(p, (scalars if p[1] == 0 else dots)[p[0]].unsqueeze(1)).squeeze(1) for p in paths]
        return _total(terms, even, spec.size_out(block)) * spec.scale(block)

    def vector_output(block: str) -> Tensor:
        terms = []
        for path in spec.present(VECTOR_PATHS[block]):
            t = _vector_term(path[1], vectors[path[0]], dots[path[0]], r)
            terms.append(weighted(path, t.transpose(1, 2)))
        radial = RADIAL_PATHS[block]
        if radial in spec.slices:
            terms.append(directions.unsqueeze(2) * weighted(radial, scalars[radial[0]].unsqueeze(1)))
        size = spec.size_out(block)
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
    ones = messages.new_ones(receivers.shape[0])
    degree = messages.new_zeros(n_receivers).index_add(0, receivers, ones).clamp_(min=1.0)
    return total / degree.unsqueeze(1)
