"""One crystal from one file, for Python users."""

from pathlib import Path

from molinteract.core.errors import EntryError, SourceError
from molinteract.core.settings import Limits, Policies
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import Crystal
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.entries import Source, iterate
from molinteract.sources.objects import structure_of


def read_structures(path: str | Path) -> list[RawStructure | Rejected]:
    """Read every entry of a file, folder, archive or database, unjudged; an ``#entry`` picks blocks by name.

    Raises
    ------
    SourceError
        If there is nothing to read, or no block of that name.
    """
    source, _, block = str(path).partition("#")
    found = [entry for item in iterate(source) for entry in item.read()]
    if block:
        named = [entry for entry in found if entry.block == block]
        if not named:
            names = ", ".join(entry.block for entry in found[:8])
            raise SourceError(f"no entry {block!r}; the first ones are {names}", entry=source)
        return named
    return found


def read_crystal(path: Source) -> Crystal:
    """Read one crystal.

    Parameters
    ----------
    path : str, Path, ase.Atoms or pymatgen Structure
        A file; ``file.cif#block`` picks a block, else the first one is read. Or an object that is a structure.

    Raises
    ------
    EntryError
        If it cannot be used; the error has the reason.
    SourceError
        If there is nothing to read.
    """
    entry = read_structures(path)[0] if isinstance(path, str | Path) else structure_of(path)
    if isinstance(entry, Rejected):
        raise EntryError(entry.reason, entry.detail, entry=entry.entry)
    return assemble(entry, policies=Policies(), limits=Limits())
