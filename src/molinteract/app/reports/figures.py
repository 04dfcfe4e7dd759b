"""Figures by matplotlib: PNG for the page, SVG beside it, colours that the colour-blind can tell apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from molinteract.embeddings.colourings import ColouredMap, LabelledMap, ValuedMap

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
"""Colours of Okabe and Ito (2008), distinguishable with every kind of colour vision."""
GREY = "#BBBBBB"
_SHARES = np.linspace(0.0, 1.0, 201)
_BACKGROUND = ("none", "rest", "other", "unlabelled")


def figure_map(drawn: ColouredMap) -> Figure:
    """Draw a map: labels with their counts in the legend, or values with a colour bar."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    count = _scatter_labels(axes, drawn) if isinstance(drawn, LabelledMap) else _scatter_values(figure, axes, drawn)
    axes.set_title(f"{drawn.title} (n = {count:,})")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("UMAP 1")
    axes.set_ylabel("UMAP 2")
    return figure


def _scatter_labels(axes: Axes, drawn: LabelledMap) -> int:
    """Draw labels by frequency, the unlabelled in grey below; return how many points are drawn."""
    counts = Counter(label for label in drawn.labels.tolist() if label)
    total = sum(counts.values())
    colours = iter(OKABE_ITO * 3)
    background = [name for name in counts if name in _BACKGROUND]
    named = [name for name, _ in counts.most_common() if name not in _BACKGROUND]
    for name in [*background, *named]:
        chosen = drawn.labels == name
        axes.scatter(
            drawn.points[chosen, 0],
            drawn.points[chosen, 1],
            s=_point_size(total),
            linewidths=0,
            color=GREY if name in background else next(colours),
            alpha=0.7,
            rasterized=True,
            label=f"{name.replace('_', ' ')} ({counts[name]:,})",
        )
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([30.0])
    return total


def _scatter_values(figure: Figure, axes: Axes, drawn: ValuedMap) -> int:
    """Draw values from their 1st to their 99th percentile; return how many points are drawn."""
    low, high = np.percentile(drawn.values, [1.0, 99.0])
    points = axes.scatter(
        drawn.points[:, 0],
        drawn.points[:, 1],
        c=drawn.values,
        s=_point_size(len(drawn.points)),
        linewidths=0,
        cmap="cividis",
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    figure.colorbar(points, ax=axes, label=drawn.unit, shrink=0.8, extend="both")
    return len(drawn.points)


def _point_size(count: int) -> float:
    """Area of a point, so that the ink on the page stays about the same."""
    return float(np.clip(3.0 * 1e4 / max(1, count), 0.15, 3.0))


def figure_distances(distances: dict[str, NDArray[np.float64]], *, title: str) -> Figure:
    """Draw the distribution functions of pairwise distances by label; the random sample in grey."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    colours = iter(OKABE_ITO * 2)
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
        title=title,
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
