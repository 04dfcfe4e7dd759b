"""Bond orders and charges that the source itself states (a database's chemistry), carried over to a molecule."""

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molinteract.crystals.crystal import Molecule
from molinteract.crystals.raw import AROMATIC, StatedBonds

Given = tuple[NDArray[np.int8], NDArray[np.int8]]


def stated_orders(molecule: Molecule, stated: StatedBonds | None, labels: tuple[str, ...]) -> Given | None:
    """Return the stated bond orders and charges of a molecule, or None where they do not fix them.

    They do not where nothing is stated, where a bond of the molecule is not stated (one across a symmetry element) or one more
    is, and where an aromatic system has no alternation of single and double bonds.

    Parameters
    ----------
    molecule : Molecule
    stated : StatedBonds or None
    labels : tuple of str
        Of the rows that ``stated`` counts, all distinct.

    Returns
    -------
    orders : (bonds,) int8
        Kekulé orders.
    charges : (atoms,) int8
    """
    if stated is None:
        return None
    rows = {label: k for k, label in enumerate(labels)}
    row = [rows.get(label, -1) for label in molecule.labels]
    if -1 in row:
        return None
    kinds = {(min(a, b), max(a, b)): kind for a, b, kind in stated.bonds}
    pairs = [(min(row[a], row[b]), max(row[a], row[b])) for a, b in molecule.bonds.tolist()]
    within = set(row)
    if {pair for pair in kinds if pair[0] in within and pair[1] in within} != set(pairs):
        return None
    charges = np.array([stated.charges[k] for k in row], dtype=np.int8)
    orders = np.array([kinds[pair] for pair in pairs], dtype=np.int8)
    return _kekule(molecule, orders, charges) if (orders == AROMATIC).any() else (orders, charges)


def _kekule(molecule: Molecule, orders: NDArray[np.int8], charges: NDArray[np.int8]) -> Given | None:
    """Choose single and double bonds of aromatic systems."""
    mol = Chem.RWMol()
    aromatic = set(molecule.bonds[orders == AROMATIC].ravel().tolist())
    for k, (z, charge) in enumerate(zip(molecule.atomic_numbers.tolist(), charges.tolist(), strict=True)):
        atom = Chem.Atom(z)
        atom.SetFormalCharge(charge)
        atom.SetNoImplicit(True)
        atom.SetIsAromatic(k in aromatic)
        mol.AddAtom(atom)
    kinds = {
        1: Chem.BondType.SINGLE,
        2: Chem.BondType.DOUBLE,
        3: Chem.BondType.TRIPLE,
        AROMATIC: Chem.BondType.AROMATIC,
    }
    for (a, b), order in zip(molecule.bonds.tolist(), orders.tolist(), strict=True):
        mol.AddBond(a, b, kinds[order])
    try:
        with rdBase.BlockLogs():
            Chem.Kekulize(mol, clearAromaticFlags=True)
    except Chem.MolSanitizeException:
        return None
    return np.array([round(bond.GetBondTypeAsDouble()) for bond in mol.GetBonds()], dtype=np.int8), charges
