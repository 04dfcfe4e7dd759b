"""The tables of a store on disk: shard by shard, only what is asked for, and only if it is what was written."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.store.files import checksum, read_verified
from molinteract.store.schema import TABLES, VERSION
from molinteract.store.upgrade import items_1, upgrade_1


class StoreTables:
    """Reader of the shards of one store.

    Parameters
    ----------
    path : Path
        Folder of the store.
    manifest : dict
        Its manifest.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.version = int(manifest["schema_version"])
        self.checksums: dict[str, str] = manifest["checksums"]

    def read(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a table of all shards.

        Parameters
        ----------
        name : str
            ``crystals``, ``molecules``, ``patches``, ``rejects`` or ``items``.
        columns : sequence of str, optional
            All by default.

        Raises
        ------
        StoreError
            If a shard is missing or damaged.
        """
        schema = TABLES[name] if columns is None else pa.schema([TABLES[name].field(column) for column in columns])
        if name == "items" and self.version == 1:
            return items_1(self.manifest["content"]).select(schema.names)
        parts = [self._as(schema, part, name) for part in self._parts(name, columns)]
        table = pa.concat_tables(parts) if parts else schema.empty_table()
        expected = self.manifest["rows"].get(name)
        if expected is not None and len(table) != expected:
            raise StoreError(f"{len(table)} rows of {name}, the manifest says {expected}", entry=str(self.path))
        return table

    def column(self, name: str, column: str) -> NDArray[Any]:
        """Return one column of numbers of a table as an array."""
        values: NDArray[Any] = self.read(name, [column])[column].to_numpy()
        return values

    def verify(self) -> list[str]:
        """Return the names of the files that are missing or differ from their checksum."""
        folder = self.path / "shards"
        return [
            name
            for name, value in self.checksums.items()
            if not (folder / name).is_file() or checksum(folder / name) != value
        ]

    def _as(self, schema: pa.Schema, part: pa.Table, name: str) -> pa.Table:
        missing = [column for column in schema.names if column not in part.column_names]
        if missing:
            raise StoreError(
                f"the table {name} has no {', '.join(missing)}",
                entry=str(self.path),
                remedy="build the store again",
            )
        return part.select(schema.names).cast(schema)

    def _parts(self, name: str, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        for file in sorted(file for file in self.checksums if file.startswith(f"{name}-")):
            if self.version == VERSION:
                yield self._file(file, columns)
            else:
                shard = int(file.rpartition("-")[2].removesuffix(".parquet"))
                crystals = self._file(f"crystals-{shard:05d}.parquet", ["n_molecules", "n_patches"])
                yield upgrade_1(name, self._file(file, None), crystals=crystals, shard=shard)

    def _file(self, file: str, columns: Sequence[str] | None) -> pa.Table:
        return read_verified(self.path / "shards" / file, self.checksums[file], columns=columns)


def flat(column: pa.ChunkedArray, dtype: type[np.generic]) -> NDArray[Any]:
    """Return the values of a column of lists, one after another."""
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).astype(dtype, copy=False) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the length of each list of a column."""
    found: NDArray[np.int64] = pc.list_value_length(column).to_numpy().astype(np.int64)
    return found
