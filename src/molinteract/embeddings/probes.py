"""What can be read from vectors: k-NN purity, silhouette, linear probe; always by compound, always beside baselines."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from molinteract.embeddings.neighbours import nearest
from molinteract.embeddings.sampling import sample_by_compound

K = 10
SILHOUETTE_SAMPLE = 2000
BOOTSTRAPS = 200
MAX_FIT = 20_000


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """One set of features on one question.

    Attributes
    ----------
    features : str
        ``trained``, ``untrained`` or ``composition``.
    purity : float
        Share of the ten nearest neighbours of other compounds that have the same label, averaged over the labels.
    silhouette : float
        Mean silhouette, −1 to 1.
    accuracy : float
        Balanced accuracy of a linear probe on held-out compounds; ``low`` and ``high`` are its 95 % bootstrap interval
        over compounds.
    """

    features: str
    purity: float
    silhouette: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: which label? ``chance`` is the balanced accuracy of guessing."""

    name: str
    labels: dict[str, int]
    n_held_out: int
    chance: float
    scores: tuple[ProbeScore, ...]


def probe(
    name: str,
    features: dict[str, NDArray[np.floating]],
    labels: NDArray[np.object_],
    compounds: NDArray[np.object_],
    held_out: NDArray[np.bool_],
    *,
    seed: int = 0,
) -> Probe | None:
    """Ask one question of several sets of features.

    Parameters
    ----------
    name : str
    features : dict of (n, d) arrays
        By name.
    labels, compounds : (n,) str
        Rows with an empty label are left out; so are labels with fewer than ten rows.
    held_out : (n,) bool
        Rows of held-out compounds: never fitted on.

    Returns
    -------
    Probe or None
        None if fewer than two labels are left on either side.
    """
    names, counts = np.unique(labels[labels != ""].astype(str), return_counts=True)
    kept = names[counts >= 10]
    rows = np.flatnonzero(np.isin(labels.astype(str), kept))
    rng = np.random.default_rng(seed)
    if len(rows) > MAX_FIT:
        rows = np.sort(rng.choice(rows, MAX_FIT, replace=False))
    y, groups, out = labels[rows].astype(str), compounds[rows].astype(str), held_out[rows]
    if len(set(y[out])) < 2 or len(set(y[~out])) < 2:
        return None
    scores = tuple(
        _score(key, np.asarray(x[rows], dtype=np.float64), y, groups, out, seed) for key, x in features.items()
    )
    found = {str(k): int((y == k).sum()) for k in kept}
    return Probe(name, found, int(out.sum()), 1.0 / len(set(y[out])), scores)


def _score(
    key: str,
    x: NDArray[np.float64],
    y: NDArray[np.str_],
    groups: NDArray[np.str_],
    held_out: NDArray[np.bool_],
    seed: int,
) -> ProbeScore:
    scaled = StandardScaler().fit(x[~held_out]).transform(x)
    model = make_pipeline(LogisticRegression(max_iter=300, class_weight="balanced"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe not fully converged is a slightly lower bound
        model.fit(scaled[~held_out], y[~held_out])
    predicted = model.predict(scaled[held_out])
    accuracy = _balanced(y[held_out], predicted)
    low, high = _interval(y[held_out], predicted, groups[held_out], seed)
    rng = np.random.default_rng(seed)
    part = sample_by_compound(groups.astype(object), SILHOUETTE_SAMPLE, rng=rng)
    silhouette = silhouette_score(scaled[part], y[part]) if 1 < len(set(y[part])) < len(part) else float("nan")
    return ProbeScore(key, _purity(scaled, y, groups), float(silhouette), accuracy, low, high)


def _balanced(true: NDArray[np.str_], predicted: NDArray[np.str_]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # labels that occur in predictions only
        return float(balanced_accuracy_score(true, predicted))


def _interval(
    true: NDArray[np.str_], predicted: NDArray[np.str_], groups: NDArray[np.str_], seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of the balanced accuracy, compounds drawn with replacement."""
    rng = np.random.default_rng(seed)
    names, index = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(index == k) for k in range(len(names))]
    values = []
    for _ in range(BOOTSTRAPS):
        rows = np.concatenate([members[k] for k in rng.integers(0, len(names), len(names))])
        values.append(_balanced(true[rows], predicted[rows]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _purity(x: NDArray[np.float64], y: NDArray[np.str_], groups: NDArray[np.str_]) -> float:
    """Share of nearest neighbours, same compound excluded, with the same label; the mean over the labels."""
    _, group = np.unique(groups, return_inverse=True)
    index, _ = nearest(x.astype(np.float32), K, excluded_groups=group)
    known = index >= 0
    same = (y[np.maximum(index, 0)] == y[:, None]) & known
    share = same.sum(1) / np.maximum(1, known.sum(1))
    return float(np.mean([share[y == name].mean() for name in np.unique(y)]))
