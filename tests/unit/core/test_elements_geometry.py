import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molinteract.core.elements import ATOMIC_NUMBERS, COVALENT_RADII, ORGANIC, SYMBOLS, formula
from molinteract.core.geometry import cell_vectors, cell_volume, plane_spacings


def test_symbols_agree_with_gemmi():
    for z in range(1, 119):
        assert gemmi.Element(z).name == SYMBOLS[z]
        assert ATOMIC_NUMBERS[SYMBOLS[z]] == z
    assert ATOMIC_NUMBERS["D"] == 1


def test_radii_are_known_exactly_for_the_organic_set():
    assert {int(z) for z in np.flatnonzero(np.isfinite(COVALENT_RADII))} == set(ORGANIC)
    assert COVALENT_RADII[6] == 0.76
    assert ATOMIC_NUMBERS["Fe"] not in ORGANIC


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [("CHHHH", "CH4"), ("OHH", "H2O"), ("NNHHHHCO", "CH4N2O"), ("C", "C")],
)
def test_formula_is_in_hill_order(symbols, expected):
    assert formula(np.array([ATOMIC_NUMBERS[s] for s in symbols], dtype=np.int16)) == expected


angles = st.floats(60, 110)
lengths = st.floats(3, 60)


@given(st.tuples(lengths, lengths, lengths, angles, angles, angles))
def test_cell_agrees_with_gemmi(parameters):
    cell = gemmi.UnitCell(*parameters)
    vectors = cell_vectors(np.array(parameters))
    if not np.isfinite(vectors).all():
        return
    np.testing.assert_allclose(vectors.T, np.array(cell.orth.mat.tolist()), atol=1e-9)
    assert cell_volume(vectors) == pytest.approx(cell.volume)
    assert plane_spacings(vectors)[2] == pytest.approx(1 / cell.reciprocal().c)


def test_impossible_angles_are_not_finite():
    assert not np.isfinite(cell_vectors(np.array([5, 5, 5, 30.0, 30.0, 90.0]))).all()
