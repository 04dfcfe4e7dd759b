"""Ligand and protein files: elements and coordinates, and what is said where they are wrong."""

import bz2
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.oracles.made_up_complexes import chain_ligand, glycines, pdb_line, sdf

from molinteract.affinity.ligand import parse_ligands, read_ligand, read_ligands
from molinteract.affinity.selection import split_ligand
from molinteract.affinity.structure import ResidueKind, parse_structure, read_structure
from molinteract.core.elements import ATOMIC_NUMBERS, SYMBOLS
from molinteract.core.errors import ComplexError

ELEMENTS = st.lists(st.sampled_from(SYMBOLS[1:]), min_size=1, max_size=30)


@given(ELEMENTS, st.data())
def test_sdf_gives_back_elements_and_coordinates(symbols, data):
    positions = data.draw(arrays(np.float64, (len(symbols), 3), elements=st.floats(-999, 999))).round(4)
    (ligand,) = parse_ligands(sdf(positions, symbols), "sdf", where="x")
    assert ligand.atomic_numbers.tolist() == [ATOMIC_NUMBERS[s] for s in symbols]
    assert np.abs(ligand.positions - positions).max() < 1e-9


def v3000(positions, symbols):
    atoms = [
        f"M  V30 {k} {s} {x:.4f} {y:.4f} {z:.4f} 0"
        for k, ((x, y, z), s) in enumerate(zip(positions, symbols, strict=True), 1)
    ]
    head = ["title", "", "", "  0  0  0     0  0            999 V3000", "M  V30 BEGIN CTAB"]
    head += [f"M  V30 COUNTS {len(symbols)} 0 0 0 0", "M  V30 BEGIN ATOM"]
    return "\n".join([*head, *atoms, "M  V30 END ATOM", "M  V30 END CTAB", "M  END", "$$$$", ""])


def test_v3000_equals_v2000():
    positions, symbols = chain_ligand(atoms="CNOS")
    (new,), (old,) = (parse_ligands(f(positions, symbols), "sdf", where="x") for f in (v3000, sdf))
    assert new.atomic_numbers.tolist() == old.atomic_numbers.tolist()
    assert np.array_equal(new.positions, old.positions)


def mol2(types, count=None):
    atoms = [f"{k} A{k} {1.5 * k:.3f} 0.0 0.0 {t} 1 LIG 0.0" for k, t in enumerate(types, 1)]
    head = [
        "# made up",
        "@<TRIPOS>MOLECULE",
        "name",
        f"{count or len(types)} 0 1",
        "SMALL",
        "NO_CHARGES",
        "",
        "@<TRIPOS>ATOM",
    ]
    return "\n".join([*head, *atoms, "@<TRIPOS>BOND", ""])


def test_mol2_element_is_before_the_dot_and_lone_pairs_are_no_atoms():
    (ligand,) = parse_ligands(mol2(["C.ar", "N.pl3", "LP", "Cl", "Zn", "C.zz"]), "mol2", where="x")
    assert [SYMBOLS[z] for z in ligand.atomic_numbers] == ["C", "N", "Cl", "Zn", "C"]
    assert ligand.notes == {"unknown_sybyl_types": 1}


@pytest.mark.parametrize("kind", ["Du", "Any", "Hal", "X"])
def test_mol2_type_without_an_element_is_named_with_its_line(kind):
    with pytest.raises(ComplexError, match=rf"'{kind}' in line 10 "):
        parse_ligands(mol2(["C.3", kind]), "mol2", where="x")


@pytest.mark.parametrize(
    "text", [mol2(["C.3"], count=2), sdf(*chain_ligand(atoms="CCCC"))[:180], v3000(*chain_ligand())[:160]]
)
def test_truncated_file_says_what_is_missing(text):
    kind = "mol2" if "TRIPOS" in text else "sdf"
    with pytest.raises(ComplexError, match=r"truncated: .* announced, .* found"):
        parse_ligands(text, kind, where="x")


def test_odd_coordinate_and_odd_element_name_the_atom():
    text = sdf(*chain_ligand(atoms="CCO"))
    with pytest.raises(ComplexError, match=r"atom 2 \(C2, line 6\)"):
        parse_ligands(text.replace("    1.5000", "       nan"), "sdf", where="x")
    with pytest.raises(ComplexError, match=r"'Qq' of atom 3 \(Qq3, line 7\)"):
        parse_ligands(text.replace(" O  ", " Qq "), "sdf", where="x")


