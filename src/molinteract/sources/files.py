"""CIF files on disk, plain or compressed."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected

_OPENERS = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}


def kind(path: Path) -> Literal["file", "zip", "ase", ""]:
    """Return how a file would be read; empty where it would not."""
    name = path.name.lower()
    stem, suffix = path.stem.lower(), path.suffix.lower()
    if name.endswith(".cif") or (suffix in _OPENERS and stem.endswith(".cif")):
        return "file"
    if suffix == ".zip":
        return "zip"
    return "ase" if suffix == ".db" else ""


def decompress(data: bytes, name: str) -> bytes | str:
    """Return the content of a file by its suffix, or why it cannot be unpacked."""
    opener = _OPENERS.get(Path(name).suffix.lower())
    if opener is None:
        return data
    try:
        return opener(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        return f"cannot be unpacked: {error}"


def load(path: Path) -> bytes | str:
    """Return the content of a file, unpacked, or why it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return decompress(data, path.name)


def entries(data: bytes | str, *, source: str, file: str) -> Iterator[RawStructure | Rejected]:
    """Read the entries of a file's content; a text instead of bytes is the reason why there is none."""
    if isinstance(data, str):
        yield Rejected(source, file, "", f"{file}#", Reason.PARSE_ERROR, data)
    else:
        yield from read_cif(data, source=source, file=file)
