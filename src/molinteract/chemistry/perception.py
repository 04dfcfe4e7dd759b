"""Bond orders by matching, then RDKit's aromaticity, donors, acceptors and SMILES on the whole molecule."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import Lipinski

from molinteract.chemistry.bond_orders import bond_orders
from molinteract.chemistry.stated import Given
from molinteract.chemistry.valence import H, N, O
from molinteract.crystals.crystal import Molecule

OK = "ok"
NOT_ASKED = "not perceived"


@dataclass(frozen=True, slots=True, eq=False)
class Perception:
    """Chemistry of one molecule.

    Attributes
    ----------
    bond_orders : (bonds,) int8
        Kekulé orders, in the order of ``Molecule.bonds``.
    formal_charges : (atoms,) int8
    radicals : (atoms,) int8
        Unpaired electrons.
    aromatic : (atoms,) bool
    aromatic_bonds : (bonds,) bool
    donors, acceptors : (atoms,) bool
        Heavy atoms, by the definitions of ``rdkit.Chem.Lipinski``.
    smiles : str
        Canonical, without stereo, hydrogens implicit; empty if RDKit refuses the molecule.
    status : str
        ``ok``, or what RDKit says.
    molecule : Molecule
        What was perceived.
    """

    bond_orders: NDArray[np.int8]
    formal_charges: NDArray[np.int8]
    radicals: NDArray[np.int8]
    aromatic: NDArray[np.bool_]
    aromatic_bonds: NDArray[np.bool_]
    donors: NDArray[np.bool_]
    acceptors: NDArray[np.bool_]
    smiles: str
    status: str
    molecule: Molecule

    @property
    def charge(self) -> int:
        """Net charge."""
        return int(self.formal_charges.sum())

    @property
    def heavy_atoms(self) -> NDArray[np.bool_]:
        """(atoms,) not hydrogen."""
        heavy: NDArray[np.bool_] = self.molecule.atomic_numbers != H
        return heavy

    @property
    def heavy_bonds(self) -> NDArray[np.bool_]:
        """(bonds,) between heavy atoms."""
        return np.asarray((self.molecule.atomic_numbers[self.molecule.bonds] != H).all(axis=1), dtype=bool)


def perceive(molecule: Molecule, *, given: Given | None = None) -> Perception:
    """Perceive the chemistry of a molecule with all its hydrogens.

    A molecule that RDKit does not accept keeps its bond orders and charges; its flags are empty and its status says why.

    Parameters
    ----------
    molecule : Molecule
    given : (orders, charges), optional
        What the source states (``chemistry.stated``), taken instead of this program's own.
    """
    orders, charges = bond_orders(molecule) if given is None else given
    radicals = np.zeros(len(charges), dtype=np.int8)
    nitroxide = _nitroxide_oxygen(molecule, charges)
    if nitroxide >= 0:
        orders = _single_bonds_at(molecule, orders, nitroxide)
        charges = charges.copy()
        charges[[nitroxide, _neighbour(molecule, nitroxide)]] = 0
        radicals[nitroxide] = 1
    with rdBase.BlockLogs():
        mol, kept = _rdkit_molecule(molecule, orders, charges, radicals)
        failure = Chem.SanitizeMol(mol, catchErrors=True)
        if failure != Chem.SanitizeFlags.SANITIZE_NONE:
            return _without_flags(molecule, orders, charges, radicals, f"RDKit refuses it: {failure.name}")
        smiles = Chem.MolToSmiles(mol, isomericSmiles=False)
    donor, acceptor, aromatic_bond = _patterns()
    ring_bonds = kept[_matches(mol, aromatic_bond)]
    return Perception(
        bond_orders=orders,
        formal_charges=charges,
        radicals=radicals,
        aromatic=_mask(len(charges), ring_bonds),
        aromatic_bonds=_aromatic_bonds(molecule, ring_bonds),
        donors=_mask(len(charges), kept[_matches(mol, donor)]),
        acceptors=_mask(len(charges), kept[_matches(mol, acceptor)]),
        smiles=smiles,
        status=OK,
        molecule=molecule,
    )


def unperceived(molecule: Molecule) -> Perception:
    """Return the perception of a molecule whose chemistry is not asked for: single bonds, no charge, no flag."""
    none = np.zeros(len(molecule.atomic_numbers), dtype=np.int8)
    return _without_flags(molecule, np.ones(len(molecule.bonds), dtype=np.int8), none, none, NOT_ASKED)


@cache
def _patterns() -> tuple[Chem.Mol, Chem.Mol, Chem.Mol]:
    return Lipinski.HDonorSmarts, Lipinski.HAcceptorSmarts, Chem.MolFromSmarts("a:a")


@cache
def _atom(atomic_number: int, charge: int, radicals: int, hydrogens: int) -> Chem.Atom:
    """Return a pattern of which RDKit takes a copy; there are some dozens."""
    atom = Chem.Atom(atomic_number)
    atom.SetFormalCharge(charge)
    atom.SetNumRadicalElectrons(radicals)
    atom.SetNumExplicitHs(hydrogens)
    atom.SetNoImplicit(True)
    return atom


_KINDS = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}


def _rdkit_molecule(
    molecule: Molecule, orders: NDArray[np.int8], charges: NDArray[np.int8], radicals: NDArray[np.int8]
) -> tuple[Chem.RWMol, NDArray[np.int64]]:
    """Build the molecule as RDKit's definitions expect it: hydrogens counted on their heavy atoms.

    A hydrogen that is not bonded to one heavy atom alone stays an atom.

    Returns
    -------
    Chem.RWMol
    (kept,) int64
        Our index of each of its atoms.
    """
    numbers = molecule.atomic_numbers.tolist()
    pairs = molecule.bonds.tolist()
    counted = [0] * len(numbers)
    suppressed: set[int] = set()
    for a, b in pairs:
        if (numbers[a] == H) != (numbers[b] == H):
            heavy, hydrogen = (b, a) if numbers[a] == H else (a, b)
            if charges[hydrogen] == 0:
                counted[heavy] += 1
                suppressed.add(hydrogen)
    mol = Chem.RWMol()
    place: dict[int, int] = {}
    for k, (z, charge, radical) in enumerate(zip(numbers, charges.tolist(), radicals.tolist(), strict=True)):
        if k not in suppressed:
            place[k] = mol.AddAtom(_atom(z, charge, radical, counted[k]))
    for (a, b), order in zip(pairs, orders.tolist(), strict=True):
        if a in place and b in place:
            mol.AddBond(place[a], place[b], _KINDS.get(order, Chem.BondType.QUADRUPLE))
    return mol, np.array(list(place), dtype=np.int64)


def _matches(mol: Chem.Mol, pattern: Chem.Mol) -> NDArray[np.int64]:
    """Return the (matches, atoms of the pattern) atoms that match."""
    found = mol.GetSubstructMatches(pattern, maxMatches=mol.GetNumAtoms() + mol.GetNumBonds())
    return np.array(found, dtype=np.int64).reshape(len(found), pattern.GetNumAtoms())


def _mask(size: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


def _aromatic_bonds(molecule: Molecule, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the mask of the bonds that are among the pairs."""
    found = {(min(pair), max(pair)) for pair in pairs.tolist()}
    return np.array([(a, b) in found for a, b in molecule.bonds.tolist()], dtype=bool)


