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

Everything reaches the tensor product through :func:`edge_convolution`: edges of both types and the readout, with scalar and
vector outputs.
"""

from torch import Tensor

from molinteract.kernels.choice import formulation
from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.hybrid import HybridConvolution
from molinteract.kernels.irreps import from_planes, to_planes
from molinteract.kernels.paths import ProductSpec
from molinteract.kernels.per_edge import PerEdgeConvolution
from molinteract.kernels.precision import keeps_precision
from molinteract.kernels.reference import reference_convolution


def edge_convolution(
    features: Tensor, geometry: EdgeGeometry, hidden: Tensor, weight: Tensor, bias: Tensor, *, spec: ProductSpec
) -> Tensor:
    """Mean over the neighbours of Y(r̂) ⊗_ψ h with ψ = hidden @ weightᵀ + bias (the sum of Eq. 1).

    Parameters
    ----------
    features : (senders, spec.irreps_in.dim)
    geometry : EdgeGeometry
        The edges, in the order of their layout, and r̂ from receiver to sender.
    hidden : (edges, K)
        Activations of the last hidden layer of Ψ, in the same order.
    weight : (spec.weight_numel, K), bias : (spec.weight_numel,)
        Last layer of Ψ, paths in the order of ``spec.native_paths``.

    Returns
    -------
    (receivers, spec.irreps_out.dim)
        Zero where a node has no neighbour.
    """
    planes = to_planes(features, spec.irreps_in)
    return from_planes(planes_convolution(planes, geometry, hidden, weight, bias, spec=spec), spec.irreps_out)


@keeps_precision
def planes_convolution(
    planes: Tensor, geometry: EdgeGeometry, hidden: Tensor, weight: Tensor, bias: Tensor, *, spec: ProductSpec
) -> Tensor:
    """Do the same with features in and out as planes (:func:`molinteract.kernels.irreps.to_planes`)."""
    chosen = formulation(planes, geometry, spec)
    if chosen == "hybrid":
        out: Tensor = HybridConvolution.apply(planes, hidden, weight, bias, geometry, spec)  # type: ignore[no-untyped-call]
    elif chosen == "per_edge":
        out = PerEdgeConvolution.apply(planes, hidden, weight, bias, geometry, spec)  # type: ignore[no-untyped-call]
    else:
        features = from_planes(planes, spec.irreps_in)
        out = to_planes(reference_convolution(features, geometry, hidden, weight, bias, spec=spec), spec.irreps_out)
    return out
