"""One unit of reading, small enough to send to a worker, and the reading of it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected

Entries = Iterator[RawStructure | Rejected]
Update = Callable[[bytes], None]

READERS: Final[dict[str, str]] = {
    "file": "molinteract.sources.files",
    "archive": "molinteract.sources.archives",
    "ase": "molinteract.sources.ase_database",
    "aselmdb": "molinteract.sources.ase_lmdb",
    "cod": "molinteract.sources.cod",
    "csd": "molinteract.sources.csd",
    "object": "molinteract.sources.objects",
    "fault": "molinteract.sources.faults",
}
"""Module of each kind of item; its ``read_item(item, update)`` yields the entries and hands each byte that decides them to
``update``. Loaded when the first such item is read, so that a source that is not used needs nothing installed."""

NAMED_BY_MEMBER: Final = frozenset({"ase", "aselmdb", "object"})
"""Kinds of which the key alone does not tell the content: rows of one database, objects by their number."""


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One file, archive member or range of database rows, not yet read; small and picklable.

    Attributes
    ----------
    key : str
        Name, the same wherever the source lies: ``<name of the source>/<path within it>``.
    source : str
        What the user named.
    path : str
        File on disk.
    kind : str
        A key of ``READERS``.
    member : str
        What part of the file: place in an archive, ``first:last`` rows of a database; COD number, of a ``fault`` what is wrong.
    size : int
        Bytes, of an archive's member unpacked; for estimates.
    """

    key: str
    source: str
    path: str
    kind: str
    member: str = ""
    size: int = 0

    @property
    def name(self) -> str:
        """Unique name of the item: its key, with the rows of a database or the hash of an object."""
        return f"{self.key}|{self.member}" if self.kind in NAMED_BY_MEMBER else self.key

    def read(self) -> "Reading":
        """Read the entries of the item, one at a time; what cannot be read is a ``Rejected``."""
        return Reading(self)


class Reading:
    """The entries of one item while they are read, and a hash of what they were made from.

    Iterate over it once; ``content_hash`` is complete when the iteration is.
    """

    def __init__(self, item: SourceItem) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        module: Any = import_module(READERS[item.kind])
        self._entries: Entries = module.read_item(item, self._hash.update)

    def __iter__(self) -> Entries:
        return self._entries

    @property
    def content_hash(self) -> str:
        """blake2b hash of the content read so far, unpacked: the same for ``a.cif`` and ``a.cif.gz``."""
        return self._hash.hexdigest()
