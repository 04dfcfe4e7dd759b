"""The folder of a store before and after its shards are made."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from molinteract.core.errors import StoreError
from molinteract.core.provenance import utc_now, versions
from molinteract.core.settings import BuildSettings
from molinteract.store.files import TableWriter, explained, read_json, read_verified, write_json
from molinteract.store.manifest import NAME, write_rebuild
from molinteract.store.schema import ENCODINGS, REJECTS, TABLES, VERSION
from molinteract.store.shards import sidecar_path


def prepare(out: Path, settings: BuildSettings, *, resume: bool) -> Path:
    """Make the folders of a store and return that of the shards.

    Raises
    ------
    StoreError
        If the folder holds something else, or cannot be written.
    """
    folder = out / "shards"
    plan = {"schema_version": VERSION, "settings": settings.model_dump(mode="json")}
    existing = out / "plan.json"
    if existing.is_file():
        _check_plan(read_json(existing, sealed=False), plan, out, resume=resume)
    elif out.exists() and any(out.iterdir()):
        raise StoreError("the folder is not empty and holds no store", entry=str(out), remedy="choose another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", entry=str(out)) from error
    write_json(plan, existing)
    return folder


def _check_plan(found: dict[str, Any], plan: dict[str, Any], out: Path, *, resume: bool) -> None:
    for key, what in (("schema_version", "in another layout"), ("settings", "with other settings")):
        if found.get(key) != plan[key]:
            raise StoreError(f"the folder holds a store built {what}", entry=str(out), remedy="choose another folder")
    if not resume:
        raise StoreError(
            "the folder holds a store already", entry=str(out), remedy="add --resume, or choose another folder"
        )


def finish(out: Path, shards: int, *, settings: BuildSettings, sources: Sequence[str]) -> None:
    """Write ``rejects.parquet`` and the manifest of a store whose shards are all there.

    Raises
    ------
    StoreError
        If the disk is full or fails.
    """
    folder = out / "shards"
    _remove_others(folder, shards)
    counts = dict.fromkeys(TABLES, 0)
    checksums: dict[str, str] = {}
    rejects = TableWriter(out / "rejects.parquet", REJECTS, encoding=ENCODINGS["rejects"])
    try:
        for number in range(shards):
            sidecar = read_json(sidecar_path(folder, number))
            checksums |= sidecar["checksums"]
            for name in counts:
                counts[name] += sidecar["rows"][name]
            file = f"rejects-{number:05d}.parquet"
            rejects.write(read_verified(folder / file, checksums[file]).cast(REJECTS))
        rejects.publish()
    finally:
        rejects.discard()
    with explained(out / NAME):
        write_rebuild(
            out, settings=settings, sources=sources, checksums=checksums, records=_records(folder, shards, checksums)
        )
    manifest = {
        "schema_version": VERSION,
        "settings": settings.model_dump(mode="json"),
        "sources": list(sources),
        "rows": counts,
        "checksums": checksums,
        "versions": versions(),
        "written": utc_now(),
    }
    write_json(manifest, out / "manifest.json")


def item_records(out: Path) -> Iterator[dict[str, Any]]:
    """Yield the record of each item of a finished store, one shard in memory at a time."""
    checksums = read_json(out / "manifest.json")["checksums"]
    yield from _records(out / "shards", sum(name.startswith("items-") for name in checksums), checksums)


def _records(folder: Path, shards: int, checksums: dict[str, str]) -> Iterator[dict[str, Any]]:
    for number in range(shards):
        file = f"items-{number:05d}.parquet"
        yield from read_verified(folder / file, checksums[file]).to_pylist()


def _remove_others(folder: Path, shards: int) -> None:
    """Remove what interrupted writers left, and shards of an earlier, longer list of items."""
    for path in (*folder.glob(".*"), *folder.parent.glob(".*.part")):
        path.unlink(missing_ok=True)
    for path in folder.glob("*-*.*"):
        if int(path.stem.rsplit("-", 1)[1]) >= shards:
            path.unlink()
