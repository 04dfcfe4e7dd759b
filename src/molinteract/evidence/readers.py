"""Readers of frozen features: a linear model and nearest neighbours. Their one setting is chosen on training groups."""

import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from molinteract.evidence.task import Task

NEIGHBOURS = 10
MAX_FIT = 12_000
_STRENGTHS: Final = {"label": (1e-3, 1e-1, 10.0), "value": (1e-1, 10.0, 1e3, 1e5)}
"""Inverse regularisation of the classifier, regularisation of the regression."""

Values = NDArray[np.floating]
Reader = Callable[[Task, Values, NDArray[np.int64], int], NDArray[np.generic]]


def linear(task: Task, features: Values, rows: NDArray[np.int64], seed: int) -> NDArray[np.generic]:
    """Return predictions for the test rows by logistic or ridge regression fitted on ``rows``.

    The regularisation is the one that does best on a fifth of the training groups, which are then fitted on too.
    """
    rows, x, test = _scaled(task, features, rows, seed)
    y = task.target[rows]
    groups = task.groups[rows].astype(str)
    names = np.unique(groups)
    held = np.random.default_rng(seed).choice(names, max(1, len(names) // 5), replace=False)
    out = np.isin(groups, held)
    strengths = _STRENGTHS[task.kind]
    if task.kind == "label" and (len(set(y[~out])) < 2 or not out.any()):
        best = strengths[len(strengths) // 2]
    else:
        losses = [_loss(task, y[out], _fit(task, x[~out], y[~out], s).predict(x[out])) for s in strengths]
        best = strengths[int(np.argmin(losses))]
    return np.asarray(_fit(task, x, y, best).predict(test))


def nearest_neighbours(task: Task, features: Values, rows: NDArray[np.int64], seed: int) -> NDArray[np.generic]:
    """Return predictions for the test rows by the ten nearest of ``rows``; a group is never on both sides."""
    rows, x, test = _scaled(task, features, rows, seed)
    kind = KNeighborsClassifier if task.kind == "label" else KNeighborsRegressor
    model = kind(n_neighbors=min(NEIGHBOURS, len(rows)), weights="distance")
    y = task.target[rows]
    return np.asarray(model.fit(x, y.astype(str) if task.kind == "label" else y).predict(test))


READERS: Final[dict[str, Reader]] = {"linear": linear, "k-NN": nearest_neighbours}


def _scaled(
    task: Task, features: Values, rows: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    if len(rows) > MAX_FIT:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_FIT, replace=False))
    scaler = StandardScaler().fit(np.asarray(features[rows], dtype=np.float64))
    return rows, scaler.transform(features[rows]), scaler.transform(features[task.test])


def _fit(task: Task, x: NDArray[np.float64], y: NDArray[np.generic], strength: float) -> LogisticRegression | Ridge:
    if task.kind == "value":
        return Ridge(alpha=strength).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # not fully converged is a slightly lower bound
        return LogisticRegression(C=strength, max_iter=200, class_weight="balanced").fit(x, y.astype(str))


def _loss(task: Task, true: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    if task.kind == "value":
        return float(np.abs(np.asarray(true, dtype=np.float64) - predicted.astype(np.float64)).mean())
    names = np.unique(true.astype(str))
    return -float(np.mean([(predicted[true == name] == name).mean() for name in names]))