PDBQT = """REMARK  Name = docked
ROOT
ATOM      1  C1  LIG A   1       0.000   0.000   0.000  1.00  0.00     0.100 A
ATOM      2  N1  LIG A   1       1.400   0.000   0.000  1.00  0.00    -0.300 NA
ATOM      3  O1  LIG A   1       2.800   0.000   0.000  1.00  0.00    -0.300 OA
ATOM      4  H1  LIG A   1       3.700   0.000   0.000  1.00  0.00     0.200 HD
ENDROOT
BRANCH   1   5
ATOM      5  C2  LIG A   1       0.000   1.500   0.000  1.00  0.00     0.100 CG0
ATOM      6  G   LIG A   1       0.000   3.000   0.000  1.00  0.00     0.000 G0
ATOM      7  S1  LIG A   1       0.000   1.500   1.500  1.00  0.00     0.000 SA
ENDBRANCH   1   5
"""


def test_pdbqt_types_are_elements_and_never_sodium():
    (ligand,) = parse_ligands(PDBQT, "pdbqt", where="x")
    assert [SYMBOLS[z] for z in ligand.atomic_numbers] == ["C", "N", "O", "H", "C", "S"]
    assert ligand.name == "docked"


def test_pdbqt_models_are_separate_poses():
    poses = "".join(f"MODEL {k}\n{PDBQT}ENDMDL\n" for k in (1, 2, 3))
    assert [len(x) for x in parse_ligands(poses, "pdbqt", where="x")] == [6, 6, 6]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), ("", bytes)])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_compression_and_line_ends_change_nothing(tmp_path, suffix, pack, end):
    text = sdf(*chain_ligand()) + sdf(*chain_ligand(atoms="CN"), title="second")
    path = tmp_path / f"Lígand Δ.sdf{suffix}"
    path.write_bytes(pack(text.replace("\n", end).encode()))
    assert [(x.name, len(x)) for x in read_ligands(path)] == [("ligand", 3), ("second", 2)]


def test_one_of_several_records_by_title_or_number(tmp_path):
    path = tmp_path / "many.sdf"
    path.write_text("".join(sdf(*chain_ligand(atoms="C" * (k + 1)), title=t) for k, t in enumerate("aab")))
    assert len(read_ligand(path, "b")) == len(read_ligand(path, "3")) == 3
    with pytest.raises(ComplexError, match="1: a, 2: a, 3: b") as error:
        read_ligand(path)
    assert error.value.reason == "ligand_ambiguous"
    with pytest.raises(ComplexError, match="2 records named 'a'"):
        read_ligand(path, "a")
    with pytest.raises(ComplexError, match="0 records named '4'"):
        read_ligand(path, "4")


def test_missing_file_and_damaged_archive_are_rows(tmp_path):
    (tmp_path / "x.sdf.gz").write_bytes(gzip.compress(b"abc" * 100)[:20])
    for name in ("nothing.sdf", "x.sdf.gz"):
        with pytest.raises(ComplexError, match=name) as error:
            read_ligands(tmp_path / name)
        assert error.value.reason == "unreadable"


def pdb(*lines):
    return parse_structure("\n".join(lines), "pdb", where="x.pdb")


def test_highest_occupancy_is_kept_residue_by_residue_and_the_first_letter_on_ties():
    def pair(number, first, second):
        return [
            pdb_line(1, "N", "SER", "A", number, (9.0 * number, 0, 0), "N"),
            *(pdb_line(2, n, "SER", "A", number, (9.0 * number, 1, 0), "C", altloc="A", occupancy=first) for n in ("CA", "CB")),
            *(pdb_line(3, n, "SER", "A", number, (9.0 * number, 2, 0), "C", altloc="B", occupancy=second) for n in ("CA", "CB")),
        ]  # fmt: skip

    found = pdb(*pair(1, 0.6, 0.4), *pair(2, 0.4, 0.6), *pair(3, 0.5, 0.5))
    assert found.positions[:, 1].tolist() == [0, 1, 1, 0, 2, 2, 0, 1, 1]
    assert found.notes == {"altlocs_dropped": 6}


def test_two_residues_at_one_place_give_one():
    lines = [pdb_line(1, "CA", "SER", "A", 1, (0, 0, 0), "C", altloc="A", occupancy=0.3)]
    lines.append(pdb_line(2, "CA", "THR", "A", 1, (0, 1, 0), "C", altloc="B", occupancy=0.7))
    assert [str(r) for r in pdb(*lines).residues] == ["THR/A/1"]


