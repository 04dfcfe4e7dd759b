"""One shard: some source items, processed and written. The same task code for one process, for many, and for a cluster."""

import gc
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from molinteract.store.process import INTERNAL, Clock, ProcessedEntry, process_batch
from molinteract.store.schema import ENCODINGS, TABLES

HARD_FACTOR, HARD_GRACE = 2.0, 30.0
"""An isolated process is ended after so many times the time limit of an entry, plus so many seconds (compiling)."""

BATCH, ROWS_IN_BATCH = 128, 20_000
"""Entries are processed together up to so many, or so many atom rows."""

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
    limit = task.settings.limits.seconds
    hard = HARD_FACTOR * limit + HARD_GRACE if task.isolated else 0.0
    with _ShardWriter(task) as writer, Clock(limit, hard=hard) as clock, _rare_collections():
        batch = _Batch(task, writer, clock)
        for number, item in enumerate(task.items):
            reading = item.read()
            for entry in _entries(task, number, item, iter(reading), clock):
                batch.add(entry)
            batch.end(item, reading.content_hash)
        batch.process()
    return task.number


class _Batch:
    """What is read and not yet processed: entries, and the ends of items between them, in order."""

    def __init__(self, task: ShardTask, writer: "_ShardWriter", clock: Clock) -> None:
        self.task, self.writer, self.clock = task, writer, clock
        self._waiting: list[RawStructure | Rejected | tuple[SourceItem, str]] = []
        self._rows = 0
        self._outcome = Counter[str]()

    def add(self, entry: RawStructure | Rejected) -> None:
        self._waiting.append(entry)
        self._rows += len(entry.labels) if isinstance(entry, RawStructure) else 0
        if self.task.careful or len(self._waiting) >= BATCH or self._rows >= ROWS_IN_BATCH:
            self.process()

    def end(self, item: SourceItem, content: str) -> None:
        self._waiting.append((item, content))

    def process(self) -> None:
        waiting, self._waiting, self._rows = self._waiting, [], 0
        raws = [found for found in waiting if isinstance(found, RawStructure)]
        results = iter(process_batch(raws, self.task.settings, clock=self.clock))
        for found in waiting:
            if isinstance(found, tuple):
                self.writer.columns.add_item(item_record(*found, self._outcome))
                self._outcome.clear()
                continue
            result = next(results) if isinstance(found, RawStructure) else found
            self._outcome["kept" if isinstance(result, ProcessedEntry) else result.reason.value] += 1
            self.writer.add(result)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cyclic garbage rarely: entries leave next to none, and each look goes over all rows that wait."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _entries(
    task: ShardTask, number: int, item: SourceItem, entries: Iterator[RawStructure | Rejected], clock: Clock
) -> Iterator[RawStructure | Rejected]:
    """Yield the entries of an item; neither a fault of ours nor one of the item ends the shard."""
    fatal = dict(task.fatal)
    for entry in count():
        at = Position(number, entry, reading=True)
        if at in fatal:
            yield _unread(item, fatal[at])
            return
        _note(task, at)
        clock.watch()
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
            yield raw


def _unread(item: SourceItem, detail: str) -> Rejected:
    return Rejected(item.source, item.key, "", f"{item.name}#", Reason.PARSE_ERROR, detail)


def _note(task: ShardTask, at: Position) -> None:
    """Note what is begun."""
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
        with ExitStack() as undo:
            undo.callback(self._discard)
            for name, schema in TABLES.items():
                path = self.folder / f"{name}-{self.task.number:05d}.parquet"
                self.writers[name] = TableWriter(path, schema, encoding=ENCODINGS[name])
            undo.pop_all()
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
