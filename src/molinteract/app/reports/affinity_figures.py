"""Pictures of affinities: predicted against measured, what carries a prediction, error against the size of the training set."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from molinteract.affinity.contributions import Contribution
from molinteract.affinity.metrics import Scores
from molinteract.app.reports.figures import GREY, OKABE_ITO

SHOWN = 12
"""Largest contributions of each kind that are drawn."""


def figure_agreement(measured: NDArray[np.float64], predicted: NDArray[np.float64], scores: Scores) -> Figure:
    """Draw predicted against measured pK with the line of agreement, the line of the mean, and the scores."""
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.add_subplot()
    low = float(np.floor(min(measured.min(), predicted.min()))) - 0.5
    high = float(np.ceil(max(measured.max(), predicted.max()))) + 0.5
    axes.plot([low, high], [low, high], color=GREY, label="agreement")
    axes.axhline(float(measured.mean()), color=GREY, linestyle=":", label="mean of the measured")
    axes.scatter(measured, predicted, s=12, color=OKABE_ITO[0], alpha=0.5, linewidths=0)
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="measured pK", ylabel="predicted pK")
    axes.set_title(f"{scores.n:,} of {scores.n_asked:,}: RMSE {scores.rmse:.2f}, r {scores.pearson:.2f}")
    axes.set_aspect("equal")
    axes.legend(frameon=False, fontsize="small", loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def figure_contributions(rows: Sequence[Contribution], *, title: str) -> Figure:
    """Draw what the residues and the contacts with the largest contributions add to pK."""
    kinds = {kind: [row for row in rows if row.kind == kind][:SHOWN] for kind in ("residue", "contact")}
    tallest = max(1, *(len(found) for found in kinds.values()))
    figure = Figure(figsize=(8.6, 1.2 + 0.27 * tallest), layout="constrained")
    figure.suptitle(title)
    for axes, (kind, found) in zip(figure.subplots(1, 2), kinds.items(), strict=True):
        names = [f"{row.residue} {row.ligand_atom} ({row.distance:.1f} Å)".replace("  ", " ") for row in found][::-1]
        values = [row.delta for row in found][::-1]
        # positions, not names: two atoms of a ligand may have the same name
        axes.barh(range(len(found)), values, color=[OKABE_ITO[0] if v > 0 else OKABE_ITO[4] for v in values])
        axes.set_yticks(range(len(found)), names, fontsize="small")
        axes.axvline(0.0, color=GREY)
        axes.set(xlabel="pK with it − pK without it", title=f"{kind}s, the {len(found)} largest")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def figure_learning(curves: Mapping[str, Sequence[tuple[int, float]]], *, constant: float) -> Figure:
    """Draw RMSE against the number of training complexes, a line for each arm.

    Parameters
    ----------
    curves : mapping of str to sequence of (int, float)
        Training complexes and RMSE.
    constant : float
        RMSE of the constant mean.
    """
    figure = Figure(figsize=(5.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for (name, points), colour in zip(curves.items(), OKABE_ITO * 2, strict=False):
        axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=name)
    axes.axhline(constant, color=GREY, linestyle="--", label="constant mean")
    axes.set(xlabel="training complexes", ylabel="RMSE of pK, other targets", xscale="log")
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
