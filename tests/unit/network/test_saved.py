import json

import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.core.errors import ConfigError, ModelFileError
from molinteract.network.config import NetworkConfig, preset
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import load_network, read_description, save_network

CONFIG = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=6)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    model = InteractNN(CONFIG)
    model(random_batch(0, dtype=torch.float32))  # moves the running statistics
    save_network(tmp_path / "net", model, card={"trained": "never"})
    return tmp_path / "net", model.eval()


def test_round_trip_is_exact(folder):
    path, model = folder
    again = load_network(path)
    batch = random_batch(1, dtype=torch.float32)
    with torch.no_grad():
        for a, b in zip(model(batch), again(batch), strict=True):
            assert torch.equal(a, b)
    assert read_description(path)["card"] == {"trained": "never"}
    assert not again.training


def test_missing_network_is_named(tmp_path):
    with pytest.raises(ModelFileError, match="no saved network there"):
        load_network(tmp_path)


def test_damaged_weights_are_refused(folder):
    path, _ = folder
    weights = path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\0" * 8)
    with pytest.raises(ModelFileError, match="checksum"):
        load_network(path)
    weights.unlink()
    with pytest.raises(ModelFileError, match="weights are missing"):
        load_network(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("format", 99, "this program reads"), ("convention", "other", "this program reads")],
)
def test_other_formats_are_refused(folder, key, value, message):
    path, _ = folder
    description = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(description | {key: value}))
    with pytest.raises(ModelFileError, match=message):
        load_network(path)


def test_configuration_that_does_not_fit_is_refused(folder):
    path, _ = folder
    description = json.loads((path / "config.json").read_text())
    description["network"]["ns"] = 5
    (path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ModelFileError, match="do not fit"):
        load_network(path)
    (path / "config.json").write_text("{")
    with pytest.raises(ModelFileError, match="damaged"):
        load_network(path)


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ConfigError, match="tiny, small, paper"):
        preset("huge")


def test_weights_of_every_preset_have_the_e3nn_count():
    full = InteractNN(preset("paper")).layers[-1].convolutions["inter"].spec
    assert full.weight_numel == 5632
    assert sorted(full.from_e3nn().tolist()) == list(range(5632))
