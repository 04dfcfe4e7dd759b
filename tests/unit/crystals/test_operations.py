"""Symmetry operations: every spelling is read, every operation prints and reads back, only groups are accepted."""

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import SHAPES

from molinteract.core.geometry import cell_vectors
from molinteract.crystals.operations import group_defect, make_operations, operation_text, parse_operation


def operations_of(*texts):
    parsed = [parse_operation(text) for text in texts]
    return make_operations(np.array([w for w, _ in parsed]), np.array([t for _, t in parsed]))


def vectors_of(*cell):
    return cell_vectors(np.array(cell, dtype=np.float64))


CUBE = vectors_of(9, 9, 9, 90, 90, 90)


@pytest.mark.parametrize(
    ("text", "rows", "translation"),
    [
        ("x,y,z", "x y z", (0, 0, 0)),
        ("X, Y, Z", "x y z", (0, 0, 0)),
        ("1 x,y,z", "x y z", (0, 0, 0)),
        ("2  -x, 1/2+y, 1/2-z", "-x y -z", (0, 1 / 2, 1 / 2)),
        ("12 -X,Y,-Z", "-x y -z", (0, 0, 0)),
        ("3 1/2+x,1/2-y,-z", "x -y -z", (1 / 2, 1 / 2, 0)),
        ("1/2-x, 1/2+y, -z", "-x y -z", (1 / 2, 1 / 2, 0)),
        ("1/2 - x, y + 1/2, -z", "-x y -z", (1 / 2, 1 / 2, 0)),
        ("+x,+y,+z", "x y z", (0, 0, 0)),
        ("-y,x-y,z+1/3", "-y x-y z", (0, 0, 1 / 3)),
        ("x+2/3,y+1/3,z+.3333333", "x y z", (2 / 3, 1 / 3, 0.3333333)),
        ("x-0.25,y+0.5,-z+.75", "x y -z", (-0.25, 0.5, 0.75)),
        ("-z+148/473,x,y", "-z x y", (148 / 473, 0, 0)),
        ("x,y,z-1", "x y z", (0, 0, -1)),
        ("x+3/2,y,z", "x y z", (3 / 2, 0, 0)),
        ("'x,-y,z'", "x -y z", (0, 0, 0)),
    ],
)
def test_every_usual_spelling_is_read(text, rows, translation):
    rotation, found = parse_operation(text)
    units = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1), "-x": (-1, 0, 0), "-y": (0, -1, 0), "-z": (0, 0, -1)}
    units["x-y"] = (1, -1, 0)
    np.testing.assert_array_equal(rotation, [units[row] for row in rows.split()])
    np.testing.assert_allclose(found, translation, atol=1e-12)


@pytest.mark.parametrize(
    "text", ["", "x,y", "x,y,z,x", "x,y,q", "x,x,z", "x,y,1/2", "1/2x,y,z", "x,,z", "x,y,z+", "x+y+,y,z", "x,y,2z"]
)
def test_what_is_no_operation_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_operation(text)


def test_tabs_are_blanks():
    rotation, _ = parse_operation("x,\ty,\tz")
    np.testing.assert_array_equal(rotation, np.eye(3))


TOKENS = ("x", "y", "Z", "-x", "-y", "+z", "-", "+", "1/2", "2/3", ".5", "2.25", ",", ",", ",", " ", "*", "/", "(", "é")


@settings(max_examples=400, deadline=None)
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=14))
def test_any_text_is_read_or_refused_as_a_value(tokens):
    try:
        rotation, translation = parse_operation("".join(tokens))
    except ValueError:
        return
    assert round(abs(np.linalg.det(rotation))) == 1
    assert np.isfinite(translation).all()


