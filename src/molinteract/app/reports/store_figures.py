"""Figures of a store: how large its patches are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molinteract.app.reports.figures import GREY, OKABE_ITO
from molinteract.store.statistics import PAPER, Statistics

_PANELS = (
    ("nodes", "nodes", "nodes_mean"),
    ("inter_edges", "intermolecular edges", "inter_edges_mean"),
    ("intra_edges", "intramolecular edges", "intra_edges_mean"),
    ("minimum_distance", "shortest distance / Å", None),
    ("patches_per_entry", "patches of an entry", "patches_per_entry"),
)


def figure_distributions(statistics: Statistics) -> Figure:
    """Draw the distributions of sizes and distances, with the means of the store and of the paper, and the kinds of contact."""
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, (name, title, key) in zip(panels, _PANELS, strict=False):
        _histogram(axes, statistics.distributions[name])
        axes.set(xlabel=title, ylabel="entries" if name == "patches_per_entry" else "patches")
        if key is not None:
            axes.axvline(statistics.table_1[key], color=OKABE_ITO[4], label=f"mean {statistics.table_1[key]:.1f}")
            axes.axvline(PAPER[key], color="black", linestyle="--", label=f"paper {PAPER[key]:.1f}")
            axes.legend(frameon=False, fontsize="small")
    names = list(statistics.labels)[::-1]
    bars = panels[-1].barh(
        [n.replace("_", " ") for n in names], [statistics.labels[n] for n in names], color=OKABE_ITO[0]
    )
    panels[-1].bar_label(bars, fmt="{:,.0f}", padding=3, fontsize="small")
    panels[-1].set(xlabel="patches", title="kind of contact")
    panels[-1].margins(x=0.25)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _histogram(axes: Axes, values: dict[str, list[float]]) -> None:
    edges, counts = np.asarray(values["edges"]), np.asarray(values["counts"])
    if len(counts):
        axes.stairs(counts, edges, fill=True, color=OKABE_ITO[0])
        axes.axhline(0.0, color=GREY, linewidth=0.5)
