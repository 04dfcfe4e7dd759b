"""The cut: nodes within r of the common centre, edges by distance (SPEC 1.2).

One kernel serves the building of a store and the reading of it; a rebuilt patch is therefore identical bit for bit.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.settings import PatchParameters
from molinteract.patches.packed import QUANTUM, PackedMolecules
from molinteract.patches.patch import PatchArrays

_NO_EDGE, _INTER, _INTRA = 0, 1, 2


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
    rows = tuple(np.ascontiguousarray(column, dtype=np.int64) for column in (crystal, i, j, operation))
    shifts = np.ascontiguousarray(lattice, dtype=np.int64).reshape(-1, 3)
    molecules = (
        packed.vectors, packed.operation_offsets, packed.rotations, packed.translations, packed.molecule_offsets,
        packed.atom_offsets, packed.positions,
    )  # fmt: skip
    reach = (parameters.radius, parameters.d_inter, parameters.d_intra)
    node_offsets, inter_offsets, intra_offsets = _count(*molecules, *rows, shifts, *reach)
    return PatchArrays(
        node_offsets,
        inter_offsets,
        intra_offsets,
        *_fill(
            *molecules,
            packed.atomic_numbers,
            *rows,
            shifts,
            *reach,
            node_offsets,
            inter_offsets,
            intra_offsets,
        ),
    )


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
def _edge_kind(xyz, a, b, side_0, d_inter, d_intra):
    """Tell which edge, if any, joins the nodes a < b."""
    x, y, z = xyz[a, 0] - xyz[b, 0], xyz[a, 1] - xyz[b, 1], xyz[a, 2] - xyz[b, 2]
    squared = x * x + y * y + z * z
    if a < side_0 <= b:
        return _INTER if squared <= d_inter * d_inter else _NO_EDGE
    return _INTRA if squared <= d_intra * d_intra else _NO_EDGE


@njit(cache=True)
def _largest_molecule(atom_offsets):
    largest = 0
    for m in range(len(atom_offsets) - 1):
        largest = max(largest, atom_offsets[m + 1] - atom_offsets[m])
    return largest


@njit(cache=True)
def _count(
    vectors, operation_offsets, rotations, translations, molecule_offsets, atom_offsets, positions,
    crystal, i, j, operation, lattice, radius, d_inter, d_intra,
):  # fmt: skip
    n = len(crystal)
    nodes = np.zeros(n + 1, dtype=np.int64)
    inter = np.zeros(n + 1, dtype=np.int64)
    intra = np.zeros(n + 1, dtype=np.int64)
    size = _largest_molecule(atom_offsets)
    work_i, work_j, xyz = np.empty((size, 3)), np.empty((size, 3)), np.empty((2 * size, 3))
    atom = np.empty(2 * size, dtype=np.int32)
    last = -1
    inverse = np.zeros((3, 3))
    for p in range(n):
        c = crystal[p]
        if c != last:
            inverse = np.linalg.inv(vectors[c])
            last = c
        side_0, count = _nodes(
            vectors[c], inverse, operation_offsets, rotations, translations, molecule_offsets, atom_offsets,
            positions, c, i[p], j[p], operation[p], lattice[p], radius, work_i, work_j, xyz, atom,
        )  # fmt: skip
        n_inter = 0
        n_intra = 0
        for a in range(count):
            for b in range(a + 1, count):
                kind = _edge_kind(xyz, a, b, side_0, d_inter, d_intra)
                if kind == _INTER:
                    n_inter += 1
                elif kind == _INTRA:
                    n_intra += 1
        nodes[p + 1] = nodes[p] + count
        inter[p + 1] = inter[p] + n_inter
        intra[p + 1] = intra[p] + n_intra
    return nodes, inter, intra


@njit(cache=True)
def _fill(
    vectors, operation_offsets, rotations, translations, molecule_offsets, atom_offsets, positions, numbers,
    crystal, i, j, operation, lattice, radius, d_inter, d_intra, node_offsets, inter_offsets, intra_offsets,
):  # fmt: skip
    total = node_offsets[-1]
    z_out = np.empty(total, dtype=np.int16)
    xyz_out = np.empty((total, 3))
    side_out = np.empty(total, dtype=np.int8)
    atom_out = np.empty(total, dtype=np.int32)
    inter_out = np.empty((inter_offsets[-1], 2), dtype=np.int32)
    intra_out = np.empty((intra_offsets[-1], 2), dtype=np.int32)
    size = _largest_molecule(atom_offsets)
    work_i, work_j, xyz = np.empty((size, 3)), np.empty((size, 3)), np.empty((2 * size, 3))
    atom = np.empty(2 * size, dtype=np.int32)
    last = -1
    inverse = np.zeros((3, 3))
    for p in range(len(crystal)):
        c = crystal[p]
        if c != last:
            inverse = np.linalg.inv(vectors[c])
            last = c
        side_0, count = _nodes(
            vectors[c], inverse, operation_offsets, rotations, translations, molecule_offsets, atom_offsets,
            positions, c, i[p], j[p], operation[p], lattice[p], radius, work_i, work_j, xyz, atom,
        )  # fmt: skip
        first = node_offsets[p]
        for a in range(count):
            side = 0 if a < side_0 else 1
            molecule = molecule_offsets[c] + (i[p] if side == 0 else j[p])
            z_out[first + a] = numbers[atom_offsets[molecule] + atom[a]]
            side_out[first + a] = side
            atom_out[first + a] = atom[a]
            for k in range(3):
                xyz_out[first + a, k] = xyz[a, k]
        e, f = inter_offsets[p], intra_offsets[p]
        for a in range(count):
            for b in range(a + 1, count):
                kind = _edge_kind(xyz, a, b, side_0, d_inter, d_intra)
                if kind == _INTER:
                    inter_out[e, 0] = first + a
                    inter_out[e, 1] = first + b
                    e += 1
                elif kind == _INTRA:
                    intra_out[f, 0] = first + a
                    intra_out[f, 1] = first + b
                    f += 1
    return z_out, xyz_out, side_out, atom_out, inter_out, intra_out
