"""The cut: nodes within r of the common centre, edges by distance (SPEC 1.2).

One kernel serves the building of a store and the reading of it; a rebuilt patch is therefore identical bit for bit.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.settings import PatchParameters
from molinteract.patches.labels import contact_label
from molinteract.patches.packed import QUANTUM, PackedMolecules
from molinteract.patches.patch import PatchArrays

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def cut_patches(
    packed: PackedMolecules,
    crystal: NDArray[np.integer],
    i: NDArray[np.integer],
    j: NDArray[np.integer],
    operation: NDArray[np.integer],
    lattice: NDArray[np.integer],
    *,
    parameters: PatchParameters,
) -> PatchArrays:
    """Cut patches.

    Parameters
    ----------
    packed : PackedMolecules
    crystal, i, j, operation : (patches,) int
        Crystal, molecules within it, and operation that makes the image of j.
    lattice : (patches, 3) int
        Lattice vector added to the operation.
    parameters : PatchParameters
        Radius and edge lengths in Å.

    Returns
    -------
    PatchArrays
        In the order given.
    """
    rows = _columns(crystal, i, j, operation, lattice)
    reach = (parameters.radius, parameters.d_inter, parameters.d_intra)
    return PatchArrays(*_cut(*_molecules(packed), packed.atomic_numbers, *rows, *reach))


def _columns(*columns: NDArray[np.integer]) -> Columns:
    crystal, i, j, operation, lattice = (np.ascontiguousarray(column, dtype=np.int64) for column in columns)
    return crystal, i, j, operation, lattice.reshape(-1, 3)


def _molecules(packed: PackedMolecules) -> tuple[NDArray[np.float64] | NDArray[np.int64] | NDArray[np.int32], ...]:
    return (
        packed.vectors, packed.operation_offsets, packed.rotations, packed.translations, packed.molecule_offsets,
        packed.atom_offsets, packed.positions,
    )  # fmt: skip


@njit(cache=True)
def place_image(vectors, inverse, rotation, translation, points, out):
    """Write x' = (W f + w) in Cartesian for points (n, 3) given in Cartesian; everything in Å."""
    turned = np.zeros((3, 3))
    for a in range(3):
        for b in range(3):
            total = 0.0
            for k in range(3):
                for m in range(3):
                    total += inverse[a, k] * rotation[m, k] * vectors[m, b]
            turned[a, b] = total
    for n in range(len(points)):
        for b in range(3):
            out[n, b] = (
                points[n, 0] * turned[0, b]
                + points[n, 1] * turned[1, b]
                + points[n, 2] * turned[2, b]
                + translation[0] * vectors[0, b]
                + translation[1] * vectors[1, b]
                + translation[2] * vectors[2, b]
            )


@njit(cache=True)
def _nodes(
    vectors, inverse, operation_offsets, rotations, translations, molecule_offsets, atom_offsets, positions,
    crystal, i, j, operation, lattice, radius, work_i, work_j, xyz, atom,
):  # fmt: skip
    """Fill xyz and atom with the nodes of one patch; return the number of side 0 and of both sides."""
    first_i = atom_offsets[molecule_offsets[crystal] + i]
    n_i = atom_offsets[molecule_offsets[crystal] + i + 1] - first_i
    first_j = atom_offsets[molecule_offsets[crystal] + j]
    n_j = atom_offsets[molecule_offsets[crystal] + j + 1] - first_j
    for n in range(n_i):
        for k in range(3):
            work_i[n, k] = positions[first_i + n, k] * QUANTUM
    for n in range(n_j):
        for k in range(3):
            xyz[n, k] = positions[first_j + n, k] * QUANTUM
    g = operation_offsets[crystal] + operation
    place_image(vectors, inverse, rotations[g], translations[g] + lattice, xyz[:n_j], work_j)
    centre = np.zeros(3)
    for k in range(3):
        mean_i = 0.0
        for n in range(n_i):
            mean_i += work_i[n, k]
        mean_j = 0.0
        for n in range(n_j):
            mean_j += work_j[n, k]
        centre[k] = 0.5 * (mean_i / n_i + mean_j / n_j)
    count = 0
    for n in range(n_i):
        x, y, z = work_i[n, 0] - centre[0], work_i[n, 1] - centre[1], work_i[n, 2] - centre[2]
        if x * x + y * y + z * z <= radius * radius:
            xyz[count, 0], xyz[count, 1], xyz[count, 2] = x, y, z
            atom[count] = n
            count += 1
    side_0 = count
    for n in range(n_j):
        x, y, z = work_j[n, 0] - centre[0], work_j[n, 1] - centre[1], work_j[n, 2] - centre[2]
        if x * x + y * y + z * z <= radius * radius:
            xyz[count, 0], xyz[count, 1], xyz[count, 2] = x, y, z
            atom[count] = n
            count += 1
    return side_0, count


