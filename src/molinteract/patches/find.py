"""A crystal becomes its patches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molinteract.core.settings import PatchParameters
from molinteract.crystals.crystal import Crystal
from molinteract.patches.cut import survey_patches
from molinteract.patches.neighbours import find_neighbours
from molinteract.patches.orbits import contact_orbits
from molinteract.patches.packed import QUANTUM, PackedMolecules, offsets
from molinteract.patches.patch import PatchTable


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
    packed = pack([crystal])
    near = find_neighbours(crystal, packed, reach=parameters.d_inter)
    counts, labels = survey_patches(
        packed, near.i, near.j, near.operation, near.lattice, np.concatenate(list(flags)), parameters=parameters
    )
    orbit, multiplicity = contact_orbits(crystal, near)
    keep = counts[:, 1] > 0
    if not keep.all():
        near, counts, labels = near.take(keep), counts[keep], labels[keep]
        orbit, multiplicity = _renumbered(orbit[keep]), multiplicity[keep]
    return PatchTable(
        i=near.i.astype(np.int16),
        j=near.j.astype(np.int16),
        operation=near.operation.astype(np.int16),
        lattice=near.lattice.astype(np.int16),
        orbit=orbit,
        multiplicity=multiplicity,
        minimum_distance=near.distance,
        n_nodes=counts[:, 0],
        n_inter=counts[:, 1],
        n_intra=counts[:, 2],
        label=labels,
        n_empty=int(np.count_nonzero(~keep)),
    )


def _renumbered(orbit: NDArray[np.int32]) -> NDArray[np.int32]:
    number: dict[int, int] = {}
    return np.array([number.setdefault(o, len(number)) for o in orbit.tolist()], dtype=np.int32)
