"""The store at the size of a database: bytes a patch, memory that stays flat, millions of patches written, verified, sampled.

Crystals: the development set where MOLINTERACT_SHARED_DATA names it (bytes: the group of CSD-like molecules; growth: groups from
experiment), else the embedded sample. They are unpacked to files and read again and again under new names; nothing is kept
between two readings. The growth is one process without workers; a second process opens what it wrote.
"""

import multiprocessing
import os
import resource
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from harness import Figure, arguments, report
from molinteract.sources.entries import SAMPLE, items_of, iterate
from molinteract.sources.item import SourceItem
from molinteract.store import build as builder
from molinteract.store.dataset import open_dataset

CSD_LIKE = "csd500_dft"
EXPERIMENTAL = ("cod_openff", "cod_structurefinder", "cod_tools", "crystalatte", "tonto")
CSD_ENTRIES = 345_000
COSTS = {
    "csd500_dft": "CSD-like molecules",
    "cod_openff": "experimental files",
    "pyxtal_db": "cells given whole",
    "csp_genarris": "computed, small molecules",
}

ADDRESS = {
    "crystals": ("shard", "crystal", "entry", "cell", "rotations", "translations", "n_molecules", "n_patches"),
    "molecules": ("shard", "crystal", "molecule", "atomic_numbers", "x", "y", "z"),
    "patches": ("shard", "crystal", "i", "j", "operation", "lattice_a", "lattice_b", "lattice_c"),
}
"""Columns from which a patch is cut again; all others describe it or are labels."""

DESCRIPTION = {
    "patches": ("orbit", "multiplicity", "minimum_distance", "n_nodes", "n_inter", "n_intra"),
    "crystals": (
        "source", "file", "block", "group", "space_group", "z_prime", "molecules_in_cell", "density", "flags", "n_empty",
        "voronoi_lengths",
    ),
}  # fmt: skip


def main() -> None:
    """Print bytes a patch, growth of memory, times, and what follows for a database."""
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = _bytes(folder) + _costs(folder, rounds=1 if options.quick else 5)
        figures += _growth(folder, few=500 if options.quick else 1_000, many=3_000 if options.quick else 200_000)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures += pool.apply(_reading, (str(folder / "large"),))
    report(figures, options.json)


def _shared() -> Path | None:
    folder = Path(os.environ.get("MOLINTERACT_SHARED_DATA", "../shared/data")) / "crystals"
    return folder if (folder / "index.csv").is_file() else None


def _bytes(folder: Path) -> list[Figure]:
    shared = _shared()
    source = str(shared / f"{CSD_LIKE}.zip") if shared else SAMPLE
    builder.build([source], folder / "small")
    dataset = open_dataset(folder / "small")
    sizes = {"address": 0, "description": 0, "labels": 0, "overhead": 0}
    for file in sorted((folder / "small" / "shards").glob("*.parquet")):
        name = file.name.partition("-")[0]
        if name not in ADDRESS:
            continue
        metadata = pq.ParquetFile(file).metadata
        rest = file.stat().st_size
        for group in range(metadata.num_row_groups):
            for k in range(metadata.num_columns):
                column = metadata.row_group(group).column(k)
                title = column.path_in_schema.partition(".")[0]
                kind = (
                    "address" if title in ADDRESS[name]
                    else "description" if title in DESCRIPTION.get(name, ())
                    else "labels"
                )  # fmt: skip
                sizes[kind] += column.total_compressed_size
                rest -= column.total_compressed_size
        sizes["overhead"] += rest
    n = len(dataset)
    atoms = len(dataset.packed.atomic_numbers) / dataset.manifest["rows"]["molecules"]
    return [
        Figure("store: atoms a molecule", atoms, ""),
        Figure(
            "store: names, cells, operations, coordinates, addresses (with file headers)",
            (sizes["address"] + sizes["overhead"]) / n, "B a patch", target=25.0, higher_is_better=False,
        ),
        Figure("store: sizes, orbits, distances, groups", sizes["description"] / n, "B a patch"),
        Figure("store: chemistry (bonds, SMILES, flags, atom names, kinds of contact)", sizes["labels"] / n, "B a patch"),
    ]  # fmt: skip


