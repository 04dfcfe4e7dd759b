"""InteractNN built from e3nn's parts: harmonics, FullyConnectedTensorProduct, BatchNorm. Slow, and independent of our kernels."""

import torch
from e3nn import o3
from e3nn.nn import BatchNorm
from torch import nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps
from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution
from molinteract.network.readout import Readout

HARMONICS = o3.Irreps("1x0e + 1x1o + 1x2e")


def e3nn_irreps(irreps: Irreps) -> o3.Irreps:
    return o3.Irreps(str(irreps))


def copied_norm(ours: EquivariantBatchNorm) -> BatchNorm:
    norm = BatchNorm(e3nn_irreps(ours.irreps), eps=ours.eps, momentum=ours.momentum).to(ours.weight.dtype)
    norm.load_state_dict(
        {
            "weight": ours.weight.detach().clone(),
            "bias": ours.bias.detach().clone(),
            "running_mean": ours.running_mean.clone(),
            "running_var": ours.running_var.clone(),
        }
    )
    norm.train(ours.training)
    return norm


class Convolution(nn.Module):
    """One EdgeConvolution or the convolution of a Readout, with e3nn's tensor product and weights in e3nn's order."""

    def __init__(self, ours: EdgeConvolution | Readout) -> None:
        super().__init__()
        spec = ours.spec
        self.product = o3.FullyConnectedTensorProduct(
            e3nn_irreps(spec.irreps_in), HARMONICS, e3nn_irreps(spec.irreps_out), shared_weights=False
        ).to(ours.first.weight.dtype)
        assert self.product.weight_numel == spec.weight_numel
        self.index = spec.from_e3nn()
        self.first = nn.Linear(ours.first.in_features, ours.first.out_features).to(ours.first.weight.dtype)
        self.first.load_state_dict(ours.first.state_dict())
        self.second = nn.Linear(ours.second.in_features, spec.weight_numel).to(ours.first.weight.dtype)
        with torch.no_grad():
            self.second.weight[self.index] = ours.second.weight
            self.second.bias[self.index] = ours.second.bias
        self.norm = copied_norm(ours.norm)

    def forward(self, features, vectors, inputs, receivers, senders, n_receivers):
        harmonics = o3.spherical_harmonics(HARMONICS, vectors, normalize=True, normalization="component")
        weights = self.second(torch.relu(self.first(inputs)))
        messages = self.product(features[senders], harmonics, weights)
        total = messages.new_zeros(n_receivers, messages.shape[1])
        for edge in range(len(receivers)):  # the plain loop: no scatter to trust
            total[receivers[edge]] = total[receivers[edge]] + messages[edge]
        degree = torch.tensor([max(1, int((receivers == n).sum())) for n in range(n_receivers)])
        return self.norm(total / degree.to(total.dtype).unsqueeze(1))


class E3nnInteractNN(nn.Module):
    """The whole network; embeddings of elements and lengths are taken from ours by copy."""

    def __init__(self, ours: InteractNN) -> None:
        super().__init__()
        import copy

        self.elements = copy.deepcopy(ours.elements)
        self.lengths = copy.deepcopy(ours.lengths)
        self.irreps = [(layer.irreps_in, layer.irreps_out) for layer in ours.layers]
        self.layers = nn.ModuleList(
            [nn.ModuleDict({t: Convolution(c) for t, c in layer.convolutions.items()}) for layer in ours.layers]
        )
        self.head = nn.ModuleDict({t: Convolution(c) for t, c in ours.head.layer.convolutions.items()})
        self.pool_lengths = copy.deepcopy(ours.pool.lengths)
        self.pool = Convolution(ours.pool)

    def _convolve(self, module, features, batch, ns, name):
        receivers, senders = batch.inter_edges if name == "inter" else batch.intra_edges
        vectors = batch.positions[senders] - batch.positions[receivers]
        even = features[:, :ns]
        inputs = torch.cat([self.lengths[name](vectors.norm(dim=1)), even[receivers], even[senders]], dim=1)
        return module(features, vectors, inputs, receivers, senders, features.shape[0])

    def encode(self, batch):
        features = self.elements(batch.atomic_numbers)
        ns = features.shape[1]
        for (old, new), layer in zip(self.irreps, self.layers, strict=True):
            padded = features.new_zeros(features.shape[0], new.dim)
            a, b = e3nn_irreps(old).slices(), e3nn_irreps(new).slices()
            for source, target in zip(a, b[: len(a)], strict=True):
                padded[:, target] = features[:, source]
            features = padded + sum(self._convolve(c, features, batch, ns, t) for t, c in layer.items())
        return features

    def denoise(self, batch, features):
        ns = self.elements.weight.shape[1]
        vectors = sum(self._convolve(c, features, batch, ns, t) for t, c in self.head.items())
        return vectors[:, :3] + vectors[:, 3:]

    def readout(self, batch, features):
        ns = self.elements.weight.shape[1]
        side = 2 * batch.patch_index + batch.molecule_index
        centres = torch.stack([batch.positions[side == k].mean(0) for k in range(2 * batch.n_patches)])
        vectors = batch.positions - centres[side]
        inputs = torch.cat([self.pool_lengths(vectors.norm(dim=1)), features[:, :ns]], dim=1)
        nodes = torch.arange(len(side))
        halves = self.pool(features, vectors, inputs, side, nodes, 2 * batch.n_patches)
        return halves.view(batch.n_patches, -1)
