"""The whole chain on a few crystals of our own: build, stats, inspect, pretrain, embed, probe, by the command line."""

import json

import numpy as np
import pytest

from molinteract.app import demo
from molinteract.app.cli.main import run
from molinteract.app.health import FORMIC_ACID

CELL = "_cell_length_{axis} {length}"


def crystal(name: str, scale: float, *, extra: str = "") -> str:
    text = FORMIC_ACID.decode().replace("data_formic_acid", f"data_{name}")
    return text.replace("10.241", f"{10.241 * scale:.4f}") + extra


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    cifs = folder / "cifs"
    cifs.mkdir()
    (cifs / "good.cif").write_text(crystal("one", 1.0) + crystal("two", 1.004))
    (cifs / "bad.cif").write_text("this is no CIF at all")
    (cifs / "metal.cif").write_text(crystal("m", 1.0).replace("O2 O 0.0850", "Fe1 Fe 0.0850"))
    assert run(["build", str(cifs), "-o", str(folder / "db"), "--quiet"]) == 0
    return folder / "db"


def output(capsys, words):
    code = run([str(word) for word in words])
    return code, capsys.readouterr()


def test_stats_counts_what_was_built(store, capsys):
    code, printed = output(capsys, ["stats", store, "--json", "--verify"])
    counts = json.loads(printed.out)
    assert code == 0
    assert counts["table_1"]["entries"] == 2
    assert counts["rejects"] == {"parse_error": 1, "metal": 1}
    assert counts["labels"].get("hydrogen_bond", 0) > 0
    assert sum(counts["labels"].values()) == counts["table_1"]["patches"]
    assert counts["damaged"] == []


def test_stats_prints_the_papers_table_beside(store, capsys):
    code, printed = output(capsys, ["stats", store])
    assert code == 0
    assert "67.8 ± 24.3" in printed.out
    assert "an element outside the organic set" in printed.out


def test_build_refuses_to_overwrite_and_resumes(store, capsys):
    cifs = store.parent / "cifs"
    code, printed = output(capsys, ["build", cifs, "-o", store, "--quiet"])
    assert code == 2
    assert "--resume" in printed.err
    before = (store / "manifest.json").read_text()
    code, printed = output(capsys, ["build", cifs, "-o", store, "--quiet", "--resume", "--json"])
    assert code == 0
    assert json.loads(printed.out)["reused_shards"] == 1
    after = json.loads((store / "manifest.json").read_text())
    times = {"written": 0, "seal": 0}
    assert after | times == json.loads(before) | times


def test_build_dry_run_writes_nothing(store, capsys, tmp_path):
    code, printed = output(capsys, ["build", store.parent / "cifs", "-o", tmp_path / "none", "--dry-run"])
    assert code == 0
    assert "3 files" in printed.out
    assert not (tmp_path / "none").exists()


def test_inspect_lists_contacts_with_symmetry_and_multiplicity(store, capsys):
    code, printed = output(capsys, ["inspect", f"{store.parent}/cifs/good.cif#one", "--json"])
    (entry,) = json.loads(printed.out)["entries"]
    assert code == 0
    assert entry["z"] == 4
    assert entry["molecules"][0]["smiles"] == "O=CO"
    multiplicities = [contact["multiplicity"] for contact in entry["contacts"]]
    assert sum(multiplicities) == entry["neighbours"]
    bonded = [c for c in entry["contacts"] if c["hydrogen_bond"]]
    assert bonded
    assert all(c["distance"] <= 4.0 for c in entry["contacts"])


def test_inspect_text_names_what_a_crystallographer_checks(store, capsys):
    code, printed = output(capsys, ["inspect", f"{store.parent}/cifs/good.cif#one"])
    assert code == 0
    for word in ("cell", "space group", "Z′ 1", "CH2O2", "O=CO", "neighbours in", "contact orbits", "hydrogen bond"):
        assert word in printed.out


def test_inspect_says_why_an_entry_is_rejected(store, capsys):
    code, printed = output(capsys, ["inspect", f"{store.parent}/cifs/metal.cif"])
    assert code == 1
    assert "metal: contains Fe" in printed.out


def test_missing_source_is_wrong_input(capsys, tmp_path):
    code, printed = output(capsys, ["build", tmp_path / "nowhere", "-o", tmp_path / "db"])
    assert code == 2
    assert "no such file or folder" in printed.err


