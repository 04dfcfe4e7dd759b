"""Columns of the tables of a store. Plain parquet: pyarrow, duckdb and anything else can read it.

``shards/crystals-NNNNN.parquet``, ``molecules-…``, ``patches-…``, ``rejects-…`` and, written last, ``shard-NNNNN.json`` with
their checksums; a shard without it does not exist. ``docs/data.md`` explains every column.
"""

import re
from typing import Final

import pyarrow as pa

from molinteract.core.errors import StoreError

_CONTAINER: Final = re.compile(r"(?i)\.(zip|db|aselmdb|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$")

VERSION: Final = 1
"""Version of the layout; a reader upgrades older ones with ``UPGRADES``."""

UPGRADES: Final[dict[int, str]] = {}
"""From each older version to the function that reads it; empty while there is one version."""

_INT16S = pa.list_(pa.int16())
_INT32S = pa.list_(pa.int32())

CRYSTALS: Final = pa.schema(
    [
        ("entry", pa.string()),
        ("source", pa.string()),
        ("file", pa.string()),
        ("block", pa.string()),
        ("group", pa.string()),
        ("compound", pa.string()),
        ("cell", pa.list_(pa.float64(), 6)),
        ("space_group", pa.string()),
        ("rotations", pa.list_(pa.int8())),
        ("translations", pa.list_(pa.float64())),
        ("z_prime", pa.float64()),
        ("molecules_in_cell", pa.int32()),
        ("density", pa.float64()),
        ("flags", pa.list_(pa.string())),
        ("smiles_source", pa.string()),
        ("n_molecules", pa.int32()),
        ("n_patches", pa.int32()),
        ("n_empty", pa.int32()),
    ]
)

MOLECULES: Final = pa.schema(
    [
        ("entry", pa.string()),
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
        ("patch_id", pa.binary(16)),
        ("entry", pa.string()),
        ("i", pa.int16()),
        ("j", pa.int16()),
        ("operation", pa.int16()),
        ("lattice_a", pa.int16()),
        ("lattice_b", pa.int16()),
        ("lattice_c", pa.int16()),
        ("symmetry", pa.string()),
        ("orbit", pa.int32()),
        ("multiplicity", pa.int16()),
        ("minimum_distance", pa.float32()),
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

TABLES: Final[dict[str, pa.Schema]] = {
    "crystals": CRYSTALS,
    "molecules": MOLECULES,
    "patches": PATCHES,
    "rejects": REJECTS,
}


def check_version(version: object, *, where: str) -> None:
    """Raise if a store was written in a version that cannot be read.

    Raises
    ------
    StoreError
    """
    if version != VERSION and version not in UPGRADES:
        raise StoreError(
            f"written in layout version {version}, this program reads {VERSION}",
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
