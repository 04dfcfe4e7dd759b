"""The run folder: resolved recipe, provenance, compounds of each split, log, checkpoints, best network (DESIGN 5)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from molinteract.core.errors import TrainingError
from molinteract.core.provenance import machine, utc_now, versions
from molinteract.training.recipe import Recipe

_FREE: Final = {"device", "threads", "tf32", "tensorboard", "data.workers"}
"""Settings that may change when a run is resumed, on another machine for example; with another device or number of threads the
last digits follow."""


@dataclass(frozen=True, slots=True)
class SplitUsed:
    """What a run takes of a split: the number of patches, and the compounds they are of."""

    patches: int
    compounds: tuple[str, ...]


def prepare_run(run: Path, recipe: Recipe, *, dataset: str, splits: dict[str, SplitUsed], resume: bool) -> None:
    """Make a run folder, or check that an existing one fits.

    Raises
    ------
    TrainingError
        If the folder holds a run and ``resume`` is off, or its recipe or data differ.
    """
    file = run / "config.toml"
    if file.is_file():
        if not resume:
            raise TrainingError("the folder holds a run", entry=str(run), remedy="add --resume, or choose another")
        known = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
        if known["dataset"] != dataset:
            raise TrainingError("the run was trained on another store", entry=str(run))
        if differing := _differing(Recipe.load(file), recipe):
            raise TrainingError(
                f"the recipe differs from the run's config.toml: {', '.join(differing)}",
                entry=str(run),
                remedy="choose another folder",
            )
        return
    if run.exists() and any(run.iterdir()):
        raise TrainingError("the folder is not empty and holds no run", entry=str(run), remedy="choose another")
    run.mkdir(parents=True, exist_ok=True)
    file.write_text(to_toml(recipe.model_dump(mode="json")), encoding="utf-8")
    provenance = {
        "dataset": dataset,
        "patches": {name: split.patches for name, split in splits.items()},
        "versions": versions(),
        "machine": machine(),
        "started": utc_now(),
    }
    (run / "provenance.json").write_text(json.dumps(provenance, indent=1), encoding="utf-8")
    compounds = {name: list(split.compounds) for name, split in splits.items()}
    (run / "splits.json").write_text(json.dumps(compounds, indent=1), encoding="utf-8")


def _differing(known: Recipe, given: Recipe) -> list[str]:
    """Return which settings differ, in words; those that say where and how fast a run goes may."""
    before, now = (_flat(recipe.model_dump(mode="json")) for recipe in (known, given))
    names = [name for name in now if name not in _FREE and before.get(name) != now[name]]
    return [f"{name} = {now[name]} instead of {before.get(name)}" for name in names]


def _flat(values: dict[str, Any], *, section: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, section=f"{section}{key}.") if isinstance(value, dict) else {f"{section}{key}": value}
    return flat


def to_toml(values: dict[str, Any], *, section: str = "") -> str:
    """Write nested settings as TOML; None is left out, which means the default."""
    lines = [f"{key} = {json.dumps(v)}" for key, v in values.items() if not isinstance(v, dict) and v is not None]
    text = "\n".join(lines) + "\n" if lines else ""
    for key, value in values.items():
        if isinstance(value, dict):
            name = f"{section}.{key}" if section else key
            text += f"\n[{name}]\n{to_toml(value, section=name)}"
    return text
