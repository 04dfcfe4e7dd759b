"""Judge any model's predictions: beside what size, ligand, pocket and composition tell, by leaks, by series (SPEC 4)."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.complexes import CONTACT
from molinteract.affinity.controls import CONTROLS, cross_validated, fit_predict
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.leaks import Leak, audit_leaks
from molinteract.affinity.metrics import Scores, SeriesScores, evaluate, mean_tau, rmse_difference, score_series
from molinteract.affinity.model import AffinityModel
from molinteract.affinity.prepare import load_measured, of_part, open_with_split, target_clusters
from molinteract.affinity.sensitivity import Sensitivity, sensitivity
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import cluster_folds
from molinteract.core.errors import ConfigError, SourceError


@dataclass(frozen=True, slots=True)
class Comparison:
    """One null beside the model, on the same complexes.

    Attributes
    ----------
    name, says : str
    scores : Scores
        Of the null.
    difference : (float, float, float)
        RMSE of the model minus RMSE of the null, with its 95 % interval: negative and apart from zero is better than the null.
    """

    name: str
    says: str
    scores: Scores
    difference: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found about a set of predictions.

    Attributes
    ----------
    scores : Scores
        Of the predictions.
    nulls : tuple of Comparison
        Fitted on the training set where there is one, else cross-validated over target clusters.
    nulls_fitted_on : str
    bins : dict of str to Scores
        By protein identity to the training set; empty without one.
    series : tuple of SeriesScores
    tau : float
        Mean Kendall τ over series, weighted by size.
    leaks : tuple of Leak
    """

    scores: Scores
    nulls: tuple[Comparison, ...]
    nulls_fitted_on: str
    bins: dict[str, Scores]
    series: tuple[SeriesScores, ...]
    tau: float
    leaks: tuple[Leak, ...]

    def text(self) -> str:
        """Return the audit in words."""
        lines = [f"predictions: {self.scores.text()}", "", f"nulls, fitted on {self.nulls_fitted_on}:"]
        for null in self.nulls:
            d, low, high = null.difference
            verdict = "better" if high < 0 else "worse" if low > 0 else "not told apart"
            lines.append(
                f"  {null.name:<24} RMSE {null.scores.rmse:.3f}  r {null.scores.pearson:6.3f}   "
                f"model − null {d:+.3f} [{low:+.3f}, {high:+.3f}]: {verdict}"
            )
        if self.bins:
            lines += ["", "by protein identity to the training set:"]
            lines += [f"  {name:<8} {scores.text()}" for name, scores in self.bins.items()]
        if self.series:
            lines += ["", f"series of five or more: {len(self.series)}, mean Kendall τ {self.tau:.3f}"]
            lines += [
                f"  {s.series:<32} n {s.n:>3}  τ {s.tau:6.3f}  RMSE of differences {s.rmse_differences:.3f}"
                for s in self.series
            ]
        return "\n".join(lines)


