"""Processing never raises; a store is the same however it was built, whole after any interruption, and readable by anyone."""

import time
from collections import Counter
from itertools import count

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import ConfigError, EntryError, StoreError
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected
from molinteract.patches.cut import cut_patches
from molinteract.patches.find import find_patches, pack
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.estimate import TRIED, estimate
from molinteract.store.files import write_json
from molinteract.store.process import ProcessedEntry, process
from molinteract.store.selection import compound_weights
from molinteract.store.splits import split_of
from molinteract.store.statistics import summarise


def raw(text=FORMIC_ACID):
    (structure,) = read_cif(text, source="s", file="f.cif")
    return structure


# one entry


def test_process_keeps_a_sound_crystal():
    entry = process(raw(), BuildSettings())
    assert isinstance(entry, ProcessedEntry)
    assert entry.perceptions[0].smiles == "O=CO"
    assert len(entry.patches) > 10
    assert entry.seconds > 0


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_input_raises(data):
    lines = FORMIC_ACID.decode().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        k = data.draw(st.integers(0, len(lines) - 1))
        lines[k] = data.draw(
            st.one_of(
                st.just(""),
                st.sampled_from(lines),
                st.text(max_size=12),
                st.sampled_from(["loop_", "data_x", "_cell_length_a ?", "C9 C 0.1 . 0.2", "x,y", "'", ";", "-1e300"]),
            )
        )
    for entry in read_cif("\n".join(lines).encode("utf-8", "replace"), source="s", file="f"):
        result = process(entry, BuildSettings()) if isinstance(entry, RawStructure) else entry
        assert isinstance(result, ProcessedEntry | Rejected)
        assert not (isinstance(result, Rejected) and result.detail.startswith("internal error")), result


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data):
    for entry in read_cif(data, source="s", file="f"):
        if isinstance(entry, RawStructure):
            process(entry, BuildSettings())


def test_time_limit_ends_an_entry(monkeypatch):
    monkeypatch.setattr("molinteract.store.process.perceive", lambda _: time.sleep(10))
    result = process(raw(), BuildSettings.model_validate({"limits": {"seconds": 0.05}}))
    assert isinstance(result, Rejected)
    assert result.reason is Reason.TOO_LARGE
    assert "0.05 s" in result.detail


def test_fault_of_ours_is_a_row_and_is_counted(monkeypatch, tmp_path):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    monkeypatch.setattr("molinteract.store.process.perceive", lambda _: 1 / 0)
    report = build([str(tmp_path / "a.cif")], tmp_path / "db")
    assert report.internal_errors == 1
    (row,) = open_dataset(tmp_path / "db").rejects.to_pylist()
    assert row["detail"] == "internal error: ZeroDivisionError: division by zero"


def test_hydrogens_can_be_left_out_or_moved():
    for policy, atoms in (("none", 3), ("normalised", 5), ("deposited", 5)):
        entry = process(raw(), BuildSettings.model_validate({"policies": {"hydrogens": policy}}))
        molecule = entry.crystal.molecules[0]
        assert len(molecule.atomic_numbers) == len(entry.flags[0]) == atoms
        assert molecule.formula == "CH2O2"
        if policy == "normalised":
            bonds = molecule.positions[molecule.bonds[:, 0]] - molecule.positions[molecule.bonds[:, 1]]
            lengths = np.linalg.norm(bonds, axis=1)
            assert sorted(np.round(lengths, 3))[:2] == [0.993, 1.089]


# a store


def tables(path):
    """Bytes of every table, times of the rejects left out."""
    found = {p.name: p.read_bytes() for p in sorted((path / "shards").glob("*.parquet")) if "rejects" not in p.name}
    found["rejects"] = pq.read_table(path / "rejects.parquet").drop_columns(["seconds"])
    return found


def test_workers_do_not_change_the_store(cifs, tmp_path, small_shards):
    for workers in (1, 2):
        build([str(cifs)], tmp_path / str(workers), workers=workers)
    assert tables(tmp_path / "1") == tables(tmp_path / "2")


def test_size_of_a_batch_does_not_change_the_store(cifs, tmp_path, monkeypatch):
    for size in (128, 5, 1):
        monkeypatch.setattr("molinteract.store.shards.BATCH", size)
        monkeypatch.setattr("molinteract.store.shards.ENTRIES_PER_PART", 9)
        build([str(cifs)], tmp_path / str(size))
    assert tables(tmp_path / "128") == tables(tmp_path / "5") == tables(tmp_path / "1")


