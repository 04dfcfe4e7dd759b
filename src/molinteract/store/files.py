"""Files that are whole or absent: written beside, flushed to disk, renamed; and read only if they are what was written."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molinteract.core.errors import StoreError
from molinteract.core.parquet import read_parquet
from molinteract.store.schema import Encoding

SCRATCH = ".part"
"""Suffix of a file that is being written; its name begins with a dot."""
_SEAL = "seal"
"""Key of a JSON file's own checksum."""


class TableWriter:
    """A parquet file written in parts; it appears under its name when it is published.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    encoding : Encoding
    """

    def __init__(self, path: Path, schema: pa.Schema, *, encoding: Encoding) -> None:
        self.path = path
        self.rows = 0
        self._scratch = _scratch(path)
        with explained(path):
            self._writer = pq.ParquetWriter(
                self._scratch,
                schema,
                compression="zstd",
                use_dictionary=list(encoding.dictionary),
                column_encoding=dict(encoding.other or {}) or None,
                write_statistics=False,
                store_schema=False,
            )

    def write(self, table: pa.Table) -> None:
        """Write one more part.

        Raises
        ------
        StoreError
            If the disk is full or fails.
        """
        if len(table):
            with explained(self.path):
                self._writer.write_table(table)
            self.rows += len(table)

    def publish(self) -> None:
        """Close the file and give it its name.

        Raises
        ------
        StoreError
            If the disk is full or fails.
        """
        with explained(self.path):
            self._writer.close()
            publish(self._scratch, self.path)

    def discard(self) -> None:
        """Remove what was written."""
        try:
            self._writer.close()
        except OSError:
            pass  # the disk that was full still is
        finally:
            self._scratch.unlink(missing_ok=True)


def write_json(value: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file atomically, sealed with its own checksum.

    Raises
    ------
    StoreError
        If the disk is full or fails.
    """
    sealed = {**value, _SEAL: _seal(value)}
    scratch = _scratch(path)
    try:
        with explained(path):
            scratch.write_text(json.dumps(sealed, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
            publish(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def read_json(path: Path, *, sealed: bool = True) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path
    sealed : bool
        Whether it must carry its own checksum; one that it has must be right in any case.

    Raises
    ------
    StoreError
        If the file is absent or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", entry=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(value, dict):
        raise _damaged(path, "no JSON object")
    seal = value.pop(_SEAL, None)
    if seal is None and sealed:
        raise _damaged(path, "its checksum is missing")
    if seal is not None and seal != _seal(value):
        raise _damaged(path, "its content differs from its checksum")
    return value


def read_verified(path: Path, expected: str, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a parquet file if its bytes are those that were written.

    Parameters
    ----------
    path : Path
    expected : str
        Checksum of the file.
    columns : sequence of str, optional
        All by default.

    Raises
    ------
    StoreError
        If it is absent or damaged.
    """
    remedy = "run molinteract build again with --resume"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", entry=str(path), remedy=remedy) from error
    if hashlib.blake2b(data, digest_size=16).hexdigest() != expected:
        raise StoreError("is damaged: its content differs from its checksum", entry=str(path), remedy=remedy)
    try:
        return read_parquet(data, columns)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"cannot be read: {error}", entry=str(path), remedy=remedy) from error


def checksum(path: Path) -> str:
    """Return the blake2b checksum of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in words that a file cannot be written.

    Raises
    ------
    StoreError
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot be written: {error.strerror or error}",
            entry=str(path),
            remedy="make room or mend the disk, then run the same command with --resume",
        ) from error


def publish(scratch: Path, path: Path) -> None:
    """Flush a finished file to disk and give it its name."""
    descriptor = os.open(scratch, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    scratch.replace(path)


def _seal(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(f"is damaged: {what}", entry=str(path), remedy="build the store again")


def _scratch(path: Path) -> Path:
    # the process id keeps two builders of one folder, such as a dying one and its successor, out of each other's files
    return path.with_name(f".{path.name}.{os.getpid()}{SCRATCH}")
