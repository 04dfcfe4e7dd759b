"""Awkward inputs from practice: each ends as its manifest proposes, or as docs/affinity.md decides."""

import csv
import zipfile

import numpy as np
import pytest

from molinteract.affinity.complexes import make_complex
from molinteract.affinity.graphs import graph_of
from molinteract.affinity.items import FilePair
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.strings import parse_affinity
from molinteract.core.errors import ComplexError

pytestmark = pytest.mark.shared_data
SETTINGS = ComplexSettings()
REFUSED = {
    "01_truncated_sdf": ("unreadable", "63 lines announced, 31 found"),
    "02_empty_pdb": ("no_atoms", "no atoms in the protein file"),
    "03_ligand_far": ("ligand_far", "smallest distance is 63.22 Å"),
    "04_ligand_overlaps_protein": ("overlap", "at 0.00 Å"),
    "06_unknown_element": ("unknown_element", "'Xx' of atom 1"),
    "12_mol2_broken_types": ("unknown_element", "'Du' in line 14"),
    "20_single_atom_ligand": ("ligand_too_small", "at least 2"),
    "21_nan_coordinates": ("not_finite", "CG1 in line 7"),
    "24_several_molecules_in_sdf": ("ligand_ambiguous", "1: 1bcu_ligand, 2: 1bcu_ligand, 3: 1a30_ligand"),
}
AS_PLAIN = {
    "08_insertion_codes": ("pocket", "ligand"),
    "13_sdf_not_sanitizable": ("pocket", "ligand"),
    "15_gz_files": ("pocket", "ligand"),
    "16_crlf": ("pocket", "ligand"),
    "17_non_ascii_path": ("pockét", "配体"),
}
"""All of them are the complex 1bcu, written in some awkward way that must not matter."""


@pytest.fixture(scope="module")
def zoo(shared_data, tmp_path_factory):
    folder = shared_data / "affinity" / "badzoo"
    unpacked = tmp_path_factory.mktemp("zoo")
    with zipfile.ZipFile(folder / "17_non_ascii_path.zip") as archive:
        archive.extractall(unpacked)
    return lambda case: (unpacked if case.startswith("17") else folder) / case


def load(folder, protein="pocket", ligand="ligand", choice=None, settings=SETTINGS):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    first = next(p for p in files if protein in p.name)
    second = tuple(str(p) for p in files if ligand in p.name)
    structure, molecule = FilePair(str(first), second, choice).load(settings)
    return make_complex(structure, molecule, id=folder.name, settings=settings)


@pytest.fixture(scope="module")
def plain(zoo):
    return load(zoo("08_insertion_codes"))


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("pocket", "pocket_positions", "ligand", "ligand_positions")
    )


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refused_with_its_reason_and_numbers(zoo, case):
    reason, words = REFUSED[case]
    with pytest.raises(ComplexError) as error:
        load(zoo(case), ligand="ligand")
    assert error.value.reason == reason
    assert words in str(error.value)


def test_unknown_element_in_the_protein_file_is_refused_too(zoo):
    with pytest.raises(ComplexError, match="'X' of atom 20"):
        load(zoo("06_unknown_element"), protein="elementX", ligand="none")


@pytest.mark.parametrize("case", AS_PLAIN)
def test_way_of_writing_does_not_matter(zoo, plain, case):
    protein, ligand = AS_PLAIN[case]
    assert same(load(zoo(case), protein=protein, ligand=ligand), plain)


def test_alternate_locations_give_one_copy_of_each_atom(zoo, plain):
    found = load(zoo("07_alternate_locations"))
    assert found.notes["altlocs_dropped"] == 10
    assert len(found.pocket) == len(plain.pocket)


def test_first_of_several_models_with_a_note(zoo, plain):
    found = load(zoo("09_nmr_multi_model"))
    assert found.notes["models_passed_over"] == 2
    assert same(found, plain)


