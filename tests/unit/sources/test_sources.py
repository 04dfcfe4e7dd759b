"""Every kind of source, what is wrong with one, and keys that do not depend on where it lies."""

import bz2
import gzip
import lzma
import pickle
import sqlite3
import zipfile

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import EntryError, SourceError
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.entries import iterate
from molinteract.sources.single import read_crystal, read_structures


def entries(source):
    return [entry for item in iterate(str(source)) for entry in item.read()]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_one_file_plain_or_compressed(tmp_path, suffix, pack):
    path = tmp_path / f"a.cif{suffix}"
    path.write_bytes(pack(FORMIC_ACID))
    (entry,) = entries(path)
    assert isinstance(entry, RawStructure)
    assert entry.entry == f"a.cif{suffix}#formic_acid"


def test_damaged_compressed_file_is_a_reject(tmp_path):
    path = tmp_path / "a.cif.gz"
    path.write_bytes(gzip.compress(FORMIC_ACID)[:-20])
    (entry,) = entries(path)
    assert isinstance(entry, Rejected)
    assert "cannot be unpacked" in entry.detail


@pytest.fixture
def folder(tmp_path):
    base = tmp_path / "crystals"
    (base / "deep").mkdir(parents=True)
    (base / "b.cif").write_bytes(FORMIC_ACID)
    (base / "deep" / "a.cif").write_bytes(FORMIC_ACID)
    (base / "notes.txt").write_text("no crystal")
    with zipfile.ZipFile(base / "more.zip", "w") as archive:
        archive.writestr("z/2.cif", FORMIC_ACID)
        archive.writestr("1.cif.gz", gzip.compress(FORMIC_ACID))
        archive.writestr("read.me", "no crystal")
    return base


def test_folder_is_read_deep_and_in_order(folder):
    keys = [item.key for item in iterate(str(folder))]
    assert keys == [
        "crystals/b.cif",
        "crystals/deep/a.cif",
        "crystals/more.zip/1.cif.gz",
        "crystals/more.zip/z/2.cif",
    ]
    assert all(isinstance(entry, RawStructure) for entry in entries(folder))


def test_keys_are_the_same_from_anywhere(folder, monkeypatch):
    absolute = [item.key for item in iterate(str(folder))]
    monkeypatch.chdir(folder.parent)
    assert [item.key for item in iterate("crystals")] == absolute
    monkeypatch.chdir(folder)
    assert [item.key for item in iterate(".")] == absolute


def test_pattern(folder):
    assert [item.key for item in iterate(f"{folder}/**/*.cif")] == ["b.cif", "deep/a.cif"]


def test_items_are_small_and_picklable(folder):
    for item in iterate(str(folder)):
        assert len(pickle.dumps(item)) < 2000
        assert pickle.loads(pickle.dumps(item)) == item  # our own object, made here


def test_damaged_archive_member_does_not_stop_the_rest(folder):
    data = bytearray((folder / "more.zip").read_bytes())
    start = data.find(b"z/2.cif") + 30
    data[start : start + 200] = b"\x55" * 200
    (folder / "more.zip").write_bytes(bytes(data))
    found = entries(folder)
    bad = [entry for entry in found if isinstance(entry, Rejected)]
    assert len(found) == 4
    assert [entry.file for entry in bad] == ["crystals/more.zip/z/2.cif"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.zip", b"no archive", "not a zip archive"),
        ("x.db", b"no database, but long enough to be taken for one" * 40, "not an ASE database"),
        ("x.txt", b"hello", "no format that can be read"),
    ],
)
def test_source_that_cannot_be_opened_is_explained(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        entries(tmp_path / name)


def test_missing_and_empty_sources_are_errors(tmp_path):
    with pytest.raises(SourceError, match="no such file or folder"):
        entries(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no CIF file"):
        entries(tmp_path)


def test_sample_without_its_files_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_SAMPLE", str(tmp_path))
    with pytest.raises(SourceError, match="make sample"):
        entries("sample:")


@pytest.mark.sample
def test_sample_holds_150_crystals(sample, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_SAMPLE", str(sample))
    found = entries("sample:")
    assert len(found) == 150
    assert all(entry.smiles for entry in found)


def test_ase_database_rows_are_whole_cells(tmp_path):
    atoms = Atoms("CO", positions=[[1, 1, 1], [1, 1, 2.13]], cell=[[4, 0, 0], [0.5, 5, 0], [0.2, 0.3, 6]], pbc=True)
    with connect(tmp_path / "x.db") as database:
        database.write(atoms, key_value_pairs={"csd_code": "CARBON", "mol_smi": "[C-]#[O+]"})
        database.write(Atoms("He"), name="nocell")
        for k in range(40):
            database.write(atoms, name=f"n{k}")
    found = entries(tmp_path / "x.db")
    assert len(found) == 42
    first = found[0]
    assert (first.entry, first.smiles, first.operations) == ("x.db#CARBON", "[C-]#[O+]", ("x,y,z",))
    np.testing.assert_allclose(first.cell, atoms.cell.cellpar())
    np.testing.assert_allclose(first.fractional, atoms.get_scaled_positions(), atol=1e-12)
    assert isinstance(found[1], Rejected)
    assert len({entry.entry for entry in found}) == 42


def test_foreign_sqlite_file_is_no_ase_database(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (a)")
    with pytest.raises(SourceError, match="not an ASE database"):
        entries(tmp_path / "x.db")


def test_single_crystal_and_block_by_name(tmp_path):
    path = tmp_path / "two.cif"
    path.write_bytes(FORMIC_ACID + FORMIC_ACID.replace(b"data_formic_acid", b"data_other"))
    assert read_crystal(path).block == "formic_acid"
    assert read_crystal(f"{path}#other").block == "other"
    assert len(read_structures(path)) == 2
    with pytest.raises(SourceError, match="no entry 'third'; the first ones are formic_acid, other"):
        read_crystal(f"{path}#third")
    path.write_text("nothing")
    with pytest.raises(EntryError, match="parse_error"):
        read_crystal(path)
