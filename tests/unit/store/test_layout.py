"""The layout: plain tables for anyone, older versions for ever, few bytes."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import StoreError
from molinteract.core.geometry import cell_vectors
from molinteract.crystals.crystal import QUANTUM
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.files import checksum, read_json, write_json
from molinteract.store.schema import TABLES

STORE_1 = Path(__file__).parents[2] / "data" / "store-v1"


@pytest.fixture(scope="module")
def store_2(tmp_path_factory):
    """The present store of what the stored one of version 1 was made from."""
    folder = tmp_path_factory.mktemp("layout")
    (folder / "cifs").mkdir()
    text = FORMIC_ACID.decode()
    (folder / "cifs" / "a.cif").write_text(text)
    (folder / "cifs" / "b.cif").write_text(text.replace("10.241", "10.2514").replace("formic_acid", "second"))
    (folder / "cifs" / "c.cif").write_text("nothing here")
    build([str(folder / "cifs")], folder / "db")
    return folder / "db"


def test_a_store_of_version_1_reads_as_one_of_today(store_2):
    old, new = open_dataset(STORE_1), open_dataset(store_2)
    assert (old.manifest["schema_version"], new.manifest["schema_version"]) == (1, 2)
    assert old.verify() == []
    # the path of the test; a hash and acceptors have been defined anew since
    changed = {"source", "compound", "graph_hash", "atom_flags", "label"}
    for name in ("crystals", "molecules", "patches"):
        columns = [column for column in TABLES[name].names if column not in changed]
        assert getattr(old, name).select(columns).to_pylist() == getattr(new, name).select(columns).to_pylist()
    assert old.items.select(["name", "key", "content"]) == new.items.select(["name", "key", "content"])
    rows = np.arange(len(old))
    fresh, stored = new.cut(rows), old.cut(rows)
    for name in fresh.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(fresh, name), getattr(stored, name))


def test_a_table_without_one_of_its_columns_is_named(store_2, tmp_path):
    shutil.copytree(store_2, tmp_path / "db")
    file = tmp_path / "db" / "shards" / "crystals-00000.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["density"]), file)
    record = tmp_path / "db" / "manifest.json"
    manifest = read_json(record)
    manifest["checksums"][file.name] = checksum(file)
    write_json(manifest, record)
    with pytest.raises(StoreError, match="crystals has no density"):
        _ = open_dataset(tmp_path / "db").crystals


def test_ids_and_symmetry_made_on_reading_are_those_that_version_1_stored():
    stored = pq.read_table(STORE_1 / "shards" / "patches-00000.parquet")
    made = open_dataset(STORE_1).describe(range(len(stored)))
    assert made["patch_id"].to_pylist() == [value.hex() for value in stored["patch_id"].to_pylist()]
    for name in ("entry", "symmetry", "orbit", "label"):
        assert made[name].to_pylist() == stored[name].to_pylist()
    np.testing.assert_allclose(made["minimum_distance"], stored["minimum_distance"], atol=QUANTUM / 2 + 1e-6)


def test_version_1_with_missing_columns_is_explained(tmp_path):
    shutil.copytree(STORE_1, tmp_path / "db")
    file = tmp_path / "db" / "shards" / "patches-00000.parquet"
    dataset = open_dataset(tmp_path / "db")
    pq.write_table(pq.read_table(file).drop_columns(["orbit"]), file)
    with pytest.raises(StoreError, match="differs from its checksum"):
        _ = dataset.patches
    dataset.tables.checksums[file.name] = checksum(file)
    with pytest.raises(StoreError, match=r"layout 1 does not fit together: .*orbit"):
        _ = dataset.patches


def test_a_version_1_store_is_not_built_on(tmp_path, store_2):
    shutil.copytree(STORE_1, tmp_path / "db")
    with pytest.raises(StoreError, match="another layout"):
        build([str(store_2.parent / "cifs")], tmp_path / "db", resume=True)


def test_tables_have_the_documented_columns(store_2):
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    for name, schema in TABLES.items():
        (file,) = sorted((store_2 / "shards").glob(f"{name}-*.parquet"))
        assert pq.read_schema(file).names == schema.names
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
        assert [column for column in schema.names if f"`{column}`" not in line] == []


def test_plain_duckdb_joins_the_tables(dataset):
    folder = dataset.path / "shards"
    query = f"""
        select entry, formula, label, count(*)
        from '{folder}/patches-*.parquet' p
        join '{folder}/crystals-*.parquet' c using (shard, crystal)
        join '{folder}/molecules-*.parquet' m on m.shard = p.shard and m.crystal = p.crystal and m.molecule = p.i
        group by all"""
    found = {(entry, formula, label): count for entry, formula, label, count in duckdb.sql(query).fetchall()}
    expected = {}
    described = dataset.describe(range(len(dataset)))
    for row, (entry, label) in enumerate(
        zip(described["entry"].to_pylist(), described["label"].to_pylist(), strict=True)
    ):
        key = (entry, dataset.molecule_of(row, 0).formula, label)
        expected[key] = expected.get(key, 0) + 1
    assert found == expected


def test_plain_pyarrow_gives_the_coordinates_of_a_contact(dataset):
    """What a reader without this package does: both molecules of a patch, from the tables alone."""
    read = {name: pq.read_table(dataset.path / "shards" / f"{name}-00000.parquet") for name in TABLES}
    row = len(dataset) // 2
    patch = read["patches"].slice(row, 1).to_pylist()[0]
    crystal = read["crystals"].slice(patch["crystal"], 1).to_pylist()[0]
    molecules = [m for m in read["molecules"].to_pylist() if m["crystal"] == patch["crystal"]]
    first, second = (np.array([molecules[patch[side]][axis] for axis in "xyz"]).T * QUANTUM for side in "ij")
    vectors = cell_vectors(np.array(crystal["cell"]))
    rotation = np.array(crystal["rotations"]).reshape(-1, 3, 3)[patch["operation"]]
    shift = np.array(crystal["translations"]).reshape(-1, 3)[patch["operation"]]
    shift = shift + [patch[f"lattice_{axis}"] for axis in "abc"]
    image = (second @ np.linalg.inv(vectors) @ rotation.T + shift) @ vectors
    closest = np.linalg.norm(first[:, None] - image[None], axis=2).min()
    assert closest == pytest.approx(patch["minimum_distance"] * QUANTUM, abs=QUANTUM)
    arrays = dataset.cut([row])
    centre = (first.mean(axis=0) + image.mean(axis=0)) / 2
    np.testing.assert_allclose(arrays.positions[arrays.molecule_index == 0], first - centre, atol=1e-9)
