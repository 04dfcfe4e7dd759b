"""Networks saved by every format so far load and compute what they computed when they were saved."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.core.errors import ModelFileError
from molinteract.network import upgrades
from molinteract.network.saved import FORMAT, load_network, read_description

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.mark.parametrize("version", range(1, FORMAT + 1))
def test_saved_networks_of_every_format_compute_the_same(version):
    folder = DATA / f"network_v{version}"
    assert json.loads((folder / "config.json").read_text())["format"] == version
    model = load_network(folder).double()
    expected = read_description(folder)["card"]["expected"]
    with torch.no_grad():
        displacements, vectors = model(random_batch(3, patches=2))
    for found, numbers in ((displacements[:3], expected["displacements"]), (vectors, expected["vectors"])):
        torch.testing.assert_close(found, torch.tensor(numbers, dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_there_is_a_step_from_every_earlier_format():
    assert sorted(upgrades.STEPS) == list(range(1, FORMAT))


def test_steps_are_taken_in_order(monkeypatch):
    def renamed(description, tensors):
        return description, {"new" if name == "old" else name: tensor for name, tensor in tensors.items()}

    def doubled(description, tensors):
        return description | {"note": 1}, {name: 2 * tensor for name, tensor in tensors.items()}

    monkeypatch.setattr(upgrades, "STEPS", {1: renamed, 2: doubled})
    description, tensors = upgrades.upgraded({"format": 1}, {"old": torch.ones(1)})
    assert description == {"format": 3, "note": 1}
    assert tensors == {"new": torch.tensor([2.0])}
    assert upgrades.upgraded({"format": 3}, {}) == ({"format": 3}, {})


def test_loading_takes_the_steps(tmp_path, monkeypatch):
    shutil.copytree(DATA / "network_v1", tmp_path / "old")
    description = json.loads((DATA / "network_v1" / "config.json").read_text())
    description |= {"format": 0, "convention": "older", "sizes": description.pop("network")}
    (tmp_path / "old" / "config.json").write_text(json.dumps(description))
    with pytest.raises(ModelFileError, match="this program reads"):
        load_network(tmp_path / "old")

    def to_first(old, tensors):
        return {"network": old["sizes"]}, {name: tensor + 1 for name, tensor in tensors.items()}

    monkeypatch.setattr(upgrades, "STEPS", {0: to_first})
    loaded, present = load_network(tmp_path / "old").state_dict(), load_network(DATA / "network_v1").state_dict()
    assert all(torch.equal(loaded[name], tensor + 1) for name, tensor in present.items())
