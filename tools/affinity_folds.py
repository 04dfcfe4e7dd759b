"""Cross-validation on a set of complexes: controls and networks in the same folds over target clusters.

    python tools/affinity_folds.py SET.csv --root FOLDER --folds folds.csv -o OUT [--model NAME --arms full scratch] …

The folds are read from the file, or written to it where it does not exist. Predictions of every arm go to OUT/predictions.csv,
the rows to OUT/rows.json, predicted against measured to OUT/ARM.png. An arm whose folder in OUT is finished is not trained again.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import torch

from molinteract.affinity.complexes import CONTACT
from molinteract.affinity.experiments import (
    Experiment,
    add_controls,
    add_network,
    add_sensitivity,
    fold_splits,
    start_experiment,
)
from molinteract.affinity.prepare import load_measured, target_clusters
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.affinity.splits import cluster_folds, read_folds, write_folds
from molinteract.app.reports.affinity_figures import figure_agreement
from molinteract.app.reports.figures import save_figure
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import open_network

NEAR = {"mode": "frozen", "readout": "near", "head": "support_vectors", "refit": True, "beside": "contacts"}
ARMS = {
    "scratch": ("from scratch", {"mode": "scratch"}),
    "frozen": ("pre-trained, frozen", {"mode": "frozen"}),
    "frozen_contacts": ("pre-trained, frozen, with contacts", {"mode": "frozen", "beside": "contacts"}),
    "near_contacts": ("support vectors of near atoms, with contacts", NEAR),
    "untrained_near_contacts": ("untrained, near atoms, with contacts", NEAR | {"norms": "reestimated"}),
    "untrained": ("untrained, frozen", {"mode": "frozen", "norms": "reestimated"}),
    "full": ("pre-trained", {"mode": "full"}),
    "no_contacts": ("pre-trained, no contacts", {"mode": "full", "graph": "no_contacts"}),
    "ligand_only": ("pre-trained, ligand only", {"mode": "full", "graph": "ligand_only"}),
    "pocket_only": ("pre-trained, pocket only", {"mode": "full", "graph": "pocket_only"}),
    "vector": ("pre-trained, z alone", {"mode": "full", "readout": "vector"}),
}
"""Folder of each arm: its name, and what it changes in the recipe; networks alone where nothing is said."""

BESIDE = ("constant mean", "additive null", "contacts", "contacts and ligand", "from scratch", "pre-trained, frozen")
"""Arms to which each is compared."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--root", type=Path, help="folder of the files that the table names")
    parser.add_argument("--only", help="LABEL=VALUE,VALUE of the rows to use, such as split=train")
    parser.add_argument("--clusters", default="cluster30", help="label with the target cluster")
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--out", "-o", type=Path, required=True)
    parser.add_argument("--model", help="pre-trained network: a run, a folder or a name")
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=[], help="networks, beside the controls")
    parser.add_argument("--no-controls", action="store_true")
    parser.add_argument("--share", type=float, default=1.0, help="share of the training clusters that is used")
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
    rows = experiment.rows(beside=BESIDE)
    (out / "rows.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(
        f"{'arm':<40} {'RMSE':>6} {'95 % interval':>16} {'MAE':>6} {'r':>7} {'rho':>7}  "
        + "  ".join(f"{'minus ' + name:<23}" for name in BESIDE)
    )
    for row in rows:
        low, high = row["rmse_interval"]
        found = [row.get(f"minus {name}") for name in BESIDE]
        text = "  ".join(f"{d[0]:+.3f} [{d[1]:+.3f}, {d[2]:+.3f}]" if d else " " * 23 for d in found)
        print(
            f"{row['arm']:<40} {row['rmse']:6.3f} [{low:6.3f}, {high:6.3f}] {row['mae']:6.3f} {row['pearson']:7.3f} "
            f"{row['spearman']:7.3f}  {text}"
        )
    print(f"{rows[0]['n']} evaluated of {rows[0]['n_asked']}, {len(set(experiment.clusters))} target clusters")


def untrained(recipe: FinetuneRecipe) -> InteractNN:
    """Return new weights, always the same."""
    torch.manual_seed(0)
    return InteractNN(recipe.network_config())


def main() -> int:
    """Run the experiment."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    base = FinetuneRecipe.load(None, given.settings)
    items = with_label(open_complexes(given.data, root=given.root), given.only)
    loaded = load_measured(items, base.complexes, inexact=True)
    clusters = target_clusters(loaded, given.clusters)
    if not given.folds.is_file():
        names = [item.id for item in loaded.items]
        write_folds(given.folds, cluster_folds(dict(zip(names, clusters, strict=True))))
    splits = fold_splits(loaded, read_folds(given.folds), clusters, share=given.share)
    experiment = start_experiment(loaded, splits, clusters)
    if not given.no_controls:
        add_controls(experiment, load_measured(items, ComplexSettings(pocket=CONTACT), inexact=True), splits)
        write(experiment, given.out)
    network = None if given.model is None else open_network(given.model)
    for arm in given.arms:
        name, changes = ARMS[arm]
        recipe, folder = (
            FinetuneRecipe.model_validate(base.model_dump() | {"beside": "none"} | changes),
            given.out / arm,
        )
        encoder = untrained(recipe) if arm.startswith("untrained") else None if recipe.mode == "scratch" else network
        add_network(experiment, name, loaded, splits, folder, recipe=recipe, encoder=encoder, progress=say)
        if recipe.graph == "complex" and given.share == 1.0:
            add_sensitivity(experiment, name, loaded, splits, folder)
        drawn = figure_agreement(experiment.measured, experiment.arm(name).predicted.mean(0), experiment.scores(name))
        save_figure(drawn, given.out, arm)
        write(experiment, given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
