"""``molinteract stats``: what a store holds."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, emit


def stats(
    store: Annotated[Path, Parameter(help="Folder of a store.")],
    /,
    *,
    report: Annotated[
        Path | None, Parameter(name=["--report", "-o"], help="Write an HTML page to this folder.")
    ] = None,
    picture: Annotated[
        Path | None, Parameter(help="Draw the distributions of sizes to this PNG file, and an SVG file beside it.")
    ] = None,
    verify: Annotated[bool, Parameter(negative="", help="Compare every file with its checksum first.")] = False,
    as_json: Json = False,
) -> int:
    """Count a store: Table 1 beside the paper's, kinds of contact, sources, space groups, Z′, rejects by reason.

    Exit code 1 if more entries were rejected than kept, or --verify finds a damaged file.
    """
    from molinteract.app.reports import tables
    from molinteract.app.reports.figures import save_figure
    from molinteract.app.reports.report import write_report
    from molinteract.app.reports.store_figures import figure_distributions
    from molinteract.store.dataset import open_dataset
    from molinteract.store.statistics import summarise

    dataset = open_dataset(store)
    damaged = dataset.verify() if verify else []
    counts = summarise(dataset)
    parts = [tables.table_1(counts), tables.groups_table(counts), tables.rejects_table(counts)]
    parts += [tables.breakdown_table(counts, name) for name in ("label", "source", "space_group", "z_prime")]
    lines = "\n\n".join(table.text() for table in parts)
    lines += (
        f"\n\n{counts.compounds:,} compounds, {counts.orbits:,} contact orbits; patches by split: "
        + ", ".join(f"{name} {count:,}" for name, count in counts.splits.items())
        + f"\n{counts.isolated:,} isolated entries, {counts.empty_patches:,} neighbours without an edge in the cut; "
        f"{counts.near_duplicates:,} entries repeat an earlier crystal"
    )
    if damaged:
        lines += f"\ndamaged: {', '.join(damaged)} (molinteract build … --resume mends them)"
    if picture is not None:
        lines += f"\n{save_figure(figure_distributions(counts), picture.parent, picture.stem)}"
    if report is not None:
        lines += f"\n{write_report(report, statistics=counts)}"
    emit(counts.to_dict() | {"damaged": damaged}, lines, as_json=as_json)
    return 1 if damaged or sum(counts.rejects.values()) > dataset.n_entries else 0