@njit(cache=True)
def _largest_molecule(atom_offsets):
    largest = 0
    for m in range(len(atom_offsets) - 1):
        largest = max(largest, atom_offsets[m + 1] - atom_offsets[m])
    return largest


@njit(cache=True)
def _inter_edges(xyz, side_0, count, reach, near, edges):
    """Write the pairs across the sides that are within reach, sorted; return their number, also where edges is too short."""
    low0, low1, low2 = np.inf, np.inf, np.inf
    high0, high1, high2 = -np.inf, -np.inf, -np.inf
    for a in range(side_0):
        x, y, z = xyz[a, 0], xyz[a, 1], xyz[a, 2]
        low0, low1, low2 = min(low0, x), min(low1, y), min(low2, z)
        high0, high1, high2 = max(high0, x), max(high1, y), max(high2, z)
    # atoms of the other side that can reach the box of this one; a hair more, so that rounding cannot lose an edge
    margin = reach + 1e-6
    candidates = 0
    for b in range(side_0, count):
        x, y, z = xyz[b, 0], xyz[b, 1], xyz[b, 2]
        near[candidates] = b
        candidates += (
            (x >= low0 - margin) & (x <= high0 + margin) & (y >= low1 - margin) & (y <= high1 + margin)
            & (z >= low2 - margin) & (z <= high2 + margin)
        )  # fmt: skip
    low0, low1, low2, high0, high1, high2 = np.inf, np.inf, np.inf, -np.inf, -np.inf, -np.inf
    for n in range(candidates):
        x, y, z = xyz[near[n], 0], xyz[near[n], 1], xyz[near[n], 2]
        low0, low1, low2 = min(low0, x), min(low1, y), min(low2, z)
        high0, high1, high2 = max(high0, x), max(high1, y), max(high2, z)
    found = 0
    for a in range(side_0):
        x, y, z = xyz[a, 0], xyz[a, 1], xyz[a, 2]
        if (
            x < low0 - margin or x > high0 + margin or y < low1 - margin or y > high1 + margin
            or z < low2 - margin or z > high2 + margin
        ):  # fmt: skip
            continue
        for n in range(candidates):
            if _is_near(xyz, a, near[n], reach):
                if found < len(edges):
                    edges[found, 0] = a
                    edges[found, 1] = near[n]
                found += 1
    return found


@njit(cache=True)
def _is_near(xyz, a, b, reach):
    x, y, z = xyz[a, 0] - xyz[b, 0], xyz[a, 1] - xyz[b, 1], xyz[a, 2] - xyz[b, 2]
    return x * x + y * y + z * z <= reach * reach


@njit(cache=True)
def _intra_edges(xyz, side_0, count, reach, edges):
    """Write the pairs within a side that are within reach, sorted; return their number, also where edges is too short."""
    found = 0
    for a in range(count):
        for b in range(a + 1, side_0 if a < side_0 else count):
            if _is_near(xyz, a, b, reach):
                if found < len(edges):
                    edges[found, 0] = a
                    edges[found, 1] = b
                found += 1
    return found


