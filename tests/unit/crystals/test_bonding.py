"""Periodic pairs against brute force, and the rules that make bonds of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import cells

from molinteract.core.elements import COVALENT_RADII
from molinteract.core.geometry import plane_spacings
from molinteract.crystals.bonding import Pairs, bonded_pairs, bridging_hydrogen, clash, near_pairs


def bonds(pairs, numbers):
    return Pairs(*bonded_pairs(pairs.p, pairs.q, pairs.shift, pairs.distance, numbers, COVALENT_RADII))


ELEMENTS = (1, 1, 1, 6, 6, 7, 8, 16, 17, 53)


def brute_force(fractional, numbers, vectors):
    """All pairs over every lattice vector of a block that holds any sphere of the longest reach."""
    radii = COVALENT_RADII[numbers]
    longest = max(2 * radii.max() + 0.30, 1.35)
    spread = np.ceil(np.ptp(fractional, axis=0)) + np.ceil(longest / plane_spacings(vectors)) + 1
    grids = np.meshgrid(*[np.arange(-n, n + 1) for n in spread.astype(int)], indexing="ij")
    shifts = np.stack(grids, axis=-1).reshape(-1, 3)
    found = set()
    for p in range(len(numbers)):
        for q in range(p, len(numbers)):
            reach = radii[p] + radii[q] + 0.30
            if numbers[p] == numbers[q] == 1:
                reach = 1.15
            elif 1 in (numbers[p], numbers[q]):
                reach = max(reach, 1.35)
            distance = np.linalg.norm((fractional[q] - fractional[p] + shifts) @ vectors, axis=1)
            for k in np.flatnonzero(distance < reach):
                n = tuple(shifts[k].tolist())
                if p != q or n > (0, 0, 0):
                    found.add((p, q, *n, round(float(distance[k]), 6)))
    return found


def canonical(pairs):
    found = []
    for p, q, n, d in zip(pairs.p, pairs.q, pairs.shift, pairs.distance, strict=True):
        shift = tuple(n.tolist())
        if p == q and shift < (0, 0, 0):
            shift = tuple(-k for k in shift)
        found.append((int(p), int(q), *shift, round(float(d), 6)))
    return found


@settings(max_examples=120, deadline=None)
@given(vectors=cells(), count=st.integers(1, 12), spread=st.sampled_from([1.0, 4.0]), seed=st.integers(0, 10_000))
def test_near_pairs_are_those_of_brute_force_in_any_cell(vectors, count, spread, seed):
    rng = np.random.default_rng(seed)
    fractional = rng.uniform(-spread / 2, spread / 2, size=(count, 3))
    numbers = rng.choice(ELEMENTS, size=count).astype(np.int16)
    found = canonical(near_pairs(fractional, numbers, vectors))
    assert len(found) == len(set(found))
    assert set(found) == brute_force(fractional, numbers, vectors)


def test_an_atom_in_a_cell_shorter_than_a_bond_meets_its_own_images_once_each():
    vectors = np.diag([1.4, 9.0, 9.0])
    pairs = near_pairs(np.zeros((1, 3)), np.array([6], dtype=np.int16), vectors)
    assert len(pairs) == 1
    assert abs(pairs.shift[0, 0]) == 1
    assert pairs.distance[0] == pytest.approx(1.4)


def test_more_pairs_than_first_allotted_are_all_returned():
    vectors = np.diag([0.6, 0.6, 0.6])
    fractional = np.random.default_rng(0).uniform(size=(3, 3))
    numbers = np.array([6, 53, 53], dtype=np.int16)
    pairs = near_pairs(fractional, numbers, vectors)
    assert len(pairs) > 16 * 3 + 64
    assert set(canonical(pairs)) == brute_force(fractional, numbers, vectors)


@settings(max_examples=30, deadline=None)
@given(vectors=cells(), count=st.integers(1, 8), seed=st.integers(0, 10_000))
def test_pairs_do_not_depend_on_the_cell_in_which_atoms_are_listed(vectors, count, seed):
    rng = np.random.default_rng(seed)
    fractional = rng.uniform(size=(count, 3))
    numbers = rng.choice(ELEMENTS, size=count).astype(np.int16)
    moved = fractional + rng.integers(-3, 4, size=(count, 3))
    here, there = (near_pairs(points, numbers, vectors) for points in (fractional, moved))
    np.testing.assert_allclose(np.sort(here.distance), np.sort(there.distance), atol=1e-9)


def line(*atoms):
    """Atoms on a line in a wide cell: (Z, position in Å)."""
    numbers = np.array([z for z, _ in atoms], dtype=np.int16)
    fractional = np.array([[x / 30.0, 0.0, 0.0] for _, x in atoms])
    return near_pairs(fractional, numbers, np.diag([30.0, 30.0, 30.0])), numbers


def bonded(*atoms):
    pairs, numbers = line(*atoms)
    kept = bonds(pairs, numbers)
    return {(int(min(p, q)), int(max(p, q))) for p, q in zip(kept.p, kept.q, strict=True)}


@pytest.mark.parametrize(("excess", "expected"), [(0.29, {(0, 1)}), (0.31, set())])
def test_two_atoms_are_bonded_below_the_sum_of_radii_and_three_tenths(excess, expected):
    assert bonded((6, 0.0), (7, 0.76 + 0.71 + excess)) == expected


def test_hydrogens_are_never_bonded_to_each_other():
    assert bonded((1, 0.0), (1, 0.7)) == set()


def test_a_hydrogen_keeps_only_its_shortest_bond():
    assert bonded((8, 0.0), (1, 1.0), (8, 2.2)) == {(0, 1)}
    assert bonded((8, 0.0), (1, 1.2), (8, 2.2)) == {(1, 2)}


def test_a_tie_of_a_hydrogen_goes_to_the_atom_listed_first():
    assert bonded((8, 0.0), (1, 1.2), (8, 2.4)) == {(0, 1)}
    assert bonded((8, 2.4), (1, 1.2), (8, 0.0)) == {(0, 1)}


def test_heavy_atoms_keep_all_their_bonds():
    assert bonded((6, 0.0), (6, 1.4), (6, 2.8)) == {(0, 1), (1, 2)}


@pytest.mark.parametrize(
    ("atoms", "clashes"),
    [
        (((6, 0.0), (6, 1.05)), True),
        (((6, 0.0), (6, 1.08)), False),
        (((6, 0.0), (1, 0.58)), True),
        (((6, 0.0), (1, 0.62)), False),
        (((1, 0.0), (1, 1.13)), True),
        (((1, 0.0), (1, 1.17)), False),
    ],
)
def test_clash_limits_by_kind_of_pair(atoms, clashes):
    assert (clash(*line(*atoms)) >= 0) is clashes


def test_the_worst_clash_is_named():
    pairs, numbers = line((6, 0.0), (6, 1.0), (8, 5.0), (8, 5.3))
    worst = clash(pairs, numbers)
    assert {int(pairs.p[worst]), int(pairs.q[worst])} == {2, 3}


@pytest.mark.parametrize(
    ("first", "second", "bridges"),
    [(1.20, 1.20, True), (1.15, 1.34, True), (1.10, 1.34, False), (1.20, 1.36, False), (0.99, 1.31, False)],
)
def test_a_hydrogen_bridges_when_both_distances_are_short_and_alike(first, second, bridges):
    found = bridging_hydrogen(*line((8, 0.0), (1, first), (8, first + second)))
    assert (found is not None) is bridges
    if found:
        assert found[0] == 1
        assert set(found[1:]) == {0, 2}


def test_no_pairs_mean_no_clash_no_bridge_and_no_bonds():
    pairs, numbers = line((6, 0.0), (6, 9.0))
    assert len(pairs) == 0
    assert clash(pairs, numbers) == -1
    assert bridging_hydrogen(pairs, numbers) is None
    assert len(bonds(pairs, numbers)) == 0
    assert isinstance(bonds(pairs, numbers), Pairs)
