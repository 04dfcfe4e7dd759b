"""``molinteract audit``: judge any model's predictions of affinities."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit, progress_bar


def audit(
    scores: Annotated[Path, Parameter(help="CSV with columns id and predicted (pK), of any model.")],
    data: Annotated[Path, Parameter(help="The complexes: CSV, PDBbind folder, ATOM3D folder or npz.")],
    /,
    *,
    split: Annotated[
        str | None, Parameter(help="List, or a word such as clusters:5:0, as for finetune; with --part.")
    ] = None,
    part: Annotated[str | None, Parameter(help="Judge this part; the nulls are fitted on train.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the files that a CSV names.")] = None,
    clusters: Annotated[str, Parameter(help="Label with the target cluster.")] = "cluster",
    series: Annotated[str, Parameter(help="Label with the series.")] = "series",
    inexact: Annotated[bool, Parameter(negative="", help="Use bounds and estimates as if exact.")] = False,
    leaks: Annotated[Path | None, Parameter(help="Write the leak audit to this file.")] = None,
    model: Annotated[
        str | None,
        Parameter(
            name=["--model", "-m"], help="The model of these scores, where it is ours: also judged on spoilt complexes."
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Set predictions beside what size, ligand, pocket and composition tell, by leak and by series, with intervals over targets.

    Example: molinteract audit SCORES.csv SET.csv --part test

    Exit code 1 if the predictions are not better than the additive null.
    """
    from molinteract.affinity.audit import audit, audit_sensitivity, load_for_audit, read_scores
    from molinteract.affinity.leaks import write_leaks
    from molinteract.affinity.model import load_model
    from molinteract.affinity.sensitivity import sensitivity_text

    found = read_scores(scores)
    with progress_bar("reading", unit="complexes", quiet=quiet) as bar:
        test, train = load_for_audit(data, split=split, part=part, root=root, inexact=inexact, progress=bar)
    result = audit(found, test, train=train, cluster_label=clusters, series_label=series)
    if leaks is not None:
        write_leaks(leaks, result.leaks)
    spoilt = [] if model is None else audit_sensitivity(load_model(model), test, cluster_label=clusters)
    text = "\n\n".join([result.text(), *([sensitivity_text(spoilt)] if spoilt else [])])
    emit(asdict(result) | {"sensitivity": [asdict(row) for row in spoilt]}, text, as_json=as_json)
    additive = next(null for null in result.nulls if null.name == "additive null")
    return 0 if additive.difference[2] < 0 else 1
