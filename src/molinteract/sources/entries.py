"""A source becomes items; an item becomes raw structures.

=====================  ==================================================================
source                 items
=====================  ==================================================================
``x.cif``, ``.cif.gz``  the file (also ``.bz2``, ``.xz``)
a folder               every such file below it, every archive and every ``*.db``
``a*.cif``             whatever the pattern matches
``x.zip``              every such file in the archive
``x.db``               every row of an ASE database (sqlite): a cell given whole
``sample:``            the embedded sample, as ``make sample`` fetched it
=====================  ==================================================================
"""

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from molinteract.core.errors import SourceError
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources import archives, ase_database, files

SAMPLE = "sample:"
SAMPLE_FILES = ("mech.db", "test.db")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One file, archive member or database row range, not yet read; small and picklable.

    Attributes
    ----------
    key : str
        Unique name, the same wherever the source lies: ``<name of the source>/<path within it>``.
    source : str
        What the user named.
    path : str
        File on disk.
    kind : str
        ``file``, ``zip`` or ``ase``.
    member : str
        Member of an archive, or ``first:last`` rows of a database.
    size : int
        Bytes, of an archive's member unpacked; for estimates.
    """

    key: str
    source: str
    path: str
    kind: Literal["file", "zip", "ase"]
    member: str = ""
    size: int = 0

    def read(self) -> Iterable[RawStructure | Rejected]:
        """Read the entries of the item; what cannot be read is a ``Rejected``."""
        if self.kind == "ase":
            return ase_database.read_rows(self.path, self.member, source=self.source, file=self.key)
        data = files.load(Path(self.path)) if self.kind == "file" else archives.load(self.path, self.member)
        return files.entries(data, source=self.source, file=self.key)

    def content_hash(self) -> str:
        """Return the blake2b hash of the bytes as stored (of the whole file for a database); empty if unreadable."""
        if self.kind == "ase":
            data: bytes | str = Path(self.path).read_bytes()
        else:
            data = files.load(Path(self.path)) if self.kind == "file" else archives.load(self.path, self.member)
        return hashlib.blake2b(data, digest_size=16).hexdigest() if isinstance(data, bytes) else ""


def iterate(source: str) -> Iterator[SourceItem]:
    """List the items of a source, in a fixed order.

    Raises
    ------
    SourceError
        If nothing is there, or nothing in it can be read.
    """
    if source == SAMPLE:
        folder = Path(os.environ.get("MOLINTERACT_SAMPLE", "data/sample"))
        missing = [name for name in SAMPLE_FILES if not (folder / name).is_file()]
        if missing:
            raise SourceError(
                f"{', '.join(missing)} not found in {folder}",
                entry=SAMPLE,
                remedy="run make sample in a clone, or set MOLINTERACT_SAMPLE to the folder that holds them",
            )
        for name in SAMPLE_FILES:
            yield from _of_file(folder / name, key=name, source=source)
        return
    paths = _paths(source)
    found = False
    for path, key in paths:
        for item in _of_file(path, key=key, source=source):
            found = True
            yield item
    if not found:
        raise SourceError(
            "no CIF file, archive or database there",
            entry=source,
            remedy="name a file, a folder or a pattern",
        )


def _paths(source: str) -> list[tuple[Path, str]]:
    path = Path(source)
    if path.is_dir():
        base = path.resolve()
        inside = sorted(p for p in base.rglob("*") if p.is_file() and files.kind(p))
        return [(p, f"{base.name}/{p.relative_to(base).as_posix()}") for p in inside]
    if path.is_file():
        if not files.kind(path):
            raise SourceError(
                f"{path.suffix or 'a file without suffix'} is no format that can be read",
                entry=source,
                remedy="CIF (also .gz, .bz2, .xz), .zip of CIF files, or an ASE database (.db)",
            )
        return [(path, path.name)]
    matches = [Path(p) for p in sorted(glob.glob(source, recursive=True)) if files.kind(Path(p))]  # noqa: PTH207
    if not matches:
        raise SourceError("no such file or folder", entry=source, remedy="check the path")
    common = Path(os.path.commonpath([p.resolve().parent for p in matches]))
    return [(p, p.resolve().relative_to(common).as_posix()) for p in matches]


def _of_file(path: Path, *, key: str, source: str) -> Iterator[SourceItem]:
    kind = files.kind(path)
    if kind == "zip":
        for member, size in archives.members(path):
            yield SourceItem(f"{key}/{member}", source, str(path), "zip", member, size)
    elif kind == "ase":
        for rows, size in ase_database.row_ranges(path):
            yield SourceItem(key, source, str(path), "ase", rows, size)
    else:
        yield SourceItem(key, source, str(path), "file", "", path.stat().st_size)
