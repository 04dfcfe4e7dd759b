"""Batches of a dataset in an order that is a function of (seed, epoch)."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.batches.sampler import Budget, divide
from molinteract.patches.patch import PatchArrays


class CutsPatches(Protocol):
    """What a loader needs of a dataset."""

    def cut(self, rows: NDArray[np.int64]) -> PatchArrays:
        """Return the patches of some rows."""
        ...


class PatchLoader:
    """Batches of patches.

    Parameters
    ----------
    dataset : CutsPatches
        A ``PatchDataset``, or anything with ``cut``.
    rows : (patches,) int
        Rows to draw from.
    batch_size : int
        Patches of one batch; the last one of an epoch may be smaller.
    seed : int
        Of the order.
    weights : (patches,) float, optional
        Sampling weights: an epoch then draws as many patches with replacement.
    sizes : (patches, 2) int, optional
        Atoms and edges of each row, for the budgets.
    batch_nodes, batch_edges : int, optional
        Atoms and edges of one batch, at most.
    dtype : torch.dtype
        Of the positions.
    """

    def __init__(
        self,
        dataset: CutsPatches,
        rows: NDArray[np.integer],
        *,
        batch_size: int,
        seed: int = 0,
        weights: NDArray[np.float64] | None = None,
        sizes: NDArray[np.integer] | None = None,
        batch_nodes: int | None = None,
        batch_edges: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dataset = dataset
        self.rows_drawn = np.asarray(rows, dtype=np.int64)
        self.budget = Budget(batch_size, batch_nodes, batch_edges)
        self.sizes = np.zeros((len(self.rows_drawn), 2), dtype=np.int64) if sizes is None else np.asarray(sizes)
        self.seed = seed
        self.weights = weights
        self.dtype = dtype

    def __len__(self) -> int:
        """Return the batches of the first epoch; with a budget, those of others may differ by a few."""
        return len(self.batches(0))

    def batches(self, epoch: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return the rows of each batch of a shuffled epoch, with their places in its order."""
        rng = np.random.default_rng([self.seed, epoch])
        n = len(self.rows_drawn)
        return self._divided(rng.permutation(n) if self.weights is None else rng.choice(n, size=n, p=self.weights))

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[PatchBatch]:
        """Yield the batches of a shuffled epoch, from batch ``start`` on."""
        for rows, _ in self.batches(epoch)[start:]:
            yield collate(self.dataset.cut(rows), rows, dtype=self.dtype)

    def in_order(self) -> list[NDArray[np.int64]]:
        """Return the rows of each batch when every row is taken once, in the order given."""
        return [rows for rows, _ in self._divided(np.arange(len(self.rows_drawn)))]

    def _divided(self, order: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        nodes, edges = self.sizes[order].T
        parts = divide(nodes, edges, budget=self.budget)
        places = np.arange(len(order))
        return [(self.rows_drawn[order[part]], places[part]) for part in parts]
