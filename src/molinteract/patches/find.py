"""A crystal becomes its patches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molinteract.core.settings import PatchParameters
from molinteract.crystals.crystal import Crystal
from molinteract.patches.cut import cut_patches
from molinteract.patches.labels import label_patches
from molinteract.patches.neighbours import neighbours
from molinteract.patches.orbits import contact_orbits
from molinteract.patches.packed import QUANTUM, PackedMolecules, offsets
from molinteract.patches.patch import PatchArrays, PatchTable


def pack(crystals: Sequence[Crystal]) -> PackedMolecules:
    """Put the molecules of crystals into flat arrays, coordinates in steps of ``QUANTUM``."""
    molecules = [molecule for crystal in crystals for molecule in crystal.molecules]
    return PackedMolecules(
        vectors=np.array([crystal.vectors for crystal in crystals]),
        operation_offsets=offsets([len(crystal.rotations) for crystal in crystals]),
        rotations=np.concatenate([crystal.rotations for crystal in crystals]).astype(np.float64),
        translations=np.concatenate([crystal.translations for crystal in crystals]),
        molecule_offsets=offsets([len(crystal.molecules) for crystal in crystals]),
        atom_offsets=offsets([len(molecule.atomic_numbers) for molecule in molecules]),
        atomic_numbers=np.concatenate([molecule.atomic_numbers for molecule in molecules]),
        positions=np.rint(np.concatenate([m.positions for m in molecules]) / QUANTUM).astype(np.int32),
    )


def find_patches(crystal: Crystal, flags: Sequence[NDArray[np.uint8]], *, parameters: PatchParameters) -> PatchTable:
    """Find every ordered patch (i, j) of a crystal.

    Parameters
    ----------
    crystal : Crystal
    flags : sequence of (atoms,) uint8
        Chemistry flags of each independent molecule.
    parameters : PatchParameters

    Returns
    -------
    PatchTable
        Sorted by (i, j, operation, lattice); neighbours without an edge inside the cut are counted only.
    """
    i, j, operation, lattice, distance = _all_neighbours(crystal, parameters.d_inter)
    arrays = cut_patches(pack([crystal]), np.zeros_like(i), i, j, operation, lattice, parameters=parameters)
    orbit, multiplicity = contact_orbits(crystal, i, j, operation, lattice)
    labels = label_patches(arrays.inter_edges, arrays.inter_offsets, _node_flags(arrays, i, j, flags))
    keep = np.diff(arrays.inter_offsets) > 0
    return PatchTable(
        i=i[keep].astype(np.int16),
        j=j[keep].astype(np.int16),
        operation=operation[keep].astype(np.int16),
        lattice=lattice[keep].astype(np.int16),
        orbit=_renumbered(orbit[keep]),
        multiplicity=multiplicity[keep],
        minimum_distance=distance[keep],
        n_nodes=np.diff(arrays.node_offsets)[keep].astype(np.int32),
        n_inter=np.diff(arrays.inter_offsets)[keep].astype(np.int32),
        n_intra=np.diff(arrays.intra_offsets)[keep].astype(np.int32),
        label=labels[keep],
        n_empty=int((~keep).sum()),
    )


def _all_neighbours(
    crystal: Crystal, reach: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    count = len(crystal.molecules)
    columns: list[NDArray[np.int64]] = []
    distances: list[NDArray[np.float64]] = []
    for i in range(count):
        for j in range(count):
            operation, lattice, distance = neighbours(crystal, i, j, reach=reach)
            pair = np.broadcast_to(np.array([i, j]), (len(operation), 2))
            columns.append(np.concatenate([pair, operation[:, None], lattice], axis=1))
            distances.append(distance)
    table, distance = np.concatenate(columns), np.concatenate(distances)
    order = np.lexsort(table.T[::-1])
    table = table[order]
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3:], distance[order]


def _node_flags(
    arrays: PatchArrays,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    flags: Sequence[NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    first = offsets([len(f) for f in flags])
    sizes = np.diff(arrays.node_offsets)
    molecule = np.where(arrays.molecule_index == 0, np.repeat(i, sizes), np.repeat(j, sizes))
    joined: NDArray[np.uint8] = np.concatenate(list(flags))
    of_nodes: NDArray[np.uint8] = joined[first[molecule] + arrays.atom_index]
    return of_nodes


def _renumbered(orbit: NDArray[np.int32]) -> NDArray[np.int32]:
    number: dict[int, int] = {}
    return np.array([number.setdefault(o, len(number)) for o in orbit.tolist()], dtype=np.int32)
