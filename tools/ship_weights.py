"""Bring a run's best network into the package: weights, configuration with the full card, and the card in words.

    python tools/ship_weights.py RUN STORE NAME --measures weights.json [--begun EARLIER …]

STORE is what the run was trained on; the measures are those of ``benchmarks/weights.py --json``; the earlier runs are those whose
weights it began with, the first one first.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from molinteract.network.files import CONFIG, WEIGHTS, read_description
from molinteract.store.dataset import open_dataset
from molinteract.training.data import rows_of_split
from molinteract.training.log import read_log
from molinteract.training.recipe import Recipe

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "molinteract" / "weights"
LICENCE = (
    "crystals: Crystallography Open Database, CC0; computed packings of the Genarris project (BSD-3-Clause) and of pyocse (MIT); "
    "these weights: MIT, as the package"
)
TOO_LITTLE = "Trained on some hundred compounds, not on the paper's 344,858 entries"
GOOD_FOR = {
    True: "which way a displaced fragment of an organic contact must go back, also along dissociation curves; a start for "
    "fine-tuning on such contacts",
    False: "structures without hydrogens, such as pockets: a start for fine-tuning on affinity",
}
BAD_FOR = {
    True: "charged, metal-organic or polymeric systems, proteins, elements beyond H, C, N, O, F, S, Cl; ranking of polymorphs; "
    "energies: it never saw one. What frozen vectors are worth is in docs/results.md. " + TOO_LITTLE,
    False: "anything with hydrogens in it (it never saw one); charged, metal-organic or polymeric systems, elements beyond C, N, "
    "O, F, S, Cl; energies. " + TOO_LITTLE,
}
"""By whether the training structures had hydrogens."""

ROWS = (
    ("rmse / Å, atoms displaced", "rmse", "rmse_zero"),
    ("ev, atoms displaced", "ev", None),
    ("ev_interface", "ev_interface", None),
    ("ev_rigid_nodes, atoms displaced", "ev_rigid_nodes", None),
    ("ev_rigid, fragments moved, through z", "ev_rigid", "ev_rigid_null"),
    ("ev_rotation", "ev_rotation", None),
    ("ev_rigid_moved, by the head of the atoms", "ev_rigid_moved", None),
    ("ev_rigid_both, atoms displaced as well", "ev_rigid_both", None),
)


def main() -> None:
    """Write ``weights/NAME``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("name")
    parser.add_argument("--measures", type=Path, required=True)
    parser.add_argument("--begun", type=Path, nargs="*", default=[], metavar="EARLIER")
    options = parser.parse_args()
    target = PACKAGE / options.name
    target.mkdir(parents=True, exist_ok=True)
    description = read_description(options.run / "best")
    description["card"] |= facts(options.run, options.store, options.measures, step=description["card"]["step"])
    description["card"]["begun"] = [stage(run) for run in options.begun]
    if options.begun:
        description["card"]["recipe"]["start"] = "weights of the last run of `begun`"
    shutil.copyfile(options.run / "best" / WEIGHTS, target / WEIGHTS)
    (target / CONFIG).write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (target / "README.md").write_text(card_text(options.name, description), encoding="utf-8")


def stage(run: Path) -> dict[str, Any]:
    """Return recipe and length of an earlier run, up to the weights that were kept."""
    card = read_description(run / "best")["card"]
    log = next(record for record in read_log(run) if record.get("step") == card["step"] and "ev" in record)
    recipe = card["recipe"] | ({"start": "weights of the run before"} if card["recipe"].get("start") else {})
    hours, values = round(log["seconds"] / 3600, 4), card["validation"]
    return {
        "recipe": recipe,
        "step": card["step"],
        "patches_seen": log["patches"],
        "hours": hours,
        "validation": values,
    }