@pytest.mark.parametrize("text", ["x,y,z+1/0", "300x,y,z", "x,y,z-128y-128y"])
def test_absurd_numbers_are_refused_as_values(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_operation(text)


@pytest.mark.parametrize("group", [*SHAPES, "P 6/m m m", "F d -3 m:1", "I 41/a:2", "P 31 2 1", "P 21/a", "A 1 2/a 1"])
def test_operations_of_a_group_print_and_read_back(group):
    for op in gemmi.SpaceGroup(group).operations():
        rotation, translation = parse_operation(op.triplet())
        again, shift = parse_operation(operation_text(rotation, translation))
        np.testing.assert_array_equal(again, rotation)
        np.testing.assert_allclose(shift, translation, atol=1e-12)
        np.testing.assert_array_equal(rotation, np.array(op.rot) // 24)
        np.testing.assert_allclose(translation, np.array(op.tran) / 24, atol=1e-12)


@given(
    twentyfourths=st.lists(st.integers(-72, 72), min_size=3, max_size=3),
    turn=st.sampled_from([op.triplet() for op in gemmi.SpaceGroup("P 6/m m m").operations()]),
)
def test_usual_translations_survive_a_round_trip_exactly(twentyfourths, turn):
    rotation, _ = parse_operation(turn)
    translation = np.array(twentyfourths) / 24
    again, shift = parse_operation(operation_text(rotation, translation))
    np.testing.assert_array_equal(again, rotation)
    np.testing.assert_allclose(shift, translation, atol=1e-12)


def reread(translation):
    turn = np.diag([1, -1, 1]).astype(np.int8)
    again, shift = parse_operation(operation_text(turn, np.array(translation)))
    np.testing.assert_array_equal(again, turn)
    return shift


@given(translation=st.lists(st.floats(-3, 3, allow_nan=False), min_size=3, max_size=3))
def test_any_translation_survives_a_round_trip_as_a_near_fraction(translation):
    np.testing.assert_allclose(reread(translation), translation, atol=5.01e-4)


@given(numerators=st.lists(st.integers(-999, 999), min_size=3, max_size=3), divisor=st.integers(25, 999))
def test_odd_fractions_survive_a_round_trip(numerators, divisor):
    translation = np.array(numerators) / divisor
    np.testing.assert_allclose(reread(translation), translation, atol=1.01e-4)


def test_a_translation_just_beyond_snapping_does_not_print_as_zero():
    np.testing.assert_allclose(reread([0.0004, 0.5004, 0.3338]), [0.0004, 0.5004, 0.3338], atol=1e-4)


def test_an_operation_prints_as_a_file_would_have_it():
    assert operation_text(np.diag([1, -1, 1]).astype(np.int8), np.array([0, 0.5, 0.5])) == "x,1/2-y,1/2+z"
    assert operation_text(*parse_operation("-z+148/473,x-1,y")) == "-z+148/473,-1+x,y"


def test_repeats_are_merged_modulo_the_lattice_and_the_identity_comes_first():
    found = operations_of("-x,-y,-z", "x,y,z", "1-x,-y,-z", "x+1,y,z-2")
    assert len(found) == 2
    np.testing.assert_array_equal(found.rotations[0], np.eye(3))
    assert not found.translations[0].any()


def test_translations_near_a_fraction_are_snapped_and_others_kept():
    found = operations_of("x,y,z", "x+0.33333,y+0.66667,z+.50001", "-x,-y,-z+148/473")
    np.testing.assert_allclose(found.translations[1], [1 / 3, 2 / 3, 1 / 2], atol=1e-12)
    assert found.translations[2, 2] == 148 / 473


def test_translations_lie_in_the_cell():
    found = operations_of("x,y,z", "-x,-y,-z-1/4", "-x,y,-z+3/2")
    assert (found.translations >= 0).all()
    assert (found.translations < 1).all()


def test_a_list_without_the_identity_is_refused():
    with pytest.raises(ValueError, match="identity"):
        operations_of("-x,-y,-z")


@pytest.mark.parametrize("group", list(SHAPES))
def test_tabulated_groups_have_no_defect_in_their_cell(group):
    ops = operations_of(*[op.triplet() for op in gemmi.SpaceGroup(group).operations()])
    shape = SHAPES[group]
    assert group_defect(ops, vectors_of(*[9 * edge for edge in shape[:3]], *shape[3:])) == ""


def test_a_group_with_a_shifted_origin_and_odd_translations_is_a_group():
    assert group_defect(operations_of("x,y,z", "-x+148/473,-y+0.1234,-z"), CUBE) == ""


def test_operations_that_do_not_close_are_named():
    assert "no group" in group_defect(operations_of("x,y,z", "-x,1/2+y,-z", "-x,-y,-z"), CUBE)
    assert "no group" in group_defect(operations_of("x,y,z", "x+1/3,y,z"), CUBE)


def test_an_operation_that_changes_the_metric_is_named():
    defect = group_defect(operations_of("x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z"), vectors_of(9, 12, 9, 90, 90, 90))
    assert "contradicts the cell" in defect
    assert "-y,x,z" in defect or "y,-x,z" in defect


def test_a_small_strain_of_the_metric_is_allowed():
    quarter_turns = operations_of("x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z")
    assert group_defect(quarter_turns, vectors_of(9, 9.01, 9, 90, 90, 90)) == ""
