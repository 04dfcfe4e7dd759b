"""Files that are whole or absent: written beside, flushed to disk, renamed."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molinteract.core.errors import StoreError


def write_table(table: pa.Table, path: Path) -> None:
    """Write a parquet file atomically."""
    scratch = path.with_name(f".{path.name}.part")
    pq.write_table(table, scratch, compression="zstd", row_group_size=1 << 16)
    publish(scratch, path)


def write_json(value: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file atomically."""
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    publish(scratch, path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    StoreError
        If the file is absent or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", entry=str(path)) from error
    except ValueError as error:
        raise StoreError(f"is damaged: {error}", entry=str(path), remedy="build the store again") from error
    if not isinstance(value, dict):
        raise StoreError("is no JSON object", entry=str(path), remedy="build the store again")
    return value


def checksum(path: Path) -> str:
    """Return the blake2b checksum of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def publish(scratch: Path, path: Path) -> None:
    """Flush a finished file to disk and give it its name."""
    descriptor = os.open(scratch, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    scratch.replace(path)
