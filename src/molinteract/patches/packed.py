"""Molecules of many crystals in flat arrays: what patches are cut from, in memory and from the store."""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from molinteract.crystals.crystal import QUANTUM

__all__ = ["QUANTUM", "PackedMolecules", "offsets"]


@dataclass(frozen=True, slots=True, eq=False)
class PackedMolecules:
    """Cells, operations and independent molecules of many crystals.

    Attributes
    ----------
    vectors : (crystals, 3, 3) float64
        Cell vectors as rows, Å.
    operation_offsets : (crystals + 1,) int64
        Crystal c owns the operations ``[c]:[c + 1]``.
    rotations : (operations, 3, 3) float64
    translations : (operations, 3) float64
    molecule_offsets : (crystals + 1,) int64
        Crystal c owns the molecules ``[c]:[c + 1]``.
    atom_offsets : (molecules + 1,) int64
        Molecule m owns the atoms ``[m]:[m + 1]``.
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) int32
        In units of ``QUANTUM``, relative to the cell origin.
    """

    vectors: NDArray[np.float64]
    operation_offsets: NDArray[np.int64]
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]
    molecule_offsets: NDArray[np.int64]
    atom_offsets: NDArray[np.int64]
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.int32]


def offsets(counts: list[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the (n + 1,) offsets of consecutive groups of the given sizes."""
    if isinstance(counts, list):
        return np.fromiter(accumulate(counts, initial=0), dtype=np.int64, count=len(counts) + 1)
    out = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=out[1:])
    return out
