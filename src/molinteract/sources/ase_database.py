"""Rows of an ASE database: crystals given as whole cells, without symmetry.

The database is sqlite; ASE is imported only when one is opened.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from molinteract.core.errors import SourceError
from molinteract.sources.item import Entries, SourceItem, Update
from molinteract.sources.whole_cell import Place, whole_cell

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


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read the rows of one item."""
    from ase.db import connect

    first, last = (int(part) for part in item.member.split(":"))
    database = connect(item.path)  # type: ignore[no-untyped-call]
    for identifier in range(first, last + 1):
        for row in database.select(id=identifier):
            values = row.key_value_pairs
            name = next((str(values[key]) for key in _NAMES if values.get(key)), str(row.id))
            smiles = next((str(values[key]) for key in _SMILES if values.get(key)), "")
            place = Place(source=item.source, file=item.key, block=name)
            for part in (row.numbers, row.positions, row.cell):
                update(np.ascontiguousarray(part).tobytes())
            update(f"{name}\n{smiles}\n".encode())
            yield whole_cell(place, row.numbers, row.positions, row.cell, smiles=smiles)
