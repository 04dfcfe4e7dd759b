"""What each part of pre-training is worth: arms of the joint recipe, equal steps, several seeds, measured alike.

Every arm is measured with the displacements of the recipe, so that no arm can read the motion from its edge list. With ``--more``
on compounds of another store that no run has seen, else on the validation compounds. A run that is in ``--out`` already is read
and not made again. ``--quick``: the embedded sample, a tiny network, few steps; says that it runs, no more.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import numpy as np

from harness import Figure, report
from molinteract.batches.loader import PatchLoader
from molinteract.network.saved import load_network
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import PatchDataset, open_dataset
from molinteract.training.data import rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.loop import pretrain
from molinteract.training.measures import Values
from molinteract.training.recipe import Recipe
from molinteract.training.rigid_null import rigid_null
from molinteract.training.validate import validate
from weights import rows_of

RECIPE = Path(__file__).parents[1] / "configs" / "pretrain-joint.toml"
SMALL = "ns=16, nv=8, n_layers=4"
BEGUN = "begun in paper mode"
"""Half of the steps are those of the arm ``paper``, the other half begins with its weights."""
ARMS: dict[str, list[str]] = {
    "joint": [],
    "paper": ["mode=paper"],
    BEGUN: [],
    "no displaced atoms": ["noise.share_atoms=0", "noise.share_both=0"],
    "no intermolecular messages": [f"network={{{SMALL}, psi_hidden=32, intermolecular_messages=false}}"],
    "no drift": ["loss.drift=0"],
    "edges of the clean patch": ["noise.rebuild_inter=none"],
    "edges follow everywhere": ["noise.rebuild_inter=all"],
    "Ψ hidden 16": [f"network={{{SMALL}, psi_hidden=16}}"],
    "Ψ hidden 96": [f"network={{{SMALL}, psi_hidden=96}}"],
    "atoms weigh 1": ["loss.atoms=1"],
    "more moved fragments": ["noise.share_atoms=0.3", "noise.share_rigid=0.6"],
    "masked elements": ["loss.elements=0.1", "noise.mask=0.15"],
    "strain of contacts": ["loss.contrast=0.1", "noise.share_still=0.2"],
}
MEASURES = ("ev", "ev_interface", "ev_rigid_nodes", "ev_rigid_moved", "ev_rigid", "ev_rotation", "ev_rigid_both")


def main() -> None:
    """Train every arm and print its measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="store to train on; the embedded sample by default")
    parser.add_argument("--more", type=Path, help="store with further compounds, on which all arms are measured")
    parser.add_argument("--patches", type=int, default=768, help="patches of --more")
    parser.add_argument("--arms", nargs="*", choices=ARMS, metavar="ARM", help="; ".join(ARMS))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder of the runs; thrown away without it")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.store is None:
            build([SAMPLE], Path(scratch) / "db")
        dataset = open_dataset(options.store or Path(scratch) / "db")
        judged = None if options.more is None else open_dataset(options.more)
        figures: list[Figure] = []
        for name in options.arms or list(ARMS)[: 3 if options.quick else None]:
            found = []
            for seed in range(options.seeds):
                steps = 8 if options.quick else options.steps
                recipe = recipe_of(name, seed=seed, steps=steps, quick=options.quick)
                run = (options.out or Path(scratch)) / name / f"seed-{seed}"
                if name == BEGUN:
                    first = recipe_of("paper", seed=seed, steps=steps // 2, quick=options.quick)
                    recipe = halved(dataset, first, recipe, run.with_suffix(".paper"))
                found.append(measured(dataset, recipe, run, judged, most=options.patches))
            new = summary(name, found)
            report(new, None)
            figures += new
        if options.json is not None:
            report(figures, options.json)


def recipe_of(arm: str, *, seed: int, steps: int, quick: bool) -> Recipe:
    """Return the recipe of an arm: the joint one, what the arm changes, equal steps."""
    changes = [text for text in ARMS[arm] if not (quick and text.startswith("network"))]
    size = ["network=tiny", "data.validation_patches=64"] if quick else []
    ends = ["max_minutes=100000", f"max_steps={steps}", f"validate_every={steps}", f"seed={seed}"]
    return Recipe.load(RECIPE, [*changes, *size, *ends])


def halved(dataset: PatchDataset, first: Recipe, recipe: Recipe, run: Path) -> Recipe:
    """Train the first half, or leave it where it is done, and return the recipe of the second, which begins with its weights."""
    pretrain(dataset, first, run, resume=(run / "config.toml").is_file())
    steps = first.max_steps
    return recipe.model_copy(update={"start": str(run), "max_steps": steps, "validate_every": steps})


def measured(dataset: PatchDataset, recipe: Recipe, run: Path, judged: PatchDataset | None, *, most: int) -> Values:
    """Train one run, or read it where it is done, and return its measures under the displacements of the joint recipe."""
    file = run / "measures.json"
    if file.is_file():
        values: Values = json.loads(file.read_text(encoding="utf-8"))
        return values
    pretrain(dataset, recipe, run, resume=(run / "config.toml").is_file())
    where = dataset if judged is None else judged
    if judged is None:
        train, rows = (rows_of_split(dataset, recipe, name) for name in ("train", "validation"))
    else:
        train, rows = rows_of(judged, json.loads((run / "splits.json").read_text(encoding="utf-8")), most=most)
    network = load_network(run / "best")
    noise = Recipe.load(RECIPE).noise
    patches = DisplacedPatches(where, np.concatenate([train, rows]), noise=noise, d_inter=network.config.d_inter)
    values = validate(network, patches, PatchLoader(where, rows, batch_size=64).in_order(), clamp=noise.clamp)
    values |= {"patches": float(len(rows)), "compounds": float(len(set(where.compounds[where.crystal_rows[rows]])))}
    if len(train) and recipe.mode == "joint":
        values["ev_rigid_null"] = rigid_null(patches, train, rows, seed=0)
    file.write_text(json.dumps(values, indent=1), encoding="utf-8")
    return values


def summary(arm: str, found: list[Values]) -> list[Figure]:
    """Return mean and standard deviation over the seeds of every measure that the arm has."""
    names = [name for name in (*MEASURES, "ev_rigid_null", "patches", "compounds") if name in found[0]]
    figures = []
    for name in names:
        values = [measures[name] for measures in found]
        figures.append(Figure(f"{arm}: {name}", statistics.fmean(values), ""))
        if len(values) > 1:
            figures.append(Figure(f"{arm}: {name}, SD of {len(values)} seeds", statistics.stdev(values), ""))
    return figures


if __name__ == "__main__":
    main()
