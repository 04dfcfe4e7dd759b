"""A question that can be asked of frozen features: labels or numbers, groups, what to fit on and what to judge by."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molinteract.embeddings.sampling import sample_by_compound


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One question.

    Attributes
    ----------
    name : str
    kind : str
        ``label`` (judged by balanced accuracy, higher is better) or ``value`` (by mean absolute error, lower is better).
    unit : str
        Of the values; empty for labels.
    target : (n,) str or float64
    groups : (n,) str
        Compound or pair of monomers: never on both sides, drawn together by the bootstrap.
    train, test : (n,) bool
    """

    name: str
    kind: Literal["label", "value"]
    unit: str
    target: NDArray[np.object_] | NDArray[np.float64]
    groups: NDArray[np.object_]
    train: NDArray[np.bool_]
    test: NDArray[np.bool_]

    @property
    def better(self) -> int:
        """1 where a higher score is better, -1 where a lower one is."""
        return 1 if self.kind == "label" else -1


def train_rows(task: Task, size: int | None, *, seed: int) -> NDArray[np.int64]:
    """Return rows to fit on: all of a random 80 % of the training groups, or ``size`` rows of different groups in turn.

    A function of the seed and the task's groups alone, so that all features are fitted on the same rows.
    """
    rows = np.flatnonzero(task.train)
    rng = np.random.default_rng(seed)
    if size is None:
        names = np.unique(task.groups[rows].astype(str))
        kept = rng.choice(names, max(1, int(0.8 * len(names))), replace=False)
        return rows[np.isin(task.groups[rows].astype(str), kept)]
    return rows[sample_by_compound(task.groups[rows], size, rng=rng)]
