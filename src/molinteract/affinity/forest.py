"""A forest on counts of contacts, as flat arrays: fitted by scikit-learn, evaluated without it, averaged with networks."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import ConfigError

TREES: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Regression trees, one after another in the same arrays.

    Attributes
    ----------
    roots : (trees,) int32
        First node of each tree.
    feature : (nodes,) int16
    threshold : (nodes,) float64
    left, right : (nodes,) int32
        Where a feature at most, or above, the threshold leads; a leaf leads to itself.
    value : (nodes,) float64
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over the trees, (n,), for features (n, d), which are rounded to float32 as in fitting."""
        features = features.astype(np.float32)
        rows = np.arange(len(features))[:, None]
        node = np.broadcast_to(self.roots, (len(features), len(self.roots)))
        while True:
            low = features[rows, self.feature[node]] <= self.threshold[node]
            below = np.where(low, self.left[node], self.right[node])
            if np.array_equal(below, node):
                return np.asarray(self.value[node].mean(axis=1))
            node = below


def fit_forest(features: NDArray[np.float64], values: NDArray[np.float64], *, seed: int = 0) -> Forest:
    """Fit the forest of the control ``contacts``: features (n, d) and values (n,)."""
    trees = [estimator.tree_ for estimator in regressor(seed).fit(features, values).estimators_]
    sizes = [tree.node_count for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    own = np.arange(sum(sizes))
    first = np.repeat(roots, sizes)
    left, right, feature, threshold = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold")
    )
    leaf = left < 0
    return Forest(
        roots.astype(np.int32),
        np.where(leaf, 0, feature).astype(np.int16),
        np.where(leaf, 0.0, threshold),
        np.where(leaf, own, left + first).astype(np.int32),
        np.where(leaf, own, right + first).astype(np.int32),
        np.concatenate([tree.value[:, 0, 0] for tree in trees]),
    )


def regressor(seed: int) -> Any:
    """Return the forest of all controls, not yet fitted."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, max_features=1 / 3, min_samples_leaf=2, random_state=seed)


def averaged(
    values: NDArray[np.float64], forest: Forest | None, counts: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the values of networks (networks, n), each averaged with that of the forest, both by half; as they are without one.

    Raises
    ------
    ConfigError
        If there is a forest and no counts (n, 36) for it.
    """
    if forest is None:
        return values
    if counts is None:
        raise ConfigError("the model reads counts of contacts beside its graphs", remedy="give it complexes")
    return 0.5 * (values + forest.predict(counts))
