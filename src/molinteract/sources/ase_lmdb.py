"""Rows of an ASE-LMDB database (``.aselmdb``), as OMC25 and its siblings are published; read with ``lmdb`` alone.

Layout: a key-value file; ``nextid`` and ``deleted_ids`` tell which row numbers there are; each row is a zlib-compressed JSON
object with the fields of an ASE row (``numbers``, ``positions``, ``cell``, ``key_value_pairs``, ``data``). Arrays are nested
lists, or ASE's ``{"__ndarray__": [shape, dtype, values]}``. Nothing is unpickled.
"""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import lmdb
import numpy as np

from molinteract.core.errors import SourceError
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.item import Entries, SourceItem, Update
from molinteract.sources.whole_cell import Place, whole_cell

ROWS_PER_ITEM: Final = 200
LARGEST_ROW: Final = 64_000_000
"""Bytes of one row, unpacked, beyond which it is not read."""
_SMILES: Final = ("smiles", "mol_smi")


class _RowError(ValueError):
    """A row is not what the layout says."""


def row_ranges(path: Path) -> Iterator[tuple[str, int]]:
    """List (``first:last`` row ids, bytes) of the items of a database.

    Raises
    ------
    SourceError
        If the file is no such database.
    """
    try:
        following, deleted = (_unpacked(value or default) for value, default in zip(
            _values(path, [b"nextid", b"deleted_ids"]), (zlib.compress(b"1"), zlib.compress(b"[]")), strict=True,
        ))  # fmt: skip
        gone = {int(number) for number in deleted}
        last = int(following) - 1
    except (_RowError, OSError, TypeError, ValueError) as error:
        raise SourceError(f"not an ASE-LMDB database: {error}", entry=str(path), remedy="fetch it again") from error
    share = path.stat().st_size // max(1, last)
    for first in range(1, last + 1, ROWS_PER_ITEM):
        end = min(first + ROWS_PER_ITEM - 1, last)
        present = sum(number not in gone for number in range(first, end + 1))
        if present:
            yield f"{first}:{end}", share * present


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read the rows of one item; a row that is deleted is no entry."""
    first, last = (int(part) for part in item.member.split(":"))
    numbers = range(first, last + 1)
    # read before they are given out: an environment must not be open twice in one process
    rows = _values(Path(item.path), [str(number).encode() for number in numbers])
    for number, packed in zip(numbers, rows, strict=True):
        if packed is None:
            continue
        update(packed)
        yield _entry(packed, Place(source=item.source, file=item.key, block=str(number)))


def _entry(packed: bytes, place: Place) -> RawStructure | Rejected:
    try:
        row = _unpacked(packed)
        if not isinstance(row, dict):
            raise _RowError("the row is no JSON object")
        numbers, positions, cell = (_array(row.get(name)) for name in ("numbers", "positions", "cell"))
    except _RowError as error:
        return Rejected(place.source, place.file, place.block, place.entry, Reason.PARSE_ERROR, str(error))
    return whole_cell(place, numbers, positions, cell, smiles=_smiles(row))


def _values(path: Path, keys: list[bytes]) -> list[bytes | None]:
    try:
        with (
            lmdb.open(str(path), subdir=path.is_dir(), readonly=True, lock=False, meminit=False) as environment,
            environment.begin() as transaction,
        ):
            return [transaction.get(key) for key in keys]
    except lmdb.Error as error:
        raise OSError(str(error)) from error


def _unpacked(packed: bytes) -> Any:
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, LARGEST_ROW)
        if not unpacking.eof:
            raise _RowError(f"the row is cut off, or longer than {LARGEST_ROW // 1_000_000} MB")
        return json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise _RowError(f"the row cannot be unpacked: {error}") from error


def _array(value: Any) -> Any:
    """Return a list, or the array of ASE's encoding of one."""
    if not isinstance(value, dict):
        return value
    try:
        shape, dtype, flat = value["__ndarray__"]
        return np.array(flat, dtype=np.dtype(dtype)).reshape(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise _RowError(f"an array cannot be read: {error}") from error


def _smiles(row: dict[str, Any]) -> str:
    for part in (row.get("key_value_pairs"), row.get("data")):
        if isinstance(part, dict):
            for name in _SMILES:
                if isinstance(part.get(name), str):
                    return str(part[name])
    return ""
