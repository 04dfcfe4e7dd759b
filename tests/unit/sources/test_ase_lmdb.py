"""ASE-LMDB files of the layout in which OMC25 is published, made here; nothing in them is trusted."""

import json
import zlib

import lmdb
import numpy as np
import pytest
from ase.io.jsonio import encode
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import pack

from molinteract.core.errors import SourceError
from molinteract.core.settings import BuildSettings
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources import ase_lmdb
from molinteract.sources.entries import iterate
from molinteract.sources.whole_cell import Place
from molinteract.store.process import ProcessedEntry, process


def row(crystal, **more):
    whole = crystal.expanded()
    return {
        "numbers": [{"H": 1, "C": 6, "N": 7, "O": 8}[s] for s in whole.symbols],
        "positions": (np.asarray(whole.fractional) @ whole.vectors).tolist(),
        "cell": whole.vectors.tolist(),
        "pbc": [True] * 3,
        "unique_id": "0" * 32,
        "ctime": 25.1, "mtime": 25.1, "user": None, "calculator": "vasp", "energy": -1.0,
        "calculator_parameters": {}, "data": {"sid": "x"},
    } | more  # fmt: skip


def write(path, rows, *, deleted=(), dumps=json.dumps):
    values = {str(k).encode(): dumps(value) for k, value in enumerate(rows, start=1) if k not in deleted}
    values |= {b"nextid": str(len(rows) + 1), b"deleted_ids": json.dumps(list(deleted)), b"metadata": "{}"}
    with lmdb.open(str(path), subdir=False, map_size=1 << 26, lock=False) as env, env.begin(write=True) as transaction:
        for key, text in values.items():
            transaction.put(key, zlib.compress(text.encode()) if isinstance(text, str) else text)


def read(path):
    return [entry for item in iterate(str(path)) for entry in item.read()]


def encoded_by_ase(values):
    return encode({k: np.array(v) if k in ("numbers", "positions", "cell") else v for k, v in values.items()})


@pytest.mark.parametrize("dumps", [json.dumps, encoded_by_ase])
def test_rows_are_crystals(tmp_path, dumps):
    crystals = [pack("urea", "P 1 21/c 1", seed=k) for k in range(3)]
    rows = [row(crystal, key_value_pairs={"smiles": "NC(N)=O"}) for crystal in crystals]
    write(tmp_path / "data.0000.aselmdb", rows, deleted=(2,), dumps=dumps)
    found = read(tmp_path)
    assert [entry.block for entry in found] == ["1", "3"]
    for entry in found:
        kept = process(entry, BuildSettings())
        assert isinstance(kept, ProcessedEntry)
        assert kept.perceptions[0].smiles == entry.smiles == "NC(N)=O"
        assert kept.crystal.molecules_in_cell == 4
        assert len(kept.crystal.molecules) == 1  # the symmetry of the cell given whole was found


def test_ranges_cover_every_row_once(tmp_path, monkeypatch):
    monkeypatch.setattr(ase_lmdb, "ROWS_PER_ITEM", 4)
    write(tmp_path / "x.aselmdb", [row(pack("urea", "P 1"))] * 11, deleted=(5, 6, 7, 8))
    items = list(iterate(str(tmp_path / "x.aselmdb")))
    assert [item.member for item in items] == ["1:4", "9:11"]
    assert len({item.name for item in items}) == 2
    assert [entry.block for item in items for entry in item.read()] == ["1", "2", "3", "4", "9", "10", "11"]


BAD = {
    "no object": [1, 2],
    "no cell": {"numbers": [6], "positions": [[0, 0, 0]]},
    "shapes": {"numbers": [6, 6], "positions": [[0, 0, 0]], "cell": np.eye(3).tolist()},
    "words": {"numbers": ["C"], "positions": [[0, 0, 0]], "cell": np.eye(3).tolist()},
    "unknown element": {"numbers": [900], "positions": [[0, 0, 0]], "cell": np.eye(3).tolist()},
    "array": {"numbers": {"__ndarray__": [[2], "O", [1]]}, "positions": [], "cell": []},
}


def test_damaged_rows_are_rejects_and_cost_only_themselves(tmp_path):
    rows = [*BAD.values(), row(pack("urea", "P 1"))]
    write(tmp_path / "x.aselmdb", rows)
    with (
        lmdb.open(str(tmp_path / "x.aselmdb"), subdir=False, map_size=1 << 26, lock=False) as env,
        env.begin(write=True) as transaction,
    ):
        transaction.put(b"1", b"not packed")
    found = read(tmp_path / "x.aselmdb")
    assert len(found) == len(rows)
    assert all(isinstance(entry, Rejected) and entry.detail for entry in found[:-1])
    assert isinstance(found[-1], RawStructure)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 200) | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
            st.sampled_from(["numbers", "positions", "cell", "__ndarray__", "data", "key_value_pairs"]), inner, max_size=4
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_no_row_raises(value):
    entry = ase_lmdb._entry(zlib.compress(json.dumps(value).encode()), Place(source="s", file="f", block="1"))
    assert isinstance(entry, Rejected | RawStructure)


def test_row_that_unpacks_for_ever_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ase_lmdb, "LARGEST_ROW", 1000)
    write(tmp_path / "x.aselmdb", [row(pack("urea", "P -1"))])
    (entry,) = read(tmp_path / "x.aselmdb")
    assert "longer than" in entry.detail


def test_file_that_is_no_such_database_is_explained(tmp_path):
    (tmp_path / "x.aselmdb").write_bytes(b"no database" * 1000)
    with pytest.raises(SourceError, match="not an ASE-LMDB database"):
        read(tmp_path / "x.aselmdb")
