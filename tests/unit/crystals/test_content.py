"""The content of a cell against the declared formula times Z."""

import pytest
from tests.strategies import pack

from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble

UREA = pack("urea", "P 1 21/c 1", seed=1)


def flags_of(**items):
    flags = assemble(UREA.raw(**items), policies=Policies(), limits=Limits()).flags
    return tuple(flag for flag in flags if flag.startswith("the cell holds"))


@pytest.mark.parametrize("formula", ["C H4 N2 O", "C1 H4 N2 O1", "CH4N2O"])
def test_a_cell_that_holds_what_is_declared_has_no_flag(formula):
    assert flags_of(formula_sum=formula, formula_units=4.0) == ()
    assert flags_of(formula_sum=formula) == ()


def test_a_wrong_number_of_formula_units_is_a_flag_with_the_numbers():
    (flag,) = flags_of(formula_sum="C H4 N2 O", formula_units=8.0)
    assert "4 C for 8" in flag
    assert "C H4 N2 O × 8" in flag


def test_another_element_than_declared_is_a_flag():
    (flag,) = flags_of(formula_sum="C H4 N2 S", formula_units=4.0)
    assert "4 O for 0" in flag
    assert "0 S for 4" in flag


def test_other_proportions_without_z_are_a_flag():
    (flag,) = flags_of(formula_sum="C H3 N2 O")
    assert "16 H for 12" in flag


def test_no_formula_is_no_flag():
    assert flags_of() == ()


def test_a_formula_of_the_whole_cell_is_no_flag():
    assert flags_of(formula_sum="C4 H16 N8 O4", formula_units=4.0) == ()