def _without_flags(
    molecule: Molecule,
    orders: NDArray[np.int8],
    charges: NDArray[np.int8],
    radicals: NDArray[np.int8],
    status: str,
) -> Perception:
    atoms, bonds = len(molecule.atomic_numbers), len(molecule.bonds)
    none = np.zeros(atoms, dtype=bool)
    return Perception(
        bond_orders=orders,
        formal_charges=charges,
        radicals=radicals,
        aromatic=none,
        aromatic_bonds=np.zeros(bonds, dtype=bool),
        donors=none.copy(),
        acceptors=none.copy(),
        smiles="",
        status=status,
        molecule=molecule,
    )


def _nitroxide_oxygen(molecule: Molecule, charges: NDArray[np.int8]) -> int:
    """Return the terminal oxygen of the one N–O radical that explains an odd electron count, or -1."""
    if abs(int(charges.sum())) != 1 or int(molecule.atomic_numbers.sum()) % 2 == 0:
        return -1
    degrees = np.bincount(molecule.bonds.ravel(), minlength=len(charges))
    found = -1
    for a, b in molecule.bonds.tolist():
        for oxygen, nitrogen in ((a, b), (b, a)):
            if (
                molecule.atomic_numbers[oxygen] == O
                and degrees[oxygen] == 1
                and molecule.atomic_numbers[nitrogen] == N
                and degrees[nitrogen] == 3
                and not _bears_hydrogen(molecule, nitrogen)
            ):
                if found >= 0 and _neighbour(molecule, found) == nitrogen:
                    return -1  # a nitro group is no nitroxide
                found = oxygen
    return found


def _bears_hydrogen(molecule: Molecule, atom: int) -> bool:
    touching = molecule.bonds[(molecule.bonds == atom).any(axis=1)]
    return bool((molecule.atomic_numbers[touching.ravel()] == H).any())


def _neighbour(molecule: Molecule, atom: int) -> int:
    bond = molecule.bonds[(molecule.bonds == atom).any(axis=1)][0]
    return int(bond.sum() - atom)


def _single_bonds_at(molecule: Molecule, orders: NDArray[np.int8], atom: int) -> NDArray[np.int8]:
    changed = orders.copy()
    changed[(molecule.bonds == atom).any(axis=1)] = 1
    return changed
