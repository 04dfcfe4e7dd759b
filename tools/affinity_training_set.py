"""Make the table that the affinity model of the package was trained on, from the labels of a set of complexes.

    python tools/affinity_training_set.py labels.csv SHIP.csv

Modelled poses of the split ``train`` are learnt from; one of eight folds over their target clusters validates. The split ``val``,
crystal complexes included, is the test. Files are expected beside the table, in folders named as the archives.
"""

import argparse
import csv
from pathlib import Path

from molinteract.affinity.splits import cluster_folds

FOLDS = 8
COLUMNS = ("id", "protein", "ligand", "value", "relation", "cluster", "series", "split", "kind")


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with options.labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    learnt = {r["id"]: r["cluster30"] for r in rows if r["split"] == "train" and r["pose_kind"] == "modelled"}
    fold = cluster_folds(learnt, folds=FOLDS, seed=0)
    with options.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        for row in rows:
            if row["split"] == "val" or row["id"] in learnt:
                writer.writerow(_row(row, fold))


def _row(row: dict[str, str], fold: dict[str, int]) -> dict[str, str]:
    folder = row["archive"].removesuffix(".zip")
    part = "test" if row["split"] == "val" else "val" if fold[row["id"]] == FOLDS - 1 else "train"
    return {
        "id": row["id"],
        "protein": f"{folder}/{row['pocket_file']}",
        "ligand": f"{folder}/{row['ligand_file']}",
        "value": row["pK"],
        "relation": "=",
        "cluster": row["cluster30"],
        "series": row["series"],
        "split": part,
        "kind": folder,
    }


if __name__ == "__main__":
    main()
