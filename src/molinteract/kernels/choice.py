"""Which formulation serves a convolution, and in what pieces: every such choice is made here, by sizes alone.

Multiply–adds and numbers written, of a full layer of ``paper`` (ns 32, nv 16: 3,072 scalar, 1,024 radial, 1,536 vector weights)
for each of K' = hidden + 1, forward; the backward pass takes twice that, and what is made again once more:

================  ===========================  =======================  ==================================
part              formulation                  multiply–adds / K'       written
================  ===========================  =======================  ==================================
scalar outputs    aggregated at the receiver   3,072 a receiver         96 K' a receiver
radial paths      factorised at the sender     1,024 a sender           32 K' a sender
vector paths      edge by edge                 1,536 an edge            1,536 an edge
vector paths      aggregated at the receiver   4,608 a receiver         288 K' a receiver
all               edge by edge (GPU)           5,632 an edge            5,632 an edge
================  ===========================  =======================  ==================================
"""

from typing import Final, Literal

from torch import Tensor

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.paths import ProductSpec

Formulation = Literal["hybrid", "per_edge", "reference"]

AGGREGATED_FROM: Final = 8
AGGREGATED_FROM_NARROW: Final = 6
"""Degree from which vector paths are aggregated, and the same for at most ``NARROW`` hidden: measured (benchmarks/crossover.py).

By operations alone it would be 3; but aggregation writes 288 K' numbers a node where the other form writes 1,536 an edge."""

NARROW: Final = 64

MAX_NODES: Final = 256
MAX_EDGES: Final = 512
"""Nodes and edges of a chunk of the hybrid: large enough for the products, small enough for the cache; flat from 128 to 2048."""


def formulation(features: Tensor, geometry: EdgeGeometry, spec: ProductSpec) -> Formulation:
    """Return what serves a convolution.

    Gradients to directions are the reference's, as are irreps with unequal numbers of 1o and 1e channels coming in.
    """
    n1o, n1e = spec.irreps_in.n1o, spec.irreps_in.n1e
    if geometry.directions.requires_grad or (n1o != n1e and n1o and n1e):
        return "reference"
    return "hybrid" if features.device.type == "cpu" else "per_edge"


def vectors_aggregated(degree: int, hidden: int) -> bool:
    """Whether the vector paths to receivers of a degree are aggregated, for a Ψ of some hidden width."""
    return degree >= (AGGREGATED_FROM_NARROW if hidden <= NARROW else AGGREGATED_FROM)
