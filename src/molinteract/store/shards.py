"""One shard: some source items, processed and written. The same task code for one process, for many, and for a cluster."""

import hashlib
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from molinteract.core.errors import MissingExtraError, SourceError, StoreError
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.item import SourceItem
from molinteract.store.columns import Columns
from molinteract.store.files import SCRATCH, TableWriter, checksum, read_json, write_json
from molinteract.store.manifest import item_record
from molinteract.store.process import INTERNAL, Clock, ProcessedEntry, process
from molinteract.store.schema import ENCODINGS, TABLES

HARD_FACTOR, HARD_GRACE = 2.0, 30.0
"""An isolated process is ended after so many times the time limit of an entry, plus so many seconds (compiling)."""

ENTRIES_PER_PART = 2048
"""Entries are written out in parts of so many: an item may hold a whole database."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a task the work is: entry ``entry`` of item ``item``, being read or being processed."""

    item: int
    entry: int
    reading: bool


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Everything a worker needs to make one shard.

    Attributes
    ----------
    number : int
    items : tuple of SourceItem
    settings : BuildSettings
    folder : str
        Where the shards are.
    careful : bool
        Note on disk what is in hand, so that what kills the process can be found (``store.attempts``).
    fatal : tuple of (Position, str)
        What has killed a process before and how: rejected unseen.
    isolated : bool
        The process is there for this task: the system shall end it when an entry takes far longer than its limit, which compiled
        code that does not return would else ignore.
    """

    number: int
    items: tuple[SourceItem, ...]
    settings: BuildSettings
    folder: str
    careful: bool = False
    fatal: tuple[tuple[Position, str], ...] = ()
    isolated: bool = False

    def identity(self) -> str:
        """Return a hash of what the shard is made from, for resuming: settings and items with their sizes."""
        text = "\n".join([self.settings.fingerprint(), *(f"{i.name}\t{i.size}" for i in self.items)])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def note_path(self) -> Path:
        """File that says what is in hand."""
        return Path(self.folder) / f".shard-{self.number:05d}.at"


def make_shard(task: ShardTask) -> int:
    """Process the items of a task and write its shard; return its number.

    Raises
    ------
    StoreError
        If the shard cannot be written.
    MissingExtraError, SourceError
        If what the source needs is not there: a package, a server.
    """
    with _ShardWriter(task) as writer, Clock(task.settings.limits.seconds) as clock:
        for number, item in enumerate(task.items):
            reading, outcome = item.read(), Counter[str]()
            for result in _results(task, number, item, iter(reading), clock):
                outcome["kept" if isinstance(result, ProcessedEntry) else result.reason.value] += 1
                writer.add(result)
            writer.columns.add_item(item_record(item, reading.content_hash, outcome))
        if task.isolated and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return task.number


def _results(
    task: ShardTask, number: int, item: SourceItem, entries: Iterator[RawStructure | Rejected], clock: Clock
) -> Iterator[ProcessedEntry | Rejected]:
    """Yield what becomes of the entries of an item; neither a fault of ours nor one of the item ends the shard."""
    fatal = dict(task.fatal)
    for entry in count():
        at = Position(number, entry, reading=True)
        if at in fatal:
            yield _unread(item, fatal[at])
            return
        _note(task, at)
        try:
            raw = next(entries, None)
        except (MissingExtraError, SourceError):
            raise  # no entry can be read, now: the build stops, and goes on with --resume
        except Exception as error:  # noqa: BLE001 one item that cannot be read must not end a build of 500,000
            yield _unread(item, f"{INTERNAL}: {type(error).__name__}: {error}")
            return
        if raw is None:
            return
        at = Position(number, entry, reading=False)
        if isinstance(raw, Rejected):
            yield raw
        elif at in fatal:
            yield Rejected(raw.source, raw.file, raw.block, raw.entry, Reason.PARSE_ERROR, fatal[at])
        else:
            _note(task, at)
            yield process(raw, task.settings, clock=clock)


def _unread(item: SourceItem, detail: str) -> Rejected:
    return Rejected(item.source, item.key, "", f"{item.name}#", Reason.PARSE_ERROR, detail)


def _note(task: ShardTask, at: Position) -> None:
    """Note what is begun, and set the clock on it."""
    if task.isolated and hasattr(signal, "setitimer"):
        # counts processor time; nobody catches its signal
        signal.setitimer(signal.ITIMER_VIRTUAL, HARD_FACTOR * task.settings.limits.seconds + HARD_GRACE)
    if task.careful:
        task.note_path.write_text(f"{at.item} {at.entry} {int(at.reading)}")


class _ShardWriter:
    """The tables of a shard: written in parts, published together, the sidecar with their checksums last."""

    def __init__(self, task: ShardTask) -> None:
        self.task = task
        self.folder = Path(task.folder)
        self.columns = Columns(task.number)
        self.writers: dict[str, TableWriter] = {}

    def __enter__(self) -> Self:
        try:
            for name, schema in TABLES.items():
                path = self.folder / f"{name}-{self.task.number:05d}.parquet"
                self.writers[name] = TableWriter(path, schema, encoding=ENCODINGS[name])
        except BaseException:
            self._discard()
            raise
        return self

    def add(self, result: ProcessedEntry | Rejected) -> None:
        if isinstance(result, Rejected):
            self.columns.add_reject(result)
        else:
            self.columns.add_entry(result)
        if len(self.columns) >= ENTRIES_PER_PART:
            self._write_part()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            self._discard()

    def _publish(self) -> None:
        self._write_part()
        for writer in self.writers.values():
            writer.publish()
        sidecar = {
            "number": self.task.number,
            "identity": self.task.identity(),
            "checksums": {writer.path.name: checksum(writer.path) for writer in self.writers.values()},
            "rows": {name: writer.rows for name, writer in self.writers.items()},
        }
        write_json(sidecar, sidecar_path(self.folder, self.task.number))
        self.task.note_path.unlink(missing_ok=True)

    def _write_part(self) -> None:
        for name, table in self.columns.take().items():
            self.writers[name].write(table)

    def _discard(self) -> None:
        for writer in self.writers.values():
            writer.discard()


def sidecar_path(folder: Path, number: int) -> Path:
    """Return the path of a shard's sidecar."""
    return folder / f"shard-{number:05d}.json"


def is_whole(task: ShardTask) -> bool:
    """Return whether the shard of a task is there already, made from the same items and undamaged."""
    folder = Path(task.folder)
    path = sidecar_path(folder, task.number)
    if not path.is_file():
        return False
    try:
        sidecar = read_json(path)
    except StoreError:
        return False
    if sidecar.get("identity") != task.identity():
        return False
    return all(
        (folder / name).is_file() and checksum(folder / name) == found for name, found in sidecar["checksums"].items()
    )


def was_begun(task: ShardTask) -> bool:
    """Return whether a builder died, or was killed, while it wrote the shard of a task: its unfinished tables are left."""
    return any(Path(task.folder).glob(f".*-{task.number:05d}.parquet.*{SCRATCH}"))
