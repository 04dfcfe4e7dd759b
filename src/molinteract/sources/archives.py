"""CIF files inside zip and tar archives, and inside archives within those: one member in memory at a time.

A member is named by its place in the archive (``17``, or ``17.zip/3`` for a member of an inner archive). A compressed tar can
only be read from its beginning, so each process keeps the archive that it read last open and goes on from there: a build with n
workers unpacks a tar about n times, whatever the number of members.
"""

import shutil
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from molinteract.core.errors import SourceError
from molinteract.sources import files
from molinteract.sources.item import Entries, SourceItem, Update

_FAULTS: Final = (
    *files.UNREADABLE,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)
"""What a damaged, encrypted or unusually compressed archive raises."""
_IN_MEMORY: Final = 32_000_000
"""Bytes of an inner archive beyond which it is unpacked to a temporary file instead."""
_DAMAGED: Final = "(the rest is damaged)"


@dataclass(frozen=True, slots=True)
class _Member:
    number: int
    name: str
    size: int


class _Archive(Protocol):
    def members(self) -> Iterator[_Member]:
        """List the files in the archive, in a fixed order."""

    def open(self, number: int) -> BinaryIO:
        """Open one member, as it is stored."""


class _Zip:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file)

    def __del__(self) -> None:
        self._file.close()

    def members(self) -> Iterator[_Member]:
        listed = [(i.filename, k, i.file_size) for k, i in enumerate(self._zip.infolist()) if not i.is_dir()]
        for name, number, size in sorted(listed):
            yield _Member(number, name, size)

    def open(self, number: int) -> BinaryIO:
        return cast(BinaryIO, self._zip.open(self._zip.infolist()[number]))


class _Tar:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rewind()

    def __del__(self) -> None:
        self._file.close()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._tar = tarfile.open(fileobj=self._file, mode="r:*")  # noqa: SIM115 kept open from member to member
        self._next = 0
        self._last: tarfile.TarInfo | None = None

    def _step(self) -> tarfile.TarInfo | None:
        self._last = self._tar.next()
        self._tar.members = []  # type: ignore[attr-defined]  # tarfile would remember every member it has passed
        self._next += self._last is not None
        return self._last

    def members(self) -> Iterator[_Member]:
        self._rewind()
        while (info := self._step()) is not None:
            if info.isfile():
                yield _Member(self._next - 1, info.name, info.size)

    def open(self, number: int) -> BinaryIO:
        if number < self._next - 1:
            self._rewind()
        while self._next <= number:
            if self._step() is None:
                raise EOFError("the archive ends before this member")
        found = self._tar.extractfile(self._last) if self._last is not None else None
        if found is None:
            raise EOFError("no file at this place of the archive")
        return cast(BinaryIO, found)


def _opened(file: BinaryIO, name: str) -> _Archive:
    try:
        return _Zip(file) if files.kind(name) == "zip" else _Tar(file)
    except _FAULTS:
        file.close()
        raise


@lru_cache(maxsize=2)
def _kept_open(path: str, stamp: tuple[int, int]) -> _Archive:
    """Return an archive that stays open for the next member; ``stamp`` tells a file that was replaced."""
    del stamp
    return _opened(Path(path).open("rb"), path)


@lru_cache(maxsize=2)
def _inner_kept_open(path: str, stamp: tuple[int, int], place: str) -> _Archive:
    number, _, what = place.partition(".")
    return _unpacked(_kept_open(path, stamp), int(number), f"inner.{what}")


def _unpacked(outer: _Archive, number: int, name: str) -> _Archive:
    """Open an archive inside an archive: in memory if it is small, else on disk."""
    buffer = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 lives as long as the archive
    try:
        with outer.open(number) as stream:
            shutil.copyfileobj(stream, buffer)
        buffer.seek(0)
    except _FAULTS:
        buffer.close()
        raise
    return _opened(cast(BinaryIO, buffer), name)


def items(path: Path, *, key: str, source: str) -> Iterator[SourceItem]:
    """List the CIF files in an archive and in archives inside it, in a fixed order.

    What cannot be read is an item whose reading says so.

    Raises
    ------
    SourceError
        If the archive itself cannot be opened.
    """
    what = "zip" if files.kind(path.name) == "zip" else "tar"
    try:
        archive = _opened(path.open("rb"), path.name)
    except _FAULTS as error:
        raise SourceError(
            f"not a {what} archive that can be read: {error}", entry=str(path), remedy="fetch it again"
        ) from error
    seen: Counter[str] = Counter()
    for name, place, size in _listed(archive):
        seen[name] += 1
        unique = name if seen[name] == 1 else f"~{seen[name]}/{name}"
        yield SourceItem(f"{key}/{unique}", source, str(path), "archive", place, size)


def _listed(archive: _Archive, *, inside: str = "") -> Iterator[tuple[str, str, int]]:
    """List (name, place, bytes) of what there is to read."""
    following = 0
    try:
        for member in archive.members():
            following = member.number + 1
            found = files.kind(member.name)
            if found in ("zip", "tar") and not inside:
                yield from _listed_inner(archive, member, found)
            elif found:
                yield printable(member.name), f"{inside}{member.number}", member.size
    except _FAULTS:
        # reading what follows the last sound member fails in the same way, and then says why
        yield _DAMAGED, f"{inside}{following}", 0


def _listed_inner(archive: _Archive, member: _Member, what: str) -> Iterator[tuple[str, str, int]]:
    name = printable(member.name)
    try:
        inner = _unpacked(archive, member.number, member.name)
    except _FAULTS:
        yield name, f"{member.number}.{what}/0", member.size
        return
    for found, place, size in _listed(inner, inside=f"{member.number}.{what}/"):
        yield f"{name}/{found}", place, size


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read the entries of one member."""
    outer, _, inner = item.member.rpartition("/")
    try:
        found = Path(item.path).stat()
        stamp = (found.st_mtime_ns, found.st_size)
        archive = _inner_kept_open(item.path, stamp, outer) if outer else _kept_open(item.path, stamp)
        stream = archive.open(int(inner))
    except _FAULTS as error:
        yield files.unreadable(item, f"cannot be read from the archive: {error}")
        return
    with stream:
        if files.kind(item.key) == "file":
            yield from files.entries(stream, item, update, name=item.key, faults=_FAULTS)
        else:
            yield files.unreadable(item, "an archive or database this deep inside an archive is not read: unpack it")


def printable(name: str) -> str:
    """Return a file name that is valid text; bytes that are no UTF-8 are written in hexadecimal."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
