"""``molinteract predict``: affinities of complexes, poses and ligands."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molinteract.app.cli.output import Json, Quiet, emit, progress_bar


def predict(
    complexes: Annotated[Path, Parameter(help="Protein file; or a complex, a folder, a CSV, an ATOM3D set.")],
    ligands: Annotated[Path | None, Parameter(help="SDF, mol2 or PDBQT with any number of ligands or poses.")] = None,
    /,
    *,
    model: Annotated[
        str,
        Parameter(name=["--model", "-m"], help="Folder that finetune wrote, or the name of a model in the package."),
    ] = "affinity",
    ligand: Annotated[str | None, Parameter(help="Ligand inside the complex, as NAME/CHAIN/NUMBER.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the files that a CSV names.")] = None,
    csv: Annotated[Path | None, Parameter(name=["--csv", "-o"], help="Write every row to this file.")] = None,
    explain: Annotated[
        Path | None,
        Parameter(
            help="Write what each residue and contact of the first complex adds: this CSV, and a picture beside it."
        ),
    ] = None,
    device: Annotated[str, Parameter(help="cpu or cuda.")] = "cpu",
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Predict pK with the spread of the ensemble and flags for what is out of the model's domain, best first.

    Example: molinteract predict protein.pdb ligands.sdf

    Exit code 1 if a row could not be predicted; its reason stands in the row.
    """
    from molinteract.affinity.contributions import explain_first, write_contributions
    from molinteract.affinity.model import load_model
    from molinteract.affinity.predict import predict_items, predict_poses, predictions_text, write_predictions
    from molinteract.affinity.sources import open_complexes, with_choice
    from molinteract.app.reports.affinity_figures import figure_contributions
    from molinteract.app.reports.figures import save_figure

    network = load_model(model, device=device)
    items = [] if ligands else with_choice(open_complexes(complexes, root=root), ligand)
    if ligands is not None:
        found = predict_poses(network, complexes, ligands)
    else:
        with progress_bar("predicting", unit="complexes", quiet=quiet) as bar:
            found = predict_items(network, items, progress=bar)
    if csv is not None:
        write_predictions(csv, found)
    if explain is not None:
        title, rows = explain_first(network, complexes, ligands, items)
        write_contributions(explain, rows)
        save_figure(figure_contributions(rows, title=title), explain.parent, explain.stem)
    emit({"predictions": [asdict(p) for p in found]}, predictions_text(found), as_json=as_json)
    return 1 if any(p.reason for p in found) else 0
