"""Whatever happens to the bytes of a store, it reads as it was written or says what is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import StoreError
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.files import read_json, write_json


def everything(path):
    """Every fact a store gives, in a form that can be compared."""
    dataset = open_dataset(path)
    rows = range(len(dataset))
    arrays = dataset.cut(rows)
    facts = {name: getattr(dataset, name).to_pylist() for name in ("crystals", "molecules", "patches", "items")}
    facts["rejects"] = dataset.rejects.to_pylist()
    facts["described"] = dataset.describe(rows).to_pylist()
    facts["arrays"] = {name: getattr(arrays, name).tobytes() for name in arrays.__dataclass_fields__}
    facts["settings"] = dataset.settings
    return facts


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    (folder / "a.cif").write_bytes(FORMIC_ACID)
    (folder / "b.cif").write_text("nothing")
    build([str(folder / "*.cif")], folder / "db")
    return folder / "db", everything(folder / "db")


def told(path):
    """Every fact a store gives, or what it says is wrong."""
    try:
        return everything(path)
    except StoreError as error:
        return str(error)


def damaged(draw, data):
    """Bytes changed in one of the ways that disks and networks have."""
    kind = draw(st.sampled_from(["flip", "cut", "drop", "insert", "zeros"]))
    k = draw(st.integers(0, len(data) - 1))
    if kind == "flip":
        return data[:k] + bytes([data[k] ^ draw(st.integers(1, 255))]) + data[k + 1 :]
    if kind == "cut":
        return data[:k]
    if kind == "drop":
        return data[:k] + data[k + 1 :]
    if kind == "insert":
        return data[:k] + draw(st.binary(min_size=1, max_size=4)) + data[k:]
    return data[:k] + b"\0" * min(16, len(data) - k) + data[k + 16 :]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_damaged_store_is_said_to_be_damaged(store, data):
    path, whole = store
    files = sorted(file for file in path.rglob("*") if file.is_file())
    file = data.draw(st.sampled_from(files))
    before = file.read_bytes()
    try:
        file.write_bytes(damaged(data.draw, before))
        found = told(path)
    finally:
        file.write_bytes(before)
    assert file.name in found if isinstance(found, str) else found == whole


def test_missing_shard_is_named(store):
    path, _ = store
    file = path / "shards" / "molecules-00000.parquet"
    before = file.read_bytes()
    try:
        file.unlink()
        with pytest.raises(StoreError, match=r"molecules-00000\.parquet: cannot be read: No such file"):
            everything(path)
    finally:
        file.write_bytes(before)


def test_rows_that_do_not_add_up_are_noticed(store, tmp_path):
    path, _ = store
    before = (path / "manifest.json").read_bytes()
    try:
        manifest = read_json(path / "manifest.json")
        manifest["rows"]["patches"] += 1
        write_json(manifest, path / "manifest.json")
        with pytest.raises(StoreError, match="rows of patches, the manifest says"):
            everything(path)
    finally:
        (path / "manifest.json").write_bytes(before)
