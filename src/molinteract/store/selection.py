"""Which patches of a store: by split, one an orbit, a capped number of entries a compound."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import ConfigError
from molinteract.store.splits import SPLITS

if TYPE_CHECKING:
    from molinteract.store.dataset import PatchDataset


@dataclass(frozen=True, slots=True)
class Selection:
    """Choice of patches (see ``PatchDataset.rows``)."""

    split: str | None = None
    unique: bool = False
    per_compound: int | None = None


def select(dataset: "PatchDataset", selection: Selection) -> NDArray[np.int64]:
    """Return the rows that a selection chooses, ascending.

    Raises
    ------
    ConfigError
        If the split has no such name.
    """
    entries = np.ones(dataset.n_entries, dtype=bool)
    if selection.split is not None:
        if selection.split not in SPLITS:
            raise ConfigError(f"no split {selection.split!r}", remedy=f"one of {', '.join(SPLITS)}")
        entries &= dataset.split_names == selection.split
    if selection.per_compound is not None:
        entries &= _capped(dataset, selection.per_compound)
    patches = entries[dataset.crystal_rows]
    if selection.unique:
        patches &= _first_of_orbit(dataset)
    return np.flatnonzero(patches)


def compound_weights(dataset: "PatchDataset", rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (rows,) sampling weights that give every compound the same share; they add up to 1."""
    compounds = dataset.compounds[dataset.crystal_rows[rows]]
    names, index, counts = np.unique(compounds.astype(str), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / counts[index] / len(names)
    return weights


def _capped(dataset: "PatchDataset", limit: int) -> NDArray[np.bool_]:
    members: dict[str, list[tuple[str, int]]] = defaultdict(list)
    entries = dataset.tables.read("crystals", ["entry"])["entry"].to_pylist()
    for row, (entry, compound) in enumerate(zip(entries, dataset.compounds, strict=True)):
        members[compound].append((hashlib.blake2b(entry.encode(), digest_size=8).hexdigest(), row))
    keep = np.zeros(dataset.n_entries, dtype=bool)
    for rows in members.values():
        keep[[row for _, row in sorted(rows)[:limit]]] = True
    return keep


def _first_of_orbit(dataset: "PatchDataset") -> NDArray[np.bool_]:
    key = dataset.crystal_rows.astype(np.int64) << 32 | dataset.column("orbit")
    first = np.zeros(len(dataset), dtype=bool)
    first[np.unique(key, return_index=True)[1]] = True
    return first
