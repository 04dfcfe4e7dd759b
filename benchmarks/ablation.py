"""What each part of pre-training is worth: arms of the joint recipe, equal steps, measured alike on held-out compounds.

Every arm is validated with the displacements of the recipe: edges of moved patches follow the positions, so that no arm can read
the motion from its edge list. ``--quick``: the embedded sample, a tiny network, few steps; says that it runs, no more.
"""

import argparse
import tempfile
from pathlib import Path

from harness import Figure, report
from molinteract.network.saved import load_network
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import PatchDataset, open_dataset
from molinteract.training.data import loader_of, rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.loop import pretrain
from molinteract.training.recipe import Recipe
from molinteract.training.validate import validate

RECIPE = Path(__file__).parents[1] / "configs" / "pretrain-joint.toml"
ARMS = {
    "joint": {},
    "no intermolecular messages": {"network": {"intermolecular_messages": False}},
    "no displaced atoms": {"noise": {"share_atoms": 0.0, "share_both": 0.0}},
    "edges of the clean patch": {"noise": {"rebuild_inter": "none"}},
    "paper": {"mode": "paper"},
}
MEASURES = ("ev", "ev_interface", "ev_rigid_nodes", "ev_rigid_moved", "ev_rigid", "ev_rotation")


def main() -> None:
    """Train every arm and print its measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="store to train on; the embedded sample by default")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.store is None:
            build([SAMPLE], Path(scratch) / "db")
        dataset = open_dataset(options.store or Path(scratch) / "db")
        size = ["network=tiny", "data.validation_patches=64"] if options.quick else []
        base = Recipe.load(RECIPE, [*size, f"seed={options.seed}"])
        steps = 8 if options.quick else options.steps
        figures = []
        for name, changes in ARMS.items():
            values = measured(dataset, base, changes, steps=steps, run=Path(scratch) / name)
            figures += [Figure(f"{name}: {m}", values[m], "") for m in MEASURES if m in values]
            if name == "joint":
                figures.append(Figure("null: ev_rigid", values["ev_rigid_null"], ""))
            report(figures[-len(MEASURES) - 1 :], None)
        report(figures, options.json)


def measured(dataset: PatchDataset, base: Recipe, changes: dict, *, steps: int, run: Path) -> dict[str, float]:
    """Train one arm and return its measures under the displacements of the base recipe."""
    network = base.network_config().model_copy(update=changes.get("network", {}))
    recipe = base.model_copy(
        update={
            "network": network,
            "noise": base.noise.model_copy(update=changes.get("noise", {})),
            "mode": changes.get("mode", base.mode),
            "max_minutes": None,
            "max_steps": steps,
            "validate_every": steps,
        }
    )
    result = pretrain(dataset, recipe, run)
    rows = rows_of_split(dataset, base, "validation")
    patches = DisplacedPatches(dataset, rows, noise=base.noise, d_inter=network.d_inter)
    batches = loader_of(dataset, base, rows, weighted=False).in_order()
    values = validate(load_network(run / "best"), patches, batches, clamp=base.noise.clamp)
    return values | {k: v for k, v in result.validation.items() if k == "ev_rigid_null"}


if __name__ == "__main__":
    main()
