"""Vectors on disk: ``.npy`` files to be memory-mapped, and a parquet table with a row for each vector."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.core.parquet import read_parquet

FORMAT = 1
PATCHES = "patches"
NODES = "nodes"
UNTRAINED = "untrained_"
"""Prefix of the vectors of the same network before training, the null of every probe."""


@dataclass(frozen=True)
class VectorTable:
    """Vectors of patches and of a sample of atoms.

    Attributes
    ----------
    path : Path
    meta : dict
        Format, network, store, counts.
    """

    path: Path
    meta: dict[str, Any]

    def vectors(self, kind: str, *, untrained: bool = False) -> NDArray[np.float32]:
        """Return the vectors of ``patches`` or ``nodes`` as they were written, memory-mapped.

        Widths: :func:`molinteract.network.vectors.vector_widths`; z of ``readout`` is (n, 2 ns).
        """
        name = f"{UNTRAINED if untrained else ''}{kind}.npy"
        array: NDArray[np.float32] = np.load(self.path / name, mmap_mode="r", allow_pickle=False)
        return array

    def comparable(self, kind: str, *, untrained: bool = False) -> NDArray[np.float32]:
        """Return vectors that do not depend on which molecule comes first: z made order-free, all others as they are."""
        vectors = self.vectors(kind, untrained=untrained)
        if kind == PATCHES and self.meta.get("features", "readout") == "readout":
            return order_free(vectors)
        return np.asarray(vectors)

    @cached_property
    def patches(self) -> pa.Table:
        """A row for each patch vector: patch_id, row, entry, compound, split, label, sizes, counts of elements."""
        return read_parquet(self.path / "patches.parquet")

    @cached_property
    def nodes(self) -> pa.Table:
        """A row for each node vector: row of its patch, atom, entry, compound, split, labels."""
        return read_parquet(self.path / "nodes.parquet")


def order_free(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [z_i + z_j ‖ |z_i − z_j|], (n, 2 ns), which does not depend on which molecule comes first (SPEC 2.3)."""
    half = vectors.shape[1] // 2
    first, second = vectors[:, :half], vectors[:, half:]
    return np.concatenate([first + second, np.abs(first - second)], axis=1)


def open_vectors(path: str | Path) -> VectorTable:
    """Open a folder of vectors.

    Raises
    ------
    StoreError
        If it is missing, incomplete, or of another version.
    """
    path = Path(path)
    file = path / "vectors.json"
    if not file.is_file():
        raise StoreError("no vectors there", entry=str(path), remedy="make them with molinteract embed")
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"is damaged: {error}", entry=str(file), remedy="run molinteract embed again") from error
    if meta.get("format") != FORMAT:
        raise StoreError(
            f"format {meta.get('format')}, this program reads {FORMAT}", entry=str(file), remedy="embed again"
        )
    return VectorTable(path, meta)