def read_scores(path: str | Path) -> dict[str, float]:
    """Read predictions from a CSV with columns ``id`` and ``predicted`` (or ``score``, ``pK``); empty cells are failures.

    Raises
    ------
    SourceError
        If it cannot be read, or holds an id twice or a value that is no number.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"no table that can be read: {error}", entry=str(path)) from error
    column = next((c for c in ("predicted", "score", "pK") if rows and c in rows[0]), None)
    if column is None or "id" not in rows[0]:
        raise SourceError("no columns 'id' and 'predicted' in it", entry=str(path))
    found: dict[str, float] = {}
    for row in rows:
        if row["id"] in found:
            raise SourceError(f"the id {row['id']!r} stands in it twice", entry=str(path))
        if row[column]:
            try:
                found[row["id"]] = float(row[column])
            except ValueError:
                raise SourceError(f"the value {row[column]!r} of {row['id']!r} is no number", entry=str(path)) from None
    return found


def load_for_audit(
    data: str | Path,
    *,
    split: str | Path | None = None,
    part: str | None = None,
    root: str | Path | None = None,
    inexact: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[LoadedSet, LoadedSet | None]:
    """Load what is judged and, where a part is named, what the nulls are fitted on; both with pockets of 10 Å."""
    settings = ComplexSettings(pocket=CONTACT)
    if part is None:
        return load_measured(open_complexes(data, root=root), settings, inexact=inexact, progress=progress), None
    items, parts = open_with_split(data, split=split, root=root)
    test, train = (
        load_measured(of_part(items, parts.part(name)), settings, inexact=inexact, progress=progress)
        for name in (part, "train")
    )
    return test, train


def audit(
    scores: Mapping[str, float],
    test: LoadedSet,
    *,
    train: LoadedSet | None = None,
    cluster_label: str = "cluster",
    series_label: str = "series",
    seed: int = 0,
) -> Audit:
    """Judge predictions of pK.

    Parameters
    ----------
    scores : mapping of str to float
        Predicted pK by id, of any model.
    test : LoadedSet
        Complexes with values, cut with a pocket of 10 Å (for the contact counts).
    train : LoadedSet, optional
        What the model was trained on, cut likewise: the nulls are fitted on it, and leaks looked for. Without it the nulls are
        cross-validated within ``test`` over target clusters, which flatters them where the model never saw the set.
    cluster_label, series_label : str
        Labels with the target cluster (else the sequences are clustered at 30 %) and the series.

    Raises
    ------
    ConfigError
        If fewer than ten complexes have both a prediction and a value.
    """
    rows = [k for k, item in enumerate(test.items) if item.affinity is not None and item.id in scores]
    if len(rows) < 10:
        raise ConfigError(f"{len(rows)} complexes have both a prediction and a value; ten are needed")
    chosen = test.take(rows)
    measured = np.array([item.affinity.pk for item in chosen.items if item.affinity is not None])
    predicted = np.array([scores[item.id] for item in chosen.items])
    clusters = target_clusters(chosen, cluster_label)
    nulls, fitted_on = _nulls(chosen, measured, clusters, train, seed)
    leaks = audit_leaks(train, chosen) if train is not None else []
    series = score_series(measured, predicted, [item.labels.get(series_label, "") for item in chosen.items])
    return Audit(
        evaluate(measured, predicted, n_asked=test.n_asked, clusters=clusters, seed=seed),
        tuple(
            Comparison(
                c.name, c.says, evaluate(measured, nulls[c.name], clusters=clusters, seed=seed),
                rmse_difference(measured, predicted, nulls[c.name], clusters, seed=seed),
            )
            for c in CONTROLS
        ),
        fitted_on,
        _by_bin(leaks, measured, predicted),
        tuple(series),
        mean_tau(series),
        tuple(leaks),
    )  # fmt: skip


def audit_sensitivity(model: AffinityModel, test: LoadedSet, *, cluster_label: str = "cluster") -> list[Sensitivity]:
    """Judge one of our models on the same complexes spoilt on purpose, cut again as the model was trained.

    Parameters
    ----------
    model : AffinityModel
    test : LoadedSet
    cluster_label : str
        As for :func:`audit`.
    """
    cut = load_measured(test.items, model.settings, inexact=True)
    return sensitivity(model, cut, clusters=target_clusters(cut, cluster_label))


def _nulls(
    test: LoadedSet, measured: NDArray[np.float64], clusters: Sequence[str], train: LoadedSet | None, seed: int
) -> tuple[dict[str, NDArray[np.float64]], str]:
    if train is None:
        n_folds = min(5, len(set(clusters)))
        ids = [item.id for item in test.items]
        fold_of = cluster_folds(dict(zip(ids, clusters, strict=True)), folds=n_folds, seed=seed)
        folds = np.array([fold_of[i] for i in ids])
        found = {c.name: cross_validated(c, test.complexes, measured, folds, seed=seed) for c in CONTROLS}
        return found, f"the other target clusters of the same set ({n_folds} folds)"
    known = train.take([k for k, item in enumerate(train.items) if item.affinity is not None])
    values = np.array([item.affinity.pk for item in known.items if item.affinity is not None])
    found = {
        c.name: fit_predict(c.model, c.features(known.complexes), values, c.features(test.complexes), seed=seed)
        for c in CONTROLS
    }
    return found, f"{len(known):,} training complexes"


def _by_bin(leaks: Sequence[Leak], measured: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, Scores]:
    names = np.array([leak.bin for leak in leaks])
    found = {}
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero(names == name)
        if len(rows) > 1:
            found[name] = evaluate(measured[rows], predicted[rows])
    return found
