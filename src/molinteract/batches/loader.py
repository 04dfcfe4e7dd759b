"""Batches of a dataset in an order that is a function of (seed, epoch)."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
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
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dataset = dataset
        self.rows_drawn = np.asarray(rows, dtype=np.int64)
        self.batch_size = batch_size
        self.seed = seed
        self.weights = weights
        self.dtype = dtype

    def __len__(self) -> int:
        """Return the batches of one epoch."""
        return -(-len(self.rows_drawn) // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the rows of an epoch, in order."""
        rng = np.random.default_rng([self.seed, epoch])
        if self.weights is None:
            return rng.permutation(self.rows_drawn)
        return rng.choice(self.rows_drawn, size=len(self.rows_drawn), p=self.weights)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[PatchBatch]:
        """Yield the batches of a shuffled epoch, from batch ``start`` on."""
        yield from self._batches(self.order(epoch), start)

    def in_order(self) -> Iterator[PatchBatch]:
        """Yield every row once, in the order given."""
        yield from self._batches(self.rows_drawn, 0)

    def _batches(self, rows: NDArray[np.int64], start: int) -> Iterator[PatchBatch]:
        for k in range(start * self.batch_size, len(rows), self.batch_size):
            part = rows[k : k + self.batch_size]
            yield collate(self.dataset.cut(part), part, dtype=self.dtype)
