"""The report: one HTML page about a store, a training run and what its vectors know; a part that is missing is said to be."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from molinteract.app.reports import tables
from molinteract.app.reports.figures import (
    figure_bars,
    figure_curves,
    figure_distances,
    figure_map,
    save_figure,
)
from molinteract.app.reports.page import Page
from molinteract.app.reports.store_figures import figure_distributions
from molinteract.core.provenance import machine, utc_now, versions
from molinteract.embeddings.questions import ProbeResult
from molinteract.store.statistics import Statistics

_MAP_NOTE = (
    "A map keeps neighbourhoods, not distances or areas, and shows structure in noise too: what it suggests must stand in "
    "the tables below."
)


def write_report(
    out: str | Path,
    *,
    statistics: Statistics | None = None,
    records: Sequence[dict[str, Any]] = (),
    probe: ProbeResult | None = None,
    title: str = "molinteract report",
    network: str = "",
) -> Path:
    """Write ``report.html``, its figures (PNG, SVG) and its numbers (``report.json``) to a folder.

    Parameters
    ----------
    out : str or Path
        Folder.
    statistics : Statistics, optional
        Of the store.
    records : sequence of dict
        Log of the training run.
    probe : ProbeResult, optional
    title : str
    network : str
        Whose vectors ``probe`` is about, in words.

    Returns
    -------
    Path
        Of the page.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    page = Page(title, "Patches of neighbouring molecules in crystals, a network trained on them, and what it knows.")
    page.headline(headline(statistics, records, probe))
    _store_section(page, out, statistics)
    _training_section(page, out, records)
    _probe_section(page, out, probe, network)
    page.section("How this was made")
    made = {"versions": versions(), "machine": machine(), "written": utc_now()}
    page.code(json.dumps(made, indent=1))
    numbers = {
        "store": statistics.to_dict() if statistics else None,
        "training": list(records),
        "probe": probe.to_dict() if probe else None,
        **made,
    }
    (out / "report.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False), encoding="utf-8")
    path = out / "report.html"
    page.write(path)
    return path


def headline(
    statistics: Statistics | None, records: Sequence[dict[str, Any]], probe: ProbeResult | None
) -> list[tuple[str, str]]:
    """Return the few figures to read first: (value, what it is)."""
    figures: list[tuple[str, str]] = []
    if statistics is not None:
        entries, patches = statistics.table_1["entries"], statistics.table_1["patches"]
        figures.append((f"{entries:,.0f}", f"crystals of {statistics.compounds:,} compounds kept"))
        figures.append((f"{sum(statistics.rejects.values()):,}", "entries rejected, each with a reason"))
        figures.append((f"{patches:,.0f}", f"patches in {statistics.orbits:,} contact orbits"))
    last = next((record for record in reversed(records) if "ev" in record), None)
    if last is not None:
        figures.append((f"{last['ev']:.3f}", "explained variance of displacements, held-out compounds (null: 0)"))
        if "ev_rigid_nodes" in last:
            figures.append((f"{last['ev_rigid_nodes']:.3f}", "of it on the relative translation of the two molecules"))
    if probe is not None and probe.probes:
        first = probe.probes[0]
        scores = {score.features: score.accuracy for score in first.scores}
        rest = ", ".join(f"{name} {value:.2f}" for name, value in scores.items() if name != "trained")
        figures.append((f"{scores['trained']:.2f}", f"linear probe of {first.name}; {rest}, chance {first.chance:.2f}"))
    return figures


def _store_section(page: Page, out: Path, statistics: Statistics | None) -> None:
    if statistics is None:
        page.note("No store was given: its counts are left out.")
        return
    page.section("The store", "The paper's Table 1 beside the figures of this store.")
    page.table(tables.table_1(statistics))
    page.note(
        "The paper's set has 344,858 organic crystals of a licensed database; a store of smaller molecules has fewer nodes "
        "a patch. Its two degree rows are printed there with their labels exchanged."
    )
    if statistics.table_1["patches"]:
        figure = figure_distributions(statistics)
        page.picture(
            save_figure(figure, out / "figures", "distributions"), "Sizes of the patches; dashed: the paper's means."
        )
    page.table(tables.labels_table(statistics))
    if len(statistics.groups) > 1:
        page.table(tables.groups_table(statistics))
    for name in ("space_group", "z_prime"):
        page.table(tables.breakdown_table(statistics, name))
    page.section("Rejected entries", "Every entry that was not kept, by the first reason that applies.")
    if statistics.rejects:
        figure = figure_bars(statistics.rejects, title="Rejected entries", unit="entries")
        page.picture(save_figure(figure, out / "figures", "rejects"), "Entries by reason.")
    page.table(tables.rejects_table(statistics))


def _training_section(page: Page, out: Path, records: Sequence[dict[str, Any]]) -> None:
    points = [record for record in records if "ev" in record]
    if not points:
        page.note("No training run was given: its curves are left out.")
        return
    page.section(
        "Training",
        "Each atom is displaced at random; the network predicts the displacement. Measured on compounds that were never "
        "trained on, beside predicting zero.",
    )
    page.picture(
        save_figure(figure_curves(points), out / "figures", "training"),
        "Error and explained variance during training; dashed: predicting zero.",
    )
    page.table(tables.measures_table({k: v for k, v in points[-1].items() if k.startswith(("rmse", "ev"))}))
    page.note(
        "Much of the explained variance can be earned on bond lengths inside a molecule: the rows for the interface and for the "
        "relative translation of the two molecules tell what is known of the contact."
    )


def _probe_section(page: Page, out: Path, probe: ProbeResult | None, network: str) -> None:
    if probe is None:
        page.note("No vectors were given: maps, tests and probes are left out.")
        return
    page.section("Maps", f"Vectors of {network}. {_MAP_NOTE}" if network else _MAP_NOTE)
    for drawn in (*probe.patch_maps.maps, *probe.node_maps.maps):
        path = save_figure(figure_map(drawn), out / "figures", drawn.name)
        figure = drawn.name.removeprefix("figure_")
        paper = f"As the paper's Fig. {figure}: " if drawn.name != figure else "The same map: "
        page.picture(path, f"{paper}{drawn.title[0].lower()}{drawn.title[1:]}.")
    maps = {"patches": probe.patch_maps.to_dict(), "nodes": probe.node_maps.to_dict()}
    (out / "maps.json").write_text(json.dumps(maps, ensure_ascii=False), encoding="utf-8")
    page.section(
        "Distances by label",
        "Two-sided Kolmogorov–Smirnov tests between the pairwise distances of vectors of one label and of vectors drawn at "
        "random, and of labels against each other; sampled by compound. Pairwise distances are many and not independent, so p "
        "is nearly always small: read D beside the D of shuffled labels and of the untrained network.",
    )
    for name, distances, what in (
        ("figure_4e", probe.patch_distances, "patch vectors by kind of contact"),
        ("figure_4e_nodes", probe.node_distances, "node vectors by element"),
    ):
        path = save_figure(figure_distances(distances, title=f"Pairwise distances of {what}"), out / "figures", name)
        page.picture(path, f"As the paper's Fig. 4e: distribution of the pairwise distances of {what}.")
    page.table(tables.ks_tests_table(probe.patch_tests))
    page.table(tables.ks_tests_table([t for t in probe.node_tests if t.second == "all"]))
    page.section(
        "Probes",
        "Balanced accuracy of a linear classifier on held-out compounds, share of the ten nearest neighbours of other compounds "
        "with the same label, and silhouette; beside the same network untrained and beside composition alone.",
    )
    page.table(tables.probes_table(probe.probes))
    page.note(
        "In paper mode the readout that makes patch vectors never enters the loss: they come from an untrained "
        "convolution of trained nodes. The element and much of a node's surroundings are in its input embedding, trained or not."
    )
