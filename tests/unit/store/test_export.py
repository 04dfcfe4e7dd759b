"""Exported molecules, dimers and clusters come back the same through this reader, RDKit and ASE."""

import io
import itertools
import json

import ase.io
import numpy as np
import pytest
from hypothesis import given, settings
from rdkit import Chem
from tests.strategies import MOLECULES, box, from_atoms, pack, small_crystals

from molinteract.app.cli.main import run
from molinteract.app.health import FORMIC_ACID
from molinteract.core.settings import BuildSettings
from molinteract.crystals import formats
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.sources.entries import iterate
from molinteract.store.export import assemblies, export
from molinteract.store.process import ProcessedEntry, process

SMILES = {
    "formaldehyde": "C=O",
    "urea": "NC(N)=O",
    "acetic acid": "CC(=O)O",
    "glycine": "[NH3+]CC(=O)[O-]",
    "benzene": "c1ccccc1",
}
SEEDS = {"formaldehyde": 0, "urea": 0, "acetic acid": 0, "glycine": 4, "benzene": 0}
"""Packings in P -1 in which the molecules have neighbours."""


def processed(text, **policies):
    (raw,) = read_cif(text.encode() if isinstance(text, str) else text, source="s", file="f.cif")
    entry = process(raw, BuildSettings.model_validate({"policies": policies}))
    assert isinstance(entry, ProcessedEntry), entry
    return entry


def contact_distances(entry):
    table = entry.patches
    return sorted(zip(table.n_nodes.tolist(), table.n_inter.tolist(), np.round(table.minimum_distance, 3), strict=True))


@settings(max_examples=25, deadline=None)
@given(small_crystals())
def test_crystal_read_back_has_the_same_contacts(crystal):
    entry = processed(crystal.cif())
    ((name, text),) = export(entry, what="molecules", format="cif")
    again = processed(text)
    assert name == "f.cif_test.cif"
    assert again.crystal.compound == entry.crystal.compound
    assert again.crystal.molecules_in_cell == entry.crystal.molecules_in_cell
    one, two = contact_distances(entry), contact_distances(again)
    assert len(one) == len(two)
    assert np.allclose([row[2] for row in one], [row[2] for row in two], atol=2e-3)


def test_molecule_on_a_special_position_is_exported_whole():
    # benzene on an inversion centre: half of it listed, all of it exported, and still one molecule when read back
    symbols, positions = zip(*[(a[0], a[1:]) for a in MOLECULES["benzene"]], strict=True)
    half = [k for k in range(12) if k % 6 < 3]
    whole = from_atoms([(symbols[k], *positions[k]) for k in half], edge=9.0)
    crystal = whole.with_rows([symbols[k] for k in half], whole.fractional)
    entry = processed(crystal.cif(operations=("x,y,z", "-x,-y,-z"), symbol="P -1"))
    ((_, text),) = export(entry, what="molecules", format="cif")
    assert text.count(" C ") == 6
    again = processed(text)
    assert again.crystal.molecules_in_cell == entry.crystal.molecules_in_cell == 1
    assert len(again.crystal.molecules[0].labels) == 12
    assert contact_distances(again) == contact_distances(entry)


@pytest.mark.parametrize("name", SMILES)
@pytest.mark.parametrize("what", ["molecules", "dimers", "clusters"])
def test_sdf_through_rdkit_is_the_molecule(name, what):
    entry = processed(pack(name, "P -1", seed=SEEDS[name]).cif())
    assert len(entry.patches)
    for assembly, (_, text) in zip(assemblies(entry, what), export(entry, what=what, format="sdf"), strict=True):
        (mol,) = Chem.ForwardSDMolSupplier(io.BytesIO(text.encode()), removeHs=True)
        count = int(assembly.molecule_index.max()) + 1
        assert Chem.MolToSmiles(mol).split(".") == [SMILES[name]] * count
        (whole,) = Chem.ForwardSDMolSupplier(io.BytesIO(text.encode()), removeHs=False)
        assert np.allclose(whole.GetConformer().GetPositions(), assembly.positions, atol=6e-5)


def test_large_cluster_is_v3000_and_the_same(monkeypatch):
    entry = processed(FORMIC_ACID)
    (small,) = export(entry, what="clusters", format="sdf")
    monkeypatch.setattr(formats, "_LARGEST_V2000", 50)
    (large,) = export(entry, what="clusters", format="sdf")
    assert "V2000" in small[1]
    assert "V3000" in large[1]
    both = [
        next(iter(Chem.ForwardSDMolSupplier(io.BytesIO(text.encode()), removeHs=False))) for _, text in (small, large)
    ]
    assert Chem.MolToSmiles(both[0]) == Chem.MolToSmiles(both[1])
    assert np.allclose(both[0].GetConformer().GetPositions(), both[1].GetConformer().GetPositions())