def test_missing_atoms_are_accepted_and_counted(zoo, plain):
    found = load(zoo("10_missing_atoms"))
    assert found.notes["incomplete_residues"] == 5
    assert len(found.pocket) < len(plain.pocket)


def test_metals_and_cofactors_are_part_of_the_pocket(zoo):
    folder = zoo("11_metal_and_cofactor")
    metal = load(folder, protein="1jje_pocket", ligand="1jje_ligand")
    assert (metal.notes["ions"], 30 in metal.pocket) == (2, True)
    assert load(folder, protein="3d8y_pocket", ligand="3d8y_ligand").notes["cofactors"] == 2


def test_covalent_ligand_is_kept_and_flagged(zoo):
    found = load(zoo("05_covalent_ligand"))
    assert (len(found.bonded), round(found.minimum_distance, 2)) == (1, 1.80)


def test_ligand_copy_must_be_chosen(zoo, plain):
    with pytest.raises(ComplexError, match="PRL/L/1, PRL/L/2, PRL/L/3") as error:
        load(zoo("14_cif_several_ligand_copies"), protein="complex", ligand="none")
    assert error.value.reason == "ligand_ambiguous"
    found = load(zoo("14_cif_several_ligand_copies"), protein="complex", ligand="none", choice="PRL/L/1")
    assert np.allclose(np.sort(found.ligand_positions, 0), np.sort(plain.ligand_positions, 0), atol=1e-3)


def test_all_four_combinations_of_hydrogens_are_one_graph(zoo, plain):
    folder = zoo("18_hydrogens_mixed")
    for protein in ("pocket_noH", "pocket_withH"):
        for ligand in ("ligand_noH", "ligand_withH"):
            assert same(load(folder, protein=protein, ligand=ligand), plain)


def test_very_large_ligand_fits_or_meets_a_named_limit(zoo):
    assert len(load(zoo("19_very_large_ligand")).ligand) == 147
    with pytest.raises(ComplexError, match="at most 100"):
        load(zoo("19_very_large_ligand"), settings=ComplexSettings(max_ligand_atoms=100))


def test_single_atom_ligand_is_possible_when_asked_for(zoo):
    found = load(zoo("20_single_atom_ligand"), settings=ComplexSettings(min_ligand_atoms=1))
    graph = graph_of(found)
    assert (len(found.ligand), len(graph.inter_edges) > 0) == (1, True)


def test_pdbqt_types_are_elements(zoo):
    found = load(zoo("22_pdbqt"), protein="protein", ligand="ligand")
    assert set(found.pocket.tolist()) <= {6, 7, 8, 16}
    assert 11 not in found.ligand


def test_atoms_of_one_name_are_kept(zoo, plain):
    found = load(zoo("23_duplicated_atom_names"))
    assert found.notes["duplicated_names"] == 49
    assert same(found, plain)


def test_named_record_of_several_is_taken(zoo):
    assert len(load(zoo("24_several_molecules_in_sdf"), choice="1").ligand) == 16


def test_affinity_texts(zoo):
    with (zoo("25_affinity_strings") / "affinity_strings.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        expected = row["expected_pK"]
        if expected.startswith("error:"):
            with pytest.raises(ComplexError):
                parse_affinity(row["affinity"])
        elif expected == "missing":
            assert parse_affinity(row["affinity"]) is None
        else:
            number = expected.removeprefix("error or ").split(" ")[0].lstrip("<>=~")
            found = parse_affinity(row["affinity"])
            assert found.pk == pytest.approx(float(number), abs=0.006)
            relation = expected[: len(expected) - len(number)] if expected[0] in "<>=~" else "="
            assert found.relation == relation


def test_every_case_of_the_manifest_is_tested(zoo, request):
    with (zoo("manifest.csv")).open(encoding="utf-8") as file:
        cases = [row["case"] for row in csv.DictReader(file)]
    text = request.path.read_text(encoding="utf-8")
    assert len(cases) == 25
    assert [case for case in cases if f'"{case}"' not in text] == []
