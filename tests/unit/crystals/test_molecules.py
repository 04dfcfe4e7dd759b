"""The molecules of a crystal do not depend on how the file describes it."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import SmallCrystal, molecule, pack, small_crystals

from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import QUANTUM
from molinteract.crystals.operations import operation_text, parse_operation

ANY = Policies(components="any")
quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)


def assembled(crystal, policies=None, **changes):
    return assemble(crystal.raw(**changes), policies=policies or Policies(), limits=Limits())


def content(crystal):
    """What must not change: compounds with the number of molecules of each in the cell."""
    counts = {}
    for found in crystal.molecules:
        counts[found.compound] = counts.get(found.compound, 0) + len(found.images)
    return counts


def images_in_cell(crystal, found):
    """The molecules that the images make, each as (atoms, 3) fractional coordinates."""
    points = found.positions @ np.linalg.inv(crystal.vectors)
    return [points @ crystal.rotations[k].T + crystal.translations[k] for k in found.images]


def same_up_to_lattice(crystal, one, other, numbers, tolerance=0.02):
    """Whether two copies of a molecule coincide after one lattice vector, as sets of atoms with elements."""
    for candidate in range(len(other)):
        if numbers[candidate] != numbers[0]:
            continue
        lattice = np.round(other[candidate] - one[0])
        moved = (one + lattice) @ crystal.vectors
        distance = np.linalg.norm(moved[:, None] - (other @ crystal.vectors)[None], axis=2)
        distance[numbers[:, None] != numbers[None]] = np.inf
        if (distance.min(axis=1) < tolerance).all():
            return True
    return False


def check_symmetry(crystal):
    for found in crystal.molecules:
        assert len(found.images) * len(found.stabiliser) == len(crystal.rotations)
        assert found.images[0] == 0
        assert found.stabiliser[0] == 0
        assert not found.stabiliser_shifts[0].any()
        points = found.positions @ np.linalg.inv(crystal.vectors)
        numbers = found.atomic_numbers
        for k, shift in zip(found.stabiliser, found.stabiliser_shifts, strict=True):
            moved = points @ crystal.rotations[k].T + crystal.translations[k] + shift
            distance = np.linalg.norm(((moved[:, None] - points[None]) @ crystal.vectors), axis=2)
            distance[numbers[:, None] != numbers[None]] = np.inf
            np.testing.assert_array_less(distance.min(axis=1), 0.02)
        copies = images_in_cell(crystal, found)
        for a in range(len(copies)):
            for b in range(a):
                assert not same_up_to_lattice(crystal, copies[a], copies[b], numbers)


@quick
@given(small=small_crystals())
def test_a_general_position_gives_one_complete_molecule_with_one_image_an_operation(small):
    crystal = assembled(small)
    (found,) = crystal.molecules
    assert len(found.images) == len(small.operations) == crystal.molecules_in_cell
    assert sorted(found.atomic_numbers) == sorted(gemmi.Element(s).atomic_number for s in small.symbols)
    assert crystal.z_prime == 1
    check_symmetry(crystal)


@quick
@given(small=small_crystals())
def test_bond_lengths_are_those_of_the_molecule_put_in(small):
    (found,) = assembled(small).molecules
    lengths = np.linalg.norm(found.positions[found.bonds[:, 0]] - found.positions[found.bonds[:, 1]], axis=1)
    inside = small.fractional @ small.vectors
    distances = np.linalg.norm(inside[:, None] - inside[None], axis=2)[np.triu_indices(len(inside), 1)]
    for length in lengths:
        assert np.abs(distances - length).min() < 3e-4
    assert lengths.max() < 1.7


@quick
@given(small=small_crystals())
def test_positions_are_multiples_of_the_quantum_and_bonds_are_sorted(small):
    (found,) = assembled(small).molecules
    np.testing.assert_array_equal(found.positions, np.round(found.positions / QUANTUM) * QUANTUM)
    assert (found.bonds[:, 0] < found.bonds[:, 1]).all()
    assert found.bonds.tolist() == sorted(found.bonds.tolist())


@quick
@given(small=small_crystals(), seed=seeds)
def test_the_order_of_the_rows_does_not_matter(small, seed):
    order = np.random.default_rng(seed).permutation(len(small.symbols))
    assert content(assembled(small.permuted(order.tolist()))) == content(assembled(small))


@quick
@given(small=small_crystals(), seed=seeds)
def test_lattice_vectors_added_to_single_atoms_do_not_matter(small, seed):
    shifts = np.random.default_rng(seed).integers(-3, 4, size=small.fractional.shape)
    moved = assembled(replace(small, fractional=small.fractional + shifts))
    assert content(moved) == content(assembled(small))
    check_symmetry(moved)


@quick
@given(small=small_crystals(), seed=seeds)
def test_atoms_given_as_symmetry_images_do_not_matter(small, seed):
    rng = np.random.default_rng(seed)
    parsed = [parse_operation(text) for text in small.operations]
    points = []
    for point in small.fractional:
        rotation, translation = parsed[rng.integers(len(parsed))]
        points.append(rotation @ point + translation)
    scattered = assembled(replace(small, fractional=np.array(points)))
    assert content(scattered) == content(assembled(small))
    assert scattered.z_prime == 1
    check_symmetry(scattered)


@quick
@given(small=small_crystals(), shift=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_the_origin_does_not_matter(small, shift):
    s = np.array(shift)
    texts = []
    for text in small.operations:
        rotation, translation = parse_operation(text)
        moved = translation + s - rotation @ s
        body = [part.split("|")[0] for part in operation_text(rotation, np.zeros(3)).split(",")]
        texts.append(",".join(f"{axes}{value:+.10f}" for axes, value in zip(body, moved, strict=True)))
    shifted = replace(small, operations=tuple(texts), symbol="", fractional=small.fractional + s)
    crystal = assembled(shifted)
    assert content(crystal) == content(assembled(small))
    check_symmetry(crystal)


@quick
@given(small=small_crystals(groups=("P -1", "P 1 21/c 1", "P 21 21 21", "C 1 2/c 1", "R -3:R")))
def test_a_cell_expanded_to_p1_gets_its_symmetry_back(small):
    crystal, again = assembled(small), assembled(small.expanded())
    assert content(again) == content(crystal)
    assert len(again.rotations) == len(crystal.rotations)
    assert len(again.molecules) == 1
    assert any("found" in flag for flag in again.flags)
    check_symmetry(again)


@quick
@given(small=small_crystals(groups=("P -1", "P 1 21/c 1", "C 1 2/c 1", "R -3:H")), seed=seeds)
def test_copies_listed_beside_their_originals_are_merged(small, seed):
    rng = np.random.default_rng(seed)
    rotation, translation = parse_operation(small.operations[rng.integers(1, len(small.operations))])
    copies = small.fractional @ rotation.T + translation + rng.normal(scale=2e-4, size=small.fractional.shape)
    packed = small.with_rows(small.symbols * 2, np.concatenate([small.fractional, copies]))
    assert content(assembled(packed)) == content(assembled(small))


@quick
@given(small=small_crystals(names=("formaldehyde", "urea"), groups=("P 1 21/c 1", "R -3:H", "C 1 2/c 1")))
def test_a_whole_packed_cell_listed_with_its_operations_is_merged(small):
    packed = replace(small.expanded(), operations=small.operations, symbol=small.symbol)
    crystal = assembled(packed)
    assert content(crystal) == content(assembled(small))
    assert len(crystal.molecules) == 1
    check_symmetry(crystal)


@quick
@given(small=small_crystals(groups=("P 1", "P -1", "P 1 21/c 1")))
def test_the_molecule_stays_where_the_file_has_it(small):
    (found,) = assembled(small).molecules
    first = found.positions[0] @ np.linalg.inv(small.vectors)
    np.testing.assert_allclose(first, small.fractional[0], atol=1e-3)


def special(name, group, cell, centre, keep, *, turn=None):
    """A molecule centred on a symmetry element, of which only the rows in ``keep`` are listed."""
    symbols, positions = molecule(name)
    positions = positions if turn is None else positions @ np.array(turn, dtype=np.float64).T
    empty = SmallCrystal(cell, (), group, (), np.zeros((0, 3)))
    fractional = np.array(centre) + positions @ np.linalg.inv(empty.vectors)
    operations = tuple(op.triplet() for op in gemmi.SpaceGroup(group).operations())
    return SmallCrystal(cell, operations, group, tuple(symbols[k] for k in keep), fractional[list(keep)])


# the two-fold axis of formaldehyde and urea lies along y as built
ON_ELEMENTS = {
    "benzene on an inversion centre": (
        special("benzene", "P 1 21/c 1", (8.0, 9.0, 8.5, 90.0, 105.0, 90.0), (0, 0, 0), (0, 1, 2, 6, 7, 8)), 2, 2,
    ),
    "benzene on an inversion centre, listed whole": (
        special("benzene", "P 1 21/c 1", (8.0, 9.0, 8.5, 90.0, 105.0, 90.0), (0, 0, 0), range(12)), 2, 2,
    ),
    "formaldehyde on a two-fold axis": (
        special("formaldehyde", "C 1 2/c 1", (9.0, 6.0, 8.0, 90.0, 100.0, 90.0), (0, 0.1, 0.25), (0, 1, 2)), 4, 2,
    ),
    "formaldehyde on a two-fold axis, listed whole": (
        special("formaldehyde", "C 1 2/c 1", (9.0, 6.0, 8.0, 90.0, 100.0, 90.0), (0, 0.1, 0.25), range(4)), 4, 2,
    ),
    "urea on a two-fold axis": (
        special("urea", "P 1 2 1", (7.0, 6.0, 7.0, 90.0, 95.0, 90.0), (0, 0, 0), (0, 1, 2, 3, 4)), 1, 2,
    ),
    "urea on a mirror plane": (
        special("urea", "P 1 1 m", (8.0, 8.0, 6.0, 90.0, 90.0, 97.0), (0.3, 0.2, 0.5), range(8)), 1, 2,
    ),
    "carbon dioxide on a three-fold inversion axis": (
        special("carbon dioxide", "R -3:H", (6.5, 6.5, 9.0, 90.0, 90.0, 120.0), (0, 0, 0), (0, 1)), 3, 6,
    ),
    "benzene on the site of highest symmetry": (
        special("benzene", "P 6/m m m", (8.0, 8.0, 6.0, 90.0, 90.0, 120.0), (0, 0, 0), (0, 6)), 1, 24,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ON_ELEMENTS))
def test_a_molecule_on_a_symmetry_element_is_completed(name):
    small, in_cell, order = ON_ELEMENTS[name]
    crystal = assembled(small)
    (found,) = crystal.molecules
    assert crystal.molecules_in_cell == in_cell
    assert len(found.stabiliser) == order
    symbols, _ = molecule(
        next(known for known in ("carbon dioxide", "benzene", "formaldehyde", "urea") if name.startswith(known))
    )
    assert len(found.labels) == len(symbols)
    assert crystal.z_prime == 1 / order
    check_symmetry(crystal)


@pytest.mark.parametrize("noise", [0.002, 0.004])
def test_rounded_coordinates_on_a_special_position_are_put_on_the_element(noise):
    small, in_cell, _ = ON_ELEMENTS["carbon dioxide on a three-fold inversion axis"]
    rough = replace(small, fractional=small.fractional + noise * np.array([[1, -1, 0], [-1, 1, 0]]))
    crystal = assembled(rough)
    assert crystal.molecules_in_cell == in_cell
    (found,) = crystal.molecules
    middle = found.positions[found.atomic_numbers == 6][0]
    np.testing.assert_allclose(found.positions.mean(axis=0), middle, atol=1e-3)


def test_a_third_as_four_digits_is_the_special_position():
    symbols, positions = molecule("carbon dioxide")
    cell = (6.5, 6.5, 9.0, 90.0, 90.0, 120.0)
    operations = tuple(op.triplet() for op in gemmi.SpaceGroup("P 3").operations())
    points = np.array([0.3333, 0.6667, 0.5]) + positions @ np.linalg.inv(
        SmallCrystal(cell, (), "", (), positions).vectors
    )
    crystal = assembled(SmallCrystal(cell, operations, "P 3", symbols, points))
    assert crystal.molecules_in_cell == 1
    assert len(crystal.molecules[0].stabiliser) == 3


def test_the_same_molecule_in_two_orientations_is_one_compound_and_two_orbits():
    one, two = pack("urea", "P 1", seed=1), pack("urea", "P 1", seed=2)
    cell = (one.cell[0] * 2 + 4, one.cell[1] * 2, one.cell[2] * 2, 90.0, 90.0, 90.0)
    wide = SmallCrystal(cell, ("x,y,z", "-x,-y,-z"), "P -1", (), np.zeros((0, 3)))
    inverse = np.linalg.inv(wide.vectors)
    points = np.concatenate([one.fractional @ one.vectors, two.fractional @ two.vectors + [8.0, 0, 0]]) @ inverse
    crystal = assembled(wide.with_rows(one.symbols + two.symbols, points))
    assert len(crystal.molecules) == 2
    assert crystal.molecules_in_cell == 4
    assert crystal.z_prime == 2
    assert crystal.molecules[0].compound == crystal.molecules[1].compound == crystal.compound


def test_mirror_images_in_one_crystal_are_one_compound():
    crystal = assembled(pack("glycine", "P -1", seed=4))
    assert crystal.molecules_in_cell == 2
    assert len({found.compound for found in crystal.molecules}) == 1


def test_several_compounds_are_kept_when_any_are_asked_for():
    water, urea = molecule("water"), molecule("urea")
    cell = (12.0, 12.0, 12.0, 90.0, 90.0, 90.0)
    points = np.concatenate([water[1] + [2, 2, 2], urea[1] + [7, 7, 7]]) / 12
    salt = SmallCrystal(cell, ("x,y,z",), "P 1", water[0] + urea[0], points)
    crystal = assembled(salt, ANY)
    assert sorted(found.formula for found in crystal.molecules) == ["CH4N2O", "H2O"]
    assert crystal.compound.count("+") == 1


def test_labels_follow_their_atoms_and_repeat_for_completed_ones():
    small, _, _ = ON_ELEMENTS["benzene on an inversion centre"]
    (found,) = assembled(small).molecules
    assert sorted(found.labels) == sorted(small.labels * 2)
    for label, z in zip(found.labels, found.atomic_numbers, strict=True):
        assert label.startswith("H" if z == 1 else "C")


def test_density_is_that_of_the_atoms():
    crystal = assembled(pack("benzene", "P 1 21/c 1"))
    volume = np.linalg.det(crystal.vectors)
    assert crystal.density == pytest.approx(4 * 78.114 / volume / 0.60221, rel=1e-4)