def _costs(folder: Path, *, rounds: int) -> list[Figure]:
    """Build each group in this process, rounds in turn; median CPU time."""
    shared = _shared()
    if shared is None:
        return []
    spent: dict[str, list[float]] = {group: [] for group in COSTS}
    figures: dict[str, list[Figure]] = {}
    for turn in range(rounds):
        for group, title in COSTS.items():
            out = folder / f"{group}-{turn}"
            start = time.process_time()
            result = builder.build([str(shared / f"{group}.zip")], out)
            spent[group].append(time.process_time() - start)
            size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
            each = statistics.median(spent[group]) / (result.kept + result.rejected)
            figures[group] = [
                Figure(f"{title}: CPU time an entry, with labels, stored", 1e3 * each, "ms"),
                Figure(f"{title}: patches a crystal", result.patches / result.kept, ""),
                Figure(f"{title}: store, all of it", size / result.kept, "B a crystal"),
            ]
            if group == CSD_LIKE:
                minutes = each * CSD_ENTRIES / 2 / 60
                figures[group].append(
                    Figure(
                        f"{CSD_ENTRIES:,} {title}, with labels, on two cores",
                        minutes,
                        "min",
                        6.0,
                        higher_is_better=False,
                    )
                )
    return [figure for found in figures.values() for figure in found]


@dataclass
class _Repeated:
    """Items read again and again under new names."""

    items: list[SourceItem]
    count: int

    def __call__(self, _source: str, _number: int) -> Iterator[SourceItem]:
        for k in range(self.count):
            item = self.items[k % len(self.items)]
            yield replace(item, key=f"{k // len(self.items):06d}/{item.key}")


def _unpacked(folder: Path) -> tuple[list[SourceItem], float]:
    """Unpack the experimental files; return those that hold kept crystals, and how many each holds in the mean."""
    shared = _shared()
    if shared is None:
        items = list(iterate(SAMPLE))
        return items, open_dataset(folder / "small").n_entries / len(items)
    for group in EXPERIMENTAL:
        with zipfile.ZipFile(shared / f"{group}.zip") as archive:
            archive.extractall(folder / "cifs" / group)
    items = list(iterate(str(folder / "cifs")))
    builder.build([str(folder / "cifs")], folder / "once")
    dataset = open_dataset(folder / "once")
    kept = set(dataset.crystals["file"].to_pylist())
    return [item for item in items if item.key in kept], dataset.n_entries / len(kept)


def _growth(folder: Path, *, few: int, many: int) -> list[Figure]:
    items, each = _unpacked(folder)
    marks: list[float] = []

    def note(done: int, _total: int) -> None:
        if done * each >= few:
            marks.append(_resident())

    builder.items_of = _Repeated(items, round(many / each))
    wall, cpu = time.perf_counter(), time.process_time()
    result = builder.build(["repeated"], folder / "large", progress=note)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    builder.items_of = items_of
    start = time.perf_counter()
    damaged = open_dataset(folder / "large").verify()
    assert not damaged, damaged
    spent = cpu / result.kept
    return [
        Figure("large: crystals kept", result.kept, ""),
        Figure("large: patches written", result.patches, ""),
        Figure(f"large: memory after {few:,} crystals", marks[0], "MB"),
        Figure("large: growth of memory until the last", max(marks) - marks[0], "MB", 100.0, higher_is_better=False),
        Figure("large: CPU time a crystal, with labels, stored", 1e3 * spent, "ms"),
        Figure("large: wall time", wall, "s"),
        Figure("large: verified in", time.perf_counter() - start, "s"),
    ]  # fmt: skip


def _reading(path: str) -> list[Figure]:
    """Open the large store in a fresh process and draw from it."""
    before, start = _resident(), time.process_time()
    dataset = open_dataset(path)
    opened = time.process_time() - start
    dataset.cut(np.arange(64))
    first = time.process_time() - start
    after = _resident()
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, len(dataset), 64) for _ in range(2_000)]
    sizes = dataset.column("n_nodes")
    start = time.process_time()
    nodes = sum(len(dataset.cut(rows).atomic_numbers) for rows in batches)
    seconds = time.process_time() - start
    assert nodes == sum(int(sizes[rows].sum()) for rows in batches)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure("large: opened in", opened, "s"),
        Figure("large: first batch after", first, "s"),
        Figure("large: memory of an open store", after - before, "MB"),
        Figure("large: highest memory of the process that reads", peak, "MB"),
        Figure("large: nodes a patch", nodes / 64 / len(batches), ""),
        Figure("large: random batches of 64 cut", 64 * len(batches) / seconds, "patches/s"),
    ]


def _resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
