"""One task, several sets of features, two readers, some seeds: scores, paired differences and few-shot curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molinteract.evidence.paired import Tally, difference, mean_of, tally
from molinteract.evidence.readers import READERS
from molinteract.evidence.task import Task, train_rows

OURS = "pre-trained"
SHOTS = (10, 30, 100, 300, 1000)

FeaturesOfSeed = Callable[[int], NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Score:
    """Score of one set of features.

    Attributes
    ----------
    task, unit, reader, features : str
    labels : int
        Rows fitted on; 0 stands for all of them.
    mean, sd : float
        Over the seeds.
    against : float
        Score of the pre-trained vectors minus this one.
    low, high : float
        95 % interval of it, whole groups drawn with replacement.
    better : int
        1 where a higher score is better, -1 where a lower one is.
    test_rows, test_groups : int
    """

    task: str
    unit: str
    reader: str
    features: str
    labels: int
    mean: float
    sd: float
    against: float
    low: float
    high: float
    better: int
    test_rows: int
    test_groups: int

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``undecided``: the pre-trained vectors against these."""
        if self.low <= 0.0 <= self.high:
            return "undecided"
        return "better" if self.against * self.better > 0 else "worse"


def compare(
    task: Task,
    features: Mapping[str, FeaturesOfSeed],
    *,
    seeds: int = 5,
    shots: Sequence[int] = SHOTS,
    readers: Sequence[str] = ("linear", "k-NN"),
) -> list[Score]:
    """Judge sets of features on one task, with all training rows and with few.

    Parameters
    ----------
    task : Task
    features : mapping
        By name, one of them ``OURS``; each is called with the seed (an untrained network is another one each time).
    seeds : int
    shots : sequence of int
        Numbers of training rows of the few-shot curves, read by the linear model.
    readers : sequence of str
        Of ``READERS``.

    Returns
    -------
    list of Score
    """
    scores = [s for reader in readers for s in _scores(task, features, reader=reader, size=None, seeds=seeds)]
    available = int(task.train.sum())
    for size in (size for size in shots if size < available):
        scores += _scores(task, features, reader="linear", size=size, seeds=seeds)
    return scores


def _scores(
    task: Task, features: Mapping[str, FeaturesOfSeed], *, reader: str, size: int | None, seeds: int
) -> list[Score]:
    tallies: dict[str, list[Tally]] = {name: [] for name in features}
    for seed in range(seeds):
        rows = train_rows(task, size, seed=seed)
        for name, made in features.items():
            tallies[name].append(tally(task, READERS[reader](task, made(seed), rows, seed)))
    return judged(task, tallies, reader=reader, labels=size)


def judged(task: Task, tallies: Mapping[str, list[Tally]], *, reader: str, labels: int | None) -> list[Score]:
    """Return the score of each set of features from its tallies, one of each seed; one set is ``OURS``."""
    ours = mean_of(tallies[OURS])
    out = []
    for name, of_seeds in tallies.items():
        values = [t.score() for t in of_seeds]
        against, low, high = difference(ours, mean_of(of_seeds)) if name != OURS else (0.0, 0.0, 0.0)
        out.append(
            Score(
                task=task.name,
                unit=task.unit,
                reader=reader,
                features=name,
                labels=labels or 0,
                mean=float(np.mean(values)),
                sd=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
                against=against,
                low=low,
                high=high,
                better=task.better,
                test_rows=int(task.test.sum()),
                test_groups=len(ours.hits),
            )
        )
    return out
