"""One shard: some source items, processed and written. The same task code for one process and for many."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from molinteract.core.settings import BuildSettings
from molinteract.crystals.rejected import Rejected
from molinteract.sources.item import SourceItem
from molinteract.store import rows
from molinteract.store.files import checksum, read_json, write_json, write_table
from molinteract.store.manifest import item_record
from molinteract.store.process import ProcessedEntry, process
from molinteract.store.schema import TABLES


@dataclass(frozen=True, slots=True)
class ShardTask:
    """Everything a worker needs to make one shard."""

    number: int
    items: tuple[SourceItem, ...]
    settings: BuildSettings
    folder: str

    def identity(self) -> str:
        """Return what the shard is made from, for resuming: settings and items with their sizes."""
        return "\n".join([self.settings.fingerprint(), *(f"{i.key}\t{i.member}\t{i.size}" for i in self.items)])


def make_shard(task: ShardTask) -> int:
    """Process the items of a task and write its shard; return its number.

    The tables come first, the sidecar with their checksums last: a shard without sidecar does not exist.
    """
    tables: dict[str, list[rows.Row]] = {name: [] for name in TABLES}
    records: list[dict[str, Any]] = []
    for item in task.items:
        reading, outcome = item.read(), Counter[str]()
        for raw in reading:
            result = raw if isinstance(raw, Rejected) else process(raw, task.settings)
            outcome["kept" if isinstance(result, ProcessedEntry) else result.reason.value] += 1
            if isinstance(result, Rejected):
                tables["rejects"].append(rows.reject_row(result))
                continue
            tables["crystals"].append(rows.crystal_row(result))
            tables["molecules"] += rows.molecule_rows(result)
            tables["patches"] += rows.patch_rows(result, task.settings)
        records.append(item_record(item, reading.content_hash, outcome))
    folder = Path(task.folder)
    paths = {name: folder / f"{name}-{task.number:05d}.parquet" for name in TABLES}
    for name, path in paths.items():
        write_table(pa.Table.from_pylist(tables[name], schema=TABLES[name]), path)
    sidecar = {
        "number": task.number,
        "identity": task.identity(),
        "checksums": {path.name: checksum(path) for path in paths.values()},
        "rows": {name: len(tables[name]) for name in TABLES},
        "items": records,
    }
    write_json(sidecar, sidecar_path(folder, task.number))
    return task.number


def sidecar_path(folder: Path, number: int) -> Path:
    """Return the path of a shard's sidecar."""
    return folder / f"shard-{number:05d}.json"


def is_whole(task: ShardTask) -> bool:
    """Return whether the shard of a task is there already, made from the same items and undamaged."""
    folder = Path(task.folder)
    path = sidecar_path(folder, task.number)
    if not path.is_file():
        return False
    sidecar = read_json(path)
    if sidecar.get("identity") != task.identity():
        return False
    return all(
        (folder / name).is_file() and checksum(folder / name) == found for name, found in sidecar["checksums"].items()
    )
