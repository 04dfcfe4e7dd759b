"""A forest on counts of contacts beside the networks: the same as scikit-learn's, saved, and honoured by all that predicts."""

import csv
import json
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.made_up_complexes import write_set

from molinteract.affinity import forest as forest_module
from molinteract.affinity.ablations import displaced, graph_kind
from molinteract.affinity.contacts import contact_counts
from molinteract.affinity.contributions import contributions
from molinteract.affinity.finetune import finetune
from molinteract.affinity.forest import averaged, fit_forest, regressor
from molinteract.affinity.items import load_complexes
from molinteract.affinity.model import FORMAT, load_model
from molinteract.affinity.predict import (
    complex_values,
    model_counts,
    model_graph,
    predict_complexes,
    predict_graphs,
    predict_items,
    predict_poses,
)
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.sensitivity import spoilt_predictions
from molinteract.affinity.splits import make_split
from molinteract.affinity.tables import read_table
from molinteract.core.errors import ConfigError, ModelFileError
from molinteract.network.config import NetworkConfig

RECIPE = FinetuneRecipe(
    mode="scratch", network=NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=8), hidden=(8, 4), max_epochs=2,
    edge_budget=300, seeds=2,
)  # fmt: skip
SPLIT = make_split(
    {p: [f"c{k}" for k in range(a, b)] for p, a, b in (("train", 0, 16), ("val", 16, 20), ("test", 20, 24))}, name="x"
)


@pytest.fixture(scope="module")
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest_module, "TREES", 20)
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), [5 + 0.5 * k % 3 for k in range(24)], residues=5)


@pytest.fixture(scope="module")
def loaded(table):
    return load_complexes(read_table(table))


@pytest.fixture(scope="module")
def run(few_trees, loaded, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    finetune(loaded, SPLIT, out, recipe=RECIPE)
    return out


@pytest.fixture(scope="module")
def model(run):
    return load_model(run)


@pytest.fixture(scope="module")
def alone(model):
    return replace(model, forest=None)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 6))
def test_forest_predicts_what_scikit_learn_does(few_trees, seed, n, width):
    rng = np.random.default_rng(seed)
    x, new = rng.poisson(40, (n, width)).astype(float), rng.poisson(50, (30, width)).astype(float)
    y = rng.normal(6, 2, n)
    found = fit_forest(x, y, seed=seed)
    expected = regressor(seed).fit(x, y)
    for features in (x, new, x + rng.normal(0, 1, x.shape)):
        assert np.abs(found.predict(features) - expected.predict(features)).max() < 1e-12
    assert found.predict(new[:0]).shape == (0,)


def test_forest_survives_the_file(run, model, loaded):
    counts = contact_counts(loaded.complexes)
    values = np.array([item.affinity.pk for item in loaded.items])
    # of the training part alone: what validates is not learnt from
    expected = fit_forest(counts[:16], values[:16])
    for field in fields(expected):
        before, after = getattr(expected, field.name), getattr(model.forest, field.name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)


def test_prediction_is_the_mean_of_networks_and_forest(model, alone, loaded, run):
    both, single = complex_values(model, loaded.complexes), complex_values(alone, loaded.complexes)
    forest = model.forest.predict(contact_counts(loaded.complexes))
    assert both == pytest.approx(0.5 * (single + forest))
    assert np.ptp(forest) > 0.1
    predictions = predict_complexes(model, loaded.complexes)
    assert [p.pk for p in predictions] == pytest.approx(both.mean(0))
    # the forest is the same for every member
    assert [p.sd for p in predictions] == pytest.approx(0.5 * single.std(0))
    with (run / "predictions.csv").open() as file:
        written = [float(row["predicted"]) for row in csv.DictReader(file)]
    assert written == pytest.approx(both.mean(0), abs=2e-4)


def test_every_kind_of_input_has_the_forest(model, table, loaded):
    expected = complex_values(model, loaded.complexes).mean(0)
    assert [p.pk for p in predict_items(model, read_table(table))] == pytest.approx(expected, abs=1e-4)
    folder = table.parent
    (pose,) = predict_poses(model, folder / "c3_pocket.pdb", folder / "c3_ligand.sdf")
    assert pose.pk == pytest.approx(expected[3], abs=1e-4)


