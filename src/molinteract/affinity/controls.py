"""Models without a network: what size, composition and element contacts alone tell of an affinity (SPEC 4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity.complexes import Complex
from molinteract.affinity.contacts import LIGAND_ELEMENTS, POCKET_ELEMENTS, contact_counts
from molinteract.affinity.forest import regressor
from molinteract.affinity.skeleton import fingerprint, tanimoto

Features = Callable[[Sequence[Complex]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    Attributes
    ----------
    name : str
    says : str
        What it knows.
    features : callable
        Complexes → (complexes, features).
    model : str
        ``mean``, ``linear``, ``forest`` or ``neighbour``.
    """

    name: str
    says: str
    features: Features
    model: str


def _nothing(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.zeros((len(complexes), 1))


def _size(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.array([[len(c.ligand)] for c in complexes], dtype=np.float64)


def _sizes(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.array([[len(c.ligand), len(c.pocket)] for c in complexes], dtype=np.float64)


def _ligand_elements(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.array([_counts(c.ligand, LIGAND_ELEMENTS) for c in complexes])


def _pocket_elements(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.array([_counts(c.pocket, POCKET_ELEMENTS) for c in complexes])


def _additive(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.concatenate([_ligand_elements(complexes), _pocket_elements(complexes)], axis=1)


def _fingerprints(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.array([fingerprint(c.ligand, c.ligand_positions) for c in complexes], dtype=np.float64)


def _contacts_and_ligand(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    return np.concatenate([contact_counts(complexes), _ligand_elements(complexes)], axis=1)


CONTROLS: Final[tuple[Control, ...]] = (
    Control("constant mean", "nothing", _nothing, "mean"),
    Control("ligand size", "heavy atoms of the ligand, linear", _size, "linear"),
    Control("ligand and pocket size", "heavy atoms of both, forest", _sizes, "forest"),
    Control("pocket elements", "the target alone: elements of the pocket, forest", _pocket_elements, "forest"),
    Control("ligand fingerprint", "Morgan counts of the skeleton, forest", _fingerprints, "forest"),
    Control("nearest ligand", "value of the most similar training ligand", _fingerprints, "neighbour"),
    Control("additive null", "elements of ligand and of pocket, no contacts, forest", _additive, "forest"),
    Control("contacts", "element pairs within 10 Å, forest", contact_counts, "forest"),
    Control(
        "contacts and ligand",
        "element pairs within 10 Å and elements of the ligand, forest",
        _contacts_and_ligand,
        "forest",
    ),
)
"""In the order of what they know."""


def fit_predict(
    model: str,
    train: NDArray[np.float64],
    values: NDArray[np.float64],
    test: NDArray[np.float64],
    *,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Fit one kind of model on features (n, d) and values (n,), and return predictions for test features (m, d)."""
    if model == "mean":
        return np.full(len(test), values.mean())
    if model == "neighbour":
        nearest = np.argmax(tanimoto(test.astype(np.int32), train.astype(np.int32)), axis=1)
        return np.asarray(values[nearest])
    if model == "linear":
        design = np.column_stack([train, np.ones(len(train))])
        weights = np.linalg.lstsq(design, values, rcond=None)[0]
        return np.asarray(np.column_stack([test, np.ones(len(test))]) @ weights)
    return np.asarray(regressor(seed).fit(train, values).predict(test))


def cross_validated(
    control: Control,
    complexes: Sequence[Complex],
    values: NDArray[np.float64],
    folds: NDArray[np.integer],
    *,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return out-of-fold predictions (n,) of a control.

    Parameters
    ----------
    control : Control
    complexes : sequence of Complex
        Cut with a pocket of 10 Å or more.
    values : (n,) float
        pK.
    folds : (n,) int
    """
    features = control.features(complexes)
    predicted = np.empty(len(values))
    for fold in np.unique(folds):
        test = folds == fold
        predicted[test] = fit_predict(control.model, features[~test], values[~test], features[test], seed=seed)
    return predicted


def _counts(numbers: NDArray[np.integer], elements: Sequence[int]) -> NDArray[np.float64]:
    return np.array([(numbers == z).sum() for z in elements], dtype=np.float64)
