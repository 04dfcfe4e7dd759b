"""Dimers with reference interaction energies, as patches: two molecules without a crystal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.core.parquet import read_parquet
from molinteract.core.settings import PatchParameters
from molinteract.patches.cut import cut_patches
from molinteract.patches.packed import QUANTUM, PackedMolecules, offsets
from molinteract.patches.patch import PatchArrays

COLUMNS: Final = (
    "id", "set", "scale", "n_atoms_a", "n_atoms_b", "numbers", "positions", "charge_a", "charge_b", "e_ref_kcal", "pair",
    "monomer_a", "monomer_b", "d_min", "split", "split_monomer",
)  # fmt: skip
"""What is read of a table of dimers (see ``docs/evidence.md``)."""


@dataclass(frozen=True, slots=True, eq=False)
class Dimers:
    """Dimers, cut like the patches of a store.

    Attributes
    ----------
    table : pyarrow.Table
        A row for each dimer, ``COLUMNS`` without the arrays.
    molecules : PackedMolecules
        Each dimer as a crystal without symmetry.
    parameters : PatchParameters
    """

    table: pa.Table
    molecules: PackedMolecules
    parameters: PatchParameters

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def energies(self) -> NDArray[np.float64]:
        """(dimers,) reference interaction energy, kcal/mol, negative where bound."""
        return np.asarray(self.table["e_ref_kcal"].to_numpy(), dtype=np.float64)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as an array."""
        values = self.table[name]
        if pa.types.is_string(values.type):
            return np.asarray(values.to_pylist(), dtype=object)
        return np.asarray(values.to_numpy())

    def cut(self, rows: NDArray[np.integer]) -> PatchArrays:
        """Return some dimers as patches: molecule A is i, molecule B is j."""
        index = np.asarray(rows, dtype=np.int64)
        zero, one = np.zeros(len(index), dtype=np.int64), np.ones(len(index), dtype=np.int64)
        lattice = np.zeros((len(index), 3), dtype=np.int64)
        return cut_patches(self.molecules, index, zero, one, zero, lattice, parameters=self.parameters)


def read_dimers(path: str | Path, *, parameters: PatchParameters | None = None) -> Dimers:
    """Read a parquet table of dimers.

    Parameters
    ----------
    path : str or Path
        Columns ``COLUMNS``; ``numbers`` and flattened ``positions`` (Å) hold the atoms of A first.
    parameters : PatchParameters, optional
        Radius and edge lengths; those of a store by default.

    Raises
    ------
    StoreError
        If the file cannot be read, lacks a column, or its arrays do not fit the numbers of atoms.
    """
    try:
        table = read_parquet(path, COLUMNS)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(
            f"no table of dimers that can be read: {error}",
            entry=str(path),
            remedy=f"a parquet file with the columns {', '.join(COLUMNS)}",
        ) from error
    counts = np.stack([table[f"n_atoms_{side}"].to_numpy().astype(np.int64) for side in "ab"], axis=1)
    numbers, positions = _flat(table["numbers"]), _flat(table["positions"])
    if len(numbers) != counts.sum() or len(positions) != 3 * counts.sum() or (counts < 1).any():
        raise StoreError("numbers or positions do not fit the numbers of atoms", entry=str(path))
    return Dimers(
        table.drop_columns(["numbers", "positions"]),
        pack_pairs(counts, numbers, positions.reshape(-1, 3)),
        parameters or PatchParameters(),
    )


def pack_pairs(
    counts: NDArray[np.int64], numbers: NDArray[np.integer], positions: NDArray[np.floating]
) -> PackedMolecules:
    """Return pairs of molecules as crystals with the identity as their only operation.

    Parameters
    ----------
    counts : (pairs, 2) int
        Atoms of the first and second molecule.
    numbers : (atoms,) int
        Atomic numbers, pair by pair, first molecule first.
    positions : (atoms, 3) float
        Å; rounded to 1e-4 Å as in a store (SPEC 1.3).
    """
    n = len(counts)
    return PackedMolecules(
        vectors=np.tile(np.eye(3), (n, 1, 1)),
        operation_offsets=np.arange(n + 1),
        rotations=np.tile(np.eye(3), (n, 1, 1)),
        translations=np.zeros((n, 3)),
        molecule_offsets=2 * np.arange(n + 1),
        atom_offsets=offsets(counts.ravel()),
        atomic_numbers=np.asarray(numbers, dtype=np.int16),
        positions=np.rint(np.asarray(positions, dtype=np.float64) / QUANTUM).astype(np.int32),
    )


def neutral_and_bound(dimers: Dimers, *, lowest: float = -20.0, highest: float = 5.0) -> NDArray[np.int64]:
    """Return the rows of neutral dimers whose energy lies between two bounds, kcal/mol."""
    energies = dimers.energies
    neutral = (dimers.column("charge_a") == 0) & (dimers.column("charge_b") == 0)
    return np.flatnonzero(neutral & (energies > lowest) & (energies < highest))


def _flat(column: pa.ChunkedArray) -> NDArray[Any]:
    parts: Sequence[NDArray[Any]] = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0)
