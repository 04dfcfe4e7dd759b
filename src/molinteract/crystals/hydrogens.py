"""Are hydrogens missing? The declared formula says so, or the geometry of a carbon asks for one (SPEC 1.1).

Charges and radicals left after bond-order perception are judged in ``chemistry/checks.py``.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.elements import SYMBOLS, formula
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.crystal import Molecule
from molinteract.crystals.sites import parse_formula

STRAIGHT = np.radians(150.0)
"""A carbon with two neighbours at a smaller angle lacks a hydrogen."""
_COS_STRAIGHT = float(np.cos(STRAIGHT))
PYRAMID_HEIGHT = 0.30
"""A carbon this many Å above the plane of its three neighbours lacks one ..."""
TERMINAL_BOND = 1.25
"""... and so does a terminal carbon with a bond longer than this (Å)."""
SMALLEST_CAGE = 20
"""Atoms of the smallest fullerene, the dodecahedron."""


def check_formula(atomic_numbers: NDArray[np.int16], declared_text: str, *, entry: str) -> None:
    """Raise ``hydrogens_missing`` if the declared formula has more hydrogen for its carbon than the atoms.

    Parameters
    ----------
    atomic_numbers : (atoms,) int16
        Every atom of the cell.
    declared_text : str
        ``_chemical_formula_sum``.
    """
    declared = parse_formula(declared_text)
    if not declared.get(6) or not declared.get(1):
        return
    counts = np.bincount(atomic_numbers, minlength=len(SYMBOLS)).tolist()
    carbon, hydrogen = counts[6], counts[1]
    units = carbon / declared[6]
    expected = units * declared[1]
    # a formula with the same other elements is about the same compound: solvent left out of the model is another matter
    others = all(abs(counts[z] - units * n) < 0.5 for z, n in declared.items() if z not in (1, 6))
    if others and hydrogen < expected - 0.5:
        raise EntryError(
            Reason.HYDROGENS_MISSING,
            f"{hydrogen} hydrogens in the cell, the formula {declared_text} asks for {expected:.0f}",
            entry=entry,
        )


def check_carbons(molecule: Molecule, *, entry: str) -> None:
    """Raise ``hydrogens_missing`` if the geometry of a carbon asks for one."""
    if _is_cage(molecule):
        return
    carbon = int(
        _open_carbon(
            molecule.atomic_numbers, molecule.bonds, molecule.positions, _COS_STRAIGHT, PYRAMID_HEIGHT, TERMINAL_BOND
        )
    )
    if carbon >= 0:
        around = molecule.bonds[(molecule.bonds == carbon).any(axis=1)].sum(axis=1) - carbon
        found = _open_valence(molecule.positions[carbon], molecule.positions[around])
        raise EntryError(
            Reason.HYDROGENS_MISSING,
            f"{molecule.labels[carbon]} of {formula(molecule.atomic_numbers)} {found}",
            entry=entry,
        )


def _is_cage(molecule: Molecule) -> bool:
    """Tell whether a molecule is a closed cage of carbon (a fullerene), which is pyramidal everywhere."""
    count = len(molecule.atomic_numbers)
    if count < SMALLEST_CAGE or molecule.formula != f"C{count}":
        return False
    return bool((np.bincount(molecule.bonds.ravel(), minlength=count) == 3).all())


@njit(cache=True)
def _open_carbon(numbers, bonds, positions, straight, pyramid, terminal):
    """Return the first carbon whose geometry asks for a hydrogen, or -1."""
    near = np.empty((len(numbers), 3), dtype=np.int64)
    degree = np.zeros(len(numbers), dtype=np.int64)
    for e in range(len(bonds)):
        for a, b in ((bonds[e, 0], bonds[e, 1]), (bonds[e, 1], bonds[e, 0])):
            if degree[a] < 3:
                near[a, degree[a]] = b
            degree[a] += 1
    for c in range(len(numbers)):
        if numbers[c] != 6 or degree[c] == 0 or degree[c] > 3:
            continue
        u = positions[near[c, 0]] - positions[c]
        if degree[c] == 1:
            if np.sqrt(_dot(u, u)) > terminal:
                return c
            continue
        v = positions[near[c, 1]] - positions[c]
        if degree[c] == 2:
            if _dot(u, v) > straight * np.sqrt(_dot(u, u) * _dot(v, v)):
                return c
            continue
        # three: the height above the plane of the neighbours
        w = positions[near[c, 2]] - positions[c]
        one, two = v - u, w - u
        normal = np.array(
            [
                one[1] * two[2] - one[2] * two[1],
                one[2] * two[0] - one[0] * two[2],
                one[0] * two[1] - one[1] * two[0],
            ]
        )
        if abs(_dot(u, normal)) > pyramid * np.sqrt(_dot(normal, normal)):
            return c
    return -1


@njit(cache=True)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _open_valence(centre: NDArray[np.float64], around: NDArray[np.float64]) -> str:
    bonds = around - centre
    lengths = np.linalg.norm(bonds, axis=1)
    if len(bonds) == 1 and lengths[0] > TERMINAL_BOND:
        return f"is bonded to one atom only, at {lengths[0]:.2f} Å"
    if len(bonds) == 2:
        angle = float(np.arccos(np.clip(bonds[0] @ bonds[1] / lengths.prod(), -1, 1)))
        if angle < STRAIGHT:
            return f"has two neighbours at {np.degrees(angle):.0f}°"
    if len(bonds) == 3:
        normal = np.cross(around[1] - around[0], around[2] - around[0])
        height = abs(float((centre - around[0]) @ normal)) / float(np.linalg.norm(normal))
        if height > PYRAMID_HEIGHT:
            return f"stands {height:.2f} Å above the plane of its three neighbours"
    return ""
