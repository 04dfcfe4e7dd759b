"""Symmetry that an export threw away is looked for with spglib (SPEC 1.1, remedies)."""

import itertools
import warnings
from typing import Any

import numpy as np
import spglib
from numba import njit
from numpy.typing import NDArray

from molinteract.crystals.cell import image_of, periodic_distance
from molinteract.crystals.operations import Operations, make_operations

TOLERANCE = 0.05
"""Every atom must map onto an equal one within this many Å."""
LARGEST = 2000
"""Cells of more atoms are taken as given: the search takes time that grows with the square of the atoms, or faster."""


def find_symmetry(
    vectors: NDArray[np.float64], fractional: NDArray[np.float64], atomic_numbers: NDArray[np.int16]
) -> tuple[Operations, str] | None:
    """Look for the symmetry of a cell whose whole content is given.

    Parameters
    ----------
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    fractional : (atoms, 3) float64
        Every atom of the cell.
    atomic_numbers : (atoms,) int16

    Returns
    -------
    (Operations, str) or None
        The operations in the given cell and the Hermann–Mauguin symbol; None where only the identity is found or
        an atom does not map within ``TOLERANCE``.
    """
    if len(fractional) > LARGEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces how it will raise errors one day
        dataset = spglib.get_symmetry_dataset(
            (vectors.tolist(), fractional.tolist(), atomic_numbers.tolist()), symprec=TOLERANCE
        )
        table = None if dataset is None else spglib.get_symmetry_from_database(dataset.hall_number)
    if dataset is None or table is None or len(dataset.rotations) < 2:
        return None
    operations = _exact_operations(dataset, table)
    if operations is None or not _maps(operations, vectors, fractional, atomic_numbers):
        return None
    return operations, str(dataset.international).replace("_", "")


def _exact_operations(dataset: "spglib.SpglibDataset", table: dict[str, Any]) -> Operations | None:
    """Carry the tabulated operations into the given cell, so that they close exactly: x_table = P x + p."""
    p = np.asarray(dataset.transformation_matrix, dtype=np.float64)
    inverse = np.linalg.inv(p)
    origin = np.asarray(dataset.origin_shift, dtype=np.float64)
    w = inverse @ np.asarray(table["rotations"], dtype=np.float64) @ p
    t = (np.asarray(table["translations"]) + np.asarray(table["rotations"]) @ origin - origin) @ inverse.T
    # of a supercell only those operations are left that map its lattice onto itself
    integral = np.abs(w - np.round(w)).max(axis=(1, 2)) < 1e-3
    w, t = np.round(w[integral]), t[integral]
    # a given cell larger than the tabulated one has the tabulated lattice as additional translations
    steps = np.array(list(itertools.product(range(-3, 4), repeat=3)), dtype=np.float64) @ inverse.T
    steps -= np.floor(steps + 1e-6)
    steps = steps[np.unique(np.round(steps, 4), axis=0, return_index=True)[1]]
    rotations = np.repeat(w, len(steps), axis=0).astype(np.int8)
    translations = (t[:, None] + steps[None]).reshape(-1, 3)
    operations = make_operations(rotations, translations)
    return operations if len(operations) == len(dataset.rotations) else None


def _maps(
    operations: Operations,
    vectors: NDArray[np.float64],
    fractional: NDArray[np.float64],
    atomic_numbers: NDArray[np.int16],
) -> bool:
    found: bool = _every_atom_maps(
        operations.turns, operations.translations, vectors, fractional, atomic_numbers, TOLERANCE
    )
    return found


@njit(cache=True)
def _every_atom_maps(turns, translations, vectors, fractional, numbers, tolerance):
    for k in range(len(turns)):
        for a in range(len(fractional)):
            x, y, z = image_of(turns[k], translations[k], fractional[a, 0], fractional[a, 1], fractional[a, 2])
            mapped = False
            for b in range(len(fractional)):
                dx, dy, dz = x - fractional[b, 0], y - fractional[b, 1], z - fractional[b, 2]
                if numbers[a] == numbers[b] and periodic_distance(dx, dy, dz, vectors) <= tolerance:
                    mapped = True
                    break
            if not mapped:
                return False
    return True
