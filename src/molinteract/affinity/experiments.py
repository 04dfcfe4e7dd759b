"""Arms of an experiment on the same splits: controls and networks, scored on the same test complexes (SPEC 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.controls import CONTROLS, fit_predict
from molinteract.affinity.finetune import finetune
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.metrics import Scores, evaluate, rmse_difference
from molinteract.affinity.model import load_model
from molinteract.affinity.predict import complex_values
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.sensitivity import SHIFTS, TRUE_POSE, spoilt_predictions
from molinteract.affinity.splits import Split, fold_split
from molinteract.network.encoder import InteractNN


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One model on all test complexes.

    Attributes
    ----------
    name : str
    predicted : (seeds, test complexes) float64
        In the order of ``Experiment.ids``; one row for a control.
    """

    name: str
    predicted: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """The test complexes of all splits, one after another, and the arms.

    Attributes
    ----------
    ids : tuple of str
    measured : (n,) float64
    clusters : tuple of str
    n_asked : int
    arms : list of Arm
    """

    ids: tuple[str, ...]
    measured: NDArray[np.float64]
    clusters: tuple[str, ...]
    n_asked: int
    arms: list[Arm] = field(default_factory=list)

    def scores(self, name: str) -> Scores:
        """Return the scores of an arm: of the mean over its seeds, with intervals over clusters."""
        predicted = self.arm(name).predicted.mean(0)
        return evaluate(self.measured, predicted, n_asked=self.n_asked, clusters=self.clusters)

    def arm(self, name: str) -> Arm:
        """Return an arm by its name."""
        return next(arm for arm in self.arms if arm.name == name)

    def difference(self, first: str, second: str) -> tuple[float, float, float]:
        """Return RMSE(first) − RMSE(second) with its paired 95 % interval over clusters."""
        a, b = (self.arm(name).predicted.mean(0) for name in (first, second))
        return rmse_difference(self.measured, a, b, self.clusters)

    def rows(self, *, beside: Sequence[str] = ("additive null", "contacts")) -> list[dict[str, object]]:
        """Return a row for each arm: scores, their spread over seeds, and the paired differences to some arms."""
        names = [arm.name for arm in self.arms]
        found = []
        for arm in self.arms:
            scores = self.scores(arm.name)
            single = [evaluate(self.measured, row).rmse for row in arm.predicted]
            row: dict[str, object] = {
                "arm": arm.name, "n": scores.n, "n_asked": scores.n_asked, "rmse": scores.rmse, "mae": scores.mae,
                "pearson": scores.pearson, "spearman": scores.spearman, "rmse_interval": scores.intervals["rmse"],
                "seeds": len(single), "rmse_of_seeds": single,
            }  # fmt: skip
            for other in beside:
                if other in names and other != arm.name:
                    row[f"minus {other}"] = self.difference(arm.name, other)
            found.append(row)
        return found


def fold_splits(
    loaded: LoadedSet, folds: Mapping[str, int], clusters: Sequence[str], *, share: float = 1.0
) -> list[Split]:
    """Turn folds into splits: each fold is tested once; of the rest, whole clusters, an eighth, stop the training.

    Parameters
    ----------
    loaded : LoadedSet
    folds : mapping of str to int
        Fold of each id.
    clusters : sequence of str
        Target cluster of each complex of ``loaded``.
    share : float
        Of the training complexes that are used.
    """
    cluster_of = {item.id: cluster for item, cluster in zip(loaded.items, clusters, strict=True)}
    return [fold_split(cluster_of, folds, test=fold, share=share) for fold in sorted(set(folds.values()))]


def start_experiment(loaded: LoadedSet, splits: Sequence[Split], clusters: Sequence[str]) -> Experiment:
    """Collect the test complexes of some splits that are in the data."""
    row = {item.id: k for k, item in enumerate(loaded.items)}
    ids = tuple(i for split in splits for i in split.test if i in row)
    measured = np.array([_value(loaded, row[i]) for i in ids])
    n_asked = sum(len(split.test) for split in splits)
    return Experiment(ids, measured, tuple(clusters[row[i]] for i in ids), n_asked)


def add_controls(experiment: Experiment, wide: LoadedSet, splits: Sequence[Split]) -> None:
    """Add every control, fitted on all that is not tested.

    Parameters
    ----------
    experiment : Experiment
    wide : LoadedSet
        The same complexes cut with a pocket of 10 Å; one that is missing there gets the mean.
    """
    row = {item.id: k for k, item in enumerate(wide.items)}
    values = np.array([_value(wide, k) for k in range(len(wide))])
    for control in CONTROLS:
        features = control.features(wide.complexes)
        found: dict[str, float] = {}
        for split in splits:
            train = [row[i] for i in (*split.train, *split.val) if i in row]
            test = [i for i in split.test if i in row]
            predicted = fit_predict(control.model, features[train], values[train], features[[row[i] for i in test]])
            found |= dict(zip(test, predicted.tolist(), strict=True))
        mean = float(values.mean())
        experiment.arms.append(Arm(control.name, np.array([[found.get(i, mean) for i in experiment.ids]])))


def add_network(
    experiment: Experiment,
    name: str,
    loaded: LoadedSet,
    splits: Sequence[Split],
    run: str | Path,
    *,
    recipe: FinetuneRecipe,
    encoder: InteractNN | None = None,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Fine-tune on every split and add the predictions of each seed; finished splits of the same folder are not run again."""
    row = {item.id: k for k, item in enumerate(loaded.items)}
    found: dict[str, NDArray[np.float64]] = {}
    for number, split in enumerate(splits):
        folder = Path(run) / f"split-{number}"
        result = finetune(
            loaded, split, folder, recipe=recipe, encoder=encoder, resume=(folder / "config.toml").is_file()
        )
        test = [i for i in split.test if i in row]
        values = complex_values(load_model(folder), [loaded.complexes[row[i]] for i in test])
        found |= dict(zip(test, values.T, strict=True))
        if progress is not None:
            progress(f"{name}, split {number}: {result.scores['test'].text()}")
    experiment.arms.append(Arm(name, np.array([found[i] for i in experiment.ids]).T))


def add_sensitivity(
    experiment: Experiment,
    name: str,
    loaded: LoadedSet,
    splits: Sequence[Split],
    run: str | Path,
    *,
    shifts: Sequence[float] = SHIFTS,
) -> None:
    """Ask trained networks about changed test complexes: contacts removed, poses turned at random and moved by some Å."""
    row = {item.id: k for k, item in enumerate(loaded.items)}
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for number, split in enumerate(splits):
        model = load_model(Path(run) / f"split-{number}")
        test = [i for i in split.test if i in row]
        predicted = spoilt_predictions(model, [loaded.complexes[row[i]] for i in test], shifts=shifts)
        for title, values in predicted.items():
            found.setdefault(title, {}).update(zip(test, values.T, strict=True))
    for title, by_id in found.items():
        if title != TRUE_POSE:
            experiment.arms.append(Arm(f"{name}: {title}", np.array([by_id[i] for i in experiment.ids]).T))


def _value(loaded: LoadedSet, row: int) -> float:
    affinity = loaded.items[row].affinity
    return affinity.pk if affinity is not None else float("nan")
