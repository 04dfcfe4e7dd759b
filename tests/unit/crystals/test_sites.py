"""Which element an atom row is, and which rows are no atoms."""

from dataclasses import replace

import numpy as np
import pytest
from tests.strategies import pack

from molinteract.core.elements import SYMBOLS
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.sites import find_sites, parse_formula


def elements(labels, types=None, formula="", **changes):
    rows = len(labels)
    points = np.random.default_rng(0).uniform(size=(rows, 3))
    raw = pack("urea", "P 1").raw(
        labels=tuple(labels),
        type_symbols=tuple(types) if types else ("",) * rows,
        fractional=points,
        occupancies=np.full(rows, np.nan),
        disorder_groups=("",) * rows,
        calc_flags=("",) * rows,
        formula_sum=formula,
    )
    return [SYMBOLS[z] for z in find_sites(replace(raw, **changes)).atomic_numbers]


@pytest.mark.parametrize(
    ("symbol", "element"),
    [
        ("C", "C"), ("CL", "Cl"), ("cl", "Cl"), ("Cl1-", "Cl"), ("O2-", "O"), ("C1-", "C"), ("N3+", "N"), ("D", "H"),
        ("T", "H"), ("BR", "Br"), ("SI", "Si"), ("Fe2+", "Fe"), ("H0", "H"),
    ],
)  # fmt: skip
def test_the_type_symbol_decides(symbol, element):
    assert elements(["X1"], [symbol]) == [element]


@pytest.mark.parametrize(
    ("label", "element"),
    [
        ("C1", "C"), ("C12A", "C"), ("CA1", "C"), ("HO1", "H"), ("NB2", "N"), ("H1N", "H"), ("O1W", "O"), ("OH", "O"),
        ("Cl1", "Cl"), ("CL1", "Cl"), ("Br2", "Br"), ("BR2", "Br"), ("Si1", "Si"), ("SI1", "Si"), ("SE1", "Se"),
        ("D1", "H"), ("HC3", "H"), ("I1", "I"), ("F3", "F"), ("S1", "S"), ("c7", "C"), ("B1", "B"), ("Fe1", "Fe"),
        ("Pt1", "Pt"), ("Zn1", "Zn"),
    ],
)  # fmt: skip
def test_without_type_and_formula_the_label_is_read_as_a_chemist_would(label, element):
    assert elements([label]) == [element]


@pytest.mark.parametrize(
    ("label", "formula", "element"),
    [
        ("CL1", "C6 H5 Cl", "Cl"), ("CL1", "C6 H6", "C"), ("CA1", "C6 H6", "C"), ("HO1", "C2 H6 O", "H"),
        ("NB1", "C4 H5 N", "N"), ("SI1", "C4 H12 Si", "Si"), ("SI1", "C4 H4 S", "S"), ("BR1", "C6 H5 Br", "Br"),
        ("D3", "C6 D6", "H"), ("CO1", "C2 H6 O", "C"), ("CO1", "C2 H6 Co", "Co"),
    ],
)  # fmt: skip
def test_without_type_the_declared_formula_decides_between_one_and_two_letters(label, formula, element):
    assert elements([label], formula=formula) == [element]


def test_a_type_symbol_that_is_not_given_falls_back_to_the_label():
    assert elements(["H1", "C2", "CL3"], ["", "C", ""], formula="C H Cl") == ["H", "C", "Cl"]


@pytest.mark.parametrize("label", ["1", "?", "Q1", "", "Xx3"])
def test_a_row_whose_element_cannot_be_told_is_a_parse_error(label):
    with pytest.raises(EntryError) as caught:
        elements(["C1", label])
    assert caught.value.reason is Reason.PARSE_ERROR
    assert "row 2" in caught.value.message


@pytest.mark.parametrize("symbol", ["Du", "DU", "Lp", "Cnt", "Cg"])
def test_dummy_types_are_no_atoms(symbol):
    assert elements(["C1", "X1"], ["C", symbol]) == ["C"]


def test_dummy_labels_and_dummy_flags_are_no_atoms():
    assert elements(["C1", "Du1"]) == ["C"]
    assert elements(["C1", "C2"], calc_flags=("", "dum")) == ["C"]


def test_absent_rows_and_rows_without_three_numbers_are_no_atoms():
    points = np.random.default_rng(0).uniform(size=(3, 3))
    points[1, 2] = np.nan
    assert elements(["C1", "N1", "O1"], fractional=points) == ["C", "O"]
    assert elements(["C1", "N1", "O1"], occupancies=np.array([1.0, 1.0, 0.0])) == ["C", "N"]


@pytest.mark.parametrize("rows", [0, 2])
def test_no_row_left_is_no_coordinates(rows):
    with pytest.raises(EntryError) as caught:
        elements(["C1"] * rows, fractional=np.full((rows, 3), np.nan))
    assert caught.value.reason is Reason.NO_COORDINATES


def test_an_occupancy_that_is_not_given_is_one():
    raw = pack("urea", "P 1").raw()
    np.testing.assert_array_equal(find_sites(raw).occupancies, np.ones(8))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("C8 H9 N O2", {6: 8, 1: 9, 7: 1, 8: 2}),
        ("C8H9NO2", {6: 8, 1: 9, 7: 1, 8: 2}),
        ("C6 D6", {6: 6, 1: 6}),
        ("C6 H3 D3", {6: 6, 1: 6}),
        ("C12 B Cl F10", {6: 12, 5: 1, 17: 1, 9: 10}),
        ("C2 H5.5 O0.25", {6: 2, 1: 5.5, 8: 0.25}),
        ("", {}),
        ("?", {}),
    ],
)
def test_formulae_are_counted_by_element_with_deuterium_as_hydrogen(text, counts):
    assert parse_formula(text) == counts