@njit(cache=True)
def _bonded_lists(positions, atom_offsets, reach):
    """List, for each atom, the later atoms of its molecule that may be within reach wherever the molecule is placed."""
    start = np.zeros(len(positions) + 1, dtype=np.int64)
    later = np.empty(8 * len(positions) + 64, dtype=np.int32)
    limit = ((reach + 1e-3) / QUANTUM) ** 2
    count = 0
    for m in range(len(atom_offsets) - 1):
        for a in range(atom_offsets[m], atom_offsets[m + 1]):
            for b in range(a + 1, atom_offsets[m + 1]):
                x = float(positions[a, 0] - positions[b, 0])
                y = float(positions[a, 1] - positions[b, 1])
                z = float(positions[a, 2] - positions[b, 2])
                if x * x + y * y + z * z <= limit:
                    if count == len(later):
                        later = np.concatenate((later, np.empty_like(later)))
                    later[count] = b - atom_offsets[m]
                    count += 1
            start[a + 1] = count
    return start, later


@njit(cache=True)
def _count_intra(xyz, first, last, atom, place, start, later, origin, reach):
    """Count the pairs of nodes first ... last, of one molecule, that are within reach."""
    for n in range(first, last):
        place[atom[n]] = n
    found = 0
    for n in range(first, last):
        for k in range(start[origin + atom[n]], start[origin + atom[n] + 1]):
            other = place[later[k]]
            if other >= 0 and _is_near(xyz, n, other, reach):
                found += 1
    for n in range(first, last):
        place[atom[n]] = -1
    return found


@njit(cache=True)
def survey(
    vectors, rotations, translations, atom_offsets, positions, flags, i, j, operation, lattice, radius, d_inter, d_intra,
):  # fmt: skip
    """Count the nodes and edges of the patches of one crystal and label them, without keeping the patches.

    Parameters
    ----------
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    rotations, translations, atom_offsets, positions
        As in ``PackedMolecules``, of one crystal.
    flags : (atoms,) uint8
        Chemistry flags of all molecules.
    i, j, operation, lattice, radius, d_inter, d_intra
        As of ``cut_patches``.

    Returns
    -------
    counts : (patches, 3) int32
        Nodes, intermolecular edges, intramolecular edges.
    labels : (patches,) int8
        ``Interaction``.
    """
    counts = np.empty((len(i), 3), dtype=np.int32)
    labels = np.empty(len(i), dtype=np.int8)
    start_0 = np.zeros(1, dtype=np.int64)  # the only crystal's operations and molecules begin at 0
    size = _largest_molecule(atom_offsets)
    work_i, work_j, xyz = np.empty((size, 3)), np.empty((size, 3)), np.empty((2 * size, 3))
    atom, near = np.empty(2 * size, dtype=np.int32), np.empty(size + 1, dtype=np.int32)
    place = np.full(size, -1, dtype=np.int32)
    start, later = _bonded_lists(positions, atom_offsets, d_intra)
    edges = np.empty((256, 2), dtype=np.int32)
    inverse = np.linalg.inv(vectors)
    for p in range(len(i)):
        side_0, count = _nodes(
            vectors, inverse, start_0, rotations, translations, start_0, atom_offsets,
            positions, 0, i[p], j[p], operation[p], lattice[p], radius, work_i, work_j, xyz, atom,
        )  # fmt: skip
        n_inter = _inter_edges(xyz, side_0, count, d_inter, near, edges)
        if n_inter > len(edges):
            edges = np.empty((2 * n_inter, 2), dtype=np.int32)
            _inter_edges(xyz, side_0, count, d_inter, near, edges)
        first_i, first_j = atom_offsets[i[p]], atom_offsets[j[p]]
        counts[p, 0] = count
        counts[p, 1] = n_inter
        counts[p, 2] = _count_intra(xyz, 0, side_0, atom, place, start, later, first_i, d_intra)
        counts[p, 2] += _count_intra(xyz, side_0, count, atom, place, start, later, first_j, d_intra)
        for e in range(n_inter):
            edges[e, 0], edges[e, 1] = atom[edges[e, 0]], atom[edges[e, 1]]
        labels[p] = contact_label(edges[:n_inter], first_i, first_j, flags)
    return counts, labels


