"""Outputs and gradients equal those of a network built from e3nn's parts, in float64."""

import pytest
import torch
from tests.oracles.e3nn_network import E3nnInteractNN
from tests.oracles.random_batches import random_batch

from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

pytestmark = pytest.mark.usefixtures("double_by_default")
CONFIG = NetworkConfig(ns=6, nv=3, n_layers=5, psi_hidden=10)


@pytest.fixture
def double_by_default():
    """e3nn makes its coefficient tables in the default type; in float32 they are exact to 1e-8 only."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def networks(config: NetworkConfig, *, training: bool):
    torch.manual_seed(0)
    ours = InteractNN(config).double()
    for name, buffer in ours.named_buffers():  # statistics that are not the initial ones
        if "running" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    ours.train(training)
    return ours, E3nnInteractNN(ours).double().train(training)


def outputs(model, batch):
    features = model.encode(batch)
    return features, model.denoise(batch, features), model.readout(batch, features)


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float) -> bool:
    a, b = a.detach(), b.detach()
    return float((a - b).abs().max()) <= tolerance * max(1e-3, float(b.abs().max()))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "config", [CONFIG, CONFIG.model_copy(update={"n_layers": 1}), CONFIG.model_copy(update={"n_layers": 2})]
)
def test_outputs_equal(config, training):
    ours, theirs = networks(config, training=training)
    batch = random_batch(1)
    for a, b in zip(outputs(ours, batch), outputs(theirs, batch), strict=True):
        assert close(a, b, 1e-11)


@pytest.mark.parametrize("of_positions", [False, True])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_equal(training, of_positions):
    ours, theirs = networks(CONFIG, training=training)
    gradients = []
    for model in (ours, theirs):
        batch = random_batch(2)
        positions = batch.positions.clone().requires_grad_(of_positions)
        features, displacement, vectors = outputs(model, batch.with_positions(positions))
        loss = displacement.square().mean() + (vectors * vectors.detach().sign()).mean() + features.square().mean()
        loss.backward()
        gradients.append(positions.grad)
    assert not of_positions or close(*gradients, 1e-10)
    assert close(ours.elements.weight.grad, theirs.elements.weight.grad, 1e-10)
    pairs = [(ours.pool, theirs.pool)]
    for layer, other in zip([*ours.layers, ours.head.layer], [*theirs.layers, theirs.head], strict=True):
        pairs += [(layer.convolutions[t], other[t]) for t in layer.convolutions]
    for a, b in pairs:
        assert close(a.first.weight.grad, b.first.weight.grad, 1e-10)
        assert close(a.second.weight.grad, b.second.weight.grad[b.index], 1e-10)
        assert close(a.second.bias.grad, b.second.bias.grad[b.index], 1e-10)
        assert close(a.norm.weight.grad, b.norm.weight.grad, 1e-10)
        assert not a.norm.bias.numel() or close(a.norm.bias.grad, b.norm.bias.grad, 1e-10)
    for name, embedding in ours.lengths.items():
        for a, b in zip(embedding.parameters(), theirs.lengths[name].parameters(), strict=True):
            assert close(a.grad, b.grad, 1e-10)


def test_running_statistics_move_alike():
    ours, theirs = networks(CONFIG, training=True)
    for seed in range(3):
        outputs(ours, random_batch(seed))
        outputs(theirs, random_batch(seed))
    assert close(ours.pool.norm.running_var, theirs.pool.norm.running_var, 1e-11)
    norm, other = ours.layers[-1].convolutions["inter"].norm, theirs.layers[-1]["inter"].norm
    assert close(norm.running_mean, other.running_mean, 1e-11)
    assert close(norm.running_var, other.running_var, 1e-11)
