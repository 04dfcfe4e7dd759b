"""A model on measured complexes: predictions and scores together, nothing left out silently."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.items import ComplexItem, measured
from molinteract.affinity.metrics import Scores, SeriesScores, evaluate, mean_tau, score_series
from molinteract.affinity.model import AffinityModel
from molinteract.affinity.predict import Prediction, predict_items
from molinteract.core.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How a model does.

    Attributes
    ----------
    scores : Scores
    in_domain : Scores, optional
        Of the complexes without the flag ``far_from_training``; None for fewer than two.
    series : tuple of SeriesScores
    tau : float
        Mean Kendall τ over series, weighted by size.
    predictions : tuple of Prediction
    measured, predicted : (n,) float64
        pK of the complexes that were scored.
    """

    scores: Scores
    in_domain: Scores | None
    series: tuple[SeriesScores, ...]
    tau: float
    predictions: tuple[Prediction, ...]
    measured: NDArray[np.float64]
    predicted: NDArray[np.float64]

    def text(self) -> str:
        """Return the result in words."""
        lines = [f"all: {self.scores.text()}"]
        if self.in_domain is not None:
            lines.append(f"in the model's domain: {self.in_domain.text()}")
        if self.series:
            lines.append(f"series of five or more: {len(self.series)}, mean Kendall τ {self.tau:.3f}")
            lines += [
                f"  {s.series:<32} n {s.n:>3}  τ {s.tau:6.3f}  RMSE of differences {s.rmse_differences:.3f}"
                for s in self.series
            ]
        return "\n".join(lines)


def evaluate_model(
    model: AffinityModel,
    items: Sequence[ComplexItem],
    *,
    clusters: str = "cluster",
    series: str = "series",
    inexact: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Predict the items that have a usable value, and score.

    ``scores.n_asked`` counts all items, with or without a value.

    Raises
    ------
    ConfigError
        If fewer than two could be predicted.
    """
    usable, _ = measured(items, inexact=inexact)
    predictions = predict_items(model, usable, progress=progress)
    rows = [k for k, p in enumerate(predictions) if not p.reason]
    if len(rows) < 2:
        raise ConfigError(f"{len(rows)} of {len(items)} complexes could be predicted and have a value; two are needed")
    chosen = [usable[k] for k in rows]
    values = np.array([item.affinity.pk for item in chosen if item.affinity is not None])
    predicted = np.array([predictions[k].pk for k in rows])
    names = [item.labels.get(clusters, "") for item in chosen]
    near = np.array(["far_from_training" not in predictions[k].flags for k in rows])
    ranked = score_series(values, predicted, [item.labels.get(series, "") for item in chosen])
    return Evaluation(
        evaluate(values, predicted, n_asked=len(items), clusters=names if all(names) else None),
        evaluate(values[near], predicted[near], n_asked=len(items)) if near.sum() > 1 else None,
        tuple(ranked),
        mean_tau(ranked),
        tuple(predictions),
        values,
        predicted,
    )
