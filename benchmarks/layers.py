"""One full layer of ``paper`` (Ψ hidden 96), forward and backward: ours, and what a user would take instead.

Both types of edges of made-up patches (graphs.py), training mode, same parameters and features, one thread, CPU time, in turn.
Each opponent must give the same result. cuequivariance-torch and openequivariance take part where they are installed.
"""

import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from e3nn_model import HARMONICS, E3nnModel, products
from graphs import patches
from harness import Figure, arguments, paired, report
from molinteract.batches.batch import PatchBatch
from molinteract.kernels.irreps import from_planes, to_planes
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from molinteract.network.geometry import Edges
from molinteract.network.interaction import Interaction

Layer = Callable[[Tensor], Tensor]
EdgeTensors = tuple[Tensor, Tensor, Tensor, Tensor]
"""Receivers, senders, harmonics and embedding of one type of edges."""


def main() -> None:
    """Print the table of docs/performance.md, "One layer, other packages"."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    batch = patches(4 if options.quick else 64)
    network = InteractNN(preset("paper"))
    full = next(k for k, layer in enumerate(network.layers) if layer.irreps_in == layer.irreps_out)
    layers = _layers(network, full, batch, compiled=not options.quick)
    features = torch.randn(batch.n_nodes, network.irreps.dim, requires_grad=True)
    figures = [_difference(name, layers["ours"], layer, features) for name, layer in layers.items() if name != "ours"]
    steps = [_step(layer, features) for layer in layers.values()]
    seconds = paired(steps, rounds=1 if options.quick else 5)
    for name, value in zip(layers, seconds, strict=True):
        figures.append(Figure(f"{name}: forward and backward", value, "s"))
        figures.append(Figure(f"{name} / ours", value / seconds[0], "times"))
    report(figures, options.json)


def _layers(network: InteractNN, full: int, batch: PatchBatch, *, compiled: bool) -> dict[str, Layer]:
    ours = network.layers[full]
    assert isinstance(ours, Interaction)
    own_edges = {t: Edges(e.geometry, _leaf(e.embedding)) for t, e in network.edges(batch).items()}
    out: dict[str, Layer] = {
        "ours": lambda x: from_planes(ours(to_planes(x, ours.irreps_in), own_edges), ours.irreps_out)
    }
    edges = {name: _edges(network, batch, name) for name in own_edges}
    spec = ours.convolutions["inter"].spec
    made: dict[str, Any] = {"stock e3nn": products(network, compiled=False)}
    if compiled:
        made["compiled e3nn"] = products(network, compiled=True)
    cuet = _imported("cuequivariance_torch")
    if cuet is not None:
        made["cuequivariance"] = {s: _cuequivariance(cuet) if s == spec else p for s, p in made["stock e3nn"].items()}
    for name, shared in made.items():
        layer = E3nnModel(network, shared).layers[full]
        out[name] = lambda x, layer=layer: x + sum(c(x, edges[t], network.config.ns) for t, c in layer.items())
    stock = E3nnModel(network, made["stock e3nn"]).layers[full]
    diffdock = {t: DiffDockConvolution(c) for t, c in stock.items()}
    out["as DiffDock"] = lambda x: x + sum(c(x, edges[t]) for t, c in diffdock.items())
    if _imported("openequivariance") is not None:
        print("openequivariance: its kernels are for GPUs, not timed here")
    return out


class DiffDockConvolution(nn.Module):
    """A convolution of DiffDock as published (Corso et al. 2022, appendix): e3nn's product, weights by an MLP, mean, batch norm.

    The function is the stock layer's. Different are: dropout inside the MLP (rate 0 here), the mean as one ``scatter_reduce``
    (theirs is torch-scatter's), and a product of its own in each convolution instead of one for all.
    """

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.psi = nn.Sequential(stock.first, nn.ReLU(), nn.Dropout(0.0), stock.second)
        irreps = stock.norm.irreps
        self.product = o3.FullyConnectedTensorProduct(irreps, HARMONICS, irreps, shared_weights=False)
        self.norm = stock.norm

    def forward(self, features: Tensor, edges: EdgeTensors) -> Tensor:
        """Return (nodes, irreps.dim)."""
        receivers, senders, harmonics, embedding = edges
        even = features[:, : embedding.shape[1]]
        weights = self.psi(torch.cat([embedding, even[receivers], even[senders]], dim=1))
        messages = self.product(features[senders], harmonics, weights)
        index = receivers.unsqueeze(1).expand_as(messages)
        mean = torch.zeros_like(features).scatter_reduce(0, index, messages, "mean", include_self=False)
        normed: Tensor = self.norm(mean)
        return normed


def _edges(network: InteractNN, batch: PatchBatch, name: str) -> EdgeTensors:
    receivers, senders = batch.inter_edges if name == "inter" else batch.intra_edges
    vectors = batch.positions[senders] - batch.positions[receivers]
    harmonics = o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")
    return receivers, senders, harmonics, _leaf(network.lengths[name](vectors.norm(dim=1)))


def _leaf(embedding: Tensor) -> Tensor:
    return embedding.detach().requires_grad_()


def _imported(package: str) -> Any:
    """Return a package, or None with a line that says why not."""
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        print(f"{package}: {'not installed' if missing else error}")
        return None
    print(f"{package}: {getattr(module, '__version__', 'version unknown')}", file=sys.stderr)
    return module


def _cuequivariance(cuet: Any) -> nn.Module:
    """Return the product with its default method; what it says of missing CUDA kernels is passed on."""
    cue = importlib.import_module("cuequivariance")
    config = preset("paper")
    irreps = cue.Irreps(cue.O3, f"{config.ns}x0e + {config.nv}x1o + {config.nv}x1e + {config.ns}x0o")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        product: nn.Module = cuet.FullyConnectedTensorProduct(
            irreps,
            cue.Irreps(cue.O3, str(HARMONICS)),
            irreps,
            layout=cue.mul_ir,
            shared_weights=False,
            internal_weights=False,
        )
    for message in said:
        print(f"cuequivariance_torch: {message.message}")
    return product


def _difference(name: str, ours: Layer, other: Layer, features: Tensor) -> Figure:
    """Compare results and gradients; the largest difference relative to the largest number."""
    weights = torch.linspace(-1.0, 1.0, features.numel()).view_as(features)
    both = []
    for layer in (ours, other):
        out = layer(features)
        (grad,) = torch.autograd.grad((weights * out).sum(), features)
        both.append((out.detach(), grad))
    worst = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*both, strict=True))
    assert worst < 1e-3, (name, worst)
    return Figure(f"{name}: largest relative difference from ours", worst, "")


def _step(layer: Layer, features: Tensor) -> Callable[[], object]:
    return lambda: layer(features).square().mean().backward()


if __name__ == "__main__":
    main()
