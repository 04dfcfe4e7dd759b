"""A protein and a ligand become a complex: the ligand, the pocket around it, and what was decided on the way (SPEC 4)."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from molinteract.affinity.ligand import Ligand
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.structure import Residue, ResidueKind, Structure
from molinteract.core.elements import ORGANIC
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason

COPY_DISTANCE: Final = 0.5
"""Å within which a whole residue of the protein file must lie on the ligand to be taken for the ligand itself."""
WATER_CLEARANCE: Final = 2.1
"""Å; a water nearer than this was displaced by the ligand."""
BOND_LENGTH: Final = 2.1
"""Å; heavy atoms of two molecules come no nearer than this unless they are bonded (or clash), metals apart."""
CONTACT: Final = 10.0
"""Å; whole residues of the protein this near the ligand are held beside the pocket, for counts of contacts."""
_NON_METALS: Final = sorted(ORGANIC - {1})
HEAVY_ATOMS: Final = {
    "ALA": 5, "ARG": 11, "ASN": 8, "ASP": 8, "CYS": 6, "GLN": 9, "GLU": 9, "GLY": 4, "HIS": 10, "ILE": 8, "LEU": 8,
    "LYS": 9, "MET": 8, "PHE": 11, "PRO": 7, "SER": 6, "THR": 7, "TRP": 14, "TYR": 12, "VAL": 7,
}  # fmt: skip
"""Heavy atoms of a whole amino-acid residue without its terminal oxygen."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What is around a pocket: the residues beyond it with any atom within 10 Å of the ligand, whole.

    Attributes
    ----------
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) float64
        Å.
    residue_index : (atoms,) int32
        Into ``residues``.
    residues : tuple of Residue
    """

    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    residue_index: NDArray[np.int32]
    residues: tuple[Residue, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """One pocket and one ligand.

    Attributes
    ----------
    id : str
    pocket, ligand : (atoms,) int16
        Atomic numbers.
    pocket_positions, ligand_positions : (atoms, 3) float64
        Å, as in the files.
    residue_index : (pocket atoms,) int32
        Into ``residues``.
    residues : tuple of Residue
        Those of the pocket.
    ligand_names : tuple of str
    around : Surroundings
        No part of graphs; empty where the pocket is of 10 Å or more.
    minimum_distance : float
        Between a pocket and a ligand atom, Å.
    bonded : (pairs, 2) int32
        Columns (pocket atom, ligand atom) at a bond's length.
    notes : dict of str to int
        Counts of what was passed over or is worth knowing.
    """

    id: str
    pocket: NDArray[np.int16]
    pocket_positions: NDArray[np.float64]
    residue_index: NDArray[np.int32]
    residues: tuple[Residue, ...]
    ligand: NDArray[np.int16]
    ligand_positions: NDArray[np.float64]
    ligand_names: tuple[str, ...]
    around: Surroundings
    minimum_distance: float
    bonded: NDArray[np.int32]
    notes: dict[str, int]


def make_complex(structure: Structure, ligand: Ligand, *, id: str, settings: ComplexSettings | None = None) -> Complex:
    """Cut the pocket of a ligand: every residue with any atom within ``settings.pocket`` of any ligand atom.

    Atoms that the settings leave out (hydrogens by default) count neither for the pocket nor for the ligand.

    Raises
    ------
    ComplexError
        ``no_atoms``, ``ligand_too_small``, ``complex_too_large``, ``ligand_far``, ``overlap`` or ``covalent``.
    """
    settings = settings or ComplexSettings()
    notes: Counter[str] = Counter(structure.notes | ligand.notes)
    heavy = ligand.atomic_numbers > 1
    _check_ligand(int(heavy.sum()), id, settings)
    chosen = heavy if settings.hydrogens == "none" else np.ones(len(ligand), dtype=bool)
    numbers, positions = ligand.atomic_numbers[chosen], ligand.positions[chosen]
    protein = _without_copy(_by_policy(structure, settings, notes), ligand, notes)
    if not len(protein):
        raise ComplexError(ComplexReason.NO_ATOMS, "no atom is left of the protein", entry=id)
    nearest, partner = cKDTree(positions).query(protein.positions)
    if settings.waters == "keep":
        protein, nearest, partner = _clear_waters(protein, nearest, partner, notes)
    _check_distance(protein, numbers, nearest, partner, id, settings)
    residues = np.unique(protein.residue_index[nearest <= settings.pocket])
    pocket = protein.take(np.isin(protein.residue_index, residues))
    beyond = np.setdiff1d(protein.residue_index[nearest <= CONTACT], residues)
    if len(pocket) > settings.max_pocket_atoms:
        raise _too_large("pocket", len(pocket), settings.max_pocket_atoms, id)
    bonded = bonded_pairs(pocket.atomic_numbers, pocket.positions, numbers, positions)
    if len(bonded):
        notes["covalent_contacts"] = len(bonded)
        if settings.covalent == "reject":
            raise ComplexError(
                ComplexReason.COVALENT, f"{len(bonded)} bonds between ligand and protein", entry=id,
                remedy="covalent = \"mark\" keeps it",
            )  # fmt: skip
    _count_pocket(pocket, residues, notes)
    return Complex(
        id=id,
        pocket=pocket.atomic_numbers,
        pocket_positions=pocket.positions,
        residue_index=np.searchsorted(residues, pocket.residue_index).astype(np.int32),
        residues=tuple(structure.residues[k] for k in residues),
        ligand=numbers,
        ligand_positions=positions,
        around=_surroundings(protein, beyond),
        ligand_names=tuple(np.array(ligand.atom_names, dtype=np.str_)[chosen].tolist()),
        minimum_distance=float(nearest.min()),
        bonded=bonded,
        notes={name: count for name, count in notes.items() if count},
    )


def _surroundings(protein: Structure, residues: NDArray[np.int32]) -> Surroundings:
    atoms = protein.take(np.isin(protein.residue_index, residues))
    return Surroundings(
        atoms.atomic_numbers,
        atoms.positions,
        np.searchsorted(residues, atoms.residue_index).astype(np.int32),
        tuple(protein.residues[k] for k in residues),
    )


def bonded_pairs(
    pocket: NDArray[np.int16],
    pocket_positions: NDArray[np.float64],
    ligand: NDArray[np.int16],
    ligand_positions: NDArray[np.float64],
) -> NDArray[np.int32]:
    """Return pairs (pocket atom, ligand atom) of heavy atoms nearer than 2.1 Å; contacts of metals are none."""
    near = cKDTree(pocket_positions).sparse_distance_matrix(
        cKDTree(ligand_positions), BOND_LENGTH, output_type="coo_matrix"
    )
    numbers = np.stack([pocket[near.row], ligand[near.col]], axis=1)
    hits = np.isin(numbers, _NON_METALS).all(1)
    pairs = np.stack([near.row[hits], near.col[hits]], axis=1).astype(np.int32)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _check_ligand(n_heavy: int, id: str, settings: ComplexSettings) -> None:
    if n_heavy < settings.min_ligand_atoms:
        raise ComplexError(
            ComplexReason.LIGAND_TOO_SMALL,
            f"the ligand has {n_heavy} heavy atoms (at least {settings.min_ligand_atoms})",
            entry=id,
            remedy="lower min_ligand_atoms",
        )
    if n_heavy > settings.max_ligand_atoms:
        raise _too_large("ligand", n_heavy, settings.max_ligand_atoms, id)


def _too_large(what: str, found: int, limit: int, id: str) -> ComplexError:
    return ComplexError(
        ComplexReason.COMPLEX_TOO_LARGE, f"the {what} has {found} atoms (at most {limit})", entry=id,
        remedy=f"raise max_{what}_atoms",
    )  # fmt: skip


def _by_policy(structure: Structure, settings: ComplexSettings, notes: Counter[str]) -> Structure:
    """Leave out what the settings leave out, and count it."""
    keep = np.ones(len(structure), dtype=bool)
    kinds = structure.kinds()
    for kind, choice in (
        (ResidueKind.WATER, settings.waters),
        (ResidueKind.ION, settings.ions),
        (ResidueKind.GROUP, settings.cofactors),
    ):
        if choice == "drop":
            hits = kinds == kind.value
            keep &= ~hits
            notes[f"{kind.value}s_dropped"] = len(np.unique(structure.residue_index[hits]))
    if settings.hydrogens == "none":
        keep &= structure.atomic_numbers > 1
    return structure.take(keep)


def _without_copy(protein: Structure, ligand: Ligand, notes: Counter[str]) -> Structure:
    """Take out the ligand where the protein file still holds it: whole residues that lie on it."""
    if not len(protein):
        return protein
    tree = cKDTree(ligand.positions)
    distance, partner = tree.query(protein.positions, distance_upper_bound=COPY_DISTANCE)
    on_it = np.isfinite(distance)
    on_it[on_it] = protein.atomic_numbers[on_it] == ligand.atomic_numbers[partner[on_it]]
    whole = np.ones(len(protein.residues), dtype=bool)
    whole[protein.residue_index[~on_it]] = False
    mask = whole[protein.residue_index]
    notes["ligand_copies_removed"] = len(np.unique(protein.residue_index[mask]))
    return protein.take(~mask) if mask.any() else protein


def _clear_waters(
    protein: Structure, nearest: NDArray[np.float64], partner: NDArray[np.int64], notes: Counter[str]
) -> tuple[Structure, NDArray[np.float64], NDArray[np.int64]]:
    near = (protein.kinds() == ResidueKind.WATER.value) & (nearest < WATER_CLEARANCE)
    hits = np.isin(protein.residue_index, protein.residue_index[near])
    notes["waters_displaced"] = len(np.unique(protein.residue_index[hits]))
    return protein.take(~hits), nearest[~hits], partner[~hits]


def _check_distance(
    protein: Structure,
    ligand: NDArray[np.int16],
    nearest: NDArray[np.float64],
    partner: NDArray[np.int64],
    id: str,
    settings: ComplexSettings,
) -> None:
    shortest = float(nearest.min()) if len(nearest) else float("inf")
    if shortest > settings.d_inter:
        raise ComplexError(
            ComplexReason.LIGAND_FAR,
            f"no protein atom within {settings.d_inter:g} Å of the ligand; the smallest distance is {shortest:.2f} Å",
            entry=id,
            remedy="check that both files are in one frame",
        )
    heavy = (protein.atomic_numbers > 1) & (ligand[partner] > 1) & (nearest < settings.clash)
    if heavy.any():
        worst = int(np.argmin(np.where(heavy, nearest, np.inf)))
        raise ComplexError(
            ComplexReason.OVERLAP,
            f"{int(heavy.sum())} protein atoms within {settings.clash:g} Å of a ligand atom; the nearest, "
            f"{protein.atom_names[worst]} of {protein.residues[protein.residue_index[worst]]}, at {nearest[worst]:.2f} Å",
            entry=id,
        )


def _count_pocket(pocket: Structure, residues: NDArray[np.int32], notes: Counter[str]) -> None:
    kinds = [pocket.residues[k].kind for k in residues]
    notes["ions"] = kinds.count(ResidueKind.ION)
    notes["cofactors"] = kinds.count(ResidueKind.GROUP)
    notes["waters"] = kinds.count(ResidueKind.WATER)
    heavy = np.bincount(pocket.residue_index[pocket.atomic_numbers > 1], minlength=len(pocket.residues))
    notes["incomplete_residues"] = sum(
        int(heavy[k]) < HEAVY_ATOMS.get(pocket.residues[k].name, 0) for k in residues.tolist()
    )
