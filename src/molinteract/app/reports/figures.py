"""Figures by matplotlib: PNG for the page, SVG beside it, colours that the colour-blind can tell apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

from molinteract.embeddings.questions import LabelledMap

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
"""Colours of Okabe and Ito (2008), distinguishable with every kind of colour vision."""
GREY = "#BBBBBB"
_SHARES = np.linspace(0.0, 1.0, 201)
_BACKGROUND = ("none", "rest", "other", "unlabelled")


def figure_map(labelled: LabelledMap) -> Figure:
    """Draw a map: labels by frequency, the unlabelled in grey below, counts in the legend."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    counts = Counter(labelled.labels.tolist())
    colours = iter(OKABE_ITO * 3)
    background = [name for name in counts if name in _BACKGROUND]
    named = [name for name, _ in counts.most_common() if name not in _BACKGROUND]
    for name in [*background, *named]:
        chosen = labelled.labels == name
        axes.scatter(
            labelled.points[chosen, 0],
            labelled.points[chosen, 1],
            s=3.0,
            linewidths=0,
            color=GREY if name in background else next(colours),
            alpha=0.7,
            rasterized=True,
            label=f"{name.replace('_', ' ')} ({counts[name]:,})",
        )
    axes.set_title(f"{labelled.title} (n = {len(labelled.points):,})")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("UMAP 1")
    axes.set_ylabel("UMAP 2")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, markerscale=4, fontsize="small")
    return figure


def figure_distances(distances: dict[str, NDArray[np.float64]]) -> Figure:
    """Draw the distribution functions of pairwise distances by label; the random sample in grey."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    colours = iter(OKABE_ITO)
    for name, values in distances.items():
        reference = name == "all"
        axes.plot(
            np.quantile(values, _SHARES),
            _SHARES,
            color=GREY if reference else next(colours),
            linestyle="--" if reference else "-",
            label=f"{'random sample' if reference else name.replace('_', ' ')} ({len(values):,} pairs)",
        )
    axes.set(
        xlabel="distance / median of the random sample",
        ylabel="share of pairs up to it",
        title="Pairwise distances of patch vectors",
    )
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def figure_curves(records: Sequence[dict[str, Any]]) -> Figure:
    """Draw loss and explained variance along the training, with the predict-zero lines."""
    points = [record for record in records if "rmse" in record]
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [record["step"] for record in points]
    left.plot(steps, [record["rmse"] for record in points], color=OKABE_ITO[0], label="held-out compounds")
    if points:
        left.axhline(points[0]["rmse_zero"], color=GREY, linestyle="--", label="predict zero")
    left.set(xlabel="step", ylabel="RMSE of δ / Å", title="Denoising error")
    for (key, title), colour in zip(
        (
            ("ev", "all atoms"), ("ev_interface", "interface"), ("ev_rest", "rest"),
            ("ev_rigid_nodes", "relative translation"),
        ),
        OKABE_ITO,
        strict=False,
    ):  # fmt: skip
        right.plot(steps, [record.get(key, float("nan")) for record in points], color=colour, label=title)
    right.axhline(0.0, color=GREY, linestyle="--", label="predict zero")
    right.set(xlabel="step", ylabel="explained variance", title="Explained variance")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def figure_bars(counts: dict[str, int], *, title: str, unit: str) -> Figure:
    """Draw counts as horizontal bars, the most frequent on top, with their numbers."""
    figure = Figure(figsize=(6.4, 0.6 + 0.32 * max(1, len(counts))), layout="constrained")
    axes = figure.add_subplot()
    names = list(counts)[::-1]
    bars = axes.barh([n.replace("_", " ") for n in names], [counts[n] for n in names], color=OKABE_ITO[0])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize="small")
    axes.set(title=title, xlabel=unit)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def save_figure(figure: Figure, folder: Path, name: str) -> Path:
    """Write a figure as PNG and SVG and return the path of the PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    with mpl.rc_context({"svg.hashsalt": name}):  # the same figure gives the same file
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=150)
        FigureCanvasSVG(figure)
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    return path
