"""The displaced batches of a run in their order, made ahead by other processes where the recipe asks for it."""

import itertools
import multiprocessing
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.loader import PatchLoader
from molinteract.batches.transport import Block, pack, unpack
from molinteract.core.errors import TrainingError
from molinteract.core.processes import begin_worker
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.noise import Displaced, Draw, Kind

_AHEAD: Final = 2
"""Batches under way or waiting for each worker."""


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A batch that is to come.

    Attributes
    ----------
    epoch, batch : int
        Which of which epoch.
    last : bool
        Whether it ends its epoch.
    rows, places : (patches,) int64
        Its rows, and their places in the epoch's order.
    """

    epoch: int
    batch: int
    last: bool
    rows: NDArray[np.int64]
    places: NDArray[np.int64]


def plan(loader: PatchLoader, *, epoch: int, batch: int, at_least: int = 1) -> Iterator[Planned]:
    """Yield the batches of a run without end, from one batch of one epoch on; those of fewer patches are left out.

    Raises
    ------
    TrainingError
        If an epoch has no batch.
    """
    for e in itertools.count(epoch):
        batches = [b for b in loader.batches(e) if len(b[0]) >= at_least]
        if not batches:
            raise TrainingError(f"no batch has {at_least} patches", remedy="train with fewer processes or more patches")
        first = batch if e == epoch else 0
        for k, (rows, places) in enumerate(batches[first:], start=first):
            yield Planned(e, k, k == len(batches) - 1, rows, places)


class Feed:
    """Makes the planned batches.

    Parameters
    ----------
    patches : DisplacedPatches
    kind : Kind
        How training patches are displaced.
    seed : int
        Of the displacements.
    part : slice
        Which patches of each batch are this process's.
    workers : int
        Processes that make batches ahead; with 0 each is made when it is asked for.
    """

    def __init__(self, patches: DisplacedPatches, *, kind: Kind, seed: int, part: slice, workers: int) -> None:
        self.patches, self.kind, self.seed, self.part, self.workers = patches, kind, seed, part, workers

    def batches(self, planned: Iterator[Planned]) -> Generator[tuple[Planned, PatchBatch, Displaced]]:
        """Yield each planned batch, on the patches' device, with what was done to it; close it, or processes stay.

        Raises
        ------
        TrainingError
            If a worker ends.
        """
        if not self.workers:
            for item in planned:
                yield item, *self.made(item)
            return
        # spawned, for a process that uses a GPU or threads cannot be forked safely
        spawning = multiprocessing.get_context("spawn")
        of_worker = Feed(self.patches.on("cpu"), kind=self.kind, seed=self.seed, part=self.part, workers=0)
        pool = ProcessPoolExecutor(self.workers, mp_context=spawning, initializer=_begin, initargs=(of_worker,))
        waiting: deque[tuple[Planned, Future[Block]]] = deque()
        try:
            for item in planned:
                waiting.append((item, pool.submit(_packed, item)))
                if len(waiting) > _AHEAD * self.workers:
                    yield self._arrived(*waiting.popleft())
            while waiting:
                yield self._arrived(*waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def made(self, item: Planned) -> tuple[PatchBatch, Displaced]:
        """Return one planned batch, and what was done to it."""
        draw = Draw(self.seed, item.epoch, item.places[self.part])
        return self.patches.batch(item.rows[self.part], kind=self.kind, draw=draw, hide=True)

    def _arrived(self, item: Planned, future: "Future[Block]") -> tuple[Planned, PatchBatch, Displaced]:
        try:
            batch, displaced = unpack(future.result(), self.patches.device)
        except BrokenProcessPool as error:
            raise TrainingError(
                "a process that makes batches has ended",
                remedy="give the machine more memory, or fewer data.workers; then --resume",
            ) from error
        return item, batch, displaced


_of_worker: Feed
"""In a worker: what it makes batches with."""


def _begin(feed: Feed) -> None:
    global _of_worker
    _of_worker = feed
    begin_worker()
    torch.set_num_threads(1)  # the processes are the parallelism


def _packed(item: Planned) -> Block:
    return pack(_of_worker.made(item))
