"""Columns of the tables of a store. Plain parquet: pyarrow, duckdb and anything else can read it.

``shards/crystals-NNNNN.parquet``, ``molecules-…``, ``patches-…``, ``rejects-…``, ``items-…`` and, written last,
``shard-NNNNN.json`` with their checksums; a shard without it does not exist. ``docs/data.md`` explains every column.

A row of ``molecules`` or ``patches`` belongs to the row of ``crystals`` with the same ``shard`` and ``crystal``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from molinteract.core.errors import StoreError

_CONTAINER: Final = re.compile(r"(?i)\.(zip|db|aselmdb|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$")

VERSION: Final = 2
"""Version of the layout. ``store.upgrade`` reads the older ones."""

OLDEST: Final = 1

_INT16S = pa.list_(pa.int16())
_INT32S = pa.list_(pa.int32())
_PLACE = [("shard", pa.int32()), ("crystal", pa.int32())]

CRYSTALS: Final = pa.schema(
    [
        *_PLACE,
        ("entry", pa.string()),
        ("source", pa.string()),
        ("file", pa.string()),
        ("block", pa.string()),
        ("group", pa.string()),
        ("compound", pa.string()),
        ("cell", pa.list_(pa.float64())),
        ("voronoi_lengths", pa.list_(pa.float32())),
        ("space_group", pa.string()),
        ("rotations", pa.list_(pa.int8())),
        ("translations", pa.list_(pa.float64())),
        ("z_prime", pa.float32()),
        ("molecules_in_cell", pa.int32()),
        ("density", pa.float32()),
        ("flags", pa.list_(pa.string())),
        ("smiles_source", pa.string()),
        ("n_molecules", pa.int32()),
        ("n_patches", pa.int32()),
        ("n_empty", pa.int32()),
    ]
)

MOLECULES: Final = pa.schema(
    [
        *_PLACE,
        ("molecule", pa.int16()),
        ("formula", pa.string()),
        ("graph_hash", pa.string()),
        ("smiles", pa.string()),
        ("status", pa.string()),
        ("multiplicity", pa.int32()),
        ("labels", pa.list_(pa.string())),
        ("atomic_numbers", _INT16S),
        ("x", _INT32S),
        ("y", _INT32S),
        ("z", _INT32S),
        ("atom_flags", pa.list_(pa.uint8())),
        ("formal_charges", pa.list_(pa.int8())),
        ("bond_a", _INT32S),
        ("bond_b", _INT32S),
        ("bond_orders", pa.list_(pa.int8())),
        ("aromatic_bonds", pa.list_(pa.bool_())),
    ]
)

PATCHES: Final = pa.schema(
    [
        *_PLACE,
        ("i", pa.int16()),
        ("j", pa.int16()),
        ("operation", pa.int16()),
        ("lattice_a", pa.int16()),
        ("lattice_b", pa.int16()),
        ("lattice_c", pa.int16()),
        ("orbit", pa.int32()),
        ("multiplicity", pa.int16()),
        ("minimum_distance", pa.int32()),
        ("n_nodes", pa.int32()),
        ("n_inter", pa.int32()),
        ("n_intra", pa.int32()),
        ("label", pa.string()),
    ]
)

REJECTS: Final = pa.schema(
    [
        ("source", pa.string()),
        ("file", pa.string()),
        ("block", pa.string()),
        ("entry", pa.string()),
        ("group", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("seconds", pa.float64()),
    ]
)

ITEMS: Final = pa.schema(
    [
        ("name", pa.string()),
        ("key", pa.string()),
        ("source", pa.string()),
        ("size", pa.int64()),
        ("content", pa.string()),
        ("outcome", pa.string()),
    ]
)
"""What was read (``store.manifest.ItemRecord``)."""

TABLES: Final[dict[str, pa.Schema]] = {
    "crystals": CRYSTALS,
    "molecules": MOLECULES,
    "patches": PATCHES,
    "rejects": REJECTS,
    "items": ITEMS,
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the columns of one table are written; a column named in neither is written plainly."""

    dictionary: tuple[str, ...] = ()
    other: Mapping[str, str] | None = None


_SPLIT, _DELTA, _LENGTHS = "BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY"


def _elements(*columns: str) -> tuple[str, ...]:
    """Return the parquet paths of the values of columns of lists."""
    return tuple(f"{column}.list.element" for column in columns)


ENCODINGS: Final[dict[str, Encoding]] = {
    # measured on 357 crystals of 41 atoms: each column has what makes it smallest after zstd
    "crystals": Encoding(
        ("source", "group", "z_prime", *_elements("rotations", "translations")),
        {"crystal": _DELTA, "block": _LENGTHS, "n_patches": _SPLIT, "density": _SPLIT, "molecules_in_cell": _SPLIT},
    ),
    "molecules": Encoding(
        ("multiplicity", *_elements("atomic_numbers", "formal_charges", "bond_orders", "aromatic_bonds")),
        {
            **dict.fromkeys(("crystal", "molecule", *_elements(*"xyz")), _DELTA),
            **dict.fromkeys(_elements("bond_a", "bond_b", "atom_flags"), _SPLIT),
            **dict.fromkeys(("formula", "graph_hash", "smiles"), _LENGTHS),
        },
    ),
    "patches": Encoding(
        ("j", "label", "lattice_a", "lattice_b", "lattice_c", "multiplicity"),
        {"crystal": _DELTA, **dict.fromkeys(("i", "operation", "orbit", "n_nodes", "n_inter", "n_intra"), _SPLIT)},
    ),
    "rejects": Encoding(("source", "group", "reason")),
    "items": Encoding(("source", "outcome"), {"content": _LENGTHS}),
}


def check_version(version: object, *, where: str) -> None:
    """Raise if a store was written in a version that cannot be read.

    Raises
    ------
    StoreError
    """
    if not isinstance(version, int) or not OLDEST <= version <= VERSION:
        raise StoreError(
            f"written in layout version {version}, this program reads {OLDEST} to {VERSION}",
            entry=where,
            remedy="update molinteract, or build the store again",
        )


def group_of(file: str) -> str:
    """Return the group of a file for counting: the archive, database or folder it comes from."""
    parts = file.split("/")
    for part in parts:
        found = _CONTAINER.search(part)
        if found:
            return part[: found.start()]
    return parts[-2] if len(parts) > 1 else ""
