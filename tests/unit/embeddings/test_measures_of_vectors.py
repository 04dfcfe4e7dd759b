"""Neighbours, samples, tests and probes against plain computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from molinteract.core.errors import ConfigError
from molinteract.embeddings import neighbours
from molinteract.embeddings.ks import distances_by_label, holm, ks_table
from molinteract.embeddings.maps import umap_map
from molinteract.embeddings.neighbours import nearest
from molinteract.embeddings.node_labels import node_labels
from molinteract.embeddings.probes import probe
from molinteract.embeddings.sampling import sample_by_compound
from molinteract.embeddings.table import VectorTable, order_free
from molinteract.store.dataset import MoleculeRow


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(12, 60), st.integers(1, 8))
def test_nearest_equals_brute_force(seed, n, k):
    vectors = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    index, distance = nearest(vectors, k)
    full = cdist(vectors.astype(float), vectors.astype(float))
    np.fill_diagonal(full, np.inf)
    np.testing.assert_allclose(distance, np.sort(full, axis=1)[:, :k], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(full, index, axis=1), distance, rtol=1e-5, atol=1e-6)


def test_nearest_is_exact_where_float32_cannot_tell():
    # clouds of 40 points within 1e-4 of each other, 100 away from the origin: their distances drown in float32 products
    rng = np.random.default_rng(3)
    centres = 100.0 * rng.normal(size=(5, 6))
    vectors = (np.repeat(centres, 40, axis=0) + 1e-4 * rng.normal(size=(200, 6))).astype(np.float32)
    index, distance = nearest(vectors, 10)
    full = cdist(vectors.astype(float), vectors.astype(float))
    np.fill_diagonal(full, np.inf)
    np.testing.assert_allclose(distance, np.sort(full, axis=1)[:, :10], rtol=1e-3, atol=1e-6)
    assert (index // 40 == np.arange(200)[:, None] // 40).all()


def test_nearest_of_equal_vectors_takes_the_lowest_indices():
    index, distance = nearest(np.ones((60, 3), dtype=np.float32), 4)
    assert index[0].tolist() == [1, 2, 3, 4]
    assert index[59].tolist() == [0, 1, 2, 3]
    assert not distance.any()


def test_nearest_tells_its_progress(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", 4 * 30 * 8)
    told = []
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    nearest(vectors, 3, progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 30), (16, 30), (24, 30), (30, 30)]


def test_nearest_leaves_the_own_group_out():
    vectors = np.arange(6, dtype=np.float32)[:, None]
    index, distance = nearest(vectors, 4, excluded_groups=np.array([0, 0, 0, 1, 1, 1]))
    assert index[0].tolist() == [3, 4, 5, -1]
    assert np.isinf(distance[0, 3])


def test_order_free_vector_ignores_which_molecule_is_first():
    z = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    swapped = np.concatenate([z[:, 4:], z[:, :4]], axis=1)
    np.testing.assert_array_equal(order_free(z), order_free(swapped))


def test_sample_takes_compounds_in_turn():
    compounds = np.array(["common"] * 90 + [f"rare{k}" for k in range(10)], dtype=object)
    picked = sample_by_compound(compounds, 12, rng=np.random.default_rng(0))
    assert len(set(picked)) == 12
    assert sum(compounds[picked] == "common") == 2
    everything = sample_by_compound(compounds, 1000, rng=np.random.default_rng(0))
    assert everything.tolist() == list(range(100))


def test_holm_equals_its_definition():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def clusters(seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(["tight", "wide", ""], 60).astype(object)
    spread = np.repeat([0.1, 2.0, 1.0], 60)[:, None]
    vectors = (rng.normal(size=(180, 4)) * spread).astype(np.float32)
    compounds = np.array([f"c{k % 45}" for k in range(180)], dtype=object)
    return vectors, labels, compounds


def test_ks_table_finds_what_is_closer_and_its_nulls_do_not():
    vectors, labels, compounds = clusters()
    noise = np.random.default_rng(9).normal(size=vectors.shape).astype(np.float32)
    tests = {(t.first, t.second): t for t in ks_table(vectors, noise, labels, compounds)}
    assert set(tests) == {("tight", "all"), ("wide", "all"), ("tight", "wide")}
    assert tests["tight", "all"].direction == "closer"
    assert tests["wide", "all"].direction == "farther"
    assert tests["tight", "wide"].d > 0.9
    assert tests["tight", "wide"].d_untrained < 0.2
    assert all(t.p <= t.p_holm for t in tests.values())
    assert tests == {(t.first, t.second): t for t in ks_table(vectors, noise, labels, compounds)}


def test_distances_are_those_of_the_tests():
    vectors, labels, compounds = clusters()
    found = distances_by_label(vectors, labels, compounds)
    tests = {(t.first, t.second): t for t in ks_table(vectors, vectors, labels, compounds)}
    assert np.median(found["all"]) == pytest.approx(1.0)
    assert np.median(found["tight"]) == pytest.approx(tests["tight", "all"].median_first)


def test_probe_separates_signal_from_noise_on_held_out_compounds():
    _, labels, compounds = clusters(1)
    named = labels.copy()
    signal = np.where(labels == "tight", 1.0, -1.0)[:, None] + np.random.default_rng(0).normal(0, 0.1, (180, 2))
    noise = np.random.default_rng(1).normal(size=(180, 2))
    held_out = np.array([int(c[1:]) % 3 == 0 for c in compounds])
    result = probe("which", {"signal": signal, "noise": noise}, named, compounds, held_out)
    scores = {score.features: score for score in result.scores}
    assert scores["signal"].accuracy == 1.0
    assert scores["signal"].purity > 0.95
    assert scores["noise"].accuracy < 0.75
    assert scores["noise"].low <= scores["noise"].accuracy <= scores["noise"].high
    assert result.chance == 0.5
    assert result.n_held_out == (held_out & (labels != "")).sum()


def test_probe_without_two_labels_is_none():
    labels = np.array(["a"] * 40, dtype=object)
    assert probe("x", {"f": np.zeros((40, 2))}, labels, labels, np.arange(40) > 20) is None


def test_map_is_the_same_twice_and_keeps_equal_vectors_together():
    vectors = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    vectors[7] = vectors[3]
    first, second = umap_map(vectors), umap_map(vectors)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[7], first[3])
    assert np.isfinite(first).all()


def test_map_of_too_few_vectors_is_an_error():
    with pytest.raises(ConfigError, match="different vectors"):
        umap_map(np.zeros((40, 3), dtype=np.float32))


def test_node_labels_of_acetamide_like_atoms():
    # C0(H3) - C1(=O2) - N3H4, and an aromatic bond C5:C6
    molecule = MoleculeRow(
        "", "", "", ("",) * 9,
        np.array([6, 6, 8, 7, 1, 6, 6, 1, 1], dtype=np.int16),
        np.zeros(9, dtype=np.uint8),
        np.array([[0, 1], [1, 2], [1, 3], [3, 4], [5, 6], [0, 7], [5, 8]], dtype=np.int32),
        np.array([1, 2, 1, 1, 2, 1, 1], dtype=np.int8),
        np.array([False, False, False, False, True, False, False]),
    )  # fmt: skip
    labels = node_labels(molecule)
    assert labels.element == ["C", "C", "O", "N", "H", "C", "C", "H", "H"]
    assert labels.hydrogen_on == ["", "", "", "", "N", "", "", "C", "C"]
    assert labels.carbon_bond == ["single", "double", "", "", "", "aromatic", "aromatic", "", ""]
    assert labels.carbon_partners == ["C", "N+O", "", "", "", "C", "C", "", ""]


def test_vectors_of_layers_are_compared_as_they_are_and_z_order_free(tmp_path):
    z = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    np.save(tmp_path / "patches.npy", z)
    np.testing.assert_array_equal(VectorTable(tmp_path, {"features": "layers"}).comparable("patches"), z)
    np.testing.assert_array_equal(VectorTable(tmp_path, {}).comparable("patches"), order_free(z))
