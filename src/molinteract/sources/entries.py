"""A source becomes items, listed one at a time and in a fixed order; each item becomes raw structures when it is read.

=====================  ==================================================================
source                 items
=====================  ==================================================================
``x.cif``              the file (also ``.cif.gz``, ``.cif.bz2``, ``.cif.xz``)
a folder               every such file below it, every archive and every database
``a*.cif``             whatever the pattern matches
``x.zip``, ``x.tar``   every such file in the archive (``.tar.gz``, ``.tgz``, ``.tar.bz2``,
                       ``.tar.xz`` … too), and in archives inside it
``x.db``               every row of an ASE database (sqlite): a cell given whole
``x.aselmdb``          every row of an ASE-LMDB database, such as OMC25's
``cod:1000041``        entries of the Crystallography Open Database (see ``cod``)
``csd:REFCODE``        entries of the Cambridge Structural Database (see ``csd``)
``-``                  what is named on standard input, a line each
``sample:``            the embedded sample, as ``make sample`` fetched it
=====================  ==================================================================

From Python also an ASE ``Atoms`` or a pymatgen ``Structure``.
"""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TextIO

from molinteract.core.errors import SourceError
from molinteract.sources import archives, ase_database, ase_lmdb, cod, files, objects
from molinteract.sources.archives import printable
from molinteract.sources.item import SourceItem

SAMPLE = "sample:"
SAMPLE_FILES = ("mech.db", "test.db")
STDIN = "stdin:"
CSD = "csd:"
READABLE = "CIF (also .gz, .bz2, .xz), .zip or .tar of CIF files, or an ASE database (.db, .aselmdb)"

Source = str | Path | object
"""What the user names, or an object that is a structure (see ``objects``)."""


def items_of(source: Source, number: int = 1) -> Iterator[SourceItem]:
    """List the items of a source, one at a time, in a fixed order; it may be listed more than once.

    Parameters
    ----------
    source : str, Path, ase.Atoms or pymatgen Structure
    number : int
        Place among the sources; names an object.

    Raises
    ------
    SourceError
        If it has nothing to read.
    """
    if isinstance(source, str | Path):
        yield from iterate(str(source))
    else:
        yield objects.item_of(source, number)


def listed(sources: Source | Sequence[Source]) -> Sequence[Source]:
    """Return the sources as a list, also where one was given alone."""
    alone = isinstance(sources, str | Path) or objects.is_structure(sources)
    return [sources] if alone else sources  # type: ignore[return-value]  # what is no sequence fails when it is read


def source_names(sources: Iterable[Source]) -> list[str]:
    """Return the sources as the user named them, in words."""
    return [printable(str(s)) if isinstance(s, str | Path) else objects.SOURCE for s in sources]


def iterate(source: str) -> Iterator[SourceItem]:
    """List the items of a source, one at a time, in a fixed order.

    Raises
    ------
    SourceError
        If nothing is there, or nothing in it can be read.
    """
    if source == SAMPLE:
        yield from _sample()
        return
    if source in (STDIN, "-"):
        yield from _named_on_stdin()
        return
    if source.startswith(cod.PREFIX):
        yield from cod.items(source)
        return
    if source.startswith(CSD):
        # a plug-in: loaded only where it is asked for
        yield from import_module("molinteract.sources.csd").items(source)
        return
    found = False
    for item in _of_path(source):
        found = True
        yield item
    if not found:
        raise SourceError(
            "no CIF file, archive or database there",
            entry=source,
            remedy="name a file, a folder or a pattern",
        )


def _sample() -> Iterator[SourceItem]:
    folder = Path(os.environ.get("MOLINTERACT_SAMPLE", "data/sample"))
    missing = [name for name in SAMPLE_FILES if not (folder / name).is_file()]
    if missing:
        raise SourceError(
            f"{', '.join(missing)} not found in {folder}",
            entry=SAMPLE,
            remedy="run make sample in a clone, or set MOLINTERACT_SAMPLE to the folder that holds them",
        )
    for name in SAMPLE_FILES:
        yield from _of_file(folder / name, key=name, source=SAMPLE)