def test_xyz_of_a_cluster_has_every_neighbour_at_its_distance():
    entry = processed(FORMIC_ACID)
    (assembly,) = assemblies(entry, "clusters")
    ((_, text),) = export(entry, what="clusters", format="xyz")
    atoms = ase.io.read(io.StringIO(text), format="xyz")
    assert np.allclose(atoms.positions, assembly.positions, atol=1e-6)
    first = atoms.positions[assembly.molecule_index == 0]
    found = sorted(
        np.linalg.norm(first[:, None] - atoms.positions[assembly.molecule_index == k], axis=2).min()
        for k in range(1, assembly.molecule_index.max() + 1)
    )
    assert np.allclose(found, np.sort(entry.patches.minimum_distance), atol=1e-4)
    assert max(found) <= 4.0


def test_one_dimer_for_each_contact_orbit_and_each_another():
    entry = processed(FORMIC_ACID)
    dimers = assemblies(entry, "dimers")
    assert 1 < len(dimers) == len(set(entry.patches.orbit.tolist()))
    prints = [np.sort(np.linalg.norm(d.positions[:, None] - d.positions[None], axis=2).ravel()) for d in dimers]
    assert not any(np.allclose(a, b, atol=1e-3) for a, b in itertools.combinations(prints, 2))


def test_dimer_in_a_box_reads_back_as_two_molecules():
    entry = processed(FORMIC_ACID)
    files = export(entry, what="dimers", format="cif")
    assert files
    for _, text in files:
        assert processed(text).crystal.molecules_in_cell == 2


def test_hydrogen_policy_is_followed_in_bonds_and_charges():
    entry = processed(pack("glycine", "P -1", seed=1).cif(), hydrogens="none")
    ((_, text),) = export(entry, what="molecules", format="sdf")
    mol = Chem.MolFromMolBlock(text.partition("$$$$")[0], sanitize=False)
    assert sorted(atom.GetFormalCharge() for atom in mol.GetAtoms()) == [-1, 0, 0, 0, 1]
    assert mol.GetNumBonds() == 4


def test_labels_are_distinct_and_plain():
    entry = processed(box(("urea", (6, 6, 6))).cif().replace("C1 C", '"Cé\'1" C').replace("N3 N", "O2 N"))
    ((_, text),) = export(entry, what="molecules", format="cif")
    (raw,) = read_cif(text.encode(), source="s", file="f")
    assert len(set(raw.labels)) == 8
    assert all(label.isascii() for label in raw.labels)


def test_command_line_writes_files_or_stdout(tmp_path, capsys):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    assert run(["molecules", str(tmp_path / "a.cif")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5"
    assert "CH2O2" in lines[1]
    words = [
        "molecules",
        str(tmp_path / "a.cif"),
        "--what",
        "dimers",
        "-f",
        "cif",
        "-o",
        str(tmp_path / "out"),
        "--json",
    ]
    assert run(words) == 0
    paths = json.loads(capsys.readouterr().out)["files"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.rsplit("/", 1)[1] for p in paths)
    (tmp_path / "b.cif").write_text("nothing")
    assert run(["molecules", str(tmp_path / "b.cif")]) == 1
    assert "parse_error" in capsys.readouterr().err


@pytest.mark.shared_data
def test_real_crystals_come_back_the_same(shared_data):
    count = 0
    for item in itertools.islice(iterate(str(shared_data / "crystals" / "cod_openff.zip")), 60):
        for raw in item.read():
            entry = process(raw, BuildSettings()) if isinstance(raw, RawStructure) else raw
            if not isinstance(entry, ProcessedEntry):
                continue
            ((_, text),) = export(entry, what="molecules", format="cif")
            again = processed(text)
            assert again.crystal.compound == entry.crystal.compound, raw.entry
            distances = [np.sort(one.patches.minimum_distance) for one in (entry, again)]
            assert np.allclose(*distances, atol=2e-3), raw.entry
            for perception, (_, sdf) in zip(
                entry.perceptions, export(entry, what="molecules", format="sdf"), strict=True
            ):
                mol = Chem.MolFromMolBlock(sdf.partition("$$$$")[0])
                assert Chem.CanonSmiles(Chem.MolToSmiles(mol), useChiral=0) == Chem.CanonSmiles(perception.smiles)
            count += 1
    assert count > 30
