"""Dimers become patches, atom by atom."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import cdist

from molinteract.core.errors import StoreError
from molinteract.evidence.dimers import COLUMNS, neutral_and_bound, read_dimers

WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]])


def row(distance, **changes):
    positions = np.concatenate([WATER, WATER + np.array([distance, 0.0, 0.0])]).astype(np.float32)
    values = {
        "id": "w", "set": "test", "scale": 1.0, "n_atoms_a": 3, "n_atoms_b": 3, "numbers": [8, 1, 1] * 2,
        "positions": positions.ravel().tolist(), "charge_a": 0, "charge_b": 0, "e_ref_kcal": -5.0, "pair": "w|w",
        "monomer_a": "w", "monomer_b": "w", "d_min": 2.0, "split": "train", "split_monomer": "train",
    }  # fmt: skip
    return values | changes


def table(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_dimer_is_cut_like_a_patch(tmp_path):
    dimers = read_dimers(table(tmp_path / "d.parquet", [row(2.9), row(3.4)]))
    arrays = dimers.cut(np.array([1, 0]))
    assert arrays.node_offsets.tolist() == [0, 6, 12]
    assert arrays.molecule_index.tolist() == [0, 0, 0, 1, 1, 1] * 2
    for k, distance in enumerate((3.4, 2.9)):
        x = arrays.positions[6 * k : 6 * k + 6]
        wanted = np.concatenate([WATER, WATER + np.array([distance, 0.0, 0.0])])
        np.testing.assert_allclose(cdist(x, x), cdist(wanted, wanted), atol=3e-4)
        expected = {(a, b) for a in range(3) for b in range(3, 6) if np.linalg.norm(wanted[a] - wanted[b]) <= 4.0}
        found = arrays.inter_edges[arrays.inter_offsets[k] : arrays.inter_offsets[k + 1]] - 6 * k
        assert {tuple(e) for e in found.tolist()} == expected


def test_charged_and_repulsive_dimers_are_left_out(tmp_path):
    rows = [row(3.0), row(3.0, charge_a=1), row(3.0, e_ref_kcal=7.0), row(3.0, e_ref_kcal=-30.0)]
    assert neutral_and_bound(read_dimers(table(tmp_path / "d.parquet", rows))).tolist() == [0]


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(StoreError, match="do not fit"):
        read_dimers(table(tmp_path / "d.parquet", [row(3.0, n_atoms_b=4)]))


def test_missing_column_is_named(tmp_path):
    values = row(3.0)
    del values["pair"]
    with pytest.raises(StoreError, match="pair"):
        read_dimers(table(tmp_path / "d.parquet", [values]))


@pytest.mark.shared_data
def test_every_dimer_of_the_collection_becomes_a_patch(shared_data):
    path = shared_data / "dimers" / "dimers.parquet"
    dimers = read_dimers(path)
    assert set(COLUMNS) <= set(pq.read_schema(path).names)
    arrays = dimers.cut(np.arange(len(dimers)))
    counts = dimers.column("n_atoms_a").astype(int) + dimers.column("n_atoms_b")
    small = counts <= 30
    assert (np.diff(arrays.node_offsets)[small] == counts[small]).mean() > 0.99  # within 8 Å of the centre
    a, b = arrays.inter_edges.T
    lengths = np.linalg.norm(arrays.positions[a] - arrays.positions[b], axis=1)
    starts = arrays.inter_offsets[:-1]
    near = np.diff(arrays.inter_offsets) > 0
    shortest = np.minimum.reduceat(lengths, starts[near])
    np.testing.assert_allclose(shortest, dimers.column("d_min")[near], atol=5e-4)
