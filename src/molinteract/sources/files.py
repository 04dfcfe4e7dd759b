"""CIF content on disk, plain or compressed, read in pieces of whole data blocks."""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

from molinteract.core.reasons import Reason
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected
from molinteract.sources.item import Entries, SourceItem, Update

Kind = Literal["file", "zip", "tar", "ase", "aselmdb", ""]

_COMPRESSED: Final = (".gz", ".bz2", ".xz")
_TAR: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_KINDS: Final[dict[str, Kind]] = {".cif": "file", ".zip": "zip", ".db": "ase", ".aselmdb": "aselmdb"}

UNREADABLE: Final = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading compressed bytes raises; ``gzip.BadGzipFile`` is an OSError."""

PIECE: Final = 8_000_000
"""Bytes read at once; a longer file is cut at the next ``data_``."""
_FIRST: Final = 64_000
"""Bytes read first: more than most files have."""
LARGEST_PIECE: Final = 256_000_000
"""Bytes of one data block beyond which it is not read: no crystal is that long, a decompression bomb is."""


class Stream(Protocol):
    """What is read here: an open file, or an unpacking one."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes."""

    def readline(self, size: int = -1, /) -> bytes:
        """Read a line, or ``size`` bytes of it."""


class _TooLongError(Exception):
    """One data block is longer than ``LARGEST_PIECE``."""


def kind(name: str) -> Kind:
    """Return how a file of this name would be read; empty where it would not."""
    lowered = name.lower()
    if lowered.endswith(_TAR):
        return "tar"
    for suffix in _COMPRESSED:
        if lowered.endswith(".cif" + suffix):
            return "file"
    return _KINDS.get(os.path.splitext(lowered)[1], "")  # noqa: PTH122 Path would lose surrogates in odd names


def uncompressed(stream: BinaryIO, name: str) -> Stream:
    """Wrap a stream so that it reads the content of a file compressed by its suffix."""
    lowered = name.lower()
    if lowered.endswith(".gz"):
        return gzip.GzipFile(fileobj=stream)
    if lowered.endswith(".bz2"):
        return bz2.BZ2File(stream)
    if lowered.endswith(".xz"):
        return lzma.LZMAFile(stream)
    return stream


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read the entries of a file."""
    try:
        stream = Path(item.path).open("rb")  # noqa: SIM115 only the opening is in the try
    except OSError as error:
        yield unreadable(item, f"cannot be read: {error.strerror}")
        return
    with stream:
        yield from entries(stream, item, update, name=item.path)


def entries(
    stream: BinaryIO, item: SourceItem, update: Update, *, name: str, faults: tuple[type[Exception], ...] = UNREADABLE
) -> Entries:
    """Read the entries of an open file, compressed or not by its name; a fault in it is the last entry.

    Parameters
    ----------
    stream : BinaryIO
    item : SourceItem
    update : callable
        Is given every byte that is read.
    name : str
        Its suffix tells the compression.
    faults : tuple of exception types
        What reading the stream raises where it is damaged.
    """
    found: list[Rejected] = []

    def content() -> Iterator[bytes]:
        try:
            for piece in pieces(uncompressed(stream, name)):
                update(piece)
                yield piece
        except _TooLongError:
            detail = f"a data block longer than {LARGEST_PIECE // 1_000_000} MB"
            found.append(unreadable(item, detail, reason=Reason.TOO_LARGE))
        except faults as error:
            found.append(unreadable(item, f"cannot be unpacked: {error}"))

    for entry in read_cif(content(), source=item.source, file=item.key):
        # a file that breaks off before its first block has one fault, not two
        if not (found and isinstance(entry, Rejected) and not entry.block):
            yield entry
    yield from found


def unreadable(item: SourceItem, detail: str, *, reason: Reason = Reason.PARSE_ERROR) -> Rejected:
    """Return the row of an item whose content cannot be had."""
    return Rejected(item.source, item.key, "", f"{item.key}#", reason, detail)


def pieces(stream: Stream) -> Iterator[bytes]:
    """Cut CIF content into pieces of whole data blocks of about ``PIECE`` bytes.

    A ``data_`` inside a text field (between lines that begin with ``;``) is no border. UTF-16 is not cut.
    """
    # room for a whole piece costs more than reading most files does
    first = min(_FIRST, PIECE)
    head = stream.read(first)
    if len(head) == first:
        head += stream.read(PIECE - first)
    if len(head) < PIECE and not (more := stream.read(1)):
        yield head
        return
    if len(head) < PIECE:
        head += more + stream.read(PIECE)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        whole = head + stream.read(LARGEST_PIECE)
        if stream.read(1):
            raise _TooLongError
        yield whole
        return
    yield from _cut(head, stream)


def _cut(head: bytes, stream: Stream) -> Iterator[bytes]:
    part = io.BytesIO()
    in_text = False
    for line in _lines(head, stream):
        if line.startswith(b";"):
            in_text = not in_text
        elif not in_text and part.tell() >= PIECE and line[:5].lower() == b"data_":
            yield part.getvalue()
            part = io.BytesIO()
        part.write(line)
        if part.tell() > LARGEST_PIECE:
            raise _TooLongError
    yield part.getvalue()


def _lines(head: bytes, stream: Stream) -> Iterator[bytes]:
    yield from (head + stream.readline(LARGEST_PIECE)).splitlines(keepends=True)
    while line := stream.readline(LARGEST_PIECE):
        yield line
