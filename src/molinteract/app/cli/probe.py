"""``molinteract probe``: what the vectors know."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import DryRun, Json, Quiet, emit


def probe(
    vectors: Annotated[Path, Parameter(help="Folder of vectors, from molinteract embed.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the report.")],
    store: Annotated[Path | None, Parameter(help="Store, to put its counts into the report.")] = None,
    run: Annotated[Path | None, Parameter(help="Run folder, to put its curves into the report.")] = None,
    max_points: Annotated[int, Parameter(help="Points of a map, at most.")] = 10_000,
    seed: Annotated[int, Parameter(help="Of samples and maps.")] = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Draw maps, test distances by label, fit probes; every number beside its null. Writes an HTML report.

    Example: molinteract probe VECTORS -o REPORT --store DB --run RUN
    """
    from molinteract.app.reports import tables
    from molinteract.app.reports.report import write_report
    from molinteract.embeddings.estimate import estimate_probe
    from molinteract.embeddings.questions import ask
    from molinteract.embeddings.table import open_vectors
    from molinteract.store.dataset import open_dataset
    from molinteract.store.statistics import summarise
    from molinteract.training.log import read_log

    def tell(stage: str) -> None:
        if not quiet:
            print(f"{stage} …", file=sys.stderr)

    table = open_vectors(vectors)
    plan = estimate_probe(table, max_points=max_points)
    if dry_run:
        emit(asdict(plan), plan.text(), as_json=as_json)
        return 0
    tell(plan.text())
    result = ask(table, seed=seed, max_points=max_points, stage=tell)
    statistics = summarise(open_dataset(store)) if store else None
    page = write_report(out, statistics=statistics, records=read_log(run) if run else (), probe=result)
    shown = [tables.probes_table(result.probes).text(), tables.ks_tests_table(result.patch_tests).text()]
    text = "\n\n".join([*shown, f"report: {page}"])
    emit(result.to_dict() | {"report": str(page)}, text, as_json=as_json)
    return 0
