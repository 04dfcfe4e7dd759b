"""Two chains as the two molecules: protein-protein complexes through the same graphs."""

import csv
import json

import numpy as np
import pytest
from tests.oracles.made_up_complexes import glycines

from molinteract.affinity.items import load_complexes
from molinteract.affinity.tables import read_table
from molinteract.app.cli.main import run


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """16 pairs of chains; the affinity goes by the length of the second."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = ["id,protein,choice,affinity,cluster,split"]
    for k in range(16):
        rng = np.random.default_rng(k)
        count = 2 + k % 4
        first = glycines(6, shifts=rng.normal(0, 0.2, (24, 3)))
        second = glycines(count, chain="B", shifts=np.array([0, 0, 3.6]) + rng.normal(0, 0.2, (4 * count, 3)))
        (folder / f"p{k}.pdb").write_text("\n".join([*first, "TER", *second, "END", ""]))
        part = "test" if k >= 13 else "val" if k >= 10 else "train"
        rows.append(f"p{k},p{k}.pdb,*/B,Kd={10 ** (k % 4)}nM,t{k % 4},{part}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n")
    return folder / "pairs.csv"


def test_second_chain_is_the_ligand_and_the_first_the_pocket(table):
    loaded = load_complexes(read_table(table))
    assert not loaded.failures
    for k, complex_ in enumerate(loaded.complexes):
        assert len(complex_.ligand) == 4 * (2 + k % 4)
        assert {residue.chain for residue in complex_.residues} == {"A"}


def test_pairs_are_learnt_from_and_predicted_like_any_complex(table, tmp_path, capsys):
    network = "network={ns=4,nv=2,n_layers=2,psi_hidden=8}"
    settings = ["mode=scratch", network, "hidden=[8,4]", "max_epochs=3", "edge_budget=300"]
    words = [word for setting in settings for word in ("--set", setting)]
    assert run(["finetune", str(table), "-o", str(tmp_path / "run"), *words, "--quiet"]) == 0
    with (tmp_path / "run" / "predictions.csv").open() as file:
        written = {row["id"]: float(row["predicted"]) for row in csv.DictReader(file)}
    assert len(written) == 16
    capsys.readouterr()
    # one pair, its chain named on the command line, with the picture of what carries the prediction
    one = ["predict", str(table.parent / "p3.pdb"), "--ligand", "*/B", "-m", str(tmp_path / "run")]
    assert run([*one, "--explain", str(tmp_path / "why.csv"), "--json", "--quiet"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["predictions"]
    assert found["pk"] == pytest.approx(written["p3"], abs=1e-3)
    with (tmp_path / "why.csv").open() as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"residue", "contact"}
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    assert (
        run(["evaluate", str(table), "-m", str(tmp_path / "run"), "--figure", str(tmp_path / "fit.png"), "--quiet"])
        == 0
    )
    assert (tmp_path / "fit.png").is_file()
