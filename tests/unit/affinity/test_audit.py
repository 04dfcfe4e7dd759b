"""The audit of predictions, and the four verbs end to end."""

import csv
import json

import numpy as np
import pytest
from tests.oracles.made_up_complexes import chain_ligand, pdb_line, sdf, write_pair

from molinteract.affinity import forest, metrics
from molinteract.affinity.audit import audit, load_for_audit, read_scores
from molinteract.app.cli.main import run
from molinteract.core.errors import ConfigError, SourceError

TINY = [
    "mode=scratch", "network={ns=4, nv=2, n_layers=2, psi_hidden=8}", "hidden=[8, 4]", "max_epochs=2", "edge_budget=300",
]  # fmt: skip


@pytest.fixture(autouse=True)
def few_trees_and_resamples(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 5)
    monkeypatch.setattr(metrics, "RESAMPLES", 100)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    rows = ["id,protein,ligand,value,cluster,split,series"]
    rng = np.random.default_rng(0)
    for k in range(40):
        atoms = "".join(rng.choice(list("CNO"), 3 + k % 5))
        write_pair(folder, f"c{k}", atoms=atoms, jitter=0.2)
        part = "train" if k < 20 else "val" if k < 28 else "test"
        value = round(6 + rng.normal(), 2)
        rows.append(f"c{k},c{k}_pocket.pdb,c{k}_ligand.sdf,{value},t{k % 8},{part},s{k % 2}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    return folder / "set.csv"


def values(table):
    with table.open() as file:
        return {row["id"]: float(row["value"]) for row in csv.DictReader(file)}


def write_scores(path, scores):
    path.write_text("id,predicted\n" + "".join(f"{i},{v}\n" for i, v in scores.items()))
    return path


def test_good_predictions_beat_every_null_and_constant_ones_none(table):
    test, train = load_for_audit(table)
    assert train is None
    truth = values(table)
    rng = np.random.default_rng(1)
    good = audit({i: v + rng.normal(0, 0.1) for i, v in truth.items()}, test)
    assert all(null.difference[2] < 0 for null in good.nulls)
    assert good.tau > 0.8
    assert [s.series for s in good.series] == ["s0", "s1"]
    constant = audit(dict.fromkeys(truth, 20.0), test)
    assert all(null.difference[1] > 0 for null in constant.nulls)
    assert "worse" in constant.text()


def test_nulls_of_a_part_are_fitted_on_train_and_leaks_are_binned(table):
    test, train = load_for_audit(table, part="test")
    assert (len(test), len(train)) == (12, 20)
    found = audit(values(table), test, train=train)
    assert found.nulls_fitted_on == "20 training complexes"
    mean = next(n for n in found.nulls if n.name == "constant mean")
    known = np.array([i.affinity.pk for i in train.items])
    measured = np.array([i.affinity.pk for i in test.items])
    assert mean.scores.rmse == pytest.approx(np.sqrt(np.mean((measured - known.mean()) ** 2)))
    assert sum(s.n for s in found.bins.values()) == 12
    assert len(found.leaks) == 12


def test_predictions_that_are_missing_show_in_the_count(table):
    test, _ = load_for_audit(table)
    some = dict(list(values(table).items())[:15])
    assert (audit(some, test).scores.n, audit(some, test).scores.n_asked) == (15, 40)
    with pytest.raises(ConfigError, match="3 complexes have both"):
        audit(dict(list(some.items())[:3]), test)


@pytest.mark.parametrize(
    ("text", "words"),
    [("id,predicted\na,1\na,2\n", "twice"), ("id,predicted\na,x\n", "no number"), ("name,value\na,1\n", "no columns")],
)
def test_scores_that_cannot_be_read(tmp_path, text, words):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(SourceError, match=words):
        read_scores(tmp_path / "x.csv")


def test_four_verbs_from_complexes_to_an_audit(table, tmp_path, capsys):
    sets = [word for setting in TINY for word in ("--set", setting)]
    assert run(["finetune", str(table), "-o", str(tmp_path / "run"), *sets, "--quiet", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["scores"]["test"]["n"], result["scores"]["test"]["n_clusters"]) == (12, 8)

    (tmp_path / "poses.sdf").write_text("".join(sdf(*chain_ligand((0, 0, z)), title=str(z)) for z in (3.5, 90.0)))
    protein = table.parent / "c0_pocket.pdb"
    explained = tmp_path / "why.csv"
    words = [str(protein), str(tmp_path / "poses.sdf"), "-m", str(tmp_path / "run"), "--explain", str(explained)]
    assert run(["predict", *words]) == 1
    assert "1 predicted of 2" in (out := capsys.readouterr().out)
    assert "ligand_far" in out
    assert explained.read_text().startswith("kind,residue,ligand_atom,distance,delta")

    scores = tmp_path / "scores.csv"
    assert run(["evaluate", str(table), "-m", str(tmp_path / "run"), "--part", "test", "--csv", str(scores)]) == 0
    assert "12 evaluated of 12" in capsys.readouterr().out
    assert run(["audit", str(scores), str(table), "--part", "test", "--leaks", str(tmp_path / "l.csv")]) in (0, 1)
    assert "additive null" in capsys.readouterr().out
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 13


def test_ligand_of_a_complex_is_chosen_on_the_command_line(table, tmp_path, capsys):
    sets = [word for setting in TINY for word in ("--set", setting)]
    run(["finetune", str(table), "-o", str(tmp_path / "run"), *sets, "--quiet"])
    text = (table.parent / "c0_pocket.pdb").read_text().replace("END\n", "")
    atoms = "".join(
        pdb_line(90 + k, f"C{k}", "LIG", "L", n, (1.5 * k, 0, z), "C", record="HETATM") + "\n"
        for n, z in ((1, 3.5), (2, 60.0))
        for k in range(3)
    )
    (tmp_path / "both.pdb").write_text(text + atoms + "END\n")
    capsys.readouterr()
    assert run(["predict", str(tmp_path / "both.pdb"), "-m", str(tmp_path / "run")]) == 1
    assert "LIG/L/1, LIG/L/2" in capsys.readouterr().out
    assert run(["predict", str(tmp_path / "both.pdb"), "-m", str(tmp_path / "run"), "--ligand", "LIG/L/1"]) == 0
    assert "1 predicted of 1" in capsys.readouterr().out
