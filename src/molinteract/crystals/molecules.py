"""Molecules of a cell from its bonds: complete, unwrapped, grouped into symmetry orbits."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.crystals.bonding import Pairs
from molinteract.crystals.cell import MERGE, CellContent, image_of, periodic_distance
from molinteract.crystals.operations import Operations


@dataclass(frozen=True, slots=True, eq=False)
class CellMolecules:
    """The molecules of one cell.

    Attributes
    ----------
    molecule : (atoms,) int32
        Molecule of each atom of the cell.
    shift : (atoms, 3) int32
        Lattice vector that moves the atom into its complete molecule.
    count : int
        Number of molecules.
    dimensions : int
        0, or the dimensions in which bonded atoms run on for ever: 1 chain, 2 layer, 3 framework.
    orbit : (molecules,) int32
        Orbit of each molecule, numbered by its first site.
    """

    molecule: NDArray[np.int32]
    shift: NDArray[np.int32]
    count: int
    dimensions: int
    orbit: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class OrbitSymmetry:
    """How the operations carry one molecule through the cell (fields as in ``Molecule``)."""

    images: NDArray[np.int32]
    stabiliser: NDArray[np.int32]
    stabiliser_shifts: NDArray[np.int32]


def find_molecules(content: CellContent, bonds: Pairs) -> CellMolecules:
    """Walk the bond graph, remembering lattice shifts.

    A closed walk that ends in another cell than it began means a polymer; the rank of all such shifts is its dimension.
    """
    molecule, shift, conflicts = _walk(len(content), bonds.p, bonds.q, bonds.shift)
    dimensions = int(np.linalg.matrix_rank(conflicts)) if len(conflicts) else 0
    count = int(molecule.max()) + 1
    return CellMolecules(molecule, shift, count, dimensions, _orbits(molecule, content.site, count))


def _orbits(molecule: NDArray[np.int32], site: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Molecules that hold images of one site are images of each other: operations map bonds to bonds."""
    parent = list(range(count))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    first_of_site: dict[int, int] = {}
    for m, s in zip(molecule.tolist(), site.tolist(), strict=True):
        other = first_of_site.setdefault(s, m)
        a, b = root(m), root(other)
        parent[max(a, b)] = min(a, b)
    roots = [root(k) for k in range(count)]
    number: dict[int, int] = {}
    for m in molecule[np.argsort(site, kind="stable")].tolist():
        number.setdefault(roots[m], len(number))
    return np.array([number[r] for r in roots], dtype=np.int32)


def representative(content: CellContent, molecules: CellMolecules, orbit: int) -> NDArray[np.int64]:
    """Return the atoms of the molecule of an orbit with most atoms as listed in the file, by site and operation."""
    members = np.flatnonzero(molecules.orbit[molecules.molecule] == orbit)
    listed = np.bincount(
        molecules.molecule[members], weights=content.operation[members] == 0, minlength=molecules.count
    )
    best = int(listed.argmax())
    atoms = np.flatnonzero(molecules.molecule == best)
    return atoms[np.lexsort((content.operation[atoms], content.site[atoms]))]


def orbit_symmetry(
    content: CellContent,
    molecules: CellMolecules,
    atoms: NDArray[np.int64],
    *,
    operations: Operations,
    vectors: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> OrbitSymmetry | None:
    """Find which operations make the other molecules of the orbit, and which map the molecule onto itself.

    Parameters
    ----------
    atoms : (atoms,) int64
        The representative's atoms.
    offset : (3,) float64
        Lattice vector that was added to the whole representative.

    Returns
    -------
    OrbitSymmetry or None
        None if images and stabiliser do not account for every operation: the operations do not map the bonded
        molecule onto molecules.
    """
    points = content.fractional[atoms] + molecules.shift[atoms] + offset
    own = int(molecules.molecule[atoms[0]])
    same_site = np.flatnonzero(content.site == content.site[atoms[0]])
    made = np.full(len(operations), -1)
    stabiliser: list[int] = []
    shifts: list[NDArray[np.int32]] = []
    for k in range(len(operations)):
        moved = image_of(operations.rotations[k].astype(np.float64), operations.translations[k], points[0])
        q = next((q for q in same_site if periodic_distance(moved - content.fractional[q], vectors) < 2 * MERGE), None)
        if q is None:
            return None
        made[k] = molecules.molecule[q]
        if made[k] == own:
            target = content.fractional[q] + molecules.shift[q] + offset
            stabiliser.append(k)
            shifts.append(np.round(target - moved).astype(np.int32))
    images = [int(np.flatnonzero(made == m)[0]) for m in np.unique(made)]
    if len(images) * len(stabiliser) != len(operations):
        return None
    return OrbitSymmetry(
        np.array(sorted(images), dtype=np.int32), np.array(stabiliser, dtype=np.int32), np.array(shifts)
    )


@njit(cache=True)
def _walk(n, p, q, bond_shift):
    start = np.zeros(n + 1, dtype=np.int64)
    for e in range(len(p)):
        start[p[e] + 1] += 1
        start[q[e] + 1] += 1
    start = np.cumsum(start)
    fill = start[:-1].copy()
    to = np.empty(2 * len(p), dtype=np.int32)
    step = np.empty((2 * len(p), 3), dtype=np.int32)
    for e in range(len(p)):
        to[fill[p[e]]] = q[e]
        step[fill[p[e]]] = bond_shift[e]
        fill[p[e]] += 1
        to[fill[q[e]]] = p[e]
        step[fill[q[e]]] = -bond_shift[e]
        fill[q[e]] += 1
    molecule = np.full(n, -1, dtype=np.int32)
    shift = np.zeros((n, 3), dtype=np.int32)
    stack = np.empty(n, dtype=np.int32)
    conflicts = np.empty((2 * len(p), 3))
    n_conflicts = 0
    count = 0
    for seed in range(n):
        if molecule[seed] >= 0:
            continue
        molecule[seed] = count
        stack[0] = seed
        size = 1
        while size:
            size -= 1
            a = stack[size]
            for e in range(start[a], start[a + 1]):
                b = to[e]
                s0 = shift[a, 0] + step[e, 0]
                s1 = shift[a, 1] + step[e, 1]
                s2 = shift[a, 2] + step[e, 2]
                if molecule[b] < 0:
                    molecule[b] = count
                    shift[b, 0] = s0
                    shift[b, 1] = s1
                    shift[b, 2] = s2
                    stack[size] = b
                    size += 1
                elif shift[b, 0] != s0 or shift[b, 1] != s1 or shift[b, 2] != s2:
                    conflicts[n_conflicts, 0] = shift[b, 0] - s0
                    conflicts[n_conflicts, 1] = shift[b, 1] - s1
                    conflicts[n_conflicts, 2] = shift[b, 2] - s2
                    n_conflicts += 1
        count += 1
    return molecule, shift, conflicts[:n_conflicts].copy()
