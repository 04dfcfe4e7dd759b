"""Sources become a store: shards, ``rejects.parquet``, ``manifest.json``."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from molinteract.core.errors import ConfigError, SourceError
from molinteract.core.settings import BuildSettings
from molinteract.sources.entries import Source, items_of, listed, source_names
from molinteract.sources.item import SourceItem
from molinteract.store.cluster import run_on_ray
from molinteract.store.dataset import open_dataset
from molinteract.store.folder import finish, item_records, prepare
from molinteract.store.manifest import Differences, Rebuild, chosen, compare, read_rebuild
from molinteract.store.process import INTERNAL
from molinteract.store.shards import ShardTask, is_whole, make_shard, was_begun
from molinteract.store.workers import run_local

ITEMS_PER_SHARD = 512
BYTES_PER_SHARD = 16_000_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes
    ----------
    path : str
    kept, rejected, patches : int
        Entries kept and rejected, patches written.
    reasons : dict
        Rejected entries by reason.
    internal_errors : int
        Rejects that a fault of ours caused.
    reused_shards : int
        Shards that were already whole.
    differences : Differences or None
        Of a build from a manifest.
    """

    path: str
    kept: int
    rejected: int
    patches: int
    reasons: dict[str, int]
    internal_errors: int
    reused_shards: int
    differences: Differences | None = None

    @property
    def clean(self) -> bool:
        """Whether something was kept, no fault of ours met, and nothing differs from the manifest."""
        same = self.differences is None or self.differences.identical
        return self.kept > 0 and not self.internal_errors and same

    def text(self) -> str:
        """Return the report in words."""
        lines = [f"{self.kept:,} entries kept, {self.rejected:,} rejected, {self.patches:,} patches in {self.path}"]
        lines += [f"  {count:6,}  {reason}" for reason, count in self.reasons.items()]
        if self.internal_errors:
            faults = f"{self.internal_errors} rejects are faults of this program"
            lines.append(f"{faults} (detail '{INTERNAL}'): report them")
        if self.differences is not None:
            lines.append(self.differences.text())
        return "\n".join(lines)


