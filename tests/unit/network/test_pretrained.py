"""Pre-trained networks by name: the package's own, the hub's, and clear words where there is none."""

import sys

import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.core.errors import MissingExtraError, ModelFileError
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.files import read_description
from molinteract.network.pretrained import pretrained_folder, shipped
from molinteract.network.saved import save_network

TINY = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=6)


@pytest.mark.parametrize("name", shipped())
def test_shipped_network_loads_without_a_connection(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    model = InteractNN.from_pretrained(name)
    batch = random_batch(0, dtype=torch.float32)
    with torch.no_grad():
        vectors = model.readout(batch, model.encode(batch))
    assert vectors.shape == (3, 2 * model.config.ns)
    assert torch.isfinite(vectors).all()
    assert not model.training


@pytest.mark.parametrize("name", shipped())
def test_shipped_network_says_what_it_was_trained_on(name):
    card = read_description(pretrained_folder(name))["card"]
    assert card["data"]["licence"]
    assert card["data"]["training_compounds"] > 0
    assert {"ev", "rmse", "rmse_zero", "ev_rigid", "ev_rigid_null"} <= set(card["validation"])
    assert (pretrained_folder(name) / "README.md").is_file()


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelFileError, match="no pre-trained network 'medium'"):
        InteractNN.from_pretrained("medium")


def test_hub_is_asked_for_the_two_files_and_the_card(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    model = InteractNN(TINY)
    save_network(tmp_path, model)
    asked = {}

    def download(name, *, allow_patterns):
        asked[name] = allow_patterns
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    loaded = InteractNN.from_pretrained("someone/contacts")
    assert asked == {"someone/contacts": ["config.json", "weights.safetensors", "README.md"]}
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_hub_that_cannot_be_reached_is_said_in_words(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    errors = pytest.importorskip("huggingface_hub.errors")

    def fails(name, **_):
        raise errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", fails)
    with pytest.raises(ModelFileError, match=r"someone/contacts: cannot be fetched from the hub"):
        InteractNN.from_pretrained("someone/contacts")


def test_name_that_no_repository_can_have_is_said_in_words():
    pytest.importorskip("huggingface_hub")
    with pytest.raises(ModelFileError, match="no name of a repository"):
        InteractNN.from_pretrained("a/b/c")


def test_hub_without_its_client_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"molinteract\[hub\]"):
        InteractNN.from_pretrained("someone/contacts")
