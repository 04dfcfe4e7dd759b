"""Sources become a store: shards, ``rejects.parquet``, ``manifest.json``."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from molinteract.core.errors import SourceError, StoreError
from molinteract.core.provenance import utc_now, versions
from molinteract.core.settings import BuildSettings
from molinteract.sources.entries import iterate
from molinteract.sources.item import SourceItem
from molinteract.store.files import read_json, write_json, write_table
from molinteract.store.manifest import Differences, Rebuild, chosen, compare, read_rebuild, write_rebuild
from molinteract.store.process import INTERNAL
from molinteract.store.schema import REJECTS, VERSION
from molinteract.store.shards import ShardTask, is_whole, make_shard, sidecar_path

ITEMS_PER_SHARD = 128
BYTES_PER_SHARD = 8_000_000
SECONDS_PER_MEGABYTE = 1.1
"""14 MB of CIF text took 18 s on one core (``docs/data.md``); for ``--dry-run``."""

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


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a build would do: items, bytes to read, seconds on one core, bytes to write."""

    items: int
    megabytes: float
    seconds: float
    store_megabytes: float


def estimate(sources: Sequence[str]) -> Estimate:
    """Estimate a build without doing it."""
    items = _items(sources)
    megabytes = sum(item.size for item in items) / 1e6
    return Estimate(len(items), megabytes, megabytes * SECONDS_PER_MEGABYTE + 2.0, megabytes * 0.25)


def build(
    sources: Sequence[str],
    out: str | Path,
    *,
    settings: BuildSettings | None = None,
    workers: int = 1,
    resume: bool = False,
    from_manifest: str | Path | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Build a store.

    Parameters
    ----------
    sources : sequence of str
        Files, folders, patterns, archives, databases, ``sample:`` (see ``sources.entries``).
    out : str or Path
        Folder of the store.
    settings : BuildSettings, optional
        The paper's by default, or those of ``from_manifest``.
    workers : int
        Processes. The store is the same for any number.
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
        If ``out`` holds something else, or a worker died.
    """
    manifest = read_rebuild(from_manifest) if from_manifest is not None else None
    settings = settings or (manifest.settings if manifest else BuildSettings())
    out = Path(out)
    items, extra = _items(sources), list[str]()
    if manifest is not None:
        items, extra = chosen(manifest, items)
    folder = _prepared(out, settings, resume=resume)
    tasks = [ShardTask(n, part, settings, str(folder)) for n, part in enumerate(_chunks(items))]
    todo = [task for task in tasks if not (resume and is_whole(task))]
    done = len(items) - sum(len(task.items) for task in todo)
    for task in _run(todo, workers):
        done += len(task.items)
        if progress is not None:
            progress(done, len(items))
    _finish(out, folder, tasks, settings, manifest.sources if manifest else sources)
    report = _report(out, reused=len(tasks) - len(todo))
    if manifest is None:
        return report
    return replace(report, differences=_differences(manifest, out, folder, tasks, settings, extra))


def _items(sources: Sequence[str]) -> list[SourceItem]:
    items = [item for source in sources for item in iterate(source)]
    seen: dict[str, str] = {}
    for item in items:
        other = seen.setdefault(item.name, item.source)
        if other != item.source:
            raise SourceError(
                f"{other!r} and {item.source!r} both hold {item.key!r}: entries would share a name",
                remedy="rename one of the folders, or build two stores",
            )
    return items


def _chunks(items: Sequence[SourceItem]) -> Iterator[tuple[SourceItem, ...]]:
    part: list[SourceItem] = []
    size = 0
    for item in items:
        if part and (len(part) >= ITEMS_PER_SHARD or size + item.size > BYTES_PER_SHARD):
            yield tuple(part)
            part, size = [], 0
        part.append(item)
        size += item.size
    if part:
        yield tuple(part)


def _prepared(out: Path, settings: BuildSettings, *, resume: bool) -> Path:
    """Make the folders; refuse one that holds something else."""
    folder = out / "shards"
    plan = {"schema_version": VERSION, "settings": settings.model_dump(mode="json")}
    existing = out / "plan.json"
    if existing.is_file():
        if read_json(existing) != plan:
            raise StoreError(
                "the folder holds a store built with other settings",
                entry=str(out),
                remedy="choose another folder",
            )
        if not resume:
            raise StoreError(
                "the folder holds a store already",
                entry=str(out),
                remedy="add --resume, or choose another folder",
            )
    elif out.exists() and any(out.iterdir()):
        raise StoreError("the folder is not empty and holds no store", entry=str(out), remedy="choose another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(plan, existing)
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", entry=str(out)) from error
    return folder


def _run(tasks: Sequence[ShardTask], workers: int) -> Iterator[ShardTask]:
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            make_shard(task)
            yield task
        return
    # spawn: the parent may hold threads (numba, PyTorch), which a fork would freeze
    context = multiprocessing.get_context("spawn")
    by_number = {task.number: task for task in tasks}
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        futures = [pool.submit(make_shard, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield by_number[future.result()]
        except BrokenProcessPool as error:
            raise StoreError(
                "a worker process died (out of memory?)", remedy="run again with --resume and fewer --workers"
            ) from error


def _finish(
    out: Path,
    folder: Path,
    tasks: Sequence[ShardTask],
    settings: BuildSettings,
    sources: Sequence[str],
) -> None:
    numbers = {task.number for task in tasks}
    for path in folder.glob("*-*.*"):
        # shards of an earlier, longer list of items are no part of this store
        if int(path.stem.rsplit("-", 1)[1]) not in numbers:
            path.unlink()
    sidecars = [read_json(sidecar_path(folder, task.number)) for task in tasks]
    rejects = [pq.read_table(folder / f"rejects-{task.number:05d}.parquet") for task in tasks]
    write_table(pa.concat_tables(rejects) if rejects else REJECTS.empty_table(), out / "rejects.parquet")
    checksums = {name: value for s in sidecars for name, value in s["checksums"].items()}
    records = (record for s in sidecars for record in s["items"])
    write_rebuild(out, settings=settings, sources=sources, checksums=checksums, records=records)
    counts = {name: sum(s["rows"][name] for s in sidecars) for name in ("crystals", "molecules", "patches", "rejects")}
    write_json(
        {
            "schema_version": VERSION,
            "settings": settings.model_dump(mode="json"),
            "sources": list(sources),
            "rows": counts,
            "checksums": checksums,
            "versions": versions(),
            "written": utc_now(),
        },
        out / "manifest.json",
    )


def _differences(
    manifest: Rebuild,
    out: Path,
    folder: Path,
    tasks: Sequence[ShardTask],
    settings: BuildSettings,
    extra: Sequence[str],
) -> Differences:
    records = (record for task in tasks for record in read_json(sidecar_path(folder, task.number))["items"])
    checksums = read_json(out / "manifest.json")["checksums"]
    return compare(manifest, settings=settings, checksums=checksums, records=records, extra=extra)


def _report(out: Path, *, reused: int) -> BuildReport:
    rows = read_json(out / "manifest.json")["rows"]
    rejects = pq.read_table(out / "rejects.parquet", columns=["reason", "detail"]).to_pylist()
    reasons: dict[str, int] = {}
    for row in rejects:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    internal = sum(row["detail"].startswith(INTERNAL) for row in rejects)
    ordered = dict(sorted(reasons.items(), key=lambda pair: -pair[1]))
    return BuildReport(str(out), rows["crystals"], rows["rejects"], rows["patches"], ordered, internal, reused)