def build(
    sources: Source | Sequence[Source],
    out: str | Path,
    *,
    settings: BuildSettings | None = None,
    workers: int = 1,
    ray: str | None = None,
    resume: bool = False,
    from_manifest: str | Path | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Build a store.

    Parameters
    ----------
    sources : one, or a sequence
        Files, folders, patterns, archives, databases, ``sample:``, ASE ``Atoms``, pymatgen ``Structure`` (see
        ``sources.entries``).
    out : str or Path
        Folder of the store.
    settings : BuildSettings, optional
        The paper's by default, or those of ``from_manifest``.
    workers : int
        Processes. The store is the same for any number. One is this process: an entry that kills it ends the build, and is
        found and rejected with ``resume``; from two on that happens at once.
    ray : str, optional
        Address of a Ray cluster (``auto``, ``host:port``, ``local``) instead of processes here.
    resume : bool
        Go on with a build that was interrupted; whole shards are kept.
    from_manifest : str or Path, optional
        Build what the manifest of another store lists (``rebuild.jsonl.gz``, or the folder of the store), from these
        sources, and report what differs.
    progress : callable, optional
        Called with (items done, items in all).

    Raises
    ------
    SourceError
        If a source cannot be opened.
    StoreError
        If ``out`` holds something else, cannot be written, or workers die without having begun.
    ConfigError
        If both workers and a cluster are asked for.
    """
    sources = listed(sources)
    if ray is not None and workers > 1:
        raise ConfigError("either --workers or --ray", remedy="leave one of them out")
    manifest = read_rebuild(from_manifest) if from_manifest is not None else None
    settings = settings or (manifest.settings if manifest else BuildSettings())
    out = Path(out)
    total, extra = _count(sources), list[str]()
    items: Iterable[SourceItem] = _items(sources)
    if manifest is not None:
        items, extra = chosen(manifest, items)
        total = len(items)
    folder = prepare(out, settings, resume=resume)
    tally = _Tally()
    todo = _todo(_tasks(items, settings, folder), tally, resume=resume)
    for task in _run(todo, workers, ray):
        tally.items += len(task.items)
        if progress is not None:
            progress(tally.items, total)
    finish(out, tally.shards, settings=settings, sources=manifest.sources if manifest else source_names(sources))
    return _report(out, settings, manifest, extra=extra, reused=tally.reused)


@dataclass(slots=True)
class _Tally:
    """Shards seen so far, those of them that were whole, and items done."""

    shards: int = 0
    reused: int = 0
    items: int = 0


def _items(sources: Sequence[Source]) -> Iterator[SourceItem]:
    for number, source in enumerate(sources, start=1):
        yield from items_of(source, number)


def _count(sources: Sequence[Source]) -> int:
    """Count the items; eight bytes of each are kept where several sources could share a name."""
    names: list[tuple[str, array[int]]] = []
    total = 0
    for number, (source, name) in enumerate(zip(sources, source_names(sources), strict=True), start=1):
        seen = array("q")
        for item in items_of(source, number):
            total += 1
            if len(sources) > 1:
                digest = blake2b(item.name.encode(), digest_size=8).digest()
                seen.append(int.from_bytes(digest, "big", signed=True))
        for other, theirs in names:
            if other != name and len(np.intersect1d(np.asarray(seen), np.asarray(theirs))):
                raise SourceError(
                    f"{other!r} and {name!r} hold files of the same name: entries would share it",
                    remedy="rename one of the folders, or build two stores",
                )
        names.append((name, seen))
    return total


def _tasks(items: Iterable[SourceItem], settings: BuildSettings, folder: Path) -> Iterator[ShardTask]:
    part: list[SourceItem] = []
    size, number = 0, 0
    for item in items:
        if part and (len(part) >= ITEMS_PER_SHARD or size + item.size > BYTES_PER_SHARD):
            yield ShardTask(number, tuple(part), settings, str(folder))
            part, size, number = [], 0, number + 1
        part.append(item)
        size += item.size
    if part:
        yield ShardTask(number, tuple(part), settings, str(folder))


def _todo(tasks: Iterator[ShardTask], tally: _Tally, *, resume: bool) -> Iterator[ShardTask]:
    for task in tasks:
        tally.shards += 1
        if resume and is_whole(task):
            tally.reused += 1
            tally.items += len(task.items)
        else:
            yield task


def _run(tasks: Iterator[ShardTask], workers: int, ray: str | None) -> Iterator[ShardTask]:
    if ray is not None:
        yield from run_on_ray(tasks, ray)
    elif workers > 1:
        yield from run_local(tasks, workers)
    else:
        for task in tasks:
            if was_begun(task):
                # something in it may have killed its builder: in a process of its own that is found and rejected
                yield from run_local([task], 1)
            else:
                make_shard(task)
                yield task


def _report(
    out: Path, settings: BuildSettings, manifest: Rebuild | None, *, extra: Sequence[str], reused: int
) -> BuildReport:
    dataset = open_dataset(out)
    rejects = dataset.tables.read("rejects", ["reason", "detail"])
    found = zip(*(pc.value_counts(rejects["reason"]).field(k).to_pylist() for k in range(2)), strict=True)
    checksums, records = dataset.tables.checksums, item_records(out)
    return BuildReport(
        path=str(out),
        kept=dataset.n_entries,
        rejected=len(rejects),
        patches=len(dataset),
        reasons=dict(sorted(found, key=lambda pair: (-pair[1], pair[0]))),
        internal_errors=pc.sum(pc.starts_with(rejects["detail"], INTERNAL)).as_py() or 0,
        reused_shards=reused,
        differences=compare(manifest, settings=settings, checksums=checksums, records=records, extra=extra)
        if manifest
        else None,
    )
