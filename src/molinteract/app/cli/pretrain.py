"""``molinteract pretrain``: train a network on a store."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from molinteract.app.cli.output import DryRun, Json, Quiet, emit, progress_bar


def pretrain(
    store: Annotated[Path, Parameter(help="Folder of a store.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Run folder.")],
    config: Annotated[Path | None, Parameter(name=["--config", "-c"], help="Recipe (TOML), as in configs/.")] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", negative="", help="One setting, such as max_minutes=10.")
    ] = None,
    max_time: Annotated[float | None, Parameter(help="Minutes of training, at most (max_minutes).")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on from the last checkpoint.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train a network by denoising, with measures on held-out compounds beside their nulls.

    Example: molinteract pretrain DB -c configs/pretrain-small.toml -o RUN
    Several processes: torchrun --nproc-per-node 2 --no-python molinteract pretrain DB -c RECIPE -o RUN
    """
    from molinteract.app.reports.tables import measures_table
    from molinteract.store.dataset import open_dataset
    from molinteract.training.estimate import estimate
    from molinteract.training.loop import pretrain
    from molinteract.training.recipe import Recipe

    dataset = open_dataset(store)
    limit = [] if max_time is None else [f"max_minutes={max_time}"]
    recipe = Recipe.load(config, [*(set_ or []), *limit])
    if dry_run:
        guess = estimate(dataset, recipe)
        emit(asdict(guess), guess.text(), as_json=as_json)
        return 0
    with progress_bar("training", unit="% of the run", quiet=quiet) as bar:

        def show(state: Any) -> None:
            note = f"loss {state.loss:.3f}  {state.patches_per_second:.0f} patches/s"
            if state.validation:
                note += f"  ev {state.validation['ev']:.3f} (zero: 0)"
            if "ev_rigid" in state.validation:
                note += "  ev_rigid {ev_rigid:.3f} (null: {ev_rigid_null:.3f})".format(**state.validation)
            bar(round(100 * state.share), 100, note)

        result = pretrain(dataset, recipe, out, resume=resume, progress=show)
    if not result.validation:
        return 0  # only the first of several processes measures and prints
    text = f"{measures_table(result.validation).text()}\n\n{result.text()}"
    emit(asdict(result), text, as_json=as_json)
    return 1 if result.progress.skipped or result.validation["ev"] <= 0 else 0
