"""What a model makes of complexes that were spoilt on purpose: if it predicts them as well, it does not use the pose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.ablations import displaced, graph_kind
from molinteract.affinity.complexes import Complex
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.metrics import Scores, evaluate, rmse_difference
from molinteract.affinity.model import AffinityModel
from molinteract.affinity.predict import complex_values, model_counts, model_graph, predict_graphs

SHIFTS: Final = (1.0, 2.0, 4.0)
"""Å by which a pose is moved."""
TRUE_POSE: Final = "true pose"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One way of spoiling the complexes.

    Attributes
    ----------
    name : str
    scores : Scores
    change : float
        Mean absolute change of pK.
    difference : (float, float, float)
        RMSE minus that of the true poses, with its 95 % interval over clusters (nan without clusters): positive and apart from
        zero means that the model uses what was taken away.
    """

    name: str
    scores: Scores
    change: float
    difference: tuple[float, float, float]


def spoilt_predictions(
    model: AffinityModel, complexes: Sequence[Complex], *, shifts: Sequence[float] = SHIFTS
) -> dict[str, NDArray[np.float64]]:
    """Predict complexes as they are, without their contacts, and with poses turned at random and moved.

    Without contacts the graph has no intermolecular edge, and a forest beside the networks is given counts of zero.

    Returns
    -------
    dict of str to (networks, complexes) float64
        By what was done; ``TRUE_POSE`` first.
    """
    graphs, counts = [model_graph(model, c) for c in complexes], model_counts(model, complexes)
    bare = [graph_kind(g, "no_contacts") for g in graphs]
    found = {TRUE_POSE: predict_graphs(model, graphs, counts)}
    found["contacts removed"] = predict_graphs(model, bare, None if counts is None else np.zeros_like(counts))
    for shift in shifts:
        moved = [displaced(c, shift, seed=k) for k, c in enumerate(complexes)]
        found[f"pose turned, moved {shift:g} Å"] = complex_values(model, moved)
    return found


def sensitivity(
    model: AffinityModel, loaded: LoadedSet, *, clusters: Sequence[str] | None = None, shifts: Sequence[float] = SHIFTS
) -> list[Sensitivity]:
    """Score a model on spoilt complexes.

    Parameters
    ----------
    model : AffinityModel
    loaded : LoadedSet
        Cut with the model's settings, every item with a value.
    clusters : sequence of str, optional
        Target cluster of each complex.
    shifts : sequence of float
        Å.
    """
    measured = np.array([item.affinity.pk if item.affinity else np.nan for item in loaded.items])
    predicted = {name: p.mean(0) for name, p in spoilt_predictions(model, loaded.complexes, shifts=shifts).items()}
    true = predicted[TRUE_POSE]
    nothing = (float("nan"), float("nan"))
    found = []
    for name, values in predicted.items():
        scores = evaluate(measured, values, clusters=clusters)
        if clusters is None:
            difference = (scores.rmse - evaluate(measured, true).rmse, *nothing)
        else:
            difference = rmse_difference(measured, values, true, clusters)
        found.append(Sensitivity(name, scores, float(np.abs(values - true).mean()), difference))
    return found


def sensitivity_text(rows: Sequence[Sensitivity]) -> str:
    """Return a line for each way of spoiling."""
    lines = ["complexes spoilt on purpose:"]
    for row in rows:
        d, low, high = row.difference
        lines.append(
            f"  {row.name:<28} RMSE {row.scores.rmse:.3f}  r {row.scores.pearson:6.3f}  mean change of pK {row.change:.3f}  "
            f"spoilt − true {d:+.3f} [{low:+.3f}, {high:+.3f}]"
        )
    return "\n".join(lines)
