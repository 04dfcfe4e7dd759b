"""The affinity model in the package: whole, described, small, and used by ``predict`` without a name."""

import json

import numpy as np
import pytest
from tests.oracles.made_up_complexes import write_pair

from molinteract.affinity.model import load_model, shipped_models
from molinteract.app.cli.main import run
from molinteract.core.errors import ModelFileError


def test_model_is_used_by_default_and_gives_the_same_as_by_its_name(tmp_path, capsys):
    protein, ligand = write_pair(tmp_path, "x", residues=6, atoms="CCOCCN", jitter=0.1)
    found = []
    for words in ([], ["-m", "affinity"]):
        assert run(["predict", str(protein), str(ligand), *words, "--json", "--quiet"]) == 0
        found.append(json.loads(capsys.readouterr().out)["predictions"])
    assert found[0] == found[1]
    assert 0.0 <= found[0][0]["pk"] <= 15.0
    # six glycines are no pocket
    assert "far_from_training" in found[0][0]["flags"]


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_card_says_what_it_is_worth_and_whose_data_it_holds(name):
    folder = shipped_models()[name]
    card = load_model(name).card
    assert {"data", "licence", "good_for", "bad_for", "test", "cross_validated", "n_train"} <= set(card)
    own, mean = (card["cross_validated"][key]["rmse"] for key in ("this model", "constant mean"))
    assert own < mean
    text = (folder / "README.md").read_text(encoding="utf-8")
    for value in (own, mean, card["test"]["rmse"]):
        assert f"{value:.3f}" in text
    assert sum(file.stat().st_size for file in folder.iterdir()) < 7_000_000


def test_weights_are_finite_and_the_domain_is_that_of_the_training_set():
    model = load_model("affinity")
    assert len(model.vectors) == model.card["n_train"]
    assert all(np.isfinite(p.detach().numpy()).all() for network in model.networks for p in network.parameters())


def test_unknown_name_lists_the_models_of_the_package():
    with pytest.raises(ModelFileError, match="affinity"):
        load_model("affinities")
