"""Scores and paired differences of them, with intervals from drawing whole groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molinteract.evidence.task import Task

DRAWS = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What each test group adds to a score: ``hits`` of ``counts`` for each class (one column for values).

    Attributes
    ----------
    hits, counts : (groups, classes) float64
        For values: the sum of absolute errors, and the number of rows.
    """

    hits: NDArray[np.float64]
    counts: NDArray[np.float64]

    def score(self) -> float:
        """Return the balanced accuracy, or the mean absolute error."""
        return float(_scores(self, np.ones((1, len(self.hits))))[0])


def tally(task: Task, predicted: NDArray[np.generic]) -> Tally:
    """Count a prediction of the test rows by group and class."""
    rows = np.flatnonzero(task.test)
    _, group = np.unique(task.groups[rows].astype(str), return_inverse=True)
    target = task.target[rows]
    if task.kind == "value":
        column = np.zeros(len(rows), dtype=np.int64)
        hit = np.abs(target.astype(np.float64) - predicted.astype(np.float64))
    else:
        _, column = np.unique(target.astype(str), return_inverse=True)
        hit = (target.astype(str) == predicted.astype(str)).astype(np.float64)
    shape = (group.max() + 1, column.max() + 1)
    hits, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(hits, (group, column), hit)
    np.add.at(counts, (group, column), 1.0)
    return Tally(hits, counts)


def mean_of(tallies: list[Tally]) -> Tally:
    """Return the mean over seeds of tallies of the same test rows."""
    return Tally(np.mean([t.hits for t in tallies], axis=0), tallies[0].counts)


def difference(first: Tally, second: Tally, *, seed: int = 0) -> tuple[float, float, float]:
    """Return score(first) − score(second) and its 95 % interval; groups are drawn with replacement, the same for both."""
    n = len(first.hits)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=DRAWS).astype(np.float64)
    differences = _scores(first, draws) - _scores(second, draws)
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return first.score() - second.score(), float(low), float(high)


def _scores(tallied: Tally, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = draws @ tallied.counts
    with np.errstate(invalid="ignore"):  # a class that was not drawn does not enter the mean
        return np.asarray(np.nanmean((draws @ tallied.hits) / np.where(counts > 0, counts, np.nan), axis=1))