def test_insertion_codes_and_names_make_residues():
    lines = [pdb_line(k, "CA", "GLY", "A", 60, (4 * k, 0, 0), "C", insertion=c) for k, c in enumerate(" AB")]
    assert [str(r) for r in pdb(*lines).residues] == ["GLY/A/60", "GLY/A/60A", "GLY/A/60B"]


def test_atoms_of_one_name_are_all_kept_and_counted():
    lines = [pdb_line(k, "C", "LIG", "A", 1, (1.5 * k, 0, 0), "C", record="HETATM") for k in range(5)]
    found = pdb(*lines)
    assert len(found) == 5
    assert found.notes == {"duplicated_names": 4}


def test_first_model_or_the_one_asked_for():
    text = "\n".join(line for k in (1, 2) for line in (f"MODEL     {k:>4}", *glycines(k), "ENDMDL"))
    first = parse_structure(text, "pdb", where="x")
    assert (len(first), first.notes) == (4, {"models_passed_over": 1})
    assert len(parse_structure(text, "pdb", where="x", model=2)) == 8
    with pytest.raises(ComplexError, match="2 models, model 3 asked for"):
        parse_structure(text, "pdb", where="x", model=3)


def test_kinds_of_residues():
    rows = [("GLY", "CA", "C"), ("MSE", "SE", "Se"), ("DA", "P", "P"), ("HOH", "O", "O"), ("ZN", "ZN", "Zn")]
    lines = [pdb_line(k, n, r, "A", k, (5 * k, 0, 0), e, record="HETATM") for k, (r, n, e) in enumerate(rows)]
    lines += [pdb_line(9, n, "HEM", "A", 9, (50, 0, 0), "C", record="HETATM") for n in ("C1", "C2")]
    kinds = [r.kind for r in pdb(*lines).residues]
    K = ResidueKind
    assert kinds == [K.AMINO, K.AMINO, K.NUCLEIC, K.WATER, K.ION, K.GROUP]


@pytest.mark.parametrize("text", ["", "REMARK nothing\n", "END\n"])
def test_protein_without_atoms_is_refused(text):
    with pytest.raises(ComplexError, match="no atoms in the protein file"):
        parse_structure(text, "pdb", where="x")


def test_coordinate_that_is_no_number_is_never_skipped():
    lines = glycines(2)
    lines[3] = lines[3][:30] + "     abc" + lines[3][38:]
    with pytest.raises(ComplexError) as error:
        pdb(*lines)
    assert error.value.reason == "not_finite"
    assert "atom O in line 4" in str(error.value)


def with_ligands():
    lines = glycines(3)
    for number, shift in ((1, 0.0), (2, 30.0)):
        lines += [
            pdb_line(90 + k, f"C{k}", "LIG", "L", number, (shift + 1.5 * k, 0, 3.5), "C", record="HETATM")
            for k in range(3)
        ]
    return pdb(*lines)


def test_ligand_is_chosen_by_name_chain_and_number():
    structure = with_ligands()
    rest, ligand = split_ligand(structure, "LIG/L/2", where="x")
    assert (len(rest), len(ligand), ligand.positions[0, 0]) == (15, 3, 30.0)
    for selection, reason in ((None, "ligand_ambiguous"), ("LIG", "ligand_ambiguous"), ("XYZ", "ligand_missing")):
        with pytest.raises(ComplexError, match="LIG/L/1, LIG/L/2") as error:
            split_ligand(structure, selection, where="x")
        assert error.value.reason == reason


def test_several_residues_or_a_chain_make_one_ligand():
    structure = with_ligands()
    assert len(split_ligand(structure, "LIG/L/1,LIG/L/2", where="x")[1]) == 6
    rest, chain = split_ligand(structure, "*/A", where="x")
    assert (len(rest), len(chain)) == (6, 12)


def test_mmcif_equals_pdb(tmp_path):
    import gemmi

    text = "\n".join(glycines(3))
    cif = gemmi.read_pdb_string(text).make_mmcif_document().as_string()
    (tmp_path / "x.cif.gz").write_bytes(gzip.compress(cif.encode()))
    a, b = parse_structure(text, "pdb", where="x"), read_structure(tmp_path / "x.cif.gz")
    assert a.residues == b.residues
    assert np.array_equal(a.positions, b.positions)
    assert np.array_equal(a.atomic_numbers, b.atomic_numbers)
