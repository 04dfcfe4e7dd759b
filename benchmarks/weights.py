"""What pre-trained weights know of compounds that they never saw: all measures beside their nulls, and the push along S66x8.

Compounds of the training and validation splits of the weights are left out. ``--quick``: the embedded sample and few patches;
says that it runs, no more.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from harness import Figure, report
from molinteract.batches.loader import PatchLoader
from molinteract.core.settings import parse_settings
from molinteract.evidence.dimers import read_dimers
from molinteract.evidence.push import push_along_curves
from molinteract.network.files import read_description
from molinteract.network.saved import load_network
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import PatchDataset, open_dataset
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.recipe import Recipe
from molinteract.training.rigid_null import rigid_null
from molinteract.training.validate import validate


def main() -> None:
    """Print the measures of a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder of a network, such as RUN/best")
    parser.add_argument("--store", type=Path, help="crystals to ask; the embedded sample by default")
    parser.add_argument(
        "--splits", type=Path, help="splits.json of the run: compounds to leave out, and to fit the null on"
    )
    parser.add_argument("--dimers", type=Path, help="table of dimers with the set S66x8")
    parser.add_argument("--patches", type=int, default=2048)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_network(options.model)
    recipe = parse_settings(Recipe, read_description(options.model)["card"]["recipe"], where=str(options.model))
    with tempfile.TemporaryDirectory() as scratch:
        if options.store is None:
            build([SAMPLE], Path(scratch) / "db")
        dataset = open_dataset(options.store or Path(scratch) / "db")
        splits = json.loads(options.splits.read_text(encoding="utf-8")) if options.splits else {}
        train, held_out = rows_of(dataset, splits, most=64 if options.quick else options.patches)
        patches = DisplacedPatches(
            dataset, np.concatenate([train, held_out]), noise=recipe.noise, d_inter=model.config.d_inter
        )
        batches = PatchLoader(dataset, held_out, batch_size=64).in_order()
        values = validate(model, patches, batches, clamp=recipe.noise.clamp)
        if len(train):
            values["ev_rigid_null"] = rigid_null(patches, train, held_out, seed=0)
        compounds = len(set(dataset.compounds[dataset.crystal_rows[held_out]]))
    figures = [Figure("compounds", compounds, ""), Figure("patches", len(held_out), "")]
    figures += [Figure(name, value, "") for name, value in values.items()]
    if options.dimers is not None and model.rigid is None:
        print("no push along S66x8: a network of paper mode predicts none")
    elif options.dimers is not None:
        score = push_along_curves(model, read_dimers(options.dimers))
        for name in ("curves", "points", "compressed", "stretched", "balanced", "blind", "crossed"):
            figures.append(Figure(f"S66x8 {name}", float(getattr(score, name)), ""))
        for name in ("compressed", "stretched", "balanced"):
            figures.append(Figure(f"S66x8 distance rule {name}", getattr(score, f"rule_{name}"), ""))
        for name, quartiles in (("crossing", score.crossing), ("minimum", score.minimum)):
            figures += [Figure(f"S66x8 {name} {q} %", v, "") for q, v in zip((25, 50, 75), quartiles, strict=True)]
    report(figures, options.json)


def rows_of(dataset: PatchDataset, splits: dict[str, list[str]], *, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of training compounds, and of compounds in neither split: at most four entries each, one an orbit."""
    rows = dataset.rows(unique=True, per_compound=4)
    compound = dataset.compounds[dataset.crystal_rows[rows]]
    seen = np.isin(compound.astype(str), splits.get("train", []))
    known = seen | np.isin(compound.astype(str), splits.get("validation", []))
    held_out = rows[~known]
    rng = np.random.default_rng(0)
    return rows[seen], np.sort(rng.permutation(held_out)[:most])


if __name__ == "__main__":
    main()