@njit(cache=True)
def _grown(array, needed):
    """Return the array with room for so many rows at least, its rows kept."""
    larger = np.empty((max(needed, 2 * len(array)), array.shape[1]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True)
def _cut(
    vectors, operation_offsets, rotations, translations, molecule_offsets, atom_offsets, positions, numbers,
    crystal, i, j, operation, lattice, radius, d_inter, d_intra,
):  # fmt: skip
    n = len(crystal)
    nodes = np.zeros(n + 1, dtype=np.int64)
    inter = np.zeros(n + 1, dtype=np.int64)
    intra = np.zeros(n + 1, dtype=np.int64)
    size = 0
    total = 0
    for p in range(n):
        m, o = molecule_offsets[crystal[p]] + i[p], molecule_offsets[crystal[p]] + j[p]
        n_i, n_j = atom_offsets[m + 1] - atom_offsets[m], atom_offsets[o + 1] - atom_offsets[o]
        size = max(size, n_i, n_j)
        total += n_i + n_j
    z_out = np.empty(total, dtype=np.int16)
    xyz_out = np.empty((total, 3))
    side_out = np.empty(total, dtype=np.int8)
    atom_out = np.empty(total, dtype=np.int32)
    inter_out = np.empty((total + 64, 2), dtype=np.int32)
    intra_out = np.empty((2 * total + 64, 2), dtype=np.int32)
    work_i, work_j, near = np.empty((size, 3)), np.empty((size, 3)), np.empty(size + 1, dtype=np.int32)
    last = -1
    inverse = np.zeros((3, 3))
    for p in range(n):
        c = crystal[p]
        if c != last:
            inverse = np.linalg.inv(vectors[c])
            last = c
        first = nodes[p]
        xyz, atom = xyz_out[first:], atom_out[first:]
        side_0, count = _nodes(
            vectors[c], inverse, operation_offsets, rotations, translations, molecule_offsets, atom_offsets,
            positions, c, i[p], j[p], operation[p], lattice[p], radius, work_i, work_j, xyz, atom,
        )  # fmt: skip
        for a in range(count):
            side = 0 if a < side_0 else 1
            molecule = molecule_offsets[c] + (i[p] if side == 0 else j[p])
            z_out[first + a] = numbers[atom_offsets[molecule] + atom[a]]
            side_out[first + a] = side
        e = inter[p]
        found = _inter_edges(xyz, side_0, count, d_inter, near, inter_out[e:])
        if e + found > len(inter_out):
            inter_out = _grown(inter_out, e + found)
            _inter_edges(xyz, side_0, count, d_inter, near, inter_out[e:])
        inter_out[e : e + found] += first
        inter[p + 1] = e + found
        f = intra[p]
        found = _intra_edges(xyz, side_0, count, d_intra, intra_out[f:])
        if f + found > len(intra_out):
            intra_out = _grown(intra_out, f + found)
            _intra_edges(xyz, side_0, count, d_intra, intra_out[f:])
        intra_out[f : f + found] += first
        intra[p + 1] = f + found
        nodes[p + 1] = first + count
    return (
        nodes, inter, intra, z_out[: nodes[n]].copy(), xyz_out[: nodes[n]].copy(), side_out[: nodes[n]].copy(),
        atom_out[: nodes[n]].copy(), inter_out[: inter[n]].copy(), intra_out[: intra[n]].copy(),
    )  # fmt: skip
