"""Every reason code that the crystal alone shows is reached by a small file, and only the first that applies is given."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from tests.strategies import COLUMNS, SmallCrystal, box, cif_text, from_atoms, pack

from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.read import read_cif

UREA = pack("urea", "P 1 21/c 1", seed=1)


def assembled(text, *, policies=None, limits=None):
    (raw,) = read_cif(text.encode(), source="test", file="a.cif")
    return assemble(raw, policies=policies or Policies(), limits=limits or Limits())


def refusal(text, **options):
    with pytest.raises(EntryError) as caught:
        assembled(text, **options)
    assert caught.value.entry == "a.cif#test"
    return caught.value


def reason(text, **options):
    return refusal(text, **options).reason


def rows_of(small, extra=()):
    points = (tuple(f"{v:.6f}" for v in point) for point in small.fractional)
    return [(label, s, *point, *extra) for label, s, point in zip(small.labels, small.symbols, points, strict=True)]


class TestParseError:
    @pytest.mark.parametrize("tag", ["length_a", "length_c"])
    def test_a_missing_edge(self, tag):
        text = "\n".join(line for line in UREA.cif().split("\n") if f"_cell_{tag}" not in line)
        assert reason(text) is Reason.PARSE_ERROR

    @pytest.mark.parametrize(
        "cell",
        [
            (0, 9, 9, 90, 90, 90), (-9, 9, 9, 90, 90, 90), ("?", 9, 9, 90, 90, 90), (9, 9, 9, 90, "?", 90),
            (9, 9, 9, 30, 30, 120), (9, 9, 0.4, 90, 90, 90), (9, 9, 9, 60, 60, 119.999),
        ],
    )  # fmt: skip
    def test_a_degenerate_cell(self, cell):
        assert reason(UREA.cif(cell=cell)) is Reason.PARSE_ERROR

    @pytest.mark.parametrize("angles", [(90, 90, 0), (90, 90, 180), (1e-9, 90, 90), (90, 90, 270)])
    def test_an_angle_that_is_none(self, angles):
        assert reason(UREA.cif(cell=(9, 9, 9, *angles), operations=("x,y,z",))) is Reason.PARSE_ERROR

    @pytest.mark.parametrize("angles", [(20, 50, 30), (100, 130, 130), (25, 65, 90), (55, 110, 55)])
    def test_three_axes_in_one_plane(self, angles):
        text = UREA.cif(cell=(9, 8.5, 7, *angles), operations=("x,y,z",))
        assert reason(text) is Reason.PARSE_ERROR

    def test_an_element_that_cannot_be_told(self):
        assert reason(UREA.cif(rows=[*rows_of(UREA), ("Q1", "?", 0.1, 0.2, 0.3)])) is Reason.PARSE_ERROR


class TestNoCoordinates:
    def test_no_atom_loop(self):
        assert reason(UREA.cif(rows=[])) is Reason.NO_COORDINATES

    def test_only_rows_without_numbers(self):
        assert reason(UREA.cif(rows=[("C1", "C", "?", "?", "?"), ("C2", "C", 0.1, 0.2, ".")])) is Reason.NO_COORDINATES

    def test_only_a_dummy_row(self):
        rows = [("X1", "C", 0.1, 0.2, 0.3, "dum")]
        assert reason(UREA.cif(rows=rows, columns=(*COLUMNS, "calc_flag"))) is Reason.NO_COORDINATES

    def test_only_cartesian_coordinates(self):
        assert reason(UREA.cif().replace("fract_", "Cartn_")) is Reason.NO_COORDINATES


class TestSymmetryError:
    def test_no_symmetry_at_all(self):
        assert reason(UREA.cif(operations=(), symbol="")) is Reason.SYMMETRY_ERROR

    def test_no_group(self):
        operations = ("x,y,z", "-x,-y,-z", "-x,1/2+y,1/2-z")
        assert reason(UREA.cif(operations=operations)) is Reason.SYMMETRY_ERROR

    def test_metric_contradicted(self):
        operations = ("x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z")
        assert "metric" in refusal(UREA.cif(operations=operations)).message

    def test_operation_that_cannot_be_read(self):
        assert reason(UREA.cif(operations=("x,y,z", "x,y"))) is Reason.SYMMETRY_ERROR

    def test_repeated_operations_where_the_centring_should_be(self):
        small = pack("benzene", "C 1 2/c 1", gap=1.2)
        uncentred = [op.triplet() for op in gemmi.SpaceGroup("C 1 2/c 1").operations().sym_ops]
        assert assembled(small.cif()).molecules_in_cell == 8
        assert reason(small.cif(operations=uncentred * 2)) is Reason.SYMMETRY_ERROR

    def test_lattice_translations_only(self):
        small = pack("benzene", "P 1 21/c 1", gap=1.2)
        density = f"_exptl_crystal_density_diffrn {assembled(small.cif()).density:.3f}"
        assert reason(small.cif(operations=("x,y,z", "x,y,z+1", "x+1,y,z"), items=[density])) is Reason.SYMMETRY_ERROR


class TestElements:
    def test_no_carbon(self):
        assert reason(box(("water", (5, 5, 5))).cif()) is Reason.NO_CARBON

    def test_hydrogen_alone_has_no_carbon(self):
        assert reason(from_atoms([("H", 1, 1, 1), ("H", 4, 4, 4)]).cif()) is Reason.NO_CARBON

    @pytest.mark.parametrize("element", ["Fe", "Na", "Al", "Sn", "Hg", "U"])
    def test_metal(self, element):
        error = refusal(UREA.cif(rows=[*rows_of(UREA), ("M1", element, 0.5, 0.5, 0.01)]))
        assert error.reason is Reason.METAL
        assert element in error.message

    @pytest.mark.parametrize("element", ["B", "Si", "Ge", "As", "Se", "Te", "I", "Xe"])
    def test_metalloids_halogens_and_noble_gases_are_no_metals(self, element):
        text = box(("urea", (4, 4, 4)), edge=14.0).cif()
        crystal = assembled(f"{text}M1 {element} 0.8 0.8 0.8\n", policies=Policies(components="any"))
        assert sorted(found.formula for found in crystal.molecules) == sorted(["CH4N2O", element])

    def test_metal_and_no_carbon_is_no_carbon(self):
        assert reason(from_atoms([("Na", 1, 1, 1), ("Cl", 4, 4, 4)]).cif()) is Reason.NO_CARBON


class TestTooLarge:
    def test_cell(self):
        error = refusal(UREA.cif(), limits=Limits(cell_atoms=31))
        assert error.reason is Reason.TOO_LARGE
        assert "32 atoms in the cell" in error.message
        assert assembled(UREA.cif(), limits=Limits(cell_atoms=32)).molecules_in_cell == 4

    def test_rows_alone(self):
        assert reason(UREA.cif(), limits=Limits(cell_atoms=7)) is Reason.TOO_LARGE

    def test_molecule(self):
        error = refusal(UREA.cif(), limits=Limits(molecule_atoms=7))
        assert error.reason is Reason.TOO_LARGE
        assert "8 atoms in the molecule" in error.message
        assert assembled(UREA.cif(), limits=Limits(molecule_atoms=8)).molecules_in_cell == 4

    def test_metal_comes_before_too_large(self):
        rows = [*rows_of(UREA), ("M1", "Zn", 0.5, 0.5, 0.01)]
        assert reason(UREA.cif(rows=rows), limits=Limits(cell_atoms=5)) is Reason.METAL


class TestClash:
    @pytest.mark.parametrize(
        "atoms",
        [
            [("C", 3, 3, 3), ("C", 4.05, 3, 3)],
            [("C", 3, 3, 3), ("O", 4.2, 3, 3), ("H", 4.2, 3.55, 3)],
            [("C", 3, 3, 3), ("H", 4, 3, 3), ("H", 4, 4.1, 3)],
        ],
    )
    def test_atoms_nearer_than_any_bond(self, atoms):
        error = refusal(from_atoms(atoms).cif())
        assert error.reason is Reason.CLASH
        assert "Å apart" in error.message

    def test_both_disorder_parts_at_full_occupancy(self):
        small = box(("urea", (5, 5, 5)), ("urea", (5.3, 5.1, 5.2)))
        assert reason(small.cif()) is Reason.CLASH

    def test_an_image_across_the_cell_border(self):
        assert reason(replace(box(("urea", (5, 5, 5))), cell=(3.0, 12.0, 12.0, 90, 90, 90)).cif()) is Reason.CLASH

    def test_copies_of_one_atom_within_the_merging_distance_are_no_clash(self):
        rows = [*rows_of(UREA), ("C9", "C", *(f"{v:.6f}" for v in UREA.fractional[0] + [0.005, 0, 0]))]
        assert assembled(UREA.cif(rows=rows)).molecules_in_cell == 4

    def test_different_elements_on_one_place_are_a_clash(self):
        rows = [*rows_of(UREA), ("N9", "N", *(f"{v:.6f}" for v in UREA.fractional[0]))]
        assert reason(UREA.cif(rows=rows)) is Reason.CLASH


FORMIC_PAIR = (("C", 3.0, 5.0, 5.0), ("O", 4.25, 5.0, 5.0))


class TestBridgingHydrogen:
    def test_midway(self):
        atoms = [*FORMIC_PAIR, ("H", 5.45, 5.0, 5.0), ("O", 6.65, 5.0, 5.0), ("C", 7.9, 5.0, 5.0)]
        error = refusal(from_atoms(atoms).cif())
        assert error.reason is Reason.BRIDGING_HYDROGEN
        assert error.message.startswith("H3 lies between")

    def test_on_an_inversion_centre(self):
        small = from_atoms([("C", 3.5, 6.0, 6.0), ("O", 4.8, 6.0, 6.0), ("H", 6.0, 6.0, 6.0)])
        text = replace(small, operations=("x,y,z", "-x,-y,-z"), symbol="P -1").cif()
        assert reason(text) is Reason.BRIDGING_HYDROGEN

    def test_a_strong_but_uneven_hydrogen_bond_is_kept_as_two_molecules(self):
        atoms = [*FORMIC_PAIR, ("H", 5.24, 5.0, 5.0), ("O", 6.55, 5.0, 5.0), ("C", 7.8, 5.0, 5.0)]
        crystal_reason = reason(from_atoms(atoms).cif())
        assert crystal_reason is Reason.SEVERAL_COMPONENTS


def lattice(cell, points, symbols="C"):
    symbols = tuple(symbols * len(points)) if len(symbols) == 1 else tuple(symbols)
    return SmallCrystal((*cell, 90.0, 90.0, 90.0), ("x,y,z",), "P 1", symbols, np.array(points, dtype=np.float64))


class TestPolymeric:
    @pytest.mark.parametrize(
        ("cell", "shape"),
        [((1.4, 9.0, 9.0), "chain"), ((1.4, 1.4, 9.0), "layer"), ((1.4, 1.4, 1.4), "framework")],
    )
    def test_dimensions(self, cell, shape):
        error = refusal(lattice(cell, [[0, 0, 0]]).cif())
        assert error.reason is Reason.POLYMERIC
        assert shape in error.message

    def test_polyethylene(self):
        points = [[0, 0, 0], [0.5, 0.05, 0.1]]
        hydrogens = [[0, 0.1, -0.03], [0, -0.1, -0.03], [0.5, 0.15, 0.13], [0.5, -0.05, 0.13]]
        small = lattice((2.55, 9.0, 9.0), points + hydrogens, "CCHHHH")
        assert "chain" in refusal(small.cif()).message

    def test_a_chain_along_a_skewed_direction_through_several_molecules(self):
        points = [[k / 5, k / 5, 0.1] for k in range(5)]
        error = refusal(lattice((5.0, 5.0, 9.0), points).cif())
        assert error.reason is Reason.POLYMERIC
        assert "chain" in error.message

    def test_diamond(self):
        operations = tuple(op.triplet() for op in gemmi.SpaceGroup("F d -3 m:1").operations())
        text = cif_text(
            cell=(3.567, 3.567, 3.567, 90, 90, 90),
            rows=[("C1", "C", 0, 0, 0)],
            operations=operations,
            symbol="F d -3 m:1",
        )
        assert "framework" in refusal(text).message

    def test_a_ring_that_crosses_the_cell_border_is_no_polymer(self):
        small = pack("benzene", "P 1")
        assert assembled(replace(small, fractional=small.fractional - small.fractional[0]).cif()).molecules_in_cell == 1


class TestSeveralComponents:
    def test_a_hydrate(self):
        error = refusal(box(("urea", (3, 3, 3)), ("water", (8, 8, 8))).cif())
        assert error.reason is Reason.SEVERAL_COMPONENTS
        assert "2 compounds: CH4N2O, H2O" in error.message
        assert error.remedy

    def test_any_are_kept_when_asked_for(self):
        text = box(("urea", (3, 3, 3)), ("water", (8, 8, 8))).cif()
        crystal = assembled(text, policies=Policies(components="any"))
        assert sorted(found.formula for found in crystal.molecules) == ["CH4N2O", "H2O"]

    def test_two_molecules_of_one_compound_are_one_component(self):
        crystal = assembled(box(("urea", (3, 3, 3)), ("urea", (8.1, 8.2, 8.3)), ("urea", (3.3, 8.1, 5))).cif())
        assert crystal.molecules_in_cell == 3

    def test_isomers_are_two_components(self):
        # oxirane-like ring against formyl chain: C2H4O twice, bonded in two ways
        ring = [("C", 0.73, 0, 0), ("C", -0.73, 0, 0), ("O", 0, 1.23, 0)]
        ring += [("H", sx * 1.26, -0.3, sz * 0.92) for sx in (1, -1) for sz in (1, -1)]
        chain = [("C", 0, 0, 0), ("C", 1.5, 0, 0), ("O", 2.1, 1.04, 0), ("H", 2.05, -0.95, 0)]
        chain += [("H", -0.36, -1.03, 0), ("H", -0.36, 0.51, 0.89), ("H", -0.36, 0.51, -0.89)]
        atoms = [(s, x + 3, y + 3, z + 3) for s, x, y, z in ring] + [(s, x + 7, y + 8, z + 8) for s, x, y, z in chain]
        error = refusal(from_atoms(atoms).cif())
        assert error.reason is Reason.SEVERAL_COMPONENTS
        assert "C2H4O, C2H4O" in error.message


class TestHydrogensMissing:
    def test_by_the_declared_formula(self):
        rows = [row for row in rows_of(UREA) if row[0] not in ("H5",)]
        text = UREA.cif(rows=rows, items=["_chemical_formula_sum 'C H4 N2 O'"])
        error = refusal(text)
        assert error.reason is Reason.HYDROGENS_MISSING
        assert "12 hydrogens in the cell" in error.message

    def test_a_whole_number_of_formulae_counts(self):
        assert assembled(UREA.cif(items=["_chemical_formula_sum 'C4 H16 N8 O4'"])).molecules_in_cell == 4

    def test_a_formula_of_another_compound_says_nothing(self):
        assert assembled(UREA.cif(items=["_chemical_formula_sum 'C H6 N2 O2'"])).molecules_in_cell == 4

    def test_deuterium_in_the_formula_is_hydrogen(self):
        assert assembled(UREA.cif(items=["_chemical_formula_sum 'C D4 N2 O'"])).molecules_in_cell == 4

    @pytest.mark.parametrize(
        ("name", "keep", "words"),
        [
            ("benzene", range(6), "two neighbours at 120°"),
            ("benzene", range(11), "two neighbours at 120°"),
            ("formaldehyde", (0, 1, 2), "two neighbours"),
            ("acetic acid", (0, 1, 2, 3, 7), "one atom only, at 1.49"),
            ("acetic acid", (0, 1, 2, 3, 4, 5, 7), "above the plane"),
            ("glycine", (0, 1, 2, 3, 4, 5, 6, 7), "two neighbours"),
            ("glycine", (0, 1, 2, 3, 4, 5, 6, 7, 8), "above the plane"),
        ],
    )
    def test_by_the_geometry_of_a_carbon(self, name, keep, words):
        small = pack(name, "P 1 21/c 1")
        kept = small.with_rows([small.symbols[k] for k in keep], small.fractional[list(keep)])
        error = refusal(kept.cif())
        assert error.reason is Reason.HYDROGENS_MISSING
        assert words in error.message

    def test_no_hydrogen_at_all_is_no_error_where_none_is_due(self):
        crystal = assembled(pack("carbon dioxide", "P 21 21 21").cif())
        assert crystal.molecules[0].formula == "CO2"

    def test_hexachlorobenzene_needs_no_hydrogen(self):
        angles = np.radians(60 * np.arange(6))
        ring = [(s, 6 + r * np.cos(a), 6 + r * np.sin(a), 6.0) for s, r in (("C", 1.39), ("Cl", 3.11)) for a in angles]
        assert assembled(from_atoms(ring).cif()).molecules[0].formula == "C6Cl6"

    def test_a_cage_of_carbon_needs_no_hydrogen(self):
        # dodecahedron: 20 pyramidal carbons and nothing else
        phi = (1 + 5**0.5) / 2
        corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
        for a in (-1, 1):
            for b in (-1, 1):
                corners += [(0, a / phi, b * phi), (a / phi, b * phi, 0), (b * phi, 0, a / phi)]
        scale = 1.45 / (2 / phi)
        cage = [("C", *(6 + scale * np.array(corner))) for corner in corners]
        assert assembled(from_atoms(cage).cif()).molecules[0].formula == "C20"

    def test_a_flat_hydrocarbon_without_its_hydrogens_is_no_cage(self):
        # coronene: 24 carbons of three fused rings around one, twelve of them on the rim with two neighbours
        rings = [(0.0, 0.0), *[(2.46 * np.cos(a), 2.46 * np.sin(a)) for a in np.radians(60 * np.arange(6) + 30)]]
        around = [(1.42 * np.cos(a), 1.42 * np.sin(a)) for a in np.radians(60 * np.arange(6))]
        corners = {(round(x + u, 3), round(y + v, 3)) for x, y in rings for u, v in around}
        sites = []
        for x, y in sorted(corners):
            if all(np.hypot(x - a, y - b) > 0.1 for _, a, b, _ in sites):
                sites.append(("C", x, y, 6.0))
        assert len(sites) == 24
        flake = [("C", x + 8, y + 8, z) for _, x, y, z in sites]
        with pytest.raises(EntryError) as caught:
            assembled(from_atoms(flake).cif())
        assert caught.value.reason is Reason.HYDROGENS_MISSING


class TestOrder:
    """Each file has two faults; the one that comes first in the list of codes is named."""

    def test_disorder_before_clash(self):
        small = box(("urea", (5, 5, 5)), ("urea", (5.3, 5.1, 5.2)))
        rows = rows_of(small, extra=(0.5,))
        assert reason(small.cif(rows=rows, columns=(*COLUMNS, "occupancy"))) is Reason.DISORDER

    def test_metal_before_disorder(self):
        rows = [*rows_of(UREA, extra=(0.5,)), ("Fe1", "Fe", 0.5, 0.5, 0.1, 1)]
        assert reason(UREA.cif(rows=rows, columns=(*COLUMNS, "occupancy"))) is Reason.METAL

    def test_no_coordinates_before_symmetry(self):
        assert reason(UREA.cif(rows=[], operations=("x,y",))) is Reason.NO_COORDINATES

    def test_symmetry_before_metal(self):
        assert reason(from_atoms([("Fe", 1, 1, 1)]).cif(operations=("x,y",))) is Reason.SYMMETRY_ERROR

    def test_polymeric_before_several_components(self):
        small = lattice((1.4, 9.0, 9.0), [[0, 0, 0], [0, 0.5, 0.5]], "CN")
        assert reason(small.cif()) is Reason.POLYMERIC

    def test_several_components_before_hydrogens_missing(self):
        small = box(("urea", (3, 3, 3)), ("water", (8, 8, 8)))
        rows = [row for row in rows_of(small) if row[0] != "H5"]
        assert reason(small.cif(rows=rows)) is Reason.SEVERAL_COMPONENTS
