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
    orbit = _orbits(molecule, content.site)
    return CellMolecules(molecule, shift, len(orbit), dimensions, orbit)


def representative(content: CellContent, molecules: CellMolecules, orbit: int) -> NDArray[np.int64]:
    """Return the atoms of the molecule of an orbit with most atoms as listed in the file, by site and operation."""
    # the atoms of a cell are listed by site and operation
    atoms: NDArray[np.int64] = _representative(content.operation, molecules.molecule, molecules.orbit, orbit)
    return atoms


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
    found = _orbit_symmetry(
        content.site,
        content.fractional,
        molecules.molecule,
        molecules.shift,
        int(atoms[0]),
        offset,
        operations.turns,
        operations.translations,
        vectors,
        2 * MERGE,
    )
    return OrbitSymmetry(*found) if len(found[0]) * len(found[1]) == len(operations) else None


def bonds_within(bonds: Pairs, atoms: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """Return the (bonds, 2) bonds among some of the ``count`` atoms of a cell, by their places among them, sorted."""
    pairs: NDArray[np.int32] = _bonds_within(bonds.p, bonds.q, atoms, count)
    return pairs


@njit(cache=True)
def _bonds_within(p, q, atoms, count):
    place = np.full(count, -1, dtype=np.int64)
    for n in range(len(atoms)):
        place[atoms[n]] = n
    codes = np.empty(len(p), dtype=np.int64)
    found = 0
    for e in range(len(p)):
        a, b = place[p[e]], place[q[e]]
        if a >= 0 and b >= 0:
            codes[found] = min(a, b) * count + max(a, b)
            found += 1
    codes = np.sort(codes[:found])
    pairs = np.empty((found, 2), dtype=np.int32)
    for e in range(found):
        pairs[e, 0] = codes[e] // count
        pairs[e, 1] = codes[e] % count
    return pairs


@njit(cache=True)
def _root(parent, k):
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@njit(cache=True)
def _orbits(molecule, site):
    """Molecules that hold images of one site are images of each other: operations map bonds to bonds."""
    count = molecule.max() + 1
    parent = np.arange(count)
    sites = site.max() + 1
    first_of_site = np.full(sites, -1, dtype=np.int64)
    for n in range(len(site)):
        if first_of_site[site[n]] < 0:
            first_of_site[site[n]] = molecule[n]
        a, b = _root(parent, molecule[n]), _root(parent, first_of_site[site[n]])
        parent[max(a, b)] = min(a, b)
    number = np.full(count, -1, dtype=np.int32)
    found = 0
    for s in range(sites):
        root = _root(parent, first_of_site[s])
        if number[root] < 0:
            number[root] = found
            found += 1
    orbit = np.empty(count, dtype=np.int32)
    for m in range(count):
        orbit[m] = number[_root(parent, m)]
    return orbit


@njit(cache=True)
def _representative(operation, molecule, orbit_of, orbit):
    listed = np.zeros(len(orbit_of), dtype=np.int64)
    size = np.zeros(len(orbit_of), dtype=np.int64)
    for n in range(len(molecule)):
        size[molecule[n]] += 1
        if operation[n] == 0:
            listed[molecule[n]] += 1
    best = -1
    for m in range(len(orbit_of)):
        if orbit_of[m] == orbit and (best < 0 or listed[m] > listed[best]):
            best = m
    atoms = np.empty(size[best], dtype=np.int64)
    count = 0
    for n in range(len(molecule)):
        if molecule[n] == best:
            atoms[count] = n
            count += 1
    return atoms


@njit(cache=True)
def _orbit_symmetry(site, fractional, molecule, shift, seed, offset, turns, translations, vectors, tolerance):
    """Follow one atom of the representative through all operations."""
    n_operations = len(turns)
    images = np.empty(n_operations, dtype=np.int32)
    stabiliser = np.empty(n_operations, dtype=np.int32)
    shifts = np.empty((n_operations, 3), dtype=np.int32)
    seen = np.zeros(molecule.max() + 1, dtype=np.bool_)
    n_images = 0
    order = 0
    x0 = fractional[seed, 0] + shift[seed, 0] + offset[0]
    y0 = fractional[seed, 1] + shift[seed, 1] + offset[1]
    z0 = fractional[seed, 2] + shift[seed, 2] + offset[2]
    for k in range(n_operations):
        moved = image_of(turns[k], translations[k], x0, y0, z0)
        target = -1
        for q in range(len(site)):
            if site[q] == site[seed] and (
                periodic_distance(
                    moved[0] - fractional[q, 0], moved[1] - fractional[q, 1], moved[2] - fractional[q, 2], vectors
                )
                < tolerance
            ):
                target = q
                break
        if target < 0:
            return images[:0].copy(), stabiliser[:0].copy(), shifts[:0].copy()
        if not seen[molecule[target]]:
            seen[molecule[target]] = True
            images[n_images] = k
            n_images += 1
        if molecule[target] == molecule[seed]:
            stabiliser[order] = k
            for r in range(3):
                shifts[order, r] = np.rint(fractional[target, r] + shift[target, r] + offset[r] - moved[r])
            order += 1
    return images[:n_images].copy(), stabiliser[:order].copy(), shifts[:order].copy()


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