def test_prediction_needs_no_scikit_learn(model, loaded, monkeypatch):
    expected = complex_values(model, loaded.complexes)
    for name in [name for name in sys.modules if name.split(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError):
        regressor(0)
    assert np.array_equal(complex_values(model, loaded.complexes), expected)


def test_spoilt_complexes_are_spoilt_for_the_forest_too(model, alone, loaded):
    found = spoilt_predictions(model, loaded.complexes, shifts=(3.0,))
    networks = spoilt_predictions(alone, loaded.complexes, shifts=(3.0,))
    moved = [displaced(c, 3.0, seed=k) for k, c in enumerate(loaded.complexes)]
    counts = {
        "true pose": contact_counts(loaded.complexes),
        "contacts removed": np.zeros((24, 36)),
        "pose turned, moved 3 Å": contact_counts(moved),
    }
    assert list(found) == list(counts)
    for name, own in counts.items():
        assert found[name] == pytest.approx(0.5 * (networks[name] + model.forest.predict(own)))


def test_contribution_of_a_residue_takes_its_pairs_from_the_counts(model, loaded):
    complex_ = loaded.complexes[7]
    rows = {(r.kind, r.residue): r for r in contributions(model, complex_)}
    around = complex_.around
    assert around.residues
    for k, residue in enumerate((*complex_.residues, *around.residues)):
        inside, outside = complex_.residue_index != k, around.residue_index != k - len(complex_.residues)
        without = replace(
            complex_, pocket=complex_.pocket[inside], pocket_positions=complex_.pocket_positions[inside],
            around=replace(around, atomic_numbers=around.atomic_numbers[outside], positions=around.positions[outside]),
        )  # fmt: skip
        values = complex_values(model, [complex_, without]).mean(0)
        assert rows["residue", str(residue)].delta == pytest.approx(values[0] - values[1], abs=1e-4)


def test_contribution_of_a_contact_takes_its_edges_from_the_counts(model, alone, loaded, monkeypatch):
    complex_ = loaded.complexes[7]
    seen = []
    monkeypatch.setattr(
        "molinteract.affinity.contributions.predict_graphs",
        lambda model, graphs, counts=None: seen.append((graphs, counts)) or predict_graphs(model, graphs, counts),
    )
    contributions(model, complex_)
    ((graphs, counts),) = seen
    assert len(graphs) == len(counts)
    contacts = range(1 + len(complex_.residues), len(graphs) - len(complex_.around.residues))
    assert len(contacts) > 0
    for k in contacts:
        removed = len(graphs[0].inter_edges) - len(graphs[k].inter_edges)
        assert (counts[0] - counts[k]).sum() == removed > 0
    # without a forest nothing around the pocket is asked about
    assert all(r.residue in map(str, complex_.residues) for r in contributions(alone, complex_))


@pytest.mark.parametrize("kind", ["no_contacts", "ligand_only", "pocket_only"])
def test_forest_beside_a_graph_that_hides_contacts_is_refused(kind, loaded, tmp_path):
    with pytest.raises(ConfigError, match="hides"):
        finetune(loaded, SPLIT, tmp_path / "run", recipe=RECIPE.model_copy(update={"graph": kind}))
    assert not (tmp_path / "run").exists()


def test_graphs_without_counts_are_refused(model, loaded):
    graphs = [graph_kind(model_graph(model, c), "no_contacts") for c in loaded.complexes[:1]]
    with pytest.raises(ConfigError, match="reads counts"):
        predict_graphs(model, graphs)


def test_without_a_forest_nothing_is_counted_or_changed(alone, loaded):
    values = np.ones((2, 3))
    assert averaged(values, None, None) is values
    assert model_counts(alone, loaded.complexes) is None


def copy_of(run, folder, **changes):
    folder.mkdir()
    for file in (run / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    description = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(description))
    return description


def test_damaged_forest_is_named(run, tmp_path):
    copy_of(run, tmp_path / "model")
    file = tmp_path / "model" / "forest.safetensors"
    file.write_bytes(file.read_bytes()[:-8] + bytes(8))
    with pytest.raises(ModelFileError, match=r"forest\.safetensors"):
        load_model(tmp_path)


def test_models_of_the_format_without_a_forest_are_read_and_others_are_not(run, model, tmp_path):
    description = copy_of(run, tmp_path / "model", format=2)
    sums = {name: digest for name, digest in description["sha256"].items() if name != "forest.safetensors"}
    (tmp_path / "model" / "model.json").write_text(json.dumps(description | {"sha256": sums}))
    old = load_model(tmp_path)
    assert old.forest is None
    assert all(
        torch.equal(a, b) for a, b in zip(old.networks[1].parameters(), model.networks[1].parameters(), strict=True)
    )
    for number in (1, FORMAT + 1):
        copy_of(run, tmp_path / str(number), format=number)
        with pytest.raises(ModelFileError, match="another format"):
            load_model(tmp_path / str(number))
