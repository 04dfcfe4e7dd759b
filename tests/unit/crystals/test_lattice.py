"""Lengths that describe a lattice: the same in every setting, and near for near lattices."""

import gemmi
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.strategies import cells

from molinteract.core.geometry import cell_vectors
from molinteract.crystals.lattice import voronoi_lengths

IDENTITY = np.eye(3, dtype=np.int8)[None]
UNIMODULAR = [
    [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
    [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    [[1, 0, -2], [0, 1, 1], [0, 0, 1]],
    [[-1, 0, 0], [0, -1, 0], [1, 0, 1]],
]


def lengths_of(vectors):
    return voronoi_lengths(np.ascontiguousarray(vectors), IDENTITY, np.zeros((1, 3)))


@settings(max_examples=60, deadline=None)
@given(vectors=cells(), steps=st.lists(st.sampled_from(range(len(UNIMODULAR))), max_size=4))
def test_the_setting_does_not_matter(vectors, steps):
    other = vectors
    for k in steps:
        other = np.array(UNIMODULAR[k]) @ other
    np.testing.assert_allclose(lengths_of(other), lengths_of(vectors), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(vectors=cells())
def test_the_shortest_length_is_that_of_the_shortest_lattice_vector(vectors):
    grid = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    norms = np.linalg.norm(grid @ vectors, axis=1)
    assume(norms[norms > 0].min() > 0.5)
    assert lengths_of(vectors)[0] == pytest.approx(norms[norms > 0].min())


@settings(max_examples=40, deadline=None)
@given(vectors=cells(), seed=st.integers(0, 10_000))
def test_a_small_change_of_the_cell_is_a_small_change_of_the_lengths(vectors, seed):
    strain = np.eye(3) + np.random.default_rng(seed).uniform(-1e-4, 1e-4, size=(3, 3))
    np.testing.assert_allclose(lengths_of(vectors @ strain), lengths_of(vectors), rtol=2e-3)


@pytest.mark.parametrize("letter", "ABCIF")
def test_a_centred_cell_and_its_primitive_cell_agree(letter):
    vectors = cell_vectors(np.array([7.0, 8.0, 9.5, 90.0, 90.0, 90.0]))
    group = gemmi.SpaceGroup(
        f"{letter} m m m" if letter in "IF" else {"A": "A m m 2", "B": "B 2/b 1 1", "C": "C m m 2"}[letter]
    )
    centring = np.array(group.operations().cen_ops) / 24
    found = voronoi_lengths(vectors, np.repeat(IDENTITY, len(centring), axis=0), centring)
    # a vector of the primitive cell for each way in which the cell is centred
    primitive = {
        "A": [[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]],
        "B": [[0.5, 0, 0.5], [0, 1, 0], [0, 0, 1]],
        "C": [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]],
        "I": [[0.5, 0.5, 0.5], [0, 1, 0], [0, 0, 1]],
        "F": [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]],
    }[letter]
    np.testing.assert_allclose(found, lengths_of(np.array(primitive) @ vectors), rtol=1e-9)
