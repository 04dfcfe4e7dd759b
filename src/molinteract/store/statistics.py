"""Table 1 of the paper, beside its own figures, and what else a store can count."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molinteract.core.elements import SYMBOLS
from molinteract.store.breakdowns import Breakdown, breakdowns, histograms
from molinteract.store.dataset import PatchDataset
from molinteract.store.duplicates import near_duplicates
from molinteract.store.tables import flat

PAPER: Final[dict[str, float]] = {
    "entries": 344858, "patches": 6059368, "patches_per_entry": 17.6,
    "nodes_mean": 67.8, "nodes_sd": 24.3, "nodes_min": 4, "nodes_max": 424,
    "inter_edges_mean": 34.1, "inter_edges_sd": 34.5, "inter_edges_min": 1, "inter_edges_max": 8547,
    "intra_edges_mean": 89.5, "intra_edges_sd": 36.6, "intra_edges_min": 2, "intra_edges_max": 2859,
    "inter_edges_per_node": 0.50, "intra_edges_per_node": 1.32,
}  # fmt: skip
"""Table 1. Its two degree rows are printed there with their labels exchanged (SPEC 1.2)."""

PAPER_ELEMENTS: Final[dict[str, float]] = {"C": 44.6, "H": 42.4, "O": 6.1, "N": 3.9, "F": 0.8}
"""Per cent of the nodes."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of a store.

    Attributes
    ----------
    table_1 : dict
        The rows of the paper's Table 1, by the names of ``PAPER``.
    elements : dict
        Per cent of the nodes, by symbol, the most frequent first.
    labels : dict
        Patches by kind of contact.
    groups : dict
        For each group: entries kept, rejected, patches.
    rejects : dict
        Entries by reason.
    splits : dict
        Patches by split.
    breakdowns : dict
        Entries, patches and mean sizes by source, group, space group, Z′ and kind of contact (``store.breakdowns``).
    distributions : dict
        Histograms of sizes and shortest distances.
    compounds, orbits, isolated, empty_patches : int
    near_duplicates : int
        Entries that repeat an earlier one (``store.duplicates``).
    """

    table_1: dict[str, float]
    elements: dict[str, float]
    labels: dict[str, int]
    groups: dict[str, dict[str, int]]
    rejects: dict[str, int]
    splits: dict[str, int]
    breakdowns: dict[str, Breakdown]
    distributions: dict[str, dict[str, list[float]]]
    compounds: int
    orbits: int
    isolated: int
    empty_patches: int
    near_duplicates: int

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, with the paper's figures."""
        return asdict(self) | {"paper": PAPER, "paper_elements": PAPER_ELEMENTS}


def summarise(dataset: PatchDataset) -> Statistics:
    """Count what a store holds."""
    per_entry, empty = dataset.tables.column("crystals", "n_patches"), dataset.tables.column("crystals", "n_empty")
    split = dataset.split_names[dataset.crystal_rows] if len(dataset) else np.zeros(0, dtype=object)
    return Statistics(
        table_1=_table_1(dataset),
        elements=_elements(dataset),
        labels=_counted(dataset.tables.read("patches", ["label"])["label"]),
        groups=_groups(dataset),
        rejects=_counted(dataset.tables.read("rejects", ["reason"])["reason"]),
        splits={str(name): int(count) for name, count in Counter(split).most_common()},
        breakdowns=breakdowns(dataset),
        distributions=histograms(dataset),
        compounds=len(set(dataset.compounds)),
        orbits=len(dataset.rows(unique=True)),
        isolated=int(((per_entry == 0) & (empty == 0)).sum()),
        empty_patches=int(empty.sum()),
        near_duplicates=int((repeats(dataset) != np.arange(dataset.n_entries)).sum()),
    )


def repeats(dataset: PatchDataset) -> NDArray[np.int64]:
    """Return (crystals,) the row of the first entry of the same crystal; its own row where there is none before."""
    lengths = flat(dataset.tables.read("crystals", ["voronoi_lengths"])["voronoi_lengths"], np.float64)
    return near_duplicates(dataset.compounds, lengths.reshape(-1, 7))


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    """Count the values of a column, the most frequent first."""
    found = pc.value_counts(column)
    pairs = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _table_1(dataset: PatchDataset) -> dict[str, float]:
    entries, patches = dataset.n_entries, len(dataset)
    columns = {
        "nodes": dataset.column("n_nodes"),
        "inter_edges": dataset.column("n_inter"),
        "intra_edges": dataset.column("n_intra"),
    }
    table: dict[str, float] = {
        "entries": entries,
        "patches": patches,
        "patches_per_entry": patches / entries if entries else 0.0,
    }
    for name, values in columns.items():
        table |= _moments(name, values)
    nodes = int(columns["nodes"].sum())
    for name in ("inter_edges", "intra_edges"):
        table[f"{name}_per_node"] = float(columns[name].sum() / nodes) if nodes else 0.0
    return table


def _moments(name: str, values: NDArray[np.int32]) -> dict[str, float]:
    if not len(values):
        return {f"{name}_{part}": 0.0 for part in ("mean", "sd", "min", "max")}
    return {
        f"{name}_mean": float(values.mean()),
        f"{name}_sd": float(values.std()),
        f"{name}_min": int(values.min()),
        f"{name}_max": int(values.max()),
    }


def _elements(dataset: PatchDataset) -> dict[str, float]:
    """Count the nodes by element, some patches at a time: the nodes of a whole database do not fit in memory."""
    counts = np.zeros(len(SYMBOLS), dtype=np.int64)
    for start in range(0, len(dataset), 20_000):
        arrays = dataset.cut(np.arange(start, min(start + 20_000, len(dataset))))
        counts += np.bincount(arrays.atomic_numbers, minlength=len(SYMBOLS))
    total = max(1, int(counts.sum()))
    order = np.argsort(-counts, kind="stable")
    return {SYMBOLS[z]: 100.0 * int(counts[z]) / total for z in order if counts[z]}


def _groups(dataset: PatchDataset) -> dict[str, dict[str, int]]:
    groups: dict[str, dict[str, int]] = {}

    def of(name: str) -> dict[str, int]:
        return groups.setdefault(name, {"kept": 0, "rejected": 0, "patches": 0})

    crystals = dataset.crystals
    for name, patches in zip(crystals["group"].to_pylist(), crystals["n_patches"].to_pylist(), strict=True):
        of(name)["kept"] += 1
        of(name)["patches"] += patches
    for name in dataset.rejects["group"].to_pylist():
        of(name)["rejected"] += 1
    return dict(sorted(groups.items()))
