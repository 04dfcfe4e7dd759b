"""A crystal becomes its patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.settings import PatchParameters
from molinteract.crystals.crystal import Crystal
from molinteract.patches.cut import survey
from molinteract.patches.neighbours import neighbours
from molinteract.patches.orbits import contact_orbits
from molinteract.patches.packed import QUANTUM, PackedMolecules, offsets
from molinteract.patches.patch import PatchTable


def pack(crystals: Sequence[Crystal]) -> PackedMolecules:
    """Put the molecules of crystals into flat arrays, coordinates in steps of ``QUANTUM``."""
    molecules = [molecule for crystal in crystals for molecule in crystal.molecules]
    return PackedMolecules(
        vectors=np.array([crystal.vectors for crystal in crystals]),
        operation_offsets=offsets([len(crystal.rotations) for crystal in crystals]),
        rotations=_joined([crystal.rotations for crystal in crystals]).astype(np.float64),
        translations=_joined([crystal.translations for crystal in crystals]),
        molecule_offsets=offsets([len(crystal.molecules) for crystal in crystals]),
        atom_offsets=offsets([len(molecule.atomic_numbers) for molecule in molecules]),
        atomic_numbers=_joined([molecule.atomic_numbers for molecule in molecules]),
        positions=np.rint(_joined([m.positions for m in molecules]) / QUANTUM).astype(np.int32),
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
    molecules = crystal.molecules
    return PatchTable(
        *_find(
            crystal.vectors,
            crystal.rotations,
            crystal.translations,
            offsets([len(molecule.atomic_numbers) for molecule in molecules]),
            _joined([molecule.positions for molecule in molecules]),
            _joined(flags),
            offsets([len(molecule.images) for molecule in molecules]),
            _joined([molecule.images for molecule in molecules]),
            offsets([len(molecule.stabiliser) for molecule in molecules]),
            _joined([molecule.stabiliser for molecule in molecules]),
            _joined([molecule.stabiliser_shifts for molecule in molecules]),
            parameters.radius,
            parameters.d_inter,
            parameters.d_intra,
        )
    )


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    # nearly all crystals have one independent molecule
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@njit(cache=True)
def _find(
    vectors, rotations, translations, atom_offsets, positions, flags, image_offsets, images, stabiliser_offsets, stabiliser,
    stabiliser_shifts, radius, d_inter, d_intra,
):  # fmt: skip
    """Return the columns of a ``PatchTable``; everything is computed from the steps in which positions are stored."""
    steps = np.rint(positions / QUANTUM).astype(np.int32)
    turns = rotations.astype(np.float64)
    i, j, operation, lattice, distance = neighbours(
        steps * QUANTUM, atom_offsets, images, image_offsets, turns, translations, vectors, d_inter
    )
    counts, label = survey(
        vectors, turns, translations, atom_offsets, steps, flags, i, j, operation, lattice, radius, d_inter, d_intra
    )  # fmt: skip
    orbit, multiplicity = contact_orbits(
        rotations.astype(np.int64), translations, stabiliser, stabiliser_shifts, stabiliser_offsets, i, j, operation, lattice
    )  # fmt: skip
    kept = np.flatnonzero(counts[:, 1] > 0)
    return (
        i[kept].astype(np.int16), j[kept].astype(np.int16), operation[kept].astype(np.int16), lattice[kept].astype(np.int16),
        _renumbered(orbit[kept]), multiplicity[kept], distance[kept], counts[kept, 0], counts[kept, 1], counts[kept, 2],
        label[kept], len(i) - len(kept),
    )  # fmt: skip


@njit(cache=True)
def _renumbered(orbit):
    """Return the orbits numbered by first appearance, now that some are gone."""
    number = np.full(orbit.max() + 1 if len(orbit) else 0, -1, dtype=np.int32)
    found = np.empty(len(orbit), dtype=np.int32)
    count = 0
    for p in range(len(orbit)):
        if number[orbit[p]] < 0:
            number[orbit[p]] = count
            count += 1
        found[p] = number[orbit[p]]
    return found
