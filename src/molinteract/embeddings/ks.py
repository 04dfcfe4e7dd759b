"""Kolmogorov–Smirnov tests between distributions of pairwise distances (SPEC 3, Fig. 4e).

Are vectors of one label nearer to each other than vectors drawn at random? Pairwise distances are not independent and there are
very many of them, so p is nearly always small: D, its direction, and the same D under two nulls (labels shuffled, network
untrained) are what to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import ks_2samp

from molinteract.embeddings.sampling import sample_by_compound

SAMPLE = 400
"""Vectors on each side; 400 give 79,800 distances."""
MIN_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class KsTest:
    """One test.

    Attributes
    ----------
    first, second : str
        Labels compared; ``all`` is the random sample.
    n_first, n_second : int
        Vectors.
    d : float
        Largest difference of the two distribution functions.
    direction : str
        ``closer`` if the distances of ``first`` are smaller in the median, else ``farther``.
    p, p_holm : float
        Two-sided; corrected for all tests of the table by Holm's method.
    d_shuffled : float
        D with the labels shuffled.
    d_untrained : float
        D of the untrained network's vectors.
    median_first, median_second : float
        Distances in units of the median distance of the random sample.
    """

    first: str
    second: str
    n_first: int
    n_second: int
    d: float
    direction: str
    p: float
    p_holm: float
    d_shuffled: float
    d_untrained: float
    median_first: float
    median_second: float


def ks_table(
    vectors: NDArray[np.float32],
    untrained: NDArray[np.float32],
    labels: NDArray[np.object_],
    compounds: NDArray[np.object_],
    *,
    seed: int = 0,
    sample: int = SAMPLE,
) -> list[KsTest]:
    """Test every label against a random sample, and the labels against each other.

    Parameters
    ----------
    vectors, untrained : (n, d) float32
        Of the trained and of the untrained network.
    labels, compounds : (n,) str
        Vectors with an empty label enter the random sample only.
    """
    rng = np.random.default_rng(seed)
    members = _members(labels, compounds, sample, rng)
    shuffled = labels.copy()
    named = np.flatnonzero(labels != "")
    shuffled[named] = labels[rng.permutation(named)]
    null = _members(shuffled, compounds, sample, rng)
    names = [name for name in members if name != "all"]
    pairs = [(name, "all") for name in names]
    pairs += [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    trained_d = {name: pdist(vectors[rows]) for name, rows in members.items()}
    untrained_d = {name: pdist(untrained[rows]) for name, rows in members.items()}
    shuffled_d = {name: pdist(vectors[null[name]]) for name in members if name in null}
    unit = float(np.median(trained_d["all"])) or 1.0
    tests = []
    for a, b in pairs:
        result = ks_2samp(trained_d[a], trained_d[b], method="asymp")
        medians = float(np.median(trained_d[a])) / unit, float(np.median(trained_d[b])) / unit
        tests.append(
            KsTest(
                first=a,
                second=b,
                n_first=len(members[a]),
                n_second=len(members[b]),
                d=float(result.statistic),
                direction="closer" if medians[0] < medians[1] else "farther",
                p=float(result.pvalue),
                p_holm=float("nan"),
                d_shuffled=float(ks_2samp(shuffled_d[a], shuffled_d[b], method="asymp").statistic),
                d_untrained=float(ks_2samp(untrained_d[a], untrained_d[b], method="asymp").statistic),
                median_first=medians[0],
                median_second=medians[1],
            )
        )
    return _corrected(tests)


def distances_by_label(
    vectors: NDArray[np.float32],
    labels: NDArray[np.object_],
    compounds: NDArray[np.object_],
    *,
    seed: int = 0,
    sample: int = SAMPLE,
) -> dict[str, NDArray[np.float64]]:
    """Return the pairwise distances that ``ks_table`` compares, in units of the median of the random sample ``all``.

    Parameters
    ----------
    vectors : (n, d) float32
    labels, compounds : (n,) str
    """
    members = _members(labels, compounds, sample, np.random.default_rng(seed))
    found = {name: pdist(vectors[rows]) for name, rows in members.items()}
    unit = float(np.median(found["all"])) or 1.0
    return {name: distances / unit for name, distances in found.items()}


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for multiple tests by Holm's step-down method (Scand. J. Statist. 1979, 6, 65)."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    highest = 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[k]))
        corrected[k] = highest
    return corrected.tolist()


def _corrected(tests: list[KsTest]) -> list[KsTest]:
    values = holm([test.p for test in tests])
    return [replace(test, p_holm=value) for test, value in zip(tests, values, strict=True)]


def _members(
    labels: NDArray[np.object_], compounds: NDArray[np.object_], sample: int, rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    members = {"all": sample_by_compound(compounds, sample, rng=rng)}
    for name in sorted(set(labels) - {""}):
        rows = np.flatnonzero(labels == name)
        if len(rows) >= MIN_SAMPLE:
            members[name] = rows[sample_by_compound(compounds[rows], sample, rng=rng)]
    return members
