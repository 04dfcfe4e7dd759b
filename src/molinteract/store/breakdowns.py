"""What a store holds, by property of the entry and by kind of contact; and how sizes are distributed."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.crystals.crystal import QUANTUM
from molinteract.store.dataset import PatchDataset

Breakdown = dict[str, dict[str, float]]
"""Row to figures, the largest first: ``entries``, ``patches``, ``nodes_mean``, ``inter_edges_mean``, ``intra_edges_mean``."""

SIZES: Final = {"nodes": "n_nodes", "inter_edges": "n_inter", "intra_edges": "n_intra"}
_BINS = 60


def breakdowns(dataset: PatchDataset) -> dict[str, Breakdown]:
    """Count entries, patches and their sizes by source, group, space group, Z′ and kind of contact."""
    sizes = {name: dataset.column(column).astype(np.float64) for name, column in SIZES.items()}
    sums: dict[str, NDArray[Any]] = {
        name: np.bincount(dataset.crystal_rows, weights=values, minlength=dataset.n_entries)
        for name, values in sizes.items()
    }
    crystals = dataset.tables.read("crystals", ["source", "group", "space_group", "z_prime", "n_patches"])
    patches = crystals["n_patches"].to_numpy()
    names = {
        "source": crystals["source"].to_pylist(),
        "group": crystals["group"].to_pylist(),
        "space_group": [plain_symbol(symbol) for symbol in crystals["space_group"].to_pylist()],
        "z_prime": [f"{value:g}" for value in np.round(crystals["z_prime"].to_numpy().astype(float), 3)],
    }
    found = {name: _grouped(keys, patches, sums) for name, keys in names.items()}
    return found | {"label": _by_label(dataset, sizes)}


def histograms(dataset: PatchDataset) -> dict[str, dict[str, list[float]]]:
    """Return the distributions of sizes and shortest distances: ``edges`` (bins + 1) and ``counts`` (bins) of each."""
    found = {name: _histogram(dataset.column(column)) for name, column in SIZES.items()}
    found["minimum_distance"] = _histogram(dataset.column("minimum_distance") * QUANTUM)
    found["patches_per_entry"] = _histogram(dataset.tables.column("crystals", "n_patches"))
    return found


def plain_symbol(symbol: str) -> str:
    """Return a Hermann–Mauguin symbol without blanks and, in monoclinic groups, without the two idle axes.

    ``P 1 21/c 1`` and ``P21/c`` are counted together; another choice of axes (``P21/n``) is another symbol.
    """
    words = symbol.split()
    if len(words) == 4 and words[1:].count("1") == 2:
        words = [words[0], *(word for word in words[1:] if word != "1")]
    return "".join(words)


def _grouped(keys: Sequence[str], patches: NDArray[Any], sums: dict[str, NDArray[Any]]) -> Breakdown:
    if not keys:
        return {}
    names, code = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    entries = np.bincount(code)
    counts = np.bincount(code, weights=patches)
    means = {f"{name}_mean": np.bincount(code, weights=total) / np.maximum(counts, 1) for name, total in sums.items()}
    order = np.lexsort([names, -entries])
    return {
        str(names[k]): {"entries": int(entries[k]), "patches": int(counts[k])}
        | {name: float(values[k]) for name, values in means.items()}
        for k in order.tolist()
    }


def _by_label(dataset: PatchDataset, sizes: dict[str, NDArray[np.float64]]) -> Breakdown:
    column = dataset.tables.read("patches", ["label"])["label"].combine_chunks().dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    names, code = column.dictionary.to_pylist(), column.indices.to_numpy()
    counts = np.bincount(code, minlength=len(names))
    pairs = np.unique(code.astype(np.int64) * max(1, dataset.n_entries) + dataset.crystal_rows)
    entries = np.bincount(pairs // max(1, dataset.n_entries), minlength=len(names))
    means = {f"{name}_mean": np.bincount(code, weights=values) / counts for name, values in sizes.items()}
    return {
        names[k]: {"entries": int(entries[k]), "patches": int(counts[k])}
        | {name: float(values[k]) for name, values in means.items()}
        for k in np.argsort(-counts, kind="stable").tolist()
    }


def _histogram(values: NDArray[Any]) -> dict[str, list[float]]:
    """Count values in equal bins up to the 99.5th percentile; what lies beyond is in the last one."""
    if not len(values):
        return {"edges": [], "counts": []}
    top = float(np.percentile(values, 99.5))
    low = float(values.min())
    edges = np.linspace(low, max(top, low + 1e-6), _BINS + 1)
    if np.issubdtype(np.asarray(values).dtype, np.integer):  # bins of whole numbers, lest a comb appear
        step = max(1, int(np.ceil((top - low + 1) / _BINS)))
        edges = np.arange(low - 0.5, max(top, low) + step + 0.5, step)
    counts, _ = np.histogram(np.minimum(values, edges[-1]), bins=edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
