"""Experiments: every arm on the same test complexes, never on its own training complexes."""

import importlib
import json
import sys

import numpy as np
import pytest
from tests.oracles.made_up_complexes import write_pair

from molinteract.affinity import forest, metrics
from molinteract.affinity.controls import CONTROLS
from molinteract.affinity.experiments import add_controls, add_network, add_sensitivity, fold_splits, start_experiment
from molinteract.affinity.items import load_complexes
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.splits import PARTS
from molinteract.affinity.tables import read_table
from molinteract.network.config import NetworkConfig

RECIPE = FinetuneRecipe(
    mode="scratch", network=NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=8), hidden=(8, 4), max_epochs=2,
    edge_budget=300, seeds=2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_trees_and_resamples(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 5)
    monkeypatch.setattr(metrics, "RESAMPLES", 50)


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    rows = ["id,protein,ligand,value,cluster"]
    for k in range(36):
        write_pair(folder, f"c{k}", atoms="CNO"[k % 3] * (3 + k % 4), jitter=0.2)
        rows.append(f"c{k},c{k}_pocket.pdb,c{k}_ligand.sdf,{5 + k % 3},t{k % 12}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    return read_table(folder / "set.csv")


@pytest.fixture(scope="module")
def loaded(items):
    return load_complexes(items)


def of(loaded, folds=3):
    clusters = [item.labels["cluster"] for item in loaded.items]
    fold = {item.id: int(item.labels["cluster"][1:]) % folds for item in loaded.items}
    return fold_splits(loaded, fold, clusters), clusters


def test_every_complex_is_tested_once_and_no_cluster_is_on_two_sides(loaded):
    splits, clusters = of(loaded)
    cluster_of = dict(zip((i.id for i in loaded.items), clusters, strict=True))
    assert sorted(i for split in splits for i in split.test) == sorted(cluster_of)
    for split in splits:
        sides = [{cluster_of[i] for i in split.part(part)} for part in PARTS]
        assert sum(map(len, sides)) == len(set().union(*sides)) == 12
        assert split.val


@pytest.mark.slow
def test_arms_are_scored_on_the_same_complexes(loaded, items, tmp_path):
    splits, clusters = of(loaded)
    experiment = start_experiment(loaded, splits, clusters)
    add_controls(experiment, load_complexes(items, ComplexSettings(pocket=10.0)), splits)
    lines = []
    add_network(experiment, "net", loaded, splits, tmp_path / "net", recipe=RECIPE, progress=lines.append)
    add_sensitivity(experiment, "net", loaded, splits, tmp_path / "net", shifts=(2.0,))
    rows = experiment.rows()
    assert [row["arm"] for row in rows] == [
        *(c.name for c in CONTROLS), "net", "net: contacts removed", "net: pose turned, moved 2 Å",
    ]  # fmt: skip
    assert {row["n"] for row in rows} == {36}
    assert (rows[-3]["seeds"], len(lines)) == (2, 3)
    assert experiment.difference("net", "net") == (0.0, 0.0, 0.0)
    # the constant mean of each fold is that of all that is not tested
    values = {item.id: item.affinity.pk for item in loaded.items}
    expected = [np.mean([values[i] for i in (*s.train, *s.val)]) for s in splits for _ in s.test]
    assert experiment.arm("constant mean").predicted[0] == pytest.approx(expected)
    again = start_experiment(loaded, splits, clusters)
    add_network(again, "net", loaded, splits, tmp_path / "net", recipe=RECIPE)
    assert np.array_equal(again.arm("net").predicted, experiment.arm("net").predicted)


@pytest.mark.slow
def test_table_2_from_a_pdbbind_folder(tmp_path, monkeypatch, capsys):
    lines = []
    for k in range(30):
        code = f"{k // 10 + 1}ab{k % 10}"
        write_pair(tmp_path / "set" / code, code, atoms="CNO"[k % 3] * (3 + k % 4), jitter=0.2)
        lines.append(f"{code}  2.00  {2000 + k}  {5 + k % 3}.00  Kd={10 ** (4 - k % 3)}nM  // x.pdf (LIG)")
    (tmp_path / "set" / "INDEX_refined_data.2020").write_text("\n".join(lines))
    codes = [line[:4] for line in lines]
    split = {"train": codes[:14], "val": codes[14:20], "test": [*codes[20:], "9zzz"]}
    (tmp_path / "list.json").write_text(json.dumps(split))
    sets = ["network={ns=4, nv=2, n_layers=2, psi_hidden=8}", "hidden=[8, 4]", "max_epochs=1"]
    words = [word for setting in sets for word in ("--set", setting)]
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys,
        "argv",
        ["table2", str(tmp_path / "set"), "-o", str(out), "--split", f"60={tmp_path / 'list.json'}", *words],
    )
    assert importlib.import_module("tools.table2").main() == 0
    printed = capsys.readouterr().out
    assert "10 test complexes evaluated of 11" in printed
    assert "(14/6/11: no published LBA list has these sizes)" in printed
    rows = json.loads((out / "60.json").read_text())["rows"]
    assert [row["arm"] for row in rows][-1] == "InteractNN, from scratch"
