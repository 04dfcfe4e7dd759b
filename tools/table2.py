"""Table 2 of the paper for owners of the data: a folder in, rows out, with the controls (make table2).

    python tools/table2.py DATA -o OUT --split 60=LIST --split 30=LIST [--model RUN/best] [--set seeds=3] …

DATA is a PDBbind folder, an ATOM3D LMDB folder or a table; a LIST is a CSV, a JSON file or a folder of id lists. Without --split
the split of the data themselves is taken (ATOM3D's train, val and test folders, or a column ``split``). Each row says how many of
how many complexes were evaluated; the split says by its sizes which of the published lists it is.
"""

import argparse
import json
import sys
from pathlib import Path

from molinteract.affinity.complexes import CONTACT
from molinteract.affinity.experiments import add_controls, add_network, start_experiment
from molinteract.affinity.items import ComplexItem
from molinteract.affinity.prepare import load_measured, of_part, target_clusters
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import PARTS, Split, read_split, split_of_labels
from molinteract.network.saved import load_network

PUBLISHED = (
    ("Atom3D", 1.408, 0.743, 0.743),
    ("ProtTrans", 1.641, 0.595, 0.588),
    ("MaSIF", 1.426, 0.709, 0.701),
    ("IEConv", 1.473, 0.667, 0.675),
    ("Holoprot", 1.365, 0.749, 0.742),
    ("ProNet", 1.343, 0.765, 0.761),
    ("InteractNN (paper)", 1.355, 0.748, 0.746),
    ("InteractNN (paper), no pre-training", 1.415, 0.719, 0.717),
)
"""RMSE, Pearson and Spearman at 60 % identity, as the paper prints them."""
LATER = (("CheapNet", 1.238, 1.311), ("Frad", 1.213, 1.365), ("EPT", 1.227, 1.322))
"""RMSE at 60 % and 30 % identity, published since."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--root", type=Path, help="folder of the files that a table names")
    parser.add_argument("--out", "-o", type=Path, required=True)
    parser.add_argument("--split", action="append", default=[], metavar="NAME=LIST")
    parser.add_argument("--model", type=Path, help="pre-trained network")
    parser.add_argument("--no-network", action="store_true", help="controls alone")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="one setting of the recipe")
    return parser.parse_args()


def say(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def one_split(
    name: str, split: Split, items: list[ComplexItem], given: argparse.Namespace, recipe: FinetuneRecipe
) -> None:
    """Run all arms on one split, print the rows, and write them to OUT/NAME.json."""
    asked = [i for part in PARTS for i in split.part(part)]
    chosen = of_part(items, asked)
    # PDBbind's refined and general lists are used as they are: the published protocols do not filter relations
    loaded = load_measured(chosen, recipe.complexes, inexact=True)
    clusters = target_clusters(loaded, "cluster")
    experiment = start_experiment(loaded, [split], clusters)
    add_controls(experiment, load_measured(chosen, ComplexSettings(pocket=CONTACT), inexact=True), [split])
    if not given.no_network:
        folder = given.out / name
        scratch = recipe.model_copy(update={"mode": "scratch"})
        arm = "InteractNN, from scratch"
        add_network(experiment, arm, loaded, [split], folder / "scratch", recipe=scratch, progress=say)
        if given.model is not None:
            full = recipe.model_copy(update={"mode": "full"})
            add_network(
                experiment, "InteractNN, pre-trained", loaded, [split], folder / "full", recipe=full,
                encoder=load_network(given.model), progress=say,
            )  # fmt: skip
    rows = experiment.rows()
    (given.out / f"{name}.json").write_text(json.dumps({"split": split.name, "rows": rows}, indent=1), encoding="utf-8")
    print(f"\nsplit {name}: {split.name}")
    print(
        f"{rows[0]['n']} test complexes evaluated of {rows[0]['n_asked']}, {len(set(experiment.clusters))} clusters at 30 %"
    )
    print(f"{'':<40} {'RMSE':>6} {'95 % interval':>16} {'Pearson':>8} {'Spearman':>8}  RMSE of each seed")
    for row in rows:
        low, high = row["rmse_interval"]
        seeds = " ".join(f"{value:.3f}" for value in row["rmse_of_seeds"])
        print(
            f"{row['arm']:<40} {row['rmse']:6.3f} [{low:6.3f}, {high:6.3f}] {row['pearson']:8.3f} {row['spearman']:8.3f}  {seeds}"
        )


def main() -> int:
    """Run every split."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    recipe = FinetuneRecipe.load(None, ["beside=none", *given.settings])  # the paper's rows are networks alone
    items = open_complexes(given.data, root=given.root)
    lists = dict(text.split("=", 1) for text in given.split)
    splits = {name: read_split(path, items) for name, path in lists.items()} or {"own": split_of_labels(items)}
    for name, split in splits.items():
        one_split(name, split, items, given, recipe)
    print("\npublished, 60 % identity (RMSE, Pearson, Spearman):")
    for name, *values in PUBLISHED:
        print(f"  {name:<38} " + " ".join(f"{value:.3f}" for value in values))
    print("published since (RMSE at 60 %, at 30 %):")
    for name, *values in LATER:
        print(f"  {name:<38} " + " ".join(f"{value:.3f}" for value in values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
