"""Maps in two dimensions: UMAP on neighbours that we found, seeded, the same twice (SPEC 3)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import ConfigError
from molinteract.embeddings.neighbours import Progress, nearest

NEIGHBOURS = 15


def umap_map(
    vectors: NDArray[np.float32],
    *,
    seed: int = 0,
    neighbours: int = NEIGHBOURS,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return (n, 2) map coordinates of vectors (n, d); ``progress`` follows the search for neighbours.

    Equal vectors are mapped once and share their place. The neighbours are exact and the optimisation runs on one
    thread with a fixed seed, so the map is reproducible.

    Raises
    ------
    ConfigError
        If there are too few different vectors.
    """
    different, back = np.unique(np.asarray(vectors), axis=0, return_inverse=True)
    if len(different) <= neighbours:
        raise ConfigError(
            f"a map needs more than {neighbours} different vectors, here are {len(different)}",
            remedy="embed more patches",
        )
    index, distance = nearest(different, neighbours - 1, progress=progress)
    own = np.arange(len(different))[:, None]
    known = (
        np.concatenate([own, index], axis=1),
        np.concatenate([np.zeros_like(own, np.float32), distance], axis=1),
    )
    with warnings.catch_warnings():
        # umap-learn warns that a given neighbour table cannot be used for transforming new points: we never do
        warnings.simplefilter("ignore")
        import umap

        reducer = umap.UMAP(
            n_neighbors=neighbours,
            precomputed_knn=known,
            random_state=seed,
            n_jobs=1,
            min_dist=0.1,
            init="pca",
        )
        placed = reducer.fit_transform(different)
    return np.asarray(placed, dtype=np.float32)[back.reshape(-1)]
