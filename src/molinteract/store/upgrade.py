"""Tables of older layouts, as the present one has them.

Version 1 named the entry in every row of ``molecules`` and ``patches``, and stored every patch's id and its operation as text.
Its rows are in the order of the entries, so that counting replaces the names.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from molinteract.core.errors import StoreError
from molinteract.core.geometry import cell_vectors
from molinteract.crystals.crystal import QUANTUM
from molinteract.crystals.lattice import voronoi_lengths
from molinteract.store.schema import ITEMS, TABLES


def upgrade_1(name: str, table: pa.Table, *, crystals: pa.Table, shard: int) -> pa.Table:
    """Return one table of a version 1 shard in the present layout.

    Parameters
    ----------
    name : str
        Kind of table.
    table : pyarrow.Table
        As it is stored.
    crystals : pyarrow.Table
        The crystals of the same shard, as stored.
    shard : int
        Number of the shard.

    Raises
    ------
    StoreError
        If columns are missing or the counts do not fit.
    """
    try:
        columns = {column: table[column] for column in table.column_names}
        if name != "rejects":
            columns["shard"] = pa.array(np.full(len(table), shard, dtype=np.int32))
            columns["crystal"] = pa.array(_crystal_of(name, crystals))
        if name == "patches":
            steps = np.rint(table["minimum_distance"].to_numpy() / QUANTUM)
            columns["minimum_distance"] = pa.array(steps.astype(np.int32))
        if name == "crystals":
            columns["voronoi_lengths"] = _voronoi_lengths(table)
        schema = TABLES[name]
        return pa.table({field.name: columns[field.name].cast(field.type) for field in schema}, schema=schema)
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"a table of {name} in layout 1 does not fit together: {error}") from error


def _voronoi_lengths(crystals: pa.Table) -> pa.Array:
    columns = [crystals[name].to_pylist() for name in ("cell", "rotations", "translations")]
    lengths = [
        voronoi_lengths(
            cell_vectors(np.array(cell, dtype=np.float64)),
            np.array(rotations, dtype=np.int8).reshape(-1, 3, 3),
            np.array(translations, dtype=np.float64).reshape(-1, 3),
        ).tolist()
        for cell, rotations, translations in zip(*columns, strict=True)
    ]
    return pa.array(lengths, type=pa.list_(pa.float64()))


def items_1(content: Mapping[str, Any]) -> pa.Table:
    """Return the items of a version 1 store from its manifest (name to hash); what it does not say is empty."""
    rows = [
        {"name": name, "key": name.partition("|")[0], "source": "", "size": 0, "content": value, "outcome": ""}
        for name, value in sorted(content.items())
    ]
    return pa.Table.from_pylist(rows, schema=ITEMS)


def _crystal_of(name: str, crystals: pa.Table) -> np.ndarray[Any, np.dtype[np.int32]]:
    numbers = np.arange(len(crystals), dtype=np.int32)
    return numbers if name == "crystals" else np.repeat(numbers, crystals[f"n_{name}"].to_numpy())
