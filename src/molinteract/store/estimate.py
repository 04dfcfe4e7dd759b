"""What a build would take, from building a few of its items for real."""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molinteract.core.settings import BuildSettings
from molinteract.sources.entries import Source, items_of
from molinteract.sources.item import SourceItem
from molinteract.store.files import read_json
from molinteract.store.process import warm_up
from molinteract.store.shards import ShardTask, make_shard, sidecar_path

TRIED = 48
"""Items that are built, drawn from all of them."""
START_SECONDS = 3.0
"""Of a process: imports and loading of compiled kernels."""
PROCESS_MEGABYTES = 400.0
"""Memory of a process at work (``docs/scale.md``)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a build would do.

    Attributes
    ----------
    items : int
        Files, archive members, row ranges.
    tried : int
        Items that were built for this estimate; only what lies on this machine is tried.
    megabytes : float
        To read, unpacked.
    kept, patches : int
        Entries kept and patches, expected.
    seconds : float
        With the number of processes given; of this machine's processor time.
    store_megabytes : float
        To write.
    memory_megabytes : float
        Of all processes.
    """

    items: int
    tried: int
    megabytes: float
    kept: int
    patches: int
    seconds: float
    store_megabytes: float
    memory_megabytes: float

    def text(self) -> str:
        """Return the estimate in words."""
        return (
            f"{self.items:,} files or rows, {self.megabytes:,.1f} MB to read; from {self.tried} of them, built as a trial: "
            f"about {self.kept:,} entries kept, {self.patches:,} patches, {self.seconds:,.0f} s, "
            f"{self.store_megabytes:,.1f} MB to write, {self.memory_megabytes:,.0f} MB of memory"
        )


def estimate(sources: Sequence[Source], *, settings: BuildSettings | None = None, workers: int = 1) -> Estimate:
    """Estimate a build by building a random few of its items in a temporary folder.

    Parameters
    ----------
    sources : sequence of str, Path, ase.Atoms or pymatgen Structure
    settings : BuildSettings, optional
        The paper's by default.
    workers : int

    Raises
    ------
    SourceError
        If a source cannot be opened.
    """
    count, size, drawn = 0, 0, list[SourceItem]()
    rng = random.Random(0)
    for number, source in enumerate(sources, start=1):
        for item in items_of(source, number):
            count += 1
            size += item.size
            if not Path(item.path).exists():
                continue  # it would have to be fetched
            if len(drawn) < TRIED:
                drawn.append(item)
            elif (place := rng.randrange(count)) < TRIED:
                drawn[place] = item
    rows, seconds, written = _trial(drawn, settings or BuildSettings())
    share = count / max(1, len(drawn))
    return Estimate(
        items=count,
        tried=len(drawn),
        megabytes=size / 1e6,
        kept=round(rows["crystals"] * share),
        patches=round(rows["patches"] * share),
        seconds=seconds * share / workers + START_SECONDS,
        store_megabytes=written * share / 1e6,
        memory_megabytes=PROCESS_MEGABYTES * (workers + 1 if workers > 1 else 1),
    )


def _trial(items: Sequence[SourceItem], settings: BuildSettings) -> tuple[dict[str, int], float, int]:
    """Build some items; return the rows of each table, processor seconds and bytes written."""
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        make_shard(ShardTask(0, tuple(items), settings, folder))
        seconds = time.process_time() - start
        written = sum(path.stat().st_size for path in Path(folder).iterdir())
        return read_json(sidecar_path(Path(folder), 0))["rows"], seconds, written
