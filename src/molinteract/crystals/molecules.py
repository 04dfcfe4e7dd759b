"""Molecules of a cell from its bonds: complete, unwrapped, grouped into symmetry orbits."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.elements import COVALENT_RADII
from molinteract.crystals.bonding import any_bridge, bonded_pairs, cell_pairs, worst_clash
from molinteract.crystals.cell import MERGE, CellContent, image_of, periodic_distance
from molinteract.crystals.crystal import QUANTUM
from molinteract.crystals.operations import Operations
from molinteract.crystals.sites import Sites


@dataclass(frozen=True, slots=True, eq=False)
class CellMolecules:
    """The bonds and molecules of one cell.

    Attributes
    ----------
    bonds : (bonds, 2) int32
        Pairs of atoms of the cell, lattice shifts left out.
    molecule : (atoms,) int32
        Molecule of each atom of the cell.
    shift : (atoms, 3) int32
        Lattice vector that moves the atom into its complete molecule.
    orbit : (molecules,) int32
        Orbit of each molecule, numbered by its first site.
    dimensions : int
        0, or the dimensions in which bonded atoms run on for ever: 1 chain, 2 layer, 3 framework.
    suspicious : bool
        Whether atoms may clash, or a hydrogen may be bridging: look closer before believing the molecules.
    """

    bonds: NDArray[np.int32]
    molecule: NDArray[np.int32]
    shift: NDArray[np.int32]
    orbit: NDArray[np.int32]
    dimensions: int
    suspicious: bool

    def __len__(self) -> int:
        return len(self.orbit)


@dataclass(frozen=True, slots=True, eq=False)
class Extract:
    """One complete molecule of a cell, and how the operations carry it through the cell.

    Attributes
    ----------
    site : (atoms,) int32
        Independent site of each atom.
    atomic_numbers, positions, bonds, images, stabiliser, stabiliser_shifts
        As in ``Molecule``.
    """

    site: NDArray[np.int32]
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int32]
    images: NDArray[np.int32]
    stabiliser: NDArray[np.int32]
    stabiliser_shifts: NDArray[np.int32]


def find_molecules(content: CellContent, vectors: NDArray[np.float64]) -> CellMolecules:
    """Bond the atoms of a cell and walk the bonds, remembering lattice shifts.

    A closed walk that ends in another cell than it began means a polymer; the rank of all such shifts is its dimension.
    """
    bonds, molecule, shift, orbit, conflicts, suspicious = _connect(
        content.fractional, content.atomic_numbers, content.site, COVALENT_RADII, vectors
    )
    dimensions = int(np.linalg.matrix_rank(conflicts)) if len(conflicts) else 0
    return CellMolecules(bonds, molecule, shift, orbit, dimensions, bool(suspicious))


def extract(
    content: CellContent,
    molecules: CellMolecules,
    orbit: int,
    *,
    sites: Sites,
    operations: Operations,
    vectors: NDArray[np.float64],
) -> Extract | None:
    """Take the molecule of an orbit with most atoms as listed in the file, where the file has its first atom.

    Returns
    -------
    Extract or None
        Atoms by site and operation. None if images and stabiliser do not account for every operation: the operations do
        not map the bonded molecule onto molecules.
    """
    found = Extract(
        *_extract(
            content.site,
            content.operation,
            content.fractional,
            content.atomic_numbers,
            molecules.molecule,
            molecules.shift,
            molecules.orbit,
            molecules.bonds,
            sites.fractional,
            operations.turns,
            operations.translations,
            vectors,
            orbit,
        )
    )
    return found if len(found.images) * len(found.stabiliser) == len(operations) else None


@njit(cache=True)
def _connect(fractional, numbers, site, radii, vectors):
    count, capacity = 0, 4 * len(fractional) + 64
    while True:
        count, p, q, shift, distance = cell_pairs(fractional, numbers, radii, vectors, capacity)
        if count <= capacity:
            break
        capacity = count
    p, q, shift, distance = p[:count], q[:count], shift[:count], distance[:count]
    suspicious = worst_clash(p, q, distance, numbers, radii) >= 0 or any_bridge(p, q, distance, numbers)
    p, q, shift, distance = bonded_pairs(p, q, shift, distance, numbers, radii)
    molecule, where, conflicts = _walk(p, q, shift, len(site))
    bonds = np.empty((len(p), 2), dtype=np.int32)
    bonds[:, 0] = p
    bonds[:, 1] = q
    return bonds, molecule, where, _orbits(molecule, site), conflicts, suspicious


@njit(cache=True)
def _extract(
    site, operation, fractional, numbers, molecule, shift, orbit_of, bonds, listed, turns, translations, vectors, orbit
):  # fmt: skip
    atoms = _representative(operation, molecule, orbit_of, orbit)
    first = atoms[0]
    for n in range(len(atoms) - 1, -1, -1):
        if operation[atoms[n]] == 0:
            first = atoms[n]
    offset = np.zeros(3)
    if operation[first] == 0:
        for k in range(3):
            offset[k] = np.rint(listed[site[first], k] - fractional[first, k] - shift[first, k])
    positions = np.empty((len(atoms), 3))
    for n in range(len(atoms)):
        f0 = fractional[atoms[n], 0] + shift[atoms[n], 0] + offset[0]
        f1 = fractional[atoms[n], 1] + shift[atoms[n], 1] + offset[1]
        f2 = fractional[atoms[n], 2] + shift[atoms[n], 2] + offset[2]
        for k in range(3):
            x = f0 * vectors[0, k] + f1 * vectors[1, k] + f2 * vectors[2, k]
            positions[n, k] = np.rint(x / QUANTUM) * QUANTUM
    images, stabiliser, shifts = _orbit_symmetry(
        site, fractional, molecule, shift, atoms[0], offset, turns, translations, vectors, 2 * MERGE
    )
    graph = _bonds_within(bonds, atoms, len(site))
    return site[atoms], numbers[atoms], positions, graph, images, stabiliser, shifts


@njit(cache=True)
def _bonds_within(bonds, atoms, count):
    place = np.full(count, -1, dtype=np.int64)
    for n in range(len(atoms)):
        place[atoms[n]] = n
    codes = np.empty(len(bonds), dtype=np.int64)
    found = 0
    for e in range(len(bonds)):
        a, b = place[bonds[e, 0]], place[bonds[e, 1]]
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
def _walk(p, q, bond_shift, n):
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
