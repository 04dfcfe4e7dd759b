"""``molinteract build``: sources in, a store out."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import DryRun, Json, Quiet, emit, progress_bar


def build(
    sources: Annotated[
        list[str], Parameter(help="Files, folders, patterns, archives, databases, cod:…, csd:…, sample:, - for stdin.")
    ],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the store.")],
    config: Annotated[Path | None, Parameter(name=["--config", "-c"], help="Settings (TOML).")] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", negative="", help="One setting, such as policies.components=any.")
    ] = None,
    paper: Annotated[bool, Parameter(negative="", help="The paper's exact set-up: refuse any other setting.")] = False,
    workers: Annotated[int, Parameter(help="Processes.")] = 1,
    ray: Annotated[str | None, Parameter(help="Address of a Ray cluster instead (auto, host:port, local).")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on with an interrupted build.")] = False,
    from_manifest: Annotated[
        Path | None, Parameter(help="Build what another store's rebuild.jsonl.gz lists, and say what differs.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Turn crystal structures into a store of intermolecular patches.

    Every entry that is not kept becomes a row of OUT/rejects.parquet with a reason.

    Example: molinteract build my_cifs/ more.zip -o DB --workers 4
    """
    from molinteract.core.settings import PAPER, BuildSettings, require_paper
    from molinteract.store import build as store
    from molinteract.store.estimate import estimate

    own = config is not None or set_ or from_manifest is None
    settings = BuildSettings.load(config, set_ or []) if own else None
    if paper:
        require_paper(settings or PAPER)
    if dry_run:
        guess = estimate(sources, settings=settings, workers=workers)
        emit(asdict(guess), guess.text(), as_json=as_json)
        return 0
    with progress_bar("building", unit="items", quiet=quiet) as bar:
        report = store.build(
            sources, out, settings=settings, workers=workers, ray=ray, resume=resume, from_manifest=from_manifest,
            progress=bar,
        )  # fmt: skip
    emit(asdict(report), report.text(), as_json=as_json)
    return 0 if report.clean else 1