def test_an_entry_out_of_time_does_not_cost_those_of_its_batch(cifs, tmp_path, monkeypatch):
    usual = build([str(cifs)], tmp_path / "usual")
    calls = count()

    def slow(*arguments, **more):
        if next(calls) == 3:
            time.sleep(10)
        return find_patches(*arguments, **more)

    monkeypatch.setattr("molinteract.store.process.find_patches", slow)
    limited = BuildSettings.model_validate({"limits": {"seconds": 0.5}})
    report = build([str(cifs)], tmp_path / "db", settings=limited)
    assert report.reasons == usual.reasons | {"too_large": 1}
    assert report.kept == usual.kept - 1


def test_interrupted_build_resumes_to_the_same_store(cifs, tmp_path, small_shards):
    build([str(cifs)], tmp_path / "whole")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([str(cifs)], tmp_path / "cut", progress=stop)
    with pytest.raises(StoreError, match="not finished"):
        open_dataset(tmp_path / "cut")
    report = build([str(cifs)], tmp_path / "cut", resume=True)
    assert report.reused_shards == 1
    assert tables(tmp_path / "whole") == tables(tmp_path / "cut")


def test_damaged_shard_is_found_and_mended(cifs, tmp_path, small_shards):
    build([str(cifs)], tmp_path / "db")
    before = tables(tmp_path / "db")
    victim = sorted((tmp_path / "db" / "shards").glob("patches-*"))[1]
    victim.write_bytes(victim.read_bytes()[:-50])
    assert open_dataset(tmp_path / "db").verify() == [victim.name]
    with pytest.raises(StoreError, match="differs from its checksum"):
        _ = open_dataset(tmp_path / "db").patches
    build([str(cifs)], tmp_path / "db", resume=True)
    assert open_dataset(tmp_path / "db").verify() == []
    assert tables(tmp_path / "db") == before


def test_other_settings_and_foreign_folders_are_refused(cifs, tmp_path):
    build([str(cifs / "000.cif")], tmp_path / "db")
    with pytest.raises(StoreError, match="holds a store already"):
        build([str(cifs / "000.cif")], tmp_path / "db")
    other = BuildSettings.model_validate({"patches": {"radius": 7}})
    with pytest.raises(StoreError, match="other settings"):
        build([str(cifs / "000.cif")], tmp_path / "db", settings=other, resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("precious")
    with pytest.raises(StoreError, match="not empty"):
        build([str(cifs / "000.cif")], tmp_path / "mine")


def test_missing_and_newer_stores_are_explained(dataset, tmp_path):
    with pytest.raises(StoreError, match="no store there"):
        open_dataset(tmp_path)
    write_json(dict(dataset.manifest, schema_version=99), tmp_path / "manifest.json")
    with pytest.raises(StoreError, match="layout version 99"):
        open_dataset(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        open_dataset(tmp_path)


def test_patches_cut_again_are_identical_bit_for_bit(cifs, dataset):
    entries = dataset.crystals["entry"].to_pylist()
    start = 0
    for path in sorted(cifs.glob("*.cif")):
        (structure,) = read_cif(path.read_bytes(), source=str(cifs), file=f"cifs/{path.name}")
        entry = process(structure, dataset.settings) if isinstance(structure, RawStructure) else structure
        if isinstance(entry, Rejected):
            continue
        assert entries[dataset.crystal_rows[start]] == entry.crystal.entry
        table = entry.patches
        fresh = cut_patches(
            pack([entry.crystal]),
            np.zeros(len(table)),
            table.i,
            table.j,
            table.operation,
            table.lattice,
            parameters=dataset.settings.patches,
        )
        stored = dataset.cut(np.arange(start, start + len(table)))
        for name in fresh.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(fresh, name), getattr(stored, name))
        start += len(table)
    assert start == len(dataset)


def test_patches_come_in_the_order_asked_for(dataset):
    rows = np.random.default_rng(0).integers(0, len(dataset), 20)
    arrays = dataset.cut(rows)
    np.testing.assert_array_equal(np.diff(arrays.node_offsets), dataset.patches["n_nodes"].to_numpy()[rows])
    np.testing.assert_array_equal(np.diff(arrays.inter_offsets), dataset.patches["n_inter"].to_numpy()[rows])
    assert len(dataset.cut([])) == 0


def test_plain_duckdb_reads_the_shards(dataset):
    query = f"select label, count(*) from '{dataset.path}/shards/patches-*.parquet' group by label"
    assert dict(duckdb.sql(query).fetchall()) == Counter(dataset.patches["label"].to_pylist())


def test_ids_are_unique_and_findable(dataset):
    ids = dataset.describe(range(len(dataset)))["patch_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert dataset.row_of(ids[17]) == 17
    with pytest.raises(StoreError, match="no patch"):
        dataset.row_of("0" * 32)


def test_molecule_of_a_patch(dataset):
    molecule = dataset.molecule_of(0, 1)
    assert molecule.smiles == "O=CO"
    assert molecule.compound == dataset.compounds[0]
    assert len(molecule.bonds) == len(molecule.bond_orders) == 4


# splits, selections, statistics


def test_no_compound_is_on_two_sides(dataset):
    side = {}
    for compound, split in zip(dataset.compounds, dataset.split_names, strict=True):
        assert side.setdefault(compound, split) == split
    rows = [dataset.rows(split) for split in ("train", "validation", "test")]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(dataset)))


