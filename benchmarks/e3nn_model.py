"""InteractNN as one would build it from e3nn 0.6: the opponent of the benchmarks, with the weights of ours.

The denoising network alone (encoder and head): what a training step runs. Sums over neighbours are ``index_add``; the tests'
oracle does them in a plain loop.
"""

import copy
from collections.abc import Callable

import torch
from e3nn import o3
from e3nn.nn import BatchNorm
from e3nn.util.jit import set_optimization_defaults
from torch import Tensor, nn

from molinteract.batches.batch import PatchBatch
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.paths import ProductSpec
from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution

HARMONICS = o3.Irreps("1x0e + 1x1o + 1x2e")
Product = Callable[[Tensor, Tensor, Tensor], Tensor]


def products(model: InteractNN, *, compiled: bool) -> dict[ProductSpec, Product]:
    """Return one tensor product for each pair of irreps: e3nn's default, or compiled by ``torch.compile``."""
    convolutions = [m for m in model.modules() if isinstance(m, EdgeConvolution)]
    out: dict[ProductSpec, Product] = {}
    for spec in {convolution.spec: None for convolution in convolutions}:
        if compiled:
            set_optimization_defaults(jit_mode="eager", jit_script_fx=False)
        product = o3.FullyConnectedTensorProduct(
            o3.Irreps(str(spec.irreps_in)), HARMONICS, o3.Irreps(str(spec.irreps_out)), shared_weights=False
        )
        set_optimization_defaults(jit_mode="script", jit_script_fx=True)
        out[spec] = torch.compile(product, dynamic=True) if compiled else product
    return out


class E3nnModel(nn.Module):
    """Encoder and denoising head."""

    def __init__(self, ours: InteractNN, shared: dict[ProductSpec, Product]) -> None:
        super().__init__()
        self.ns = ours.config.ns
        self.elements = copy.deepcopy(ours.elements)
        self.lengths = copy.deepcopy(ours.lengths)
        layers = [*ours.layers, ours.head.layer]
        self.irreps = [(layer.irreps_in, layer.irreps_out) for layer in layers]
        self.layers = nn.ModuleList(
            [nn.ModuleDict({t: _Convolution(c, shared[c.spec]) for t, c in la.convolutions.items()}) for la in layers]
        )

    def forward(self, batch: PatchBatch) -> Tensor:
        """Return displacements (nodes, 3)."""
        edges = {}
        for name, embed in self.lengths.items():
            receivers, senders = batch.inter_edges if name == "inter" else batch.intra_edges
            vectors = batch.positions[senders] - batch.positions[receivers]
            harmonics = o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")
            edges[name] = (receivers, senders, harmonics, embed(vectors.norm(dim=1)))
        features = self.elements(batch.atomic_numbers)
        *encoder, head = self.layers
        for (old, new), layer in zip(self.irreps, encoder, strict=False):
            features = _pad(features, old, new) + sum(c(features, edges[t], self.ns) for t, c in layer.items())
        vectors = sum(c(features, edges[t], self.ns) for t, c in head.items())
        return vectors[:, :3] + vectors[:, 3:]


class _Convolution(nn.Module):
    def __init__(self, ours: EdgeConvolution, product: Product) -> None:
        super().__init__()
        self.product = [product]  # shared by layers, and without parameters
        self.first = copy.deepcopy(ours.first)
        self.second = copy.deepcopy(ours.second)
        index = ours.spec.from_e3nn()
        with torch.no_grad():
            self.second.weight[index] = ours.second.weight
            self.second.bias[index] = ours.second.bias
        self.norm = BatchNorm(o3.Irreps(str(ours.spec.irreps_out)))
        with torch.no_grad():
            self.norm.weight.copy_(ours.norm.weight)

    def forward(self, features: Tensor, edges: tuple[Tensor, Tensor, Tensor, Tensor], ns: int) -> Tensor:
        receivers, senders, harmonics, embedding = edges
        even = features[:, :ns]
        inputs = torch.cat([embedding, even[receivers], even[senders]], dim=1)
        messages = self.product[0](features[senders], harmonics, self.second(torch.relu(self.first(inputs))))
        total = messages.new_zeros(features.shape[0], messages.shape[1]).index_add(0, receivers, messages)
        degree = torch.bincount(receivers, minlength=features.shape[0]).clamp(min=1)
        return self.norm(total / degree.unsqueeze(1))


def _pad(features: Tensor, old: Irreps, new: Irreps) -> Tensor:
    if old == new:
        return features
    return torch.cat([features, features.new_zeros(features.shape[0], new.dim - old.dim)], dim=1)
