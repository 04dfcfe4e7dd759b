"""Rows of an ASE database: crystals given as whole cells, without symmetry.

The database is sqlite; ASE is imported only when one is opened.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from molinteract.core.elements import SYMBOLS
from molinteract.core.errors import SourceError
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected

ROWS_PER_ITEM = 25
_NAMES = ("csd_code", "name", "tag", "refcode")
_SMILES = ("mol_smi", "smiles")


def row_ranges(path: Path) -> Iterator[tuple[str, int]]:
    """List (``first:last`` row ids, bytes) of the items of a database.

    Raises
    ------
    SourceError
        If the file is no ASE database.
    """
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM systems ORDER BY id")]
    except sqlite3.Error as error:
        raise SourceError(f"not an ASE database: {error}", entry=str(path)) from error
    share = path.stat().st_size // max(1, len(ids))
    for k in range(0, len(ids), ROWS_PER_ITEM):
        part = ids[k : k + ROWS_PER_ITEM]
        yield f"{part[0]}:{part[-1]}", share * len(part)


def read_rows(path: str, rows: str, *, source: str, file: str) -> Iterator[RawStructure | Rejected]:
    """Read the rows of one item."""
    from ase.db import connect

    first, last = (int(part) for part in rows.split(":"))
    database = connect(path)  # type: ignore[no-untyped-call]
    for identifier in range(first, last + 1):
        found = list(database.select(id=identifier))
        if found:
            yield _structure(found[0], source=source, file=file)


def _structure(row: Any, *, source: str, file: str) -> RawStructure | Rejected:
    values = row.key_value_pairs
    name = next((str(values[key]) for key in _NAMES if values.get(key)), str(row.id))
    vectors = np.asarray(row.cell, dtype=np.float64)
    if abs(np.linalg.det(vectors)) < 1e-6:
        return Rejected(source, file, name, f"{file}#{name}", Reason.PARSE_ERROR, "the row has no cell")
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = [vectors[a] @ vectors[b] / (lengths[a] * lengths[b]) for a, b in ((1, 2), (0, 2), (0, 1))]
    numbers = np.asarray(row.numbers)
    count = len(numbers)
    return RawStructure(
        entry=f"{file}#{name}",
        source=source,
        file=file,
        block=name,
        cell=np.concatenate([lengths, np.degrees(np.arccos(cosines))]),
        operations=("x,y,z",),
        hall="",
        hermann_mauguin="",
        space_group_number=0,
        labels=tuple(f"{SYMBOLS[z]}{k + 1}" for k, z in enumerate(numbers)),
        type_symbols=tuple(SYMBOLS[z] for z in numbers),
        fractional=np.asarray(row.positions, dtype=np.float64) @ np.linalg.inv(vectors),
        occupancies=np.full(count, np.nan),
        disorder_groups=("",) * count,
        calc_flags=("",) * count,
        smiles=next((str(values[key]) for key in _SMILES if values.get(key)), ""),
    )
