"""Support vectors on sums over the atoms near the other side: as scikit-learn's, saved, and used by all that predicts."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from tests.oracles.made_up_complexes import write_set

from molinteract.affinity.contacts import contact_counts
from molinteract.affinity.finetune import finetune
from molinteract.affinity.forest import fit_forest
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.items import load_complexes
from molinteract.affinity.model import AffinityNetwork, load_model
from molinteract.affinity.near import near_counts
from molinteract.affinity.predict import complex_values, predict_complexes
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.splits import make_split
from molinteract.affinity.support import SupportVectors, fit_support_vectors
from molinteract.affinity.tables import read_table
from molinteract.batches.collate import collate
from molinteract.core.errors import ConfigError
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

RECIPE = FinetuneRecipe(
    mode="frozen", readout="near", head="support_vectors", beside="none", complexes={"pocket": 10.0}, edge_budget=300
)
SPLIT = make_split(
    {p: [f"c{k}" for k in range(a, b)] for p, a, b in (("train", 0, 16), ("val", 16, 20), ("test", 20, 24))}, name="x"
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    table = write_set(tmp_path_factory.mktemp("set"), [5 + k % 3 for k in range(24)], residues=6)
    return load_complexes(read_table(table), RECIPE.complexes)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(1)
    return InteractNN(NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=8)).eval()


def trained(loaded, encoder, out, **changes):
    result = finetune(loaded, SPLIT, out, recipe=RECIPE.model_copy(update=changes), encoder=encoder)
    return result, load_model(out)


def vectors_of(model, loaded):
    batch = collate(GraphSet([graph_of(c) for c in loaded.complexes]).cut(np.arange(24)), np.arange(24))
    with torch.no_grad():
        return model.networks[0].vectors(batch).double().numpy()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(3, 40), st.integers(1, 8))
def test_support_vectors_predict_what_scikit_learn_does(seed, n, width):
    rng = np.random.default_rng(seed)
    x, new = rng.normal(0, 1, (n, width)), rng.normal(0, 2, (20, width))
    y = rng.normal(6, 2, n)
    expected = SVR(C=1.0, epsilon=0.3).fit(x, y)
    found = fit_support_vectors(torch.from_numpy(x), torch.from_numpy(y))
    for features in (x, new):
        assert found(torch.from_numpy(features))[:, 0].numpy() == pytest.approx(expected.predict(features), abs=1e-6)


def test_values_that_need_no_support_vector_are_predicted(encoder):
    x = torch.eye(4)
    found = fit_support_vectors(x, torch.full((4,), 6.0))
    assert len(found.weights) == 0
    assert found(x)[:, 0].tolist() == pytest.approx([6.0] * 4)


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_near_atoms_are_those_that_brute_force_finds(loaded, seed, n):
    rng = np.random.default_rng(seed)
    graphs = [graph_of(loaded.complexes[k]) for k in rng.integers(0, 24, n)]
    graphs = [replace(g, positions=g.positions + 9 * g.molecule_index[:, None] * rng.normal(0, 1, 3)) for g in graphs]
    expected = []
    for graph in graphs:
        near = cdist(graph.positions, graph.positions) <= 10.0
        expected += (near & (graph.molecule_index[:, None] != graph.molecule_index[None])).sum(1).tolist()
    assert near_counts(collate(GraphSet(graphs).cut(np.arange(n)), np.arange(n))).tolist() == expected


def test_atoms_that_are_near_nothing_add_nothing(loaded, encoder):
    complex_ = loaded.complexes[0]
    network = AffinityNetwork(encoder, readout="near").eval()
    far = replace(complex_, ligand_positions=complex_.ligand_positions + np.array([200.0, 0, 0]))
    with torch.no_grad():
        near, none = (network.vectors(collate(graph_of(c), np.array([0]))) for c in (complex_, far))
    assert near.abs().max() > 0
    assert none.abs().max() == 0


def test_model_is_scikit_learns_on_standardised_vectors(loaded, encoder, tmp_path):
    result, model = trained(loaded, encoder, tmp_path / "run")
    x, y = vectors_of(model, loaded), np.array([item.affinity.pk for item in loaded.items])
    expected = make_pipeline(StandardScaler(), SVR(C=1.0, epsilon=0.3)).fit(x[:16], y[:16]).predict(x)
    assert complex_values(model, loaded.complexes)[0] == pytest.approx(expected, abs=1e-3)
    assert np.ptp(expected) > 0.1
    with (tmp_path / "run" / "predictions.csv").open() as file:
        assert [float(row["predicted"]) for row in csv.DictReader(file)] == pytest.approx(expected, abs=1e-3)
    error = np.sqrt(np.mean((expected[16:20] - y[16:20]) ** 2))
    assert result.members[0]["val_rmse"] == pytest.approx(error, abs=1e-3)


def test_several_seeds_see_different_complexes(loaded, encoder, tmp_path):
    _, model = trained(loaded, encoder, tmp_path / "run", seeds=3)
    assert len({tuple(network.head.vectors.flatten().tolist()) for network in model.networks}) == 3
    assert all(len(network.head.weights) <= 13 for network in model.networks)
    assert model.networks[0].encoder is model.networks[2].encoder
    assert all(p.sd > 0 for p in predict_complexes(model, loaded.complexes[20:]))


def test_resumed_run_is_the_same(loaded, encoder, tmp_path):
    first, _ = trained(loaded, encoder, tmp_path / "run", seeds=2)
    written = (tmp_path / "run" / "predictions.csv").read_text()
    again = finetune(
        loaded, SPLIT, tmp_path / "run", recipe=RECIPE.model_copy(update={"seeds": 2}), encoder=encoder, resume=True
    )
    assert again == first
    assert (tmp_path / "run" / "predictions.csv").read_text() == written


def test_refit_learns_from_the_validation_part_after_it_was_scored(loaded, encoder, tmp_path):
    changes = {"beside": "contacts"}
    plain, first = trained(loaded, encoder, tmp_path / "plain", **changes)
    refitted, second = trained(loaded, encoder, tmp_path / "refit", refit=True, **changes)
    assert refitted.scores["val"] == plain.scores["val"]
    assert refitted.members == plain.members
    assert refitted.scores["test"] != plain.scores["test"]
    assert (len(first.vectors), len(second.vectors)) == (16, 20)
    assert second.card["n_train"] == 20
    counts, values = contact_counts(loaded.complexes), np.array([item.affinity.pk for item in loaded.items])
    assert np.array_equal(second.forest.value, fit_forest(counts[:20], values[:20]).value)


def test_leaks_are_looked_for_in_all_that_was_learnt_from(loaded, encoder, tmp_path):
    parts = {part: list(SPLIT.part(part)) for part in ("train", "val", "test")}
    parts["train"].remove("c8")  # the same ligand as c20, which is tested
    parts["val"].append("c8")
    split, nearest = make_split(parts, name="x"), []
    for refit in (False, True):
        out = tmp_path / str(refit)
        finetune(loaded, split, out, recipe=RECIPE.model_copy(update={"refit": refit}), encoder=encoder)
        with (out / "leaks-test.csv").open() as file:
            nearest.append({row["id"]: row["ligand"] for row in csv.DictReader(file)}["c20"])
    assert nearest[0] != nearest[1] == "c8"


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"mode": "full"}, "read fixed vectors"),
        ({"head": "perceptron", "refit": True}, "chooses the epoch"),
        ({"graph": "no_contacts"}, "which atoms are near"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(loaded, encoder, tmp_path, update, words):
    with pytest.raises(ConfigError, match=words):
        finetune(loaded, SPLIT, tmp_path / "run", recipe=RECIPE.model_copy(update=update), encoder=encoder)
    assert not (tmp_path / "run").exists()


def test_models_of_the_format_without_support_vectors_are_read(loaded, encoder, tmp_path):
    recipe = RECIPE.model_copy(update={"head": "perceptron", "max_epochs": 2, "seeds": 2})
    finetune(loaded, SPLIT, tmp_path / "run", recipe=recipe, encoder=encoder)
    file = tmp_path / "run" / "model" / "model.json"
    description = json.loads(file.read_text())
    assert description.pop("support") == [None, None]
    expected = complex_values(load_model(tmp_path / "run"), loaded.complexes)
    file.write_text(json.dumps(description | {"format": 3}))
    old = load_model(tmp_path / "run")
    assert not any(isinstance(network.head, SupportVectors) for network in old.networks)
    assert np.array_equal(complex_values(old, loaded.complexes), expected)
