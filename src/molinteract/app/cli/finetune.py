"""``molinteract finetune``: learn affinities from complexes."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit, progress_bar


def finetune(
    data: Annotated[Path, Parameter(help="CSV, PDBbind folder, ATOM3D folder or npz.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Run folder.")],
    model: Annotated[
        str | None, Parameter(name=["--model", "-m"], help="Pre-trained: RUN, a folder of weights, or a name.")
    ] = None,
    split: Annotated[
        str | None,
        Parameter(help="List (CSV, JSON, folder), time:Y,Y, core:LIST or clusters:N:K; else the column 'split'."),
    ] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the files that a CSV names.")] = None,
    clusters: Annotated[str, Parameter(help="Label with the target cluster.")] = "cluster",
    inexact: Annotated[bool, Parameter(negative="", help="Use bounds and estimates as if exact.")] = False,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"], help="Recipe (TOML).")] = None,
    set_: Annotated[
        list[str] | None, Parameter(name="--set", negative="", help="One setting, such as seeds=3.")
    ] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on from the last checkpoint.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train affinity networks on a split, write the leak audit, and score validation and test once.

    Example: molinteract finetune SET.csv -m RUN/best -o FINE --set seeds=3
    """
    from molinteract.affinity.finetune import finetune
    from molinteract.affinity.prepare import load_measured, open_with_split
    from molinteract.affinity.recipe import FinetuneRecipe
    from molinteract.network.saved import open_network

    recipe = FinetuneRecipe.load(config, set_ or [])
    items, parts = open_with_split(data, split=split, root=root)
    encoder = None if model is None else open_network(model)
    with progress_bar("reading", unit="complexes", quiet=quiet) as bar:
        loaded = load_measured(items, recipe.complexes, inexact=inexact, progress=bar)
    with progress_bar("training", unit="epochs", quiet=quiet) as bar:
        result = finetune(
            loaded, parts, out, recipe=recipe, encoder=encoder, resume=resume, clusters=clusters, progress=bar
        )
    emit(asdict(result), result.text(), as_json=as_json)
    return 1 if result.failures else 0
