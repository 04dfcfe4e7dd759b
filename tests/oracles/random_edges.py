"""Random graphs for tests of the kernels."""

import torch

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.layout import edge_layout
from molinteract.kernels.paths import ProductSpec

STAGES = {
    "first": (Irreps(8), Irreps(8, 4)),
    "second": (Irreps(8, 4), Irreps(8, 4, 4)),
    "third": (Irreps(8, 4, 4), Irreps(8, 4, 4, 8)),
    "full": (Irreps(8, 4, 4, 8), Irreps(8, 4, 4, 8)),
    "denoising": (Irreps(8, 4, 4, 8), Irreps(0, 1, 1, 0)),
    "readout": (Irreps(8, 4, 4, 8), Irreps(8)),
    "vector readout": (Irreps(8, 4, 4, 8), Irreps(8, 1, 1, 0)),
    "only 1e": (Irreps(5, 0, 3, 2), Irreps(3, 2, 5, 1)),
    "unequal vectors": (Irreps(5, 2, 3, 2), Irreps(3, 2, 5, 1)),
}
"""Irreps in and out of every convolution of the network, and two that it does not have."""


def random_geometry(nodes: int, edges: int, *, receivers: int | None = None, dtype=torch.float64) -> EdgeGeometry:
    """A random multigraph: several edges between two nodes, loops and idle nodes all occur."""
    receivers = nodes if receivers is None else receivers
    layout = edge_layout(
        torch.randint(receivers, (edges,)), torch.randint(nodes, (edges,)), n_receivers=receivers, n_senders=nodes
    )
    return EdgeGeometry(layout, torch.nn.functional.normalize(torch.randn(edges, 3, dtype=dtype)))


def random_arguments(spec: ProductSpec, geometry: EdgeGeometry, *, hidden: int = 7, dtype=torch.float64):
    """Features, hidden, weight and bias, all wanting gradients."""
    layout = geometry.layout
    shapes = [
        (layout.sending.slots.shape[0], spec.irreps_in.dim),
        (layout.n_edges, hidden),
        (spec.weight_numel, hidden),
        (spec.weight_numel,),
    ]
    arguments = [torch.randn(shape, dtype=dtype) for shape in shapes]
    arguments[1].relu_()
    return [argument.requires_grad_() for argument in arguments]
