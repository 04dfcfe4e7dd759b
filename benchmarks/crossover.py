"""One full layer of ``paper``, forward and backward, on graphs of growing degree: vector paths edge by edge and aggregated.

Finds the degree from which aggregation wins (``AGGREGATED_FROM`` of kernels/choice.py). One thread, CPU time.
"""

import torch

from harness import Figure, arguments, paired, report
from molinteract.kernels import choice
from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.layout import edge_layout
from molinteract.kernels.paths import product_spec
from molinteract.kernels.tensor_product import edge_convolution

FULL = Irreps(32, 16, 16, 32)


def main() -> None:
    """Print seconds of both forms for each degree and width."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    figures = []
    edges = 1_000 if options.quick else 6_000
    for hidden in (32, 96):
        for degree in (4, 16) if options.quick else (2, 3, 4, 6, 8, 12, 16, 24, 32, 48):
            step = _step(edges // degree, degree, hidden)
            seconds = paired([lambda s=step: s(10**6), lambda s=step: s(1)], rounds=1 if options.quick else 3)
            name = f"hidden {hidden}, degree {degree}"
            figures.append(Figure(f"{name}: edge by edge", 1e6 * seconds[0] / edges, "us/edge"))
            figures.append(Figure(f"{name}: aggregated", 1e6 * seconds[1] / edges, "us/edge"))
    report(figures, options.json)


def _step(nodes: int, degree: int, hidden: int):
    spec = product_spec(FULL, FULL)
    receivers = torch.arange(nodes).repeat_interleave(degree)
    senders = torch.randint(nodes, receivers.shape)
    layout = edge_layout(receivers, senders, n_receivers=nodes, n_senders=nodes)
    geometry = EdgeGeometry(layout, torch.nn.functional.normalize(torch.randn(layout.n_edges, 3)))
    shapes = [(nodes, FULL.dim), (layout.n_edges, hidden), (spec.weight_numel, hidden), (spec.weight_numel,)]
    features, *rest = [torch.randn(shape, requires_grad=True) for shape in shapes]

    def step(aggregated_from: int) -> None:
        choice.vectors_aggregated = lambda degree, hidden: degree >= aggregated_from
        edge_convolution(features, geometry, *rest, spec=spec).square().mean().backward()

    return step


if __name__ == "__main__":
    main()
