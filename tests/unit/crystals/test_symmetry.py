"""Where the operations come from: the list, else the Hall symbol, else the Hermann–Mauguin symbol, else the number."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from tests.strategies import SHAPES, from_atoms, molecule, pack

from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.symmetry import resolve_symmetry

NO_SYMMETRY = {"operations": (), "hermann_mauguin": "", "hall": "", "space_group_number": 0}


def assembled(small, **changes):
    return assemble(small.raw(**changes), policies=Policies(), limits=Limits())


def refusal(small, **changes):
    with pytest.raises(EntryError) as caught:
        assembled(small, **changes)
    assert caught.value.reason is Reason.SYMMETRY_ERROR
    return caught.value


@pytest.mark.parametrize("group", list(SHAPES))
def test_list_hall_symbol_and_name_give_the_same_operations(group):
    small = pack("formaldehyde", group)
    sources = [{"hall": gemmi.SpaceGroup(group).hall}, {"hermann_mauguin": group}, {"operations": small.operations}]
    found = [resolve_symmetry(small.raw(**(NO_SYMMETRY | given)), small.vectors) for given in sources]
    assert [each.origin for each in found] == ["Hall symbol", "Hermann-Mauguin symbol", "operations"]
    keys = [
        {
            (w.tobytes(), tuple(np.round(t * 24).astype(int) % 24))
            for w, t in zip(ops.rotations, ops.translations, strict=True)
        }
        for ops in (each.operations for each in found)
    ]
    assert keys[0] == keys[1] == keys[2]


@pytest.mark.parametrize("group", [group for group in SHAPES if group != "R -3:R"])
def test_the_number_alone_gives_the_standard_setting(group):
    small = pack("formaldehyde", group)
    crystal = assembled(small, **NO_SYMMETRY | {"space_group_number": gemmi.SpaceGroup(group).number})
    assert crystal.molecules_in_cell == len(small.operations)


def test_the_number_alone_follows_a_rhombohedral_cell():
    small = pack("formaldehyde", "R -3:R")
    assert assembled(small, **NO_SYMMETRY | {"space_group_number": 148}).molecules_in_cell == 6


@pytest.mark.parametrize(
    ("group", "spelling"),
    [
        *[("P 1 21/c 1", text) for text in (
            "P2(1)/c", "P 2(1)/c", "P 21/c", "P21/c", "P_2_1/c", "P 2_1/c", "P2_1/c", "P121/c1", "P 1 2(1)/c 1",
        )],
        *[("P 21 21 21", text) for text in ("P212121", "P2(1)2(1)2(1)", "P 2(1) 2(1) 2(1)", "P2_12_12_1")],
        *[("C 1 2/c 1", text) for text in ("C2/c", "C 2/c", "C12/c1", "C 2/C")],
        *[("P -1", text) for text in ("P-1", "P_-1")],
        *[("R -3:H", text) for text in ("R-3", "R -3", "R -3 :H", "R-3:H", "R-3h", "H -3")],
        *[("R -3:R", text) for text in ("R-3", "R -3", "R -3 :R", "R-3:R")],
    ],
)  # fmt: skip
def test_old_spellings_of_a_symbol_are_understood(group, spelling):
    small = pack("formaldehyde", group)
    crystal = assembled(small, **NO_SYMMETRY | {"hermann_mauguin": spelling})
    assert crystal.molecules_in_cell == len(small.operations)
    assert crystal.space_group == spelling


@pytest.mark.parametrize(
    ("spelling", "cell", "order"),
    [
        ("PBCM", (12.0, 13.0, 14.0, 90, 90, 90), 8),
        ("Pmn2(1)", (12.0, 13.0, 14.0, 90, 90, 90), 4),
        ("PNA21", (12.0, 13.0, 14.0, 90, 90, 90), 4),
        ("P a 3", (12.0, 12.0, 12.0, 90, 90, 90), 24),
        ("Pa3", (12.0, 12.0, 12.0, 90, 90, 90), 24),
        ("F d 3 m", (20.0, 20.0, 20.0, 90, 90, 90), 192),
        ("I a 3 d", (30.0, 30.0, 30.0, 90, 90, 90), 96),
    ],
)
def test_capitals_and_missing_bars_are_understood(spelling, cell, order):
    small = replace(pack("formaldehyde", "P 1"), cell=cell)
    raw = small.raw(**NO_SYMMETRY | {"hermann_mauguin": spelling})
    assert len(resolve_symmetry(raw, small.vectors).operations) == order


@pytest.mark.parametrize("symbol", ["", "X c", "nonsense", "P63/m:937"])
def test_no_list_and_no_known_name_is_a_symmetry_error_with_a_remedy(symbol):
    error = refusal(pack("formaldehyde", "P 1"), **NO_SYMMETRY | {"hermann_mauguin": symbol})
    assert error.remedy
    assert (symbol or "nothing") in error.message


def test_a_number_outside_the_tables_is_no_name():
    refusal(pack("formaldehyde", "P 1"), **NO_SYMMETRY | {"space_group_number": 500})


def test_the_list_decides_over_an_unknown_or_made_up_symbol():
    small = pack("formaldehyde", "P 1 21/c 1")
    for symbol in ("P63/m:937", "Xmc21", "X c"):
        assert assembled(small, hermann_mauguin=symbol).molecules_in_cell == 4


def test_an_unreadable_hall_symbol_leaves_the_other_names():
    small = pack("formaldehyde", "P 1 21/c 1")
    crystal = assembled(small, operations=(), hall="-P 2ybc what")
    assert crystal.molecules_in_cell == 4


def test_a_shifted_origin_of_the_list_is_kept_as_listed():
    small = pack("formaldehyde", "P -1")
    shift = np.array([0.1, 0.2, 148 / 473 / 2])
    moved = replace(small, operations=("x,y,z", "-x+0.2,-y+0.4,-z+148/473"), fractional=small.fractional + shift)
    assert assembled(moved).molecules_in_cell == 2


@pytest.mark.parametrize(
    "texts",
    [
        ("1 x,y,z", "2 -x,1/2+y,1/2-z", "3 -x,-y,-z", "4 x,1/2-y,1/2+z"),
        ("X,Y,Z", "-X,1/2+Y,1/2-Z", "-X,-Y,-Z", "X,1/2-Y,1/2+Z"),
        ("x, y, z", "-x, y+0.5, -z+0.5", "-x, -y, -z", "x, -y+.5, z+.5"),
        ("x,y,z", "-x,1/2+y,1/2-z", "-x,-y,-z", "x,1/2-y,1/2+z", "x,y,z", "1-x,1-y,1-z"),
    ],
)
def test_spellings_and_repeats_of_listed_operations_do_not_matter(texts):
    assert assembled(pack("urea", "P 1 21/c 1"), operations=texts).molecules_in_cell == 4


def test_operations_that_form_no_group_are_refused():
    error = refusal(pack("urea", "P 1 21/c 1"), operations=("x,y,z", "-x,1/2+y,1/2-z", "-x,-y,-z"))
    assert "no group" in error.message


def test_operations_that_contradict_the_cell_are_refused():
    error = refusal(pack("urea", "P 1 21/c 1"), operations=("x,y,z", "y,x,z"), hermann_mauguin="")
    assert "contradicts the cell" in error.message


@pytest.mark.parametrize("texts", [("x,y,z", "x,y"), ("x,y,z", "what"), ("-x,-y,-z",)])
def test_operations_that_cannot_be_read_are_refused(texts):
    refusal(pack("urea", "P -1"), operations=texts)


def test_a_list_that_repeats_instead_of_centring_is_refused_when_the_cell_is_half_empty():
    small = pack("benzene", "C 1 2/c 1", gap=1.2)
    assert assembled(small).molecules_in_cell == 8
    uncentred = tuple(op.triplet() for op in gemmi.SpaceGroup("C 1 2/c 1").operations().sym_ops)
    error = refusal(small, operations=uncentred * 2)
    assert "4 distinct operations are listed, C 1 2/c 1 has 8" in error.message


def test_a_list_that_differs_from_the_group_is_refused_when_the_density_differs_too():
    small = pack("benzene", "C 1 2/c 1", gap=1.2)
    uncentred = tuple(op.triplet() for op in gemmi.SpaceGroup("C 1 2/c 1").operations().sym_ops)
    declared = assembled(small).density
    error = refusal(small, operations=uncentred, density=declared)
    assert "declared" in error.message


def test_a_list_that_differs_from_the_group_in_a_sound_cell_is_a_flag():
    small = pack("benzene", "P -1", gap=1.2)
    crystal = assembled(small, hermann_mauguin="C 1 2/c 1", cell=np.array(small.cell))
    assert crystal.molecules_in_cell == 2
    assert any("2 distinct operations are listed, C 1 2/c 1 has 8" in flag for flag in crystal.flags)


def test_a_declared_density_that_differs_alone_is_a_flag():
    small = pack("benzene", "P -1", gap=1.2)
    density = assembled(small).density
    assert not assembled(small, density=density * 1.02).flags
    assert any("declared" in flag for flag in assembled(small, density=density * 1.1).flags)


def test_a_vacuum_box_is_a_flag():
    flags = assembled(pack("urea", "P 1", gap=9.0)).flags
    assert any("per non-hydrogen atom" in flag for flag in flags)


def test_a_cell_of_two_unrelated_molecules_stays_in_p1():
    symbols, positions = molecule("urea")
    turned = positions @ np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0].T
    atoms = [
        (s, *p)
        for s, p in zip(symbols * 2, np.concatenate([positions + 3, turned + np.array([8.0, 7.1, 6.3])]), strict=True)
    ]
    crystal = assembled(from_atoms(atoms, edge=12.0))
    assert len(crystal.rotations) == 1
    assert len(crystal.molecules) == 2


def test_the_symmetry_search_works_where_warnings_are_errors(recwarn):
    assembled(pack("urea", "P 1 21/c 1").expanded())
    assert not [warning for warning in recwarn if issubclass(warning.category, DeprecationWarning)]


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_symmetry_is_found_within_a_twentieth_of_an_angstrom_only(noise):
    small = pack("urea", "P 1 21/c 1").expanded()
    rng = np.random.default_rng(0)
    shifts = rng.normal(size=(4, 3))
    shifts *= noise / np.linalg.norm(shifts, axis=1, keepdims=True)
    moved = small.fractional + np.repeat(shifts, 8, axis=0) @ np.linalg.inv(small.vectors)
    crystal = assembled(replace(small, fractional=moved))
    assert len(crystal.rotations) == (4 if noise < 0.05 else 1)
    assert crystal.molecules_in_cell == 4


def test_a_supercell_given_in_p1_gets_its_translations_back():
    small = pack("urea", "P 1 21/c 1").expanded()
    points = np.concatenate([small.fractional, small.fractional + np.array([1, 0, 0])]) / [2, 1, 1]
    cell = (small.cell[0] * 2, *small.cell[1:])
    crystal = assembled(replace(small, cell=cell, symbols=small.symbols * 2, fractional=points))
    assert crystal.molecules_in_cell == 8
    assert len(crystal.rotations) == 8
    assert len(crystal.molecules) == 1
