"""CIF files inside a zip archive, one member in memory at a time."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from molinteract.core.errors import SourceError
from molinteract.sources import files


def members(path: Path) -> Iterator[tuple[str, int]]:
    """List (name, unpacked bytes) of the CIF files in an archive, by name.

    Raises
    ------
    SourceError
        If the file is no zip archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            listed = sorted((info.filename, info.file_size) for info in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(
            f"not a zip archive that can be read: {error}", entry=str(path), remedy="fetch it again"
        ) from error
    yield from ((name, size) for name, size in listed if files.kind(Path(name)) == "file")


def load(path: str, member: str) -> bytes | str:
    """Return the content of one member, unpacked, or why it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(member)
    except (zipfile.BadZipFile, OSError, zlib.error, RuntimeError, NotImplementedError) as error:
        return f"cannot be read from the archive: {error}"
    return files.decompress(data, member)
