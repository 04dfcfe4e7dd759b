"""The same crystal written in another way has the same patches."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.app.health import FORMIC_ACID
from molinteract.core.geometry import cell_vectors
from molinteract.core.settings import Limits, PatchParameters, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.cell import fill_cell
from molinteract.crystals.operations import operation_text, parse_operation
from molinteract.crystals.read import read_cif
from molinteract.crystals.sites import Sites
from molinteract.crystals.symmetry import resolve_symmetry
from molinteract.patches.find import find_patches

# urea, P -4 21 m: every atom on a special position (J. E. Worsham et al., Acta Cryst. 1957, 10, 319; rounded)
UREA = b"""data_urea
_cell_length_a 5.565
_cell_length_b 5.565
_cell_length_c 4.684
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P -4 21 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 0 0.5 0.3260
O1 0 0.5 0.5953
N1 0.1459 0.6459 0.1766
H1 0.2575 0.7575 0.2827
H2 0.1441 0.6441 -0.0380
"""
# one molecule of formaldehyde in general position of P -1
FORMALDEHYDE = b"""data_formaldehyde
_cell_length_a 4.10
_cell_length_b 4.75
_cell_length_c 5.30
_cell_angle_alpha 83
_cell_angle_beta 97
_cell_angle_gamma 105
loop_
_symmetry_equiv_pos_as_xyz
x,y,z
-x,-y,-z
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 0.2301 0.2507 0.2903
O1 0.3520 0.4521 0.4011
H1 0.3312 0.0513 0.2311
H2 -0.0170 0.2420 0.2310
"""
PARAMETERS = PatchParameters()
seeds = st.integers(0, 10_000)
crystals = pytest.mark.parametrize("name", ["formic acid", "urea", "formaldehyde"])
quick = settings(max_examples=8, deadline=None)


@cache
def raw(name):
    """The crystal with its operations written out."""
    text = {"formic acid": FORMIC_ACID, "urea": UREA, "formaldehyde": FORMALDEHYDE}[name]
    (structure,) = read_cif(text, source="s", file="f")
    operations = resolve_symmetry(structure, cell_vectors(structure.cell)).operations
    texts = (operation_text(w, t) for w, t in zip(operations.rotations, operations.translations, strict=True))
    return replace(structure, operations=tuple(texts), hermann_mauguin="")


def invariants(structure):
    """Sorted rows (nodes, inter, intra, multiplicity, shortest distance) of all patches, and the number of orbits."""
    crystal = assemble(structure, policies=Policies(), limits=Limits())
    flags = [np.zeros(len(m.labels), dtype=np.uint8) for m in crystal.molecules]
    table = find_patches(crystal, flags, parameters=PARAMETERS)
    columns = (table.n_nodes, table.n_inter, table.n_intra, table.multiplicity, table.minimum_distance)
    rows = np.stack([np.asarray(c, dtype=float) for c in columns], axis=1)
    return rows[np.lexsort(np.round(rows, 2).T[::-1])], int(table.orbit.max()) + 1, crystal


def assert_same(changed, name):
    (rows, orbits, crystal), (expected, expected_orbits, original) = invariants(changed), invariants(raw(name))
    assert rows.shape == expected.shape
    np.testing.assert_allclose(rows, expected, atol=2e-3)
    assert orbits == expected_orbits
    assert crystal.compound == original.compound
    assert crystal.density == pytest.approx(original.density, rel=1e-6)


@crystals
def test_no_pair_lies_so_near_a_cutoff_that_rounding_decides(name):
    _, _, crystal = invariants(raw(name))
    flags = [np.zeros(len(m.labels), dtype=np.uint8) for m in crystal.molecules]
    counts = []
    for change in (-5e-4, 5e-4):
        parameters = PatchParameters(radius=8 + change, d_inter=4 + change, d_intra=2 + change)
        table = find_patches(crystal, flags, parameters=parameters)
        counts.append((table.n_nodes.sum(), table.n_inter.sum(), table.n_intra.sum()))
    assert counts[0] == counts[1]


@crystals
@quick
@given(seed=seeds)
def test_order_of_the_atoms(name, seed):
    structure = raw(name)
    order = np.random.default_rng(seed).permutation(len(structure.labels))
    changed = replace(
        structure,
        fractional=structure.fractional[order],
        labels=tuple(structure.labels[k] for k in order),
        type_symbols=tuple(structure.type_symbols[k] for k in order),
    )
    assert_same(changed, name)


@crystals
@quick
@given(seed=seeds)
def test_each_atom_in_any_cell(name, seed):
    shifts = np.random.default_rng(seed).integers(-3, 4, raw(name).fractional.shape)
    assert_same(replace(raw(name), fractional=raw(name).fractional + shifts), name)


@crystals
@quick
@given(seed=seeds)
def test_any_symmetry_image_of_each_atom(name, seed):
    structure, rng = raw(name), np.random.default_rng(seed)
    images = [parse_operation(text) for text in structure.operations]
    moved = []
    for point in structure.fractional:
        w, t = images[rng.integers(len(images))]
        moved.append(w @ point + t)
    assert_same(replace(structure, fractional=np.array(moved)), name)


@crystals
@quick
@given(seed=seeds)
def test_shifted_origin(name, seed):
    structure = raw(name)
    shift = np.random.default_rng(seed).integers(0, 1000, 3) / 1000
    texts = []
    for text in structure.operations:
        w, t = parse_operation(text)
        texts.append(operation_text(w, np.round(t + shift - w @ shift, 6)))
    assert_same(replace(structure, fractional=structure.fractional + shift, operations=tuple(texts)), name)


def unimodular(seed):
    """A product of elementary row operations: another basis of the same lattice."""
    rng = np.random.default_rng(seed)
    p = np.eye(3)
    for _ in range(3):
        a, b = rng.choice(3, 2, replace=False)
        step = np.eye(3)
        step[a, b] = rng.choice([-1, 1])
        p = step @ p
    return p


def parameters_of(vectors):
    lengths = np.linalg.norm(vectors, axis=1)
    angles = [
        np.degrees(np.arccos(vectors[a] @ vectors[b] / lengths[a] / lengths[b])) for a, b in ((1, 2), (0, 2), (0, 1))
    ]
    return np.array([*lengths, *angles])


@crystals
@quick
@given(seed=seeds)
def test_another_setting(name, seed):
    structure, p = raw(name), unimodular(seed)
    q = np.linalg.inv(p).T  # fractional columns transform with the inverse transpose of the rows of the basis
    texts = []
    for text in structure.operations:
        w, t = parse_operation(text)
        texts.append(operation_text(np.rint(q @ w @ p.T).astype(np.int8), np.round(q @ t, 9)))
    changed = replace(
        structure,
        cell=parameters_of(p @ cell_vectors(structure.cell)),
        fractional=structure.fractional @ q.T,
        operations=tuple(texts),
    )
    assert_same(changed, name)


def expanded(structure, repeats):
    """The whole content of a supercell, without symmetry."""
    vectors = cell_vectors(structure.cell)
    numbers = np.array([{"C": 6, "O": 8, "N": 7, "H": 1}[label[0]] for label in structure.labels], dtype=np.int16)
    sites = Sites(structure.labels, numbers, structure.fractional, np.ones(len(numbers)), ("",) * len(numbers))
    _, content = fill_cell(sites, resolve_symmetry(structure, vectors).operations, vectors)
    cells = np.array([(a, b, c) for a in range(repeats[0]) for b in range(repeats[1]) for c in range(repeats[2])])
    points = (content.fractional[:, None] + cells[None]).reshape(-1, 3) / repeats
    labels = tuple(structure.labels[s] for s in content.site for _ in cells)
    rows = len(labels)
    scale = np.array([*repeats, 1, 1, 1])
    return replace(
        structure,
        cell=structure.cell * scale,
        fractional=points,
        labels=labels,
        type_symbols=("",) * rows,
        occupancies=np.full(rows, np.nan),
        disorder_groups=("",) * rows,
        calc_flags=("",) * rows,
        operations=("x,y,z",),
    )


@crystals
@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 1), (1, 2, 2)])
def test_cell_given_whole_without_symmetry(name, repeats):
    changed = expanded(raw(name), repeats)
    if name == "urea" and repeats != (1, 1, 1):
        # the fourfold axis does not map this supercell onto itself: fewer operations, the same neighbours
        (rows, _, crystal), (expected, _, original) = invariants(changed), invariants(raw(name))
        assert 1 < len(crystal.rotations) < original.molecules_in_cell * 4 * np.prod(repeats)
        assert_same_neighbours(rows, expected, len(crystal.molecules) / len(original.molecules))
    else:
        assert_same(changed, name)


def assert_same_neighbours(rows, expected, factor):
    """Equal apart from multiplicities, every molecule of the original standing for ``factor`` of the other."""
    assert len(rows) == factor * len(expected)
    many, found = np.repeat(expected[:, [0, 1, 2, 4]], int(factor), axis=0), rows[:, [0, 1, 2, 4]]
    for table in (many, found):
        table[:] = table[np.lexsort(np.round(table, 2).T[::-1])]
    np.testing.assert_allclose(found, many, atol=2e-3)


@crystals
def test_supercell_taken_as_it_stands(name, monkeypatch):
    """Without looking for symmetry each molecule of the supercell is independent and has the same neighbours."""
    monkeypatch.setattr("molinteract.crystals.assemble.find_symmetry", lambda *_: None)
    rows, _, crystal = invariants(expanded(raw(name), (2, 1, 1)))
    expected, _, original = invariants(raw(name))
    factor = len(crystal.molecules) / len(original.molecules)
    assert factor == 2 * original.molecules_in_cell
    assert_same_neighbours(rows, expected, factor)
