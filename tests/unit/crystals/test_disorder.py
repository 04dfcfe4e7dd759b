"""Partial occupancy: what counts as partial, and what the majority policy keeps."""

import gemmi
import numpy as np
import pytest
from tests.strategies import SmallCrystal, molecule, pack

from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble

MAJORITY = Policies(disorder="majority")
UREA = pack("urea", "P 1 21/c 1", seed=1)
METHANOL = pack("methanol", "P -1", seed=2)


def assembled(small, *, occupancies=None, groups=None, policies=None):
    rows = len(small.symbols)
    raw = small.raw(
        occupancies=np.full(rows, np.nan) if occupancies is None else np.array(occupancies, dtype=np.float64),
        disorder_groups=("",) * rows if groups is None else tuple(groups),
    )
    return assemble(raw, policies=policies or Policies(), limits=Limits())


def refusal(*args, **options):
    with pytest.raises(EntryError) as caught:
        assembled(*args, **options)
    return caught.value


def two_positions(major, minor, groups=("1", "2")):
    """Methanol whose hydroxyl hydrogen (the last row) has a second position."""
    second = METHANOL.fractional[-1] + np.array([0.3, -0.2, 0.25]) @ np.linalg.inv(METHANOL.vectors)
    small = METHANOL.with_rows((*METHANOL.symbols, "H"), np.vstack([METHANOL.fractional, second]))
    return {"small": small, "occupancies": [1.0] * 5 + [major, minor], "groups": [""] * 5 + list(groups)}


def test_occupancy_below_one_is_disorder_with_a_count_and_a_remedy():
    error = refusal(UREA, occupancies=[1, 1, 1, 0.6, 0.6, 1, 1, 1])
    assert error.reason is Reason.DISORDER
    assert "2 of 8 atom rows" in error.message
    assert "H4 with 0.6" in error.message
    assert "majority" in error.remedy


@pytest.mark.parametrize(("occupancy", "kept"), [(0.99, True), (0.995, True), (1.0, True), (0.985, False)])
def test_full_begins_at_ninety_nine_hundredths(occupancy, kept):
    if kept:
        assert assembled(UREA, occupancies=[occupancy] * 8).molecules_in_cell == 4
    else:
        assert refusal(UREA, occupancies=[occupancy] * 8).reason is Reason.DISORDER


def test_rows_of_occupancy_zero_are_absent():
    small = UREA.with_rows((*UREA.symbols, "C"), np.vstack([UREA.fractional, UREA.fractional[0] + 0.02]))
    assert assembled(small, occupancies=[1.0] * 8 + [0.0]).molecules_in_cell == 4


def on_two_fold_axis():
    symbols, positions = molecule("formaldehyde")
    empty = SmallCrystal((9.0, 6.0, 8.0, 90.0, 100.0, 90.0), (), "C 1 2/c 1", (), np.zeros((0, 3)))
    points = np.array([0, 0.1, 0.25]) + positions @ np.linalg.inv(empty.vectors)
    operations = tuple(op.triplet() for op in gemmi.SpaceGroup("C 1 2/c 1").operations())
    return SmallCrystal(empty.cell, operations, "C 1 2/c 1", symbols[:3], points[:3])


def test_one_half_on_a_two_fold_axis_is_full():
    crystal = assembled(on_two_fold_axis(), occupancies=[0.5, 0.5, 1.0])
    assert [(found.formula, len(found.images)) for found in crystal.molecules] == [("CH2O", 4)]


def test_less_than_one_half_on_a_two_fold_axis_is_disorder():
    assert refusal(on_two_fold_axis(), occupancies=[0.4, 0.5, 1.0]).reason is Reason.DISORDER


def test_one_half_beside_the_axis_is_disorder():
    assert refusal(on_two_fold_axis(), occupancies=[0.5, 0.5, 0.5]).reason is Reason.DISORDER


def test_a_whole_molecule_over_an_inversion_centre_is_disorder():
    symbols, positions = molecule("acetic acid")
    empty = SmallCrystal((9.0, 9.0, 9.0, 90.0, 90.0, 90.0), (), "P -1", (), np.zeros((0, 3)))
    points = positions @ np.linalg.inv(empty.vectors) + 0.03
    small = SmallCrystal(empty.cell, ("x,y,z", "-x,-y,-z"), "P -1", symbols, points)
    assert refusal(small, occupancies=[0.5] * 8).reason is Reason.DISORDER
    assert refusal(small, occupancies=[0.5] * 8, groups=["-1"] * 8, policies=MAJORITY).reason is Reason.CLASH


def test_two_half_atoms_on_one_place_are_not_merged_into_a_whole_one():
    small = UREA.with_rows((*UREA.symbols, "C"), np.vstack([UREA.fractional, UREA.fractional[0]]))
    assert refusal(small, occupancies=[0.5, *[1.0] * 7, 0.5]).reason is Reason.DISORDER


def test_groups_with_full_occupancy_are_a_flag():
    crystal = assembled(UREA, groups=["1", *[""] * 7])
    assert any("disorder groups" in flag for flag in crystal.flags)


@pytest.mark.parametrize(("major", "minor"), [(0.7, 0.3), (0.3, 0.7), (0.55, 0.45)])
def test_the_majority_policy_keeps_the_more_occupied_group(major, minor):
    case = two_positions(major, minor)
    assert refusal(**case).reason is Reason.DISORDER
    (found,) = assembled(**case, policies=MAJORITY).molecules
    assert found.formula == "CH4O"
    assert ("H6" in found.labels) is (major > minor)


def test_the_majority_policy_keeps_the_first_named_group_of_a_tie():
    (found,) = assembled(**two_positions(0.5, 0.5), policies=MAJORITY).molecules
    assert "H6" in found.labels
    assert "H7" not in found.labels


def test_the_majority_policy_keeps_lone_sites_that_are_more_there_than_not():
    case = two_positions(0.7, 0.3, groups=("", ""))
    (found,) = assembled(**case, policies=MAJORITY).molecules
    assert found.formula == "CH4O"
    assert "H6" in found.labels


def test_the_majority_policy_drops_a_half_empty_solvent():
    symbols, positions = molecule("water")
    points = np.array([0.02, 0.98, 0.47]) + positions @ np.linalg.inv(UREA.vectors)
    small = UREA.with_rows(UREA.symbols + symbols, np.vstack([UREA.fractional, points]))
    crystal = assembled(small, occupancies=[1.0] * 8 + [0.4] * 3, policies=MAJORITY)
    assert [(found.formula, len(found.images)) for found in crystal.molecules] == [("CH4N2O", 4)]


def test_the_majority_policy_leaves_an_ordered_crystal_as_it_is():
    one, other = assembled(UREA, policies=MAJORITY), assembled(UREA)
    np.testing.assert_array_equal(one.molecules[0].positions, other.molecules[0].positions)
    assert one.flags == other.flags


def test_each_assembly_keeps_its_own_majority():
    """Two hydroxyl hydrogens of two independent assemblies: the better group of each stays."""
    rows = two_positions(0.7, 0.3, groups=("A/1", "A/2"))
    assert assembled(**rows, policies=MAJORITY).molecules[0].formula == "CH4O"
    groups = ["", "", "", "", "B/1", "A/1", "A/2"]
    occupancies = [1.0] * 4 + [0.6, 0.3, 0.7]
    crystal = assembled(rows["small"], occupancies=occupancies, groups=groups, policies=MAJORITY)
    assert crystal.molecules[0].formula == "CH4O"
