"""Bond types that a source states become Kekulé orders that RDKit reads as the same molecule."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from molinteract.chemistry.perception import perceive
from molinteract.chemistry.stated import stated_orders
from molinteract.core.elements import SYMBOLS, formula
from molinteract.crystals.crystal import Molecule
from molinteract.crystals.raw import AROMATIC, StatedBonds

KINDS = {"SINGLE": 1, "DOUBLE": 2, "TRIPLE": 3, "AROMATIC": AROMATIC}


def stated_molecule(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=np.int16)
    bonds = sorted(
        (*sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx())), KINDS[b.GetBondType().name]) for b in mol.GetBonds()
    )
    labels = tuple(f"{SYMBOLS[z]}{k}" for k, z in enumerate(numbers.tolist()))
    one = np.zeros(1, dtype=np.int32)
    molecule = Molecule(
        labels=labels, atomic_numbers=numbers, positions=mol.GetConformer().GetPositions(),
        bonds=np.array([bond[:2] for bond in bonds], dtype=np.int32), formula=formula(numbers), graph_hash="",
        images=one, stabiliser=one, stabiliser_shifts=np.zeros((1, 3), dtype=np.int32),
    )  # fmt: skip
    charges = tuple(atom.GetFormalCharge() for atom in mol.GetAtoms())
    return molecule, StatedBonds(tuple(bonds), charges), labels


@pytest.mark.parametrize(
    "smiles",
    [
        "c1cc[nH]c1", "c1ccncc1", "c1ccc2c(c1)[nH]c1ccccc12", "Cn1c(=O)c2[nH]cnc2n(C)c1=O", "C[N+](=O)[O-]", "CC#N",
        "[NH3+]CC(=O)[O-]", "c1ccoc1", "O=c1cc[nH]cc1", "c1ccc2ncccc2c1",
    ],
)  # fmt: skip
def test_stated_molecule_is_perceived_as_stated(smiles):
    molecule, stated, labels = stated_molecule(smiles)
    given = stated_orders(molecule, stated, labels)
    assert given is not None
    assert given[0].max() <= 3
    assert perceive(molecule, given=given).smiles == Chem.CanonSmiles(smiles)


def test_nothing_stated_or_labels_unknown_is_none():
    molecule, stated, labels = stated_molecule("CC#N")
    assert stated_orders(molecule, None, labels) is None
    assert stated_orders(molecule, stated, ("X",) * len(labels)) is None
