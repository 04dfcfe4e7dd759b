"""``molinteract pretrain``: train a network on a store."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
    resume: Annotated[bool, Parameter(negative="", help="Go on from the last checkpoint.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train a network by denoising, with measures on held-out compounds beside predicting zero.

    Example: molinteract pretrain DB -c configs/pretrain-small.toml -o RUN
    """
    from molinteract.app.reports.tables import measures_table
    from molinteract.store.dataset import open_dataset
    from molinteract.training.estimate import estimate
    from molinteract.training.loop import TrainingState, pretrain
    from molinteract.training.recipe import Recipe

    dataset = open_dataset(store)
    recipe = Recipe.load(config, set_ or [])
    if dry_run:
        guess = estimate(dataset, recipe)
        emit(asdict(guess), guess.text(), as_json=as_json)
        return 0
    with progress_bar("training", unit="% of the run", quiet=quiet) as bar:

        def show(state: TrainingState) -> None:
            note = f"loss {state.loss:.3f}  {state.patches_per_second:.0f} patches/s"
            if state.validation:
                note += f"  ev {state.validation['ev']:.3f} (zero: 0)"
            bar(round(100 * state.share), 100, note)

        result = pretrain(dataset, recipe, out, resume=resume, progress=show)
    text = measures_table(result.validation).text()
    text += f"\n\n{result.progress.step:,} steps, {result.progress.patches:,} patches, {result.progress.seconds:.0f} s"
    text += f"\nnetwork: {out / 'best'}"
    if result.progress.skipped:
        text += f"\n{result.progress.skipped} batches were not finite and were skipped (log.jsonl names them)"
    if result.damaged_checkpoints:
        text += f"\ndamaged checkpoints passed over: {', '.join(result.damaged_checkpoints)}"
    emit(asdict(result), text, as_json=as_json)
    return 1 if result.progress.skipped or result.validation["ev"] <= 0 else 0
