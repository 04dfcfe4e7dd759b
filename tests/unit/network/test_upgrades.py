"""Networks saved by every format so far load and compute what they computed when they were saved."""

import json
from pathlib import Path

import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.network.saved import FORMAT, load_network, read_description
from molinteract.network.upgrades import STEPS, upgraded

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
    assert sorted(STEPS) == list(range(1, FORMAT))


def test_steps_are_taken_in_order():
    def renamed(description, tensors):
        return description, {"new" if name == "old" else name: tensor for name, tensor in tensors.items()}

    def doubled(description, tensors):
        return description | {"note": 1}, {name: 2 * tensor for name, tensor in tensors.items()}

    steps = {1: renamed, 2: doubled}
    description, tensors = upgraded({"format": 1}, {"old": torch.ones(1)}, to=3, steps=steps)
    assert description == {"format": 3, "note": 1}
    assert tensors == {"new": torch.tensor([2.0])}
    assert upgraded({"format": 3}, {}, to=3, steps=steps) == ({"format": 3}, {})
    with pytest.raises(KeyError):
        upgraded({"format": 0}, {}, to=3, steps=steps)
