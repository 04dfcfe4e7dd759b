"""Molecules of known chemistry: RDKit embeds a SMILES, and only elements, positions and connectivity are handed on."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem

from molinteract.core.elements import ATOMIC_NUMBERS, formula
from molinteract.crystals.crystal import Molecule
from molinteract.crystals.graph import graph_hash


def make_molecule(symbols, positions, bonds):
    """A molecule from what a crystal gives: elements, positions in Å, pairs of bonded atoms."""
    numbers = np.array([ATOMIC_NUMBERS[s] for s in symbols], dtype=np.int16)
    pairs = np.array(sorted(sorted(pair) for pair in bonds), dtype=np.int32).reshape(-1, 2)
    return Molecule(
        labels=tuple(f"{s}{k + 1}" for k, s in enumerate(symbols)),
        atomic_numbers=numbers,
        positions=np.asarray(positions, dtype=np.float64),
        bonds=pairs,
        formula=formula(numbers),
        graph_hash=graph_hash(numbers, pairs),
        images=np.zeros(1, dtype=np.int32),
        stabiliser=np.zeros(1, dtype=np.int32),
        stabiliser_shifts=np.zeros((1, 3), dtype=np.int32),
    )


def embedded(smiles, *, seed=1):
    """The molecule of a SMILES with a force-field geometry; atom k of the SMILES is atom k."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=seed) == 0, smiles
    if AllChem.MMFFHasAllMoleculeParams(mol):
        AllChem.MMFFOptimizeMolecule(mol, maxIters=2000)
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    return make_molecule([a.GetSymbol() for a in mol.GetAtoms()], mol.GetConformer().GetPositions(), bonds)


def permuted(molecule, order):
    """The same molecule with its atoms in another order: new atom k is old atom ``order[k]``."""
    order = np.asarray(order)
    place = np.argsort(order)
    symbols = [molecule.labels[k].rstrip("0123456789") for k in order]
    return make_molecule(symbols, molecule.positions[order], place[molecule.bonds].tolist())


def canonical(smiles):
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
