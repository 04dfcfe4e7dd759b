"""Exact nearest neighbours, block by block."""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2048


def nearest(
    vectors: NDArray[np.float32], k: int, *, excluded_groups: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k nearest vectors of each vector, itself excluded, nearest first; ties go to the lower index.

    Parameters
    ----------
    vectors : (n, d) float32
    k : int
        Smaller than n.
    excluded_groups : (n,) int, optional
        Vectors of one group are never neighbours of each other (patches of one compound, say).

    Returns
    -------
    index : (n, k) int64
        -1 where fewer than k are allowed.
    distance : (n, k) float32
        Euclidean; infinite there.
    """
    n = len(vectors)
    k = min(k, n - 1)
    x = np.asarray(vectors, dtype=np.float64)  # differences of near vectors cancel in float32
    squares = (x * x).sum(1)
    index = np.empty((n, k), dtype=np.int64)
    distance = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        block = squares[start:stop, None] + squares[None] - 2.0 * x[start:stop] @ x.T
        block[np.arange(stop - start), np.arange(start, stop)] = np.inf
        if excluded_groups is not None:
            block[excluded_groups[start:stop, None] == excluded_groups[None]] = np.inf
        index[start:stop] = _smallest(block, k)
        picked = np.take_along_axis(block, index[start:stop], axis=1)
        distance[start:stop] = np.sqrt(np.maximum(picked, 0.0))
    index[~np.isfinite(distance)] = -1
    return index, distance


def _smallest(block: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    part = np.sort(np.argpartition(block, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(block, part, axis=1), axis=1, kind="stable")
    return np.take_along_axis(part, order, axis=1)
