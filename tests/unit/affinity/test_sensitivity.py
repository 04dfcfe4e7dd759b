"""Complexes spoilt on purpose: what a model makes of them."""

import numpy as np
import pytest
import torch
from tests.oracles.made_up_complexes import write_pair

from molinteract.affinity.audit import audit_sensitivity
from molinteract.affinity.items import load_complexes
from molinteract.affinity.model import AffinityModel, AffinityNetwork
from molinteract.affinity.sensitivity import TRUE_POSE, sensitivity, sensitivity_text, spoilt_predictions
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.tables import read_table
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    rows = ["id,protein,ligand,value,cluster"]
    for k in range(12):
        write_pair(folder, f"c{k}", atoms="CNO"[k % 3] * (3 + k % 4), jitter=0.2)
        rows.append(f"c{k},c{k}_pocket.pdb,c{k}_ligand.sdf,{5 + k % 3},t{k % 4}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    return load_complexes(read_table(folder / "set.csv"))


def untrained(graph="complex", *, messages=True):
    torch.manual_seed(0)
    config = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=8, intermolecular_messages=messages)
    network = AffinityNetwork(InteractNN(config), (8, 4)).eval()
    with torch.no_grad():
        network.value.copy_(torch.tensor([7.0, 1.0]))
    card = {"recipe": {"graph": graph}, "ligand_atoms": [1, 99], "elements": [6, 7, 8]}
    return AffinityModel((network,), ComplexSettings(), card, torch.zeros(2, 16))


def test_model_that_sees_contacts_changes_without_them(loaded):
    found = spoilt_predictions(untrained(), loaded.complexes, shifts=(2.0,))
    assert list(found) == [TRUE_POSE, "contacts removed", "pose turned, moved 2 Å"]
    assert all(values.shape == (1, 12) for values in found.values())
    for name in list(found)[1:]:
        assert np.abs(found[name] - found[TRUE_POSE]).max() > 1e-3


@pytest.mark.parametrize("model", [untrained(messages=False), untrained("ligand_only"), untrained("no_contacts")])
def test_model_that_sees_no_contacts_does_not(model, loaded):
    rows = sensitivity(model, loaded, shifts=(1.0,))
    assert [row.change for row in rows] == pytest.approx([0.0] * 3, abs=1e-4)


def test_spoilt_complexes_are_scored_with_paired_intervals_over_targets(loaded):
    rows = audit_sensitivity(untrained(), loaded)
    assert [row.scores.n for row in rows] == [12] * 5
    assert rows[0].difference == (0.0, 0.0, 0.0)
    assert rows[0].change == 0.0
    for row in rows[1:]:
        d, low, high = row.difference
        assert low <= d <= high
        assert d == pytest.approx(row.scores.rmse - rows[0].scores.rmse)
    assert sensitivity_text(rows).count("\n") == 5
