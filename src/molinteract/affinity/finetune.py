"""Fine-tuning on affinities: a data set and a split in; an ensemble, predictions, scores and the leak audit out (SPEC 4)."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.affinity.ablations import graph_kind
from molinteract.affinity.contacts import contact_counts
from molinteract.affinity.forest import Forest, averaged, fit_forest
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.items import Failure, LoadedSet
from molinteract.affinity.leaks import audit_leaks, write_leaks
from molinteract.affinity.member import Member, TrainingData
from molinteract.affinity.metrics import Scores, evaluate
from molinteract.affinity.model import AffinityModel, save_model
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.splits import PARTS, Split
from molinteract.core.errors import ConfigError, TrainingError
from molinteract.core.provenance import machine, utc_now, versions
from molinteract.network.encoder import InteractNN
from molinteract.training.run_folder import to_toml

Progress = Callable[[int, int, str], None]
MEMBER_SHARE: Final = 0.8
"""Of the training complexes that each of several support vector regressions sees."""
SELECTION: Final = {
    "perceptron": "epoch of the lowest validation RMSE of the averaged weights, for each seed",
    "support_vectors": "none: nothing was chosen by the validation part",
}
"""What was chosen, and by what."""


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """How a run ended.

    Attributes
    ----------
    run : str
    split : str
        Which split it was, with its sizes.
    scores : dict of str to Scores
        Of ``val`` and ``test``, by the ensemble's mean; empty parts are left out.
    members : tuple of dict
        Best epoch and validation RMSE of the network of each seed, without the forest.
    failures : int
        Complexes that are in the split and were not used.
    """

    run: str
    split: str
    scores: dict[str, Scores]
    members: tuple[dict[str, float], ...]
    failures: int

    def text(self) -> str:
        """Return the result in words."""
        lines = [f"split: {self.split}", f"{self.failures:,} complexes of the split could not be used (failures.csv)"]
        lines += [f"{name}: {scores.text()}" for name, scores in self.scores.items()]
        lines += [
            f"seed {m['seed']:.0f}: validation RMSE of the network alone {m['val_rmse']:.3f} (epoch {m['epoch']:.0f})"
            for m in self.members
        ]
        return "\n".join([*lines, f"model: {self.run}/model"])


def finetune(
    loaded: LoadedSet,
    split: Split,
    run: str | Path,
    *,
    recipe: FinetuneRecipe | None = None,
    encoder: InteractNN | None = None,
    resume: bool = False,
    clusters: str = "cluster",
    progress: Progress | None = None,
) -> FinetuneResult:
    """Train affinity networks and evaluate them once.

    The epoch with the lowest validation RMSE of the averaged weights is kept for each seed; the test part is looked at when all
    seeds are done. The forest beside the networks is fitted on the training part alone, so that the score of ``val`` is as clean
    as that of the networks, whose epoch it chooses. Support vectors have no epoch to choose: with ``refit`` they, and the forest,
    learn from ``val`` too once it has been scored.

    Parameters
    ----------
    loaded : LoadedSet
        With a value for every item. Ids of the split that are not in it count as failures.
    split : Split
    run : str or Path
        Folder: ``config.toml``, ``split.json``, ``leaks-val.csv``, ``leaks-test.csv``, ``failures.csv``, ``log.jsonl``,
        ``predictions.csv``, ``scores.json``, ``provenance.json``, ``model/``, ``checkpoints/``.
    recipe : FinetuneRecipe, optional
    encoder : InteractNN, optional
        Pre-trained; needed for the modes ``full`` and ``frozen``, and refused for ``scratch``.
    resume : bool
        Go on from the checkpoints; the result is the same as without the interruption, on a CPU bit for bit.
    clusters : str
        Label that holds the target cluster, for the intervals; without it there are none.
    progress : callable, optional
        Called as ``progress(done, total, note)`` after each epoch.

    Raises
    ------
    ConfigError, TrainingError
    """
    recipe = recipe or FinetuneRecipe()
    run = Path(run)
    _check(recipe, encoder)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    rows = {part: _rows(loaded, split.part(part)) for part in PARTS}
    for part in ("train", "val"):
        if not len(rows[part]):
            raise TrainingError(f"the {part} part has no complex that could be used", entry=split.name)
    _prepare(run, recipe, split, resume=resume)
    missing = _write_failures(run / "failures.csv", loaded, split)
    for part in ("val", "test"):
        seen = np.concatenate([rows["train"], rows["val"]]) if recipe.refit and part == "test" else rows["train"]
        leaks = audit_leaks(loaded.take(seen), loaded.take(rows[part]))
        write_leaks(run / f"leaks-{part}.csv", leaks)
    graphs = GraphSet([graph_kind(graph_of(c, recipe.complexes), recipe.graph) for c in loaded.complexes])
    values = np.array([item.affinity.pk if item.affinity else np.nan for item in loaded.items])
    counts = contact_counts(loaded.complexes) if recipe.beside == "contacts" else np.zeros((len(loaded), 0))
    data = TrainingData(graphs, values, rows["train"], rows["val"])
    forest = _beside(counts, data, recipe)
    members = _train_all(data, recipe, run, encoder, progress)
    summary = tuple(
        {"seed": float(m.seed), "val_rmse": m.progress.best, "epoch": float(m.progress.best_epoch)} for m in members
    )
    predicted = _predicted(members, forest, counts, rows)
    if recipe.refit:
        data = replace(data, train=np.concatenate([rows["train"], rows["val"]]))
        forest = _beside(counts, data, recipe)
        _fit_all(members, data, recipe)
        predicted = _predicted(members, forest, counts, rows) | {"val": predicted["val"]}
    networks = tuple(member.result() for member in members)
    card = _card(loaded, data.train, recipe, split)
    save_model(run / "model", AffinityModel(networks, recipe.complexes, card, _domain(members[0], data), forest))
    _write_predictions(run / "predictions.csv", loaded, values, rows, predicted)
    scores = {
        part: _score(loaded, values, rows[part], predicted[part].mean(0), n_asked=len(split.part(part)), label=clusters)
        for part in ("val", "test")
        if len(rows[part])
    }
    result = FinetuneResult(str(run), split.name, scores, summary, missing)
    (run / "scores.json").write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    return result


def _score(
    loaded: LoadedSet,
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    predicted: NDArray[np.float64],
    *,
    n_asked: int,
    label: str,
) -> Scores:
    clusters = [loaded.items[k].labels.get(label, "") for k in rows]
    return evaluate(values[rows], predicted, n_asked=n_asked, clusters=clusters if all(clusters) else None)


def _beside(counts: NDArray[np.float64], data: TrainingData, recipe: FinetuneRecipe) -> Forest | None:
    """Return the forest that the training part gives."""
    if recipe.beside == "none":
        return None
    return fit_forest(counts[data.train], data.values[data.train], seed=recipe.first_seed)


def _predicted(
    members: Sequence[Member], forest: Forest | None, counts: NDArray[np.float64], rows: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.float64]]:
    """Return pK (seeds, complexes) of every part."""
    return {
        part: averaged(np.stack([m.predict(m.result(), own) for m in members]), forest, counts[own])
        for part, own in rows.items()
    }


def _check(recipe: FinetuneRecipe, encoder: InteractNN | None) -> None:
    if recipe.mode == "scratch" and encoder is not None:
        raise ConfigError("a network was given and mode is 'scratch'", remedy="leave one of them out")
    if recipe.mode != "scratch" and encoder is None:
        raise ConfigError(f"mode {recipe.mode!r} needs a trained network", remedy="name one, or set mode=scratch")
    if recipe.mode == "scratch" and recipe.norms != "train":
        raise ConfigError("norms of new weights have no statistics to keep", remedy="norms=train")
    if recipe.head == "support_vectors" and recipe.mode != "frozen":
        raise ConfigError(f"support vectors read fixed vectors, and mode is {recipe.mode!r}", remedy="mode=frozen")
    if recipe.refit and recipe.head != "support_vectors":
        raise ConfigError("refit: the validation part chooses the epoch of a perceptron", remedy="head=support_vectors")
    if recipe.graph != "complex" and recipe.readout == "near":
        raise ConfigError(
            f"readout = 'near' asks which atoms are near each other, which graph = {recipe.graph!r} hides",
            remedy="readout=sums",
        )
    if recipe.graph != "complex" and recipe.beside == "contacts":
        raise ConfigError(
            f"the forest beside the networks counts the contacts that graph = {recipe.graph!r} hides",
            remedy="beside=none",
        )


def _rows(loaded: LoadedSet, ids: Sequence[str]) -> NDArray[np.int64]:
    index = {item.id: k for k, item in enumerate(loaded.items) if item.affinity is not None}
    return np.array([index[i] for i in ids if i in index], dtype=np.int64)


def _prepare(run: Path, recipe: FinetuneRecipe, split: Split, *, resume: bool) -> None:
    text = to_toml(recipe.model_dump(mode="json"))
    file = run / "config.toml"
    if file.is_file():
        if not resume:
            raise TrainingError("the folder holds a run", entry=str(run), remedy="add --resume, or choose another")
        known = json.loads((run / "split.json").read_text(encoding="utf-8"))
        same = all(tuple(known[part]) == split.part(part) for part in PARTS)
        if file.read_text(encoding="utf-8") != text or not same:
            raise TrainingError(
                "recipe or split differ from those of the run", entry=str(run), remedy="choose another folder"
            )
        return
    if run.exists() and any(run.iterdir()):
        raise TrainingError("the folder is not empty and holds no run", entry=str(run), remedy="choose another")
    (run / "checkpoints").mkdir(parents=True)
    described = {"name": split.name} | {part: list(split.part(part)) for part in PARTS}
    (run / "split.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    provenance = {"versions": versions(), "machine": machine(), "started": utc_now()}
    (run / "provenance.json").write_text(json.dumps(provenance, indent=1), encoding="utf-8")
    file.write_text(text, encoding="utf-8")


def _train_all(
    data: TrainingData, recipe: FinetuneRecipe, run: Path, encoder: InteractNN | None, progress: Progress | None
) -> list[Member]:
    members: list[Member] = []
    total = recipe.seeds * recipe.max_epochs
    for number in range(recipe.seeds):
        seed = recipe.first_seed + number
        vectors = members[0].vectors if members else None
        member = Member(data, recipe, seed=seed, encoder=encoder, vectors=vectors)
        members.append(member)
        if recipe.head == "support_vectors":
            continue
        checkpoint = run / "checkpoints" / f"seed-{seed}.safetensors"
        if checkpoint.is_file():
            member.load(checkpoint)
        while not member.over:
            record: dict[str, Any] = {"seed": seed} | member.epoch()
            member.save(checkpoint)
            with (run / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(record) + "\n")
            if progress is not None:
                done = number * recipe.max_epochs + member.progress.epoch
                progress(done, total, f"seed {seed}  val RMSE {record['val_rmse']:.3f}")
    if recipe.head == "support_vectors":
        _fit_all(members, data, recipe)
    return members


def _fit_all(members: Sequence[Member], data: TrainingData, recipe: FinetuneRecipe) -> None:
    """Fit the support vectors of every seed: one on all, several each on four fifths, else they would be the same."""
    for member in members:
        member.fit(data.train, share=1.0 if recipe.seeds == 1 else MEMBER_SHARE)


def _domain(member: Member, data: TrainingData) -> torch.Tensor:
    if member.vectors is not None:
        return member.vectors[torch.from_numpy(data.train)].cpu()
    network = member.result()
    with torch.no_grad():
        return torch.cat([network.vectors(batch) for batch in member.batches(data.train)]).cpu()


def _card(loaded: LoadedSet, train: NDArray[np.int64], recipe: FinetuneRecipe, split: Split) -> dict[str, Any]:
    complexes = [loaded.complexes[k] for k in train]
    sizes = [len(c.ligand) for c in complexes]
    elements = np.unique(np.concatenate([np.concatenate([c.pocket, c.ligand]) for c in complexes]))
    return {
        "split": split.name,
        "recipe": recipe.model_dump(mode="json"),
        "n_train": len(train),
        "ligand_atoms": [int(min(sizes)), int(max(sizes))],
        "elements": elements.tolist(),
        "selection": SELECTION[recipe.head],
    }


def _write_failures(path: Path, loaded: LoadedSet, split: Split) -> int:
    asked = {i for part in PARTS for i in split.part(part)}
    failures = [f for f in loaded.failures if f.id in asked]
    known = {item.id for item in loaded.items if item.affinity is not None} | {f.id for f in failures}
    failures += [Failure(i, "absent", "in the split, not in the data") for i in sorted(asked - known)]
    write_failures(path, failures)
    return len(failures)


def write_failures(path: str | Path, failures: Sequence[Failure]) -> None:
    """Write rows of failures as CSV: id, reason, detail."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "reason", "detail"])
        writer.writerows((f.id, f.reason, f.detail) for f in failures)


def _write_predictions(
    path: Path,
    loaded: LoadedSet,
    values: NDArray[np.float64],
    rows: dict[str, NDArray[np.int64]],
    predicted: dict[str, NDArray[np.float64]],
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "part", "measured", "predicted", "sd"])
        for part in PARTS:
            mean, sd = predicted[part].mean(0), predicted[part].std(0)
            for k, row in enumerate(rows[part]):
                writer.writerow([loaded.items[row].id, part, f"{values[row]:.4f}", f"{mean[k]:.4f}", f"{sd[k]:.4f}"])
