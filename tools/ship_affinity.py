"""Bring a fine-tuned affinity model into the package: weights and the card in words.

    python tools/ship_affinity.py FINE NAME --rows OUT/rows.json --arm "support vectors of near atoms, with contacts"

FINE is the run; the rows are those of ``tools/affinity_folds.py`` with the same recipe on the same training set.
"""

import argparse
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from molinteract.affinity.metrics import rmse

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "molinteract" / "weights"
SOURCES = (
    "modelled poses and free energies of openfe-benchmarks (Open Free Energy, MIT), Uni-FEP-Benchmarks (DP Technology, "
    "Apache-2.0; the reference ligands) and public_binding_free_energy_benchmark (Schrödinger, MIT)"
)
LICENCE = "data MIT and Apache-2.0 as named; these weights: MIT, as the package; nothing of PDBbind was trained on"
GOOD_FOR = "trying `predict`; a start for your own `finetune`, which is what to do before any number is relied on"
BAD_FOR = (
    "deciding anything. On targets it was not trained on it is not much better than the mean, and not better than its forest, "
    "which counts which elements touch (table); a wrong pose costs it next to nothing"
)

LOOKS = (
    "looked at for the third time (before, for perceptrons on sums of a pocket of 6 Å, without the forest and with it)"
)


def main() -> None:
    """Write ``weights/NAME``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--arm", required=True, help="name of the row of this model")
    options = parser.parse_args()
    target = PACKAGE / options.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(options.run / "model", target)
    rows = {row["arm"]: row for row in json.loads(options.rows.read_text(encoding="utf-8"))}
    scores = json.loads((options.run / "scores.json").read_text(encoding="utf-8"))["scores"]
    file = target / "model.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    wanted = {
        "this model": options.arm,
        "constant mean": "constant mean",
        "additive null": "additive null",
        "contacts, forest": "contacts",
    }
    test = scores["test"] | {"rmse_of_training_mean": error_of_mean(options.run)}
    description["card"] |= {
        "data": SOURCES, "licence": LICENCE, "good_for": GOOD_FOR, "bad_for": BAD_FOR, "test": test,
        "cross_validated": {name: rows[arm] for name, arm in wanted.items()},
    }  # fmt: skip
    file.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (target / "README.md").write_text(card_text(options.name, description), encoding="utf-8")


def error_of_mean(run: Path) -> float:
    """Return the RMSE on the test part of the mean of the training part."""
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        rows = [(row["part"], float(row["measured"])) for row in csv.DictReader(file)]
    train, test = (np.array([value for part, value in rows if part == name]) for name in ("train", "test"))
    return rmse(test, np.full(len(test), train.mean()))


def card_text(name: str, description: dict[str, Any]) -> str:
    """Return the card in words."""
    card = description["card"]
    sizes = description["network"]
    test = card["test"]
    lines = [
        f"# {name}",
        "",
        f"Binding affinities (pK) by InteractNN (ns {sizes['ns']}, nv {sizes['nv']}, {sizes['n_layers']} layers) of "
        "`small-heavy`, frozen: sums over the atoms with one of the other side within 10 Å, read by "
        f"{card['recipe']['seeds']} support vector regressions, averaged by half with a forest on counts of "
        "element contacts within 10 Å.",
        "`molinteract predict complex.pdb --ligand NAME` uses it without a connection.",
        "",
        f"- **Data**: {card['n_train']:,} complexes: {card['data']}. Heavy atoms, pocket of "
        f"{description['complexes']['pocket']:g} Å, no waters.",
        f"- **Licence**: {card['licence']}.",
        f"- **Good for**: {card['good_for']}.",
        f"- **Bad for**: {card['bad_for']}.",
        "",
        "Cross-validated over clusters of targets (30 % identity), on the training data:",
        "",
        "| model | RMSE | 95 % interval | r |",
        "|---|---|---|---|",
    ]
    for title, row in card["cross_validated"].items():
        low, high = row["rmse_interval"]
        pearson = "–" if title == "constant mean" else f"{row['pearson']:.3f}"
        lines.append(f"| {title} | {row['rmse']:.3f} | {low:.3f}–{high:.3f} | {pearson} |")
    low, high = test["intervals"]["rmse"]
    lines += [
        "",
        f"On {test['n']:,} complexes of {test['n_clusters']} other target clusters, crystal and modelled poses together,",
        f"{LOOKS}: RMSE {test['rmse']:.3f} [{low:.3f}, {high:.3f}], r {test['pearson']:.3f}; the mean of the training set "
        f"{test['rmse_of_training_mean']:.3f}.",
        "",
        "The spread that `predict` gives is that of the members, not an error bar: read the RMSE as the error.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