def facts(run: Path, store: Path, measures: Path, *, step: int) -> dict[str, Any]:
    """Return what the card adds to what the run has written: data, time to the step kept, curve, held-out measures."""
    dataset, recipe = open_dataset(store), Recipe.load(run / "config.toml")
    splits = json.loads((run / "splits.json").read_text(encoding="utf-8"))
    rows = rows_of_split(dataset, recipe, "train")
    entries = dataset.tables.read("crystals", ["entry"])["entry"].to_pylist()
    names = sorted({entries[k].rsplit("/", 1)[-1].split("#")[0] for k in np.unique(dataset.crystal_rows[rows])})
    log = [record for record in read_log(run) if "ev" in record]
    kept = next(record for record in log if record["step"] == step)
    hydrogens = dataset.settings.policies.hydrogens
    return {
        "data": {
            "licence": LICENCE,
            "training_compounds": len(splits["train"]),
            "validation_compounds": len(splits["validation"]),
            "training_patches": len(rows),
            "training_files": names,
        },
        "hydrogens": hydrogens,
        "hours": round(kept["seconds"] / 3600, 4),
        "patches_seen": kept["patches"],
        "curve": [{k: round(r[k], 4) for k in ("step", "ev", "ev_rigid", "ev_rotation") if k in r} for r in log],
        "held_out": {name: f["value"] for name, f in json.loads(measures.read_text())["figures"].items()},
        "good_for": GOOD_FOR[hydrogens != "none"],
        "bad_for": BAD_FOR[hydrogens != "none"],
    }


def card_text(name: str, description: dict[str, Any]) -> str:
    """Return the card in words."""
    card, network = description["card"], description["network"]
    data, held, recipe = card["data"], card["held_out"], card["recipe"]
    sizes = ", ".join(f"{k} {network[k]}" for k in ("ns", "nv", "n_layers", "psi_hidden"))
    per_compound = recipe["data"]["per_compound"]
    seen = "; ".join(
        f"{part['recipe']['mode']} mode, {part['step']:,} steps to the weights kept, {part['patches_seen']:,} patches seen, "
        f"{60 * part['hours']:.0f} min"
        for part in (*card["begun"], card)
    )
    where = "one core of a busy machine"
    if recipe["device"] != "cpu":
        where = "a GPU that another run shared" + (", matrix products in TF32" if recipe["tf32"] else "")
    head = ("measure", f"validation, {data['validation_compounds']} compounds", "null")
    other = (f"{held['compounds']:.0f} other compounds, {held['patches']:,.0f} patches", "null")
    lines = [
        f"# {name}",
        "",
        f"InteractNN ({sizes}), pre-trained in `{recipe['mode']}` mode.",
        f'`InteractNN.from_pretrained("{name}")` loads it without a connection.',
        "",
        f"- **Data**: {data['training_patches']:,} patches (one a contact orbit, at most {per_compound} entries a compound)",
        f"  of {len(data['training_files'])} crystal structures of {data['training_compounds']} compounds, listed in",
        f"  `config.json`; hydrogens: {card['hydrogens']}.",
        f"- **Licence**: {data['licence']}. Please cite the Crystallography Open Database.",
        f"- **Training**: {seen} on {where}; the recipe is in `config.json`.",
        f"- **Good for**: {card['good_for']}.",
        f"- **Bad for**: {card['bad_for']}.",
        "",
        _row(head + other),
        "|---" * 5 + "|",
        *[
            _row((text, *_pair(card["validation"], key, null), *_pair(held, key, null)))
            for text, key, null in ROWS
            if key in held
        ],
        "",
        "The weights kept are those of the best validation; the other compounds had no part in anything. The null of `ev_rigid`",
        "is gradient-boosted regression on centre distance, sizes, radii of gyration and compositions; the others predict zero.",
        "Edges of moved fragments follow the positions.",
        "",
        "| step | ev | ev_rigid | ev_rotation |",
        "|---" * 4 + "|",
        *[_row((f"{p['step']:,}", *(f"{p[k]:.3f}" for k in ("ev", "ev_rigid", "ev_rotation")))) for p in card["curve"]],
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _pair(values: dict[str, float], key: str, null: str | None) -> tuple[str, str]:
    return f"{values[key]:.3f}", f"{values[null]:.3f}" if null else "0"


if __name__ == "__main__":
    main()
