import torch
from tests.oracles.e3nn_network import E3nnInteractNN
from tests.oracles.random_batches import random_batch

from molinteract.network.config import NetworkConfig
from molinteract.network.e3nn_state import load_e3nn_state, to_e3nn_state
from molinteract.network.encoder import InteractNN

CONFIG = NetworkConfig(ns=4, nv=2, n_layers=4, psi_hidden=6)


def test_last_layers_of_psi_are_those_of_an_e3nn_network():
    ours = InteractNN(CONFIG)
    state, theirs = to_e3nn_state(ours), E3nnInteractNN(ours)
    for k, layer in enumerate(theirs.layers):
        for name, convolution in layer.items():
            assert torch.equal(state[f"layers.{k}.convolutions.{name}.second.weight"], convolution.second.weight)
    for name, convolution in theirs.head.items():
        assert torch.equal(state[f"head.layer.convolutions.{name}.second.bias"], convolution.second.bias)
    assert torch.equal(state["pool.second.weight"], theirs.pool.second.weight)


def test_round_trip_is_exact():
    torch.manual_seed(0)
    ours, again = InteractNN(CONFIG), InteractNN(CONFIG)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    load_e3nn_state(again, to_e3nn_state(ours))
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, before[name])
    batch = random_batch(0, dtype=torch.float32)
    with torch.no_grad():
        for a, b in zip(ours.eval()(batch), again.eval()(batch), strict=True):
            assert torch.equal(a, b)