def _named_on_stdin() -> Iterator[SourceItem]:
    """List what is named on standard input, by lines or (``find -print0``) by NUL; what is not there is read as a fault."""
    named = _read_stdin(sys.stdin)
    if not named:
        raise SourceError("nothing was named on standard input", entry=STDIN, remedy="one path a line: ls *.cif | …")
    for name in named:
        path = Path(name)
        key = printable(path.as_posix().lstrip("/"))
        if path.is_dir():
            yield from _in_folder(path, key=key, source=STDIN)
        elif not path.exists():
            yield SourceItem(key, STDIN, name, "fault", "no such file or folder")
        elif not files.kind(path.name):
            yield SourceItem(key, STDIN, name, "fault", f"no format that can be read: {READABLE}")
        else:
            yield from _of_file(path, key=key, source=STDIN)


@lru_cache(maxsize=1)
def _read_stdin(stream: TextIO) -> tuple[str, ...]:
    """Return what is named on standard input; kept, for it can be read only once."""
    return tuple(name for line in stream for name in line.rstrip("\r\n").split("\0") if name.strip())


def _of_path(named: str) -> Iterator[SourceItem]:
    path, source = Path(named), printable(named)
    if path.is_dir():
        yield from _in_folder(path, key=printable(path.resolve().name), source=source)
    elif path.is_file():
        if not files.kind(path.name):
            raise SourceError(
                f"{path.suffix or 'a file without suffix'} is no format that can be read",
                entry=source,
                remedy=READABLE,
            )
        yield from _of_file(path, key=printable(path.name), source=source, alone=True)
    else:
        yield from _matching(named)


def _matching(pattern: str) -> Iterator[SourceItem]:
    matches = [Path(p) for p in sorted(glob.glob(pattern, recursive=True)) if files.kind(p)]  # noqa: PTH207
    source = printable(pattern)
    if not matches:
        raise SourceError("no such file or folder", entry=source, remedy="check the path")
    common = Path(os.path.commonpath([p.resolve().parent for p in matches]))
    for path in matches:
        yield from _of_file(path, key=printable(path.resolve().relative_to(common).as_posix()), source=source)


def _in_folder(folder: Path, *, key: str, source: str) -> Iterator[SourceItem]:
    """List a folder deep, by name; one directory's names are in memory at a time."""
    try:
        with os.scandir(folder) as listing:
            found = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield SourceItem(key, source, str(folder), "fault", f"the folder cannot be listed: {error.strerror}")
        return
    for entry in found:
        name = f"{key}/{printable(entry.name)}"
        if entry.is_dir():
            if not entry.is_symlink():  # a link to a folder above would never end
                yield from _in_folder(Path(entry.path), key=name, source=source)
        elif (kind := files.kind(entry.name)) and entry.is_file():
            if kind == "file":  # nearly all: no need of a Path
                yield SourceItem(name, source, entry.path, kind, "", entry.stat().st_size)
            else:
                yield from _of_file(Path(entry.path), key=name, source=source)


def _of_file(path: Path, *, key: str, source: str, alone: bool = False) -> Iterator[SourceItem]:
    """List the items of one file; a damaged archive or database among others is one item that says so when read."""
    kind = files.kind(path.name)
    try:
        if kind in ("zip", "tar"):
            yield from archives.items(path, key=key, source=source)
        elif kind in ("ase", "aselmdb"):
            ranges = ase_database.row_ranges if kind == "ase" else ase_lmdb.row_ranges
            for rows, size in ranges(path):
                yield SourceItem(key, source, str(path), kind, rows, size)
        else:
            yield SourceItem(key, source, str(path), "file", "", path.stat().st_size)
    except SourceError as error:
        if alone:
            raise
        yield SourceItem(key, source, str(path), "fault", error.message)
