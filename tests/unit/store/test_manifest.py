"""A store can be rebuilt from its manifest and somebody's own copy of the sources, and what differs is said."""

import gzip
import json
import shutil

import pyarrow.parquet as pq
import pytest

from molinteract.app.cli.main import run
from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import StoreError
from molinteract.core.settings import BuildSettings
from molinteract.store.build import build
from molinteract.store.manifest import NAME, read_rebuild


@pytest.fixture
def first(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for k in range(5):
        (folder / f"{k}.cif").write_bytes(FORMIC_ACID.replace(b"10.241", b"10.24%d" % k))
    (folder / "bad.cif").write_text("nothing")
    build([str(folder)], tmp_path / "first")
    return tmp_path


def test_manifest_has_everything_but_coordinates(first):
    text = gzip.decompress((first / "first" / NAME).read_bytes()).decode()
    assert "0.1540" not in text
    manifest = read_rebuild(first / "first")
    assert list(manifest.items) == [*(f"mine/{k}.cif" for k in range(5)), "mine/bad.cif"]
    assert manifest.items["mine/3.cif"].outcome == "kept 1"
    assert manifest.items["mine/bad.cif"].outcome == "parse_error 1"
    assert {"gemmi", "molinteract", "numpy"} <= manifest.versions.keys()


def test_rebuilt_store_is_identical_from_a_renamed_folder_with_more_in_it(first):
    shutil.copytree(first / "mine", first / "yours")
    (first / "yours" / "zzz.cif").write_bytes(FORMIC_ACID)
    report = build([str(first / "yours")], first / "second", from_manifest=first / "first" / NAME)
    assert report.differences.identical
    assert report.differences.extra == 1
    assert report.differences.examples["extra"] == ["yours/zzz.cif"]
    for path in sorted((first / "first" / "shards").glob("*.parquet")):
        other = first / "second" / "shards" / path.name
        if path.name.startswith("rejects"):
            drop = ["seconds"]
            assert pq.read_table(path).drop_columns(drop) == pq.read_table(other).drop_columns(drop)
        else:
            assert path.read_bytes() == other.read_bytes()
    assert read_rebuild(first / "second").items == read_rebuild(first / "first").items


def test_what_differs_is_reported(first, monkeypatch):
    shutil.copytree(first / "mine", first / "yours")
    (first / "yours" / "0.cif").unlink()
    (first / "yours" / "2.cif").write_bytes(FORMIC_ACID)
    settings = BuildSettings.load(None, ["limits.cell_atoms=3"])
    monkeypatch.setattr("molinteract.store.manifest.versions", lambda: {"gemmi": "0"})
    report = build([str(first / "yours")], first / "second", from_manifest=first / "first", settings=settings)
    found = report.differences
    assert not found.identical
    assert (found.missing, found.changed, found.extra, found.outcomes) == (1, 1, 0, 3)
    assert found.settings == {"limits.cell_atoms": ("5000", "3")}
    assert found.versions["gemmi"][1] == "0"
    text = found.text()
    for part in ("mine/0.cif", "mine/2.cif", "kept 1 then, too_large 1 now", "5000 then, 3 now", "tables differ"):
        assert part in text


def test_command_line_says_whether_it_is_the_same(first, capsys):
    words = ["build", str(first / "mine"), "--from-manifest", str(first / "first" / NAME), "--json", "--quiet"]
    assert run([*words, "-o", str(first / "second")]) == 0
    assert json.loads(capsys.readouterr().out)["differences"]["identical"] is True
    (first / "mine" / "1.cif").unlink()
    assert run([*words[:-2], "--quiet", "-o", str(first / "third")]) == 1
    assert "1 not found in the sources: mine/1.cif" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(b"text", mtime=0), gzip.compress(b'{"format": 99}\n', mtime=0), b"\x1f\x8b"]
)
def test_damaged_manifest_is_explained(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StoreError, match=r"cannot be read|no manifest|format"):
        read_rebuild(tmp_path / NAME)
    with pytest.raises(StoreError, match="cannot be read"):
        read_rebuild(tmp_path / "nowhere")
