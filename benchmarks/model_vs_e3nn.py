"""A training step of one interaction layer: ours against stock e3nn 0.6 (eager, its default), same sizes, same graph, paired.

Both do the convolution of Eq. 1 over intermolecular and intramolecular edges, forward and backward, in float32. Outputs are
compared in float64 by tests/unit/network/test_against_e3nn.py; here only the time is.
"""

import torch
from e3nn import o3

from harness import Figure, arguments, paired, report
from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.layout import edge_layout
from molinteract.kernels.paths import product_spec
from molinteract.kernels.tensor_product import edge_convolution

PAPER = Irreps(32, 16, 16, 32)


def main() -> None:
    """Print CPU seconds of both and the ratio, at one thread."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    nodes, edges = (600, 1500) if options.quick else (4352, 10636)
    figures = []
    for hidden in (32, 96):
        ours, stock = _layers(nodes, edges, hidden)
        difference = float((ours() - stock()).detach().abs().max())
        assert difference < 1e-3, difference
        seconds = paired([lambda f=ours: _step(f), lambda f=stock: _step(f)], rounds=2 if options.quick else 3)
        figures.append(Figure(f"one layer, hidden {hidden}: ours", seconds[0], "s"))
        figures.append(Figure(f"one layer, hidden {hidden}: stock e3nn", seconds[1], "s"))
        figures.append(Figure(f"one layer, hidden {hidden}: stock / ours", seconds[1] / seconds[0], "times"))
    report(figures, options.json)


def _step(forward) -> None:
    forward().square().mean().backward()


def _layers(nodes: int, edges: int, hidden: int):
    spec = product_spec(PAPER, PAPER)
    features = torch.randn(nodes, PAPER.dim, requires_grad=True)
    layout = edge_layout(*torch.randint(nodes, (2, edges)), n_receivers=nodes, n_senders=nodes)
    receivers, senders = layout.receivers, layout.senders
    directions = torch.nn.functional.normalize(torch.randn(edges, 3))
    activations = torch.rand(edges, hidden, requires_grad=True)
    weight = torch.randn(spec.weight_numel, hidden, requires_grad=True)
    bias = torch.randn(spec.weight_numel, requires_grad=True)
    irreps = o3.Irreps(str(PAPER))
    harmonics = o3.Irreps("1x0e+1x1o+1x2e")
    product = o3.FullyConnectedTensorProduct(irreps, harmonics, irreps, shared_weights=False)
    degree = torch.bincount(receivers, minlength=nodes).clamp(min=1).unsqueeze(1)
    index = spec.from_e3nn()
    place = torch.empty_like(index)
    place[index] = torch.arange(len(index))

    def ours() -> torch.Tensor:
        geometry = EdgeGeometry(layout, directions)
        return edge_convolution(features, geometry, activations, weight, bias, spec=spec)

    def stock() -> torch.Tensor:
        y = o3.spherical_harmonics(harmonics, directions, normalize=False, normalization="component")
        weights = torch.nn.functional.linear(activations, weight[place], bias[place])
        messages = product(features[senders], y, weights)
        return torch.zeros(nodes, PAPER.dim).index_add(0, receivers, messages) / degree

    return ours, stock


if __name__ == "__main__":
    main()