def test_split_shares():
    names = Counter(split_of(f"compound {k}") for k in range(20_000))
    assert names["train"] / 20_000 == pytest.approx(0.90, abs=0.01)
    assert names["validation"] / 20_000 == pytest.approx(0.05, abs=0.01)
    assert split_of("a", seed=1) == split_of("a", seed=1)


def test_unique_takes_one_patch_of_each_orbit(dataset):
    rows = dataset.rows(unique=True)
    orbit = dataset.patches["orbit"].to_numpy()
    keys = list(zip(dataset.crystal_rows.tolist(), orbit.tolist(), strict=True))
    assert len(rows) == len(set(keys)) == len({keys[k] for k in rows})


def test_entries_of_a_compound_are_capped(dataset):
    rows = dataset.rows(per_compound=2)
    kept = Counter(dataset.compounds[k] for k in set(dataset.crystal_rows[rows].tolist()))
    assert set(kept.values()) == {2}
    assert set(kept) == set(dataset.compounds)


def test_unknown_split_is_an_error(dataset):
    with pytest.raises(ConfigError, match="one of train, validation, test"):
        dataset.rows("valid")


def test_weights_give_each_compound_the_same_share(dataset):
    rows = dataset.rows()
    weights = compound_weights(dataset, rows)
    share = Counter()
    for compound, weight in zip(dataset.compounds[dataset.crystal_rows], weights, strict=True):
        share[compound] += weight
    assert weights.sum() == pytest.approx(1)
    assert max(share.values()) == pytest.approx(min(share.values()))


def test_statistics_equal_a_plain_count(dataset):
    counts = summarise(dataset)
    arrays = dataset.cut(np.arange(len(dataset)))
    nodes = np.diff(arrays.node_offsets)
    assert counts.table_1["nodes_mean"] == pytest.approx(nodes.mean())
    assert counts.table_1["nodes_sd"] == pytest.approx(nodes.std())
    assert counts.table_1["inter_edges_per_node"] == pytest.approx(len(arrays.inter_edges) / nodes.sum())
    assert counts.table_1["intra_edges_max"] == np.diff(arrays.intra_offsets).max()
    assert counts.elements["C"] == pytest.approx(100 * (arrays.atomic_numbers == 6).mean())
    assert sum(counts.elements.values()) == pytest.approx(100)
    assert counts.rejects["parse_error"] == 1
    assert sum(group["patches"] for group in counts.groups.values()) == len(dataset)
    assert counts.to_dict()["paper"]["nodes_mean"] == 67.8


def test_estimate_of_few_items_is_what_a_build_makes(cifs, dataset):
    guess = estimate([str(cifs)])
    assert (guess.items, guess.tried) == (31, 31)
    assert (guess.kept, guess.patches) == (dataset.n_entries, len(dataset))
    assert guess.seconds > 0


def test_estimate_of_many_items_tries_some(tmp_path):
    for k in range(3 * TRIED):
        (tmp_path / f"{k:03d}.cif").write_bytes(FORMIC_ACID if k % 3 else b"nothing")
    guess = estimate([str(tmp_path)], workers=2)
    assert (guess.items, guess.tried) == (3 * TRIED, TRIED)
    assert guess.kept == pytest.approx(2 * TRIED, rel=0.3)
    assert guess.patches == 18 * guess.kept
    assert f"{3 * TRIED} files or rows" in guess.text()


def test_rejected_entry_raises_for_python_users(tmp_path):
    from molinteract.sources.single import read_crystal

    (tmp_path / "ice.cif").write_bytes(FORMIC_ACID.replace(b"C1 C ", b"O9 O "))
    with pytest.raises(EntryError, match="no_carbon"):
        read_crystal(tmp_path / "ice.cif")