def test_unknown_setting_is_wrong_input(capsys, tmp_path, store):
    code, printed = output(capsys, ["build", store.parent / "cifs", "-o", tmp_path / "d", "--set", "patches.radus=7"])
    assert code == 2
    assert "did you mean 'radius'" in printed.err


def test_training_without_validation_compounds_is_explained(store, capsys, tmp_path):
    code, printed = output(capsys, ["pretrain", store, "-o", tmp_path / "run", "--quiet"])
    assert code == 2
    assert "split has no patch" in printed.err


def test_copies_of_a_patch_are_displaced_and_reproducible(store, tmp_path, capsys):
    from molinteract.network.config import preset
    from molinteract.network.encoder import InteractNN
    from molinteract.network.saved import save_network

    save_network(tmp_path / "net", InteractNN(preset("tiny")))
    words = ["embed", store, "-m", tmp_path / "net", "--nodes", "50", "--quiet", "--json"]
    found = []
    for name in ("a", "b"):
        code, printed = output(capsys, [*words, "-o", tmp_path / name, "--copies", "2", "--displacement", "0.3"])
        assert code == 0
        found.append(np.load(tmp_path / name / "patches.npy"))
    half = json.loads(printed.out)["patches"] // 2
    np.testing.assert_array_equal(found[0], found[1])
    assert len(found[0]) == 2 * half
    assert (np.abs(found[0][:half] - found[0][half:]).max(1) > 1e-4).all()
    code, printed = output(capsys, [*words, "-o", tmp_path / "c", "--copies", "2"])
    assert code == 2
    assert "displacement" in printed.err


@pytest.mark.sample
@pytest.mark.slow
def test_demo_on_the_sample(sample, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_SAMPLE", str(sample))
    # by steps, not by the clock: what is learnt must not depend on what else the machine does
    recipe = demo.demo_recipe(1.0).model_copy(update={"max_minutes": None, "max_steps": 120})
    monkeypatch.setattr(demo, "demo_recipe", lambda _minutes: recipe)
    code, printed = output(capsys, ["demo", "--out", tmp_path / "demo", "--json", "--quiet"])
    facts = json.loads(printed.out)
    assert code == 0
    page = (tmp_path / "demo" / "report" / "report.html").read_text()
    assert page.count("<img") >= 8
    assert facts["headline"][0][0] == "131"
    report = json.loads((tmp_path / "demo" / "report" / "report.json").read_text())
    assert report["training"][-1]["ev"] > 0.3
    assert {p["name"] for p in report["probe"]["probes"]} >= {"kind of contact (patches)", "element (nodes)"}
    # again into the same folder: replaced; into a foreign one: refused
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    assert run(["demo", "--out", str(tmp_path / "mine"), "--quiet"]) == 2


@pytest.mark.sample
@pytest.mark.slow
def test_pretrain_embed_probe_by_the_command_line(sample, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_SAMPLE", str(sample))
    db, run_folder = tmp_path / "db", tmp_path / "run"
    assert run(["build", "sample:", "-o", str(db), "--workers", "2", "--quiet"]) == 0
    settings = ["--set", "network=tiny", "--set", "max_steps=20", "--set", "validate_every=10"]
    assert run(["pretrain", str(db), "-o", str(run_folder), *settings, "--dry-run"]) == 0
    assert run(["pretrain", str(db), "-o", str(run_folder), *settings, "--quiet"]) in (0, 1)
    vectors, report = tmp_path / "vectors", tmp_path / "report"
    assert run(["embed", str(db), "-m", str(run_folder), "-o", str(vectors), "--nodes", "2000", "--quiet"]) == 0
    capsys.readouterr()
    code, printed = output(capsys, ["probe", vectors, "-o", report, "--dry-run", "--json"])
    assert code == 0
    assert json.loads(printed.out)["patches"] == 2013
    assert not report.exists()
    code, printed = output(
        capsys, ["probe", vectors, "-o", report, "--store", db, "--run", run_folder, "--json", "--quiet"]
    )
    assert code == 0
    facts = json.loads(printed.out)
    assert facts["n_patches"] == 2013
    assert all(test["d_shuffled"] < 0.3 for test in facts["patch_tests"])
    assert (report / "figures" / "figure_4d.svg").is_file()
    maps = json.loads((report / "maps.json").read_text())
    assert len(maps["patches"]["x"]) == 2013
    assert all(len(m.get("codes", m.get("values"))) == 2013 for m in maps["patches"]["maps"])
