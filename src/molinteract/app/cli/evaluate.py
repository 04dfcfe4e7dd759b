"""``molinteract evaluate``: an affinity model on measured complexes."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit, progress_bar


def evaluate(
    data: Annotated[Path, Parameter(help="CSV, PDBbind folder, ATOM3D folder or npz.")],
    /,
    *,
    model: Annotated[
        str,
        Parameter(name=["--model", "-m"], help="Folder that finetune wrote, or the name of a model in the package."),
    ],
    split: Annotated[
        str | None, Parameter(help="List, or a word such as clusters:5:0, as for finetune; with --part.")
    ] = None,
    part: Annotated[str | None, Parameter(help="train, val or test; everything by default.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the files that a CSV names.")] = None,
    clusters: Annotated[str, Parameter(help="Label with the target cluster.")] = "cluster",
    series: Annotated[str, Parameter(help="Label with the series.")] = "series",
    inexact: Annotated[bool, Parameter(negative="", help="Use bounds and estimates as if exact.")] = False,
    csv: Annotated[Path | None, Parameter(name=["--csv", "-o"], help="Write the predictions to this file.")] = None,
    figure: Annotated[Path | None, Parameter(help="Draw predicted against measured: this PNG, and an SVG.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Score a model: RMSE, MAE, Pearson and Spearman with intervals over targets, and the ranking within series.

    Example: molinteract evaluate SET.csv -m FINE --part test
    """
    from molinteract.affinity.evaluation import evaluate_model
    from molinteract.affinity.model import load_model
    from molinteract.affinity.predict import write_predictions
    from molinteract.affinity.prepare import of_part, open_with_split
    from molinteract.affinity.sources import open_complexes
    from molinteract.app.reports.affinity_figures import figure_agreement
    from molinteract.app.reports.figures import save_figure

    network = load_model(model)
    if part is None:
        items = open_complexes(data, root=root)
    else:
        everything, parts = open_with_split(data, split=split, root=root)
        items = of_part(everything, parts.part(part))
    with progress_bar("predicting", unit="complexes", quiet=quiet) as bar:
        result = evaluate_model(network, items, clusters=clusters, series=series, inexact=inexact, progress=bar)
    if csv is not None:
        write_predictions(csv, result.predictions)
    if figure is not None:
        drawn = figure_agreement(result.measured, result.predicted, result.scores)
        save_figure(drawn, figure.parent, figure.stem)
    emit(asdict(result), result.text(), as_json=as_json)
    return 1 if result.scores.n < result.scores.n_asked else 0
