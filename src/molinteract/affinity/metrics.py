"""How good predictions of pK are, with intervals from resampling whole targets (SPEC 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

Values = NDArray[np.float64]
RESAMPLES: Final = 1000
LEVEL: Final = 0.95
MIN_SERIES: Final = 5
"""Members from which on a series is ranked."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Agreement of predicted and measured pK.

    Attributes
    ----------
    n, n_asked : int
        Complexes evaluated, and those that should have been: failures are not silently left out.
    rmse, mae, pearson, spearman : float
        Correlations are nan where either side is constant.
    intervals : dict of str to (low, high)
        95 % intervals by resampling clusters; empty without clusters.
    n_clusters : int
    """

    n: int
    n_asked: int
    rmse: float
    mae: float
    pearson: float
    spearman: float
    intervals: dict[str, tuple[float, float]]
    n_clusters: int = 0

    def text(self) -> str:
        """Return one line: N evaluated of M, then each measure with its interval."""
        parts = [f"{self.n:,} evaluated of {self.n_asked:,}"]
        for name in ("rmse", "mae", "pearson", "spearman"):
            part = f"{name} {getattr(self, name):.3f}"
            if name in self.intervals:
                low, high = self.intervals[name]
                part += f" [{low:.3f}, {high:.3f}]"
            parts.append(part)
        return ", ".join(parts)


def rmse(measured: Values, predicted: Values) -> float:
    """Return the root of the mean squared difference."""
    return float(np.sqrt(np.mean((predicted - measured) ** 2)))


def mae(measured: Values, predicted: Values) -> float:
    """Return the mean absolute difference."""
    return float(np.mean(np.abs(predicted - measured)))


def pearson(measured: Values, predicted: Values) -> float:
    """Return Pearson's r, nan where either side is constant."""
    a, b = measured - measured.mean(), predicted - predicted.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 * max(1, len(a)) else float("nan")


def spearman(measured: Values, predicted: Values) -> float:
    """Return Spearman's rank correlation, nan where either side is constant."""
    return pearson(rankdata(measured), rankdata(predicted))


MEASURES: Final[dict[str, Callable[[Values, Values], float]]] = {
    "rmse": rmse, "mae": mae, "pearson": pearson, "spearman": spearman,
}  # fmt: skip


def evaluate(
    measured: Values,
    predicted: Values,
    *,
    n_asked: int | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Scores:
    """Score predictions.

    Parameters
    ----------
    measured, predicted : (n,) float
        pK.
    n_asked : int, optional
        Complexes that should have been evaluated.
    clusters : (n,) str, optional
        Target cluster of each: intervals resample clusters, because complexes of one target are not independent.
    """
    values = {name: measure(measured, predicted) for name, measure in MEASURES.items()}
    intervals: dict[str, tuple[float, float]] = {}
    if clusters is not None:
        samples = resamples(clusters, seed=seed)
        for name, measure in MEASURES.items():
            found = [measure(measured[rows], predicted[rows]) for rows in samples]
            intervals[name] = interval(found)
    return Scores(
        n=len(measured),
        n_asked=len(measured) if n_asked is None else n_asked,
        intervals=intervals,
        n_clusters=len(set(clusters)) if clusters is not None else 0,
        **values,
    )


def rmse_difference(
    measured: Values, first: Values, second: Values, clusters: Sequence[str], *, seed: int = 0
) -> tuple[float, float, float]:
    """Return RMSE(first) − RMSE(second) with its 95 % interval; both are scored on the same resampled clusters."""
    found = [
        rmse(measured[rows], first[rows]) - rmse(measured[rows], second[rows])
        for rows in resamples(clusters, seed=seed)
    ]
    return rmse(measured, first) - rmse(measured, second), *interval(found)


def resamples(clusters: Sequence[str], *, seed: int) -> list[NDArray[np.int64]]:
    """Return rows of whole clusters drawn with replacement, ``RESAMPLES`` times."""
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.argsort(index, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(members), (RESAMPLES, len(members)))
    return [np.concatenate([members[k] for k in row]) for row in draws]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the central 95 % of values; nan where none is a number."""
    known = np.asarray([v for v in values if np.isfinite(v)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class SeriesScores:
    """Ranking within one congeneric series.

    Attributes
    ----------
    series : str
    n : int
    tau : float
        Kendall's τ_b; nan where either side is constant.
    rmse_differences : float
        RMSE over all pairs of the difference between two members, which no offset of the series changes.
    """

    series: str
    n: int
    tau: float
    rmse_differences: float


def score_series(measured: Values, predicted: Values, series: Sequence[str]) -> list[SeriesScores]:
    """Score every series of at least five members, by name; an empty name is no series."""
    names = np.asarray(series)
    found = []
    for name in sorted(set(names.tolist()) - {""}):
        rows = np.flatnonzero(names == name)
        if len(rows) < MIN_SERIES:
            continue
        a, b = measured[rows], predicted[rows]
        constant = np.ptp(a) == 0 or np.ptp(b) == 0
        tau = float("nan") if constant else float(kendalltau(a, b).statistic)
        error = b - a
        # the mean over pairs of (e_k − e_l)² is twice the unbiased variance of e
        found.append(SeriesScores(str(name), len(rows), tau, float(np.sqrt(2.0 * error.var(ddof=1)))))
    return found


def mean_tau(series: Sequence[SeriesScores]) -> float:
    """Return the mean τ over series, weighted by their sizes; nan if there is none."""
    known = [s for s in series if np.isfinite(s.tau)]
    return float(np.average([s.tau for s in known], weights=[s.n for s in known])) if known else float("nan")
