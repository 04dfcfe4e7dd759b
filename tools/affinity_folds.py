"""Cross-validation on a set of complexes: controls and networks in the same folds over target clusters.

    python tools/affinity_folds.py SET.csv --root FOLDER --folds folds.csv -o OUT [--model RUN/best] [--set max_epochs=10] …

The folds are read from the file, or written to it where it does not exist. Predictions of every arm go to OUT/predictions.csv,
the rows to OUT/rows.json.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

from molinteract.affinity.audit import target_clusters
from molinteract.affinity.controls import CONTACT
from molinteract.affinity.experiments import (
    Experiment,
    add_controls,
    add_network,
    add_sensitivity,
    fold_splits,
    start_experiment,
)
from molinteract.affinity.prepare import load_measured
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import cluster_folds, read_folds, write_folds
from molinteract.network.saved import load_network

ARMS = {"no contacts": "no_contacts", "ligand only": "ligand_only", "pocket only": "pocket_only"}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--root", type=Path, help="folder of the files that the table names")
    parser.add_argument("--only", help="LABEL=VALUE of the rows to use, such as split=train")
    parser.add_argument("--clusters", default="cluster30", help="label with the target cluster")
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--out", "-o", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="pre-trained network: adds the arms 'pre-trained' and 'frozen'")
    parser.add_argument("--no-network", action="store_true", help="controls alone")
    parser.add_argument(
        "--ablations", action="store_true", help="also networks without contacts, ligand only, pocket only"
    )
    parser.add_argument("--set", dest="settings", action="append", default=[], help="one setting of the recipe")
    return parser.parse_args()


def say(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def write(experiment: Experiment, out: Path) -> None:
    """Write predictions and rows, and print the rows."""
    with (out / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "cluster", "measured", *(arm.name for arm in experiment.arms)])
        means = [arm.predicted.mean(0) for arm in experiment.arms]
        for k, name in enumerate(experiment.ids):
            row = [f"{value:.4f}" for value in (experiment.measured[k], *(mean[k] for mean in means))]
            writer.writerow([name, experiment.clusters[k], *row])
    rows = experiment.rows()
    (out / "rows.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"{'arm':<40} {'RMSE':>6} {'95 % interval':>16} {'MAE':>6} {'r':>7} {'rho':>7}  minus additive null")
    for row in rows:
        low, high = row["rmse_interval"]
        beside = row.get("minus additive null")
        text = f"{beside[0]:+.3f} [{beside[1]:+.3f}, {beside[2]:+.3f}]" if beside else ""
        print(
            f"{row['arm']:<40} {row['rmse']:6.3f} [{low:6.3f}, {high:6.3f}] {row['mae']:6.3f} {row['pearson']:7.3f} "
            f"{row['spearman']:7.3f}  {text}"
        )
    print(f"{rows[0]['n']} evaluated of {rows[0]['n_asked']}, {len(set(experiment.clusters))} target clusters")


def main() -> int:
    """Run the experiment."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    base = FinetuneRecipe.load(None, given.settings)
    items = open_complexes(given.data, root=given.root)
    if given.only:
        label, _, value = given.only.partition("=")
        items = [item for item in items if item.labels.get(label) == value]
    loaded = load_measured(items, base.complexes, inexact=True)
    clusters = target_clusters(loaded, given.clusters)
    if not given.folds.is_file():
        names = [item.id for item in loaded.items]
        write_folds(given.folds, cluster_folds(dict(zip(names, clusters, strict=True))))
    splits = fold_splits(loaded, read_folds(given.folds), clusters)
    experiment = start_experiment(loaded, splits, clusters)
    add_controls(experiment, load_measured(items, ComplexSettings(pocket=CONTACT), inexact=True), splits)
    write(experiment, given.out)
    if given.no_network:
        return 0
    scratch = base.model_copy(update={"mode": "scratch"})
    add_network(experiment, "from scratch", loaded, splits, given.out / "scratch", recipe=scratch, progress=say)
    add_sensitivity(experiment, "from scratch", loaded, splits, given.out / "scratch")
    write(experiment, given.out)
    if given.model is not None:
        network = load_network(given.model)
        for name, mode in (("pre-trained", "full"), ("frozen", "frozen")):
            recipe = base.model_copy(update={"mode": mode})
            add_network(
                experiment, name, loaded, splits, given.out / mode, recipe=recipe, encoder=network, progress=say
            )
        add_sensitivity(experiment, "pre-trained", loaded, splits, given.out / "full")
    if given.ablations:
        for name, graph in ARMS.items():
            recipe = scratch.model_copy(update={"graph": graph})
            add_network(
                experiment, f"from scratch, {name}", loaded, splits, given.out / graph, recipe=recipe, progress=say
            )
    write(experiment, given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
