"""Aromatic systems, donors and acceptors of molecules whose chemistry is known."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Lipinski
from tests.oracles.embedded_molecules import embedded

from molinteract.chemistry.flags import ACCEPTOR, AROMATIC, DONOR, atom_flags
from molinteract.chemistry.perception import perceive


def where(mask):
    return set(np.flatnonzero(mask).tolist())


@pytest.mark.parametrize(
    ("smiles", "aromatic", "donors", "acceptors"),
    [
        ("CCO", set(), {2}, {2}),
        ("CC(=O)O", set(), {3}, {2}),
        ("NC(N)=O", set(), {0, 2}, {3}),
        ("c1ccccc1", set(range(6)), set(), set()),
        ("c1ccncc1", set(range(6)), set(), {3}),
        ("c1cc[nH]c1", set(range(5)), {3}, set()),
        ("c1c[nH]cn1", set(range(5)), {2}, {4}),
        ("COC", set(), set(), {1}),
        ("CC#N", set(), set(), {2}),
        ("c1ccsc1", set(range(5)), set(), None),
        ("Cc1ccccc1", set(range(1, 7)), set(), set()),
        ("C1CCCCC1", set(), set(), set()),
        ("O=C1C=CC(=O)C=C1", set(), set(), {0, 5}),
        ("[NH3+]CC(=O)[O-]", set(), {0}, {3, 4}),
        ("Oc1ccccc1", set(range(1, 7)), {0}, {0}),
        ("CS(C)(=O)=O", set(), set(), {3, 4}),
        ("c1ccc(-c2ccccc2)cc1", set(range(12)), set(), set()),
    ],
)
def test_flags_of_known_molecules(smiles, aromatic, donors, acceptors):
    found = perceive(embedded(smiles))
    assert where(found.aromatic) == aromatic
    assert where(found.donors) == donors
    if acceptors is not None:
        assert where(found.acceptors) == acceptors


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Nc1ccc(O)cc1", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "O=[N+]([O-])c1ccccc1", "NS(=O)(=O)c1ccccc1",
        "OC(=O)c1cccnc1", "NC(=N)N", "COP(=O)(OC)OC", "CN=[N+]=[N-]", "O=C1NC(=O)c2ccccc21", "NCCO",
    ],
)  # fmt: skip
def test_flags_are_those_of_rdkit_on_the_molecule_read_from_smiles(smiles):
    mol = Chem.MolFromSmiles(smiles)
    found = perceive(embedded(smiles))
    assert where(found.aromatic) == {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetIsAromatic()}
    assert where(found.donors) == {m[0] for m in mol.GetSubstructMatches(Lipinski.HDonorSmarts)}
    assert where(found.acceptors) == {m[0] for m in mol.GetSubstructMatches(Lipinski.HAcceptorSmarts)}


def test_aromatic_bonds_lie_within_rings_only():
    molecule = embedded("c1ccc(-c2ccccc2)cc1")
    found = perceive(molecule)
    assert found.aromatic_bonds.sum() == 12
    link = (molecule.bonds == [3, 4]).all(axis=1)
    assert not found.aromatic_bonds[link].any()


def test_the_byte_of_an_atom_holds_its_three_flags():
    found = perceive(embedded("Oc1cc[nH]c1"))
    flags = atom_flags(found)
    assert flags.dtype == np.uint8
    np.testing.assert_array_equal((flags & AROMATIC) > 0, found.aromatic)
    np.testing.assert_array_equal((flags & DONOR) > 0, found.donors)
    np.testing.assert_array_equal((flags & ACCEPTOR) > 0, found.acceptors)
    assert flags[0] == DONOR | ACCEPTOR
    assert flags.max() <= AROMATIC | DONOR | ACCEPTOR


def test_the_three_bits_are_distinct():
    assert sorted((AROMATIC, DONOR, ACCEPTOR)) == [1, 2, 4]
