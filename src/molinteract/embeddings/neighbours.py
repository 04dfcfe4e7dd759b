"""Exact nearest neighbours, block by block, in bounded memory.

Distances to all are made in float32, where matrix products are fast; a few candidates more than asked for are kept and
measured again in float64. A bound on the rounding of the first step tells whether a neighbour can have been missed; the rows
where it can are searched again in float64.
"""

from collections.abc import Callable

import numba
import numpy as np
import torch
from numpy.typing import NDArray

_BLOCK_BYTES = 128 << 20
_SPARE = 16
"""Candidates beyond k: with them the bound holds for nearly every row."""

Progress = Callable[[int, int], None]


def nearest(
    vectors: NDArray[np.float32],
    k: int,
    *,
    excluded_groups: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k nearest vectors of each vector, itself excluded, nearest first; ties go to the lower index.

    Memory beyond the vectors is 128 MB and the result; time grows as n² d.

    Parameters
    ----------
    vectors : (n, d) float32
    k : int
        Smaller than n.
    excluded_groups : (n,) int, optional
        Vectors of one group are never neighbours of each other (patches of one compound, say).
    progress : callable, optional
        Called with (vectors done, vectors in all).

    Returns
    -------
    index : (n, k) int64
        -1 where fewer than k are allowed.
    distance : (n, k) float32
        Euclidean; infinite there.
    """
    n = len(vectors)
    k = min(k, n - 1)
    x = np.asarray(vectors, dtype=np.float64)
    x = x - x.mean(0)  # a common offset would cost digits in float32
    groups = np.arange(n) if excluded_groups is None else np.asarray(excluded_groups, dtype=np.int64)
    index = np.full((n, k), -1, dtype=np.int64)
    distance = np.full((n, k), np.inf)
    doubtful = _search(x, groups, np.arange(n), index, distance, dtype=np.float32, progress=progress)
    _search(x, groups, doubtful, index, distance, dtype=np.float64, progress=None)
    return index, distance.astype(np.float32)


def _search(
    x: NDArray[np.float64],
    groups: NDArray[np.int64],
    rows: NDArray[np.int64],
    index: NDArray[np.int64],
    distance: NDArray[np.float64],
    *,
    dtype: type[np.floating],
    progress: Progress | None,
) -> NDArray[np.int64]:
    """Fill index and distance for some rows; return the rows whose neighbours the rounding leaves in doubt."""
    n, d = x.shape
    low = torch.from_numpy(np.ascontiguousarray(x, dtype=dtype))
    squares = (x * x).sum(1)
    low_squares = torch.from_numpy(squares.astype(dtype))
    # |error of |b|² - 2 a·b| in floating point, from the bound d u |a| |b| of a dot product of length d
    rounding = 2.0 * (d + 2) * np.finfo(dtype).eps * (np.sqrt(squares * squares.max()) + squares.max())
    size = max(1, _BLOCK_BYTES // (low.element_size() * n))
    doubtful = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        block = torch.addmm(low_squares, low[torch.from_numpy(part)], low.T, alpha=-2.0).numpy()
        certain = _nearest_in_block(block, part, x, groups, squares, rounding, index, distance)
        doubtful.append(part[~certain])
        if progress is not None:
            progress(start + len(part), len(rows))
    return np.concatenate(doubtful) if doubtful else rows[:0]


@numba.njit(cache=True, nogil=True)
def _nearest_in_block(block, rows, x, groups, squares, rounding, index, distance):
    """Choose candidates by the block's values, measure them exactly, keep the k nearest; return which rows are certain."""
    k = index.shape[1]
    n, d = x.shape
    wanted = min(n, k + _SPARE)
    certain = np.ones(len(rows), np.bool_)
    values = np.empty(wanted)
    found = np.empty(wanted, np.int64)
    exact = np.empty(wanted)
    for r in range(len(rows)):
        a = rows[r]
        count = 0
        worst = np.inf
        for b in range(n):
            value = block[r, b]
            if value >= worst or b == a or (groups[a] == groups[b]):
                continue
            place = count if count < wanted else wanted - 1
            while place > 0 and values[place - 1] > value:
                values[place] = values[place - 1]
                found[place] = found[place - 1]
                place -= 1
            values[place] = value
            found[place] = b
            count = min(count + 1, wanted)
            if count == wanted:
                worst = values[wanted - 1]
        for c in range(count):
            total = 0.0
            for m in range(d):
                difference = x[a, m] - x[found[c], m]
                total += difference * difference
            exact[c] = total
        order = np.argsort(exact[:count], kind="mergesort")
        kept = min(k, count)
        for c in range(kept):
            index[a, c] = found[order[c]]
            distance[a, c] = np.sqrt(exact[order[c]])
        # whatever was passed over is at least this far away
        if count == wanted and kept == k and exact[order[k - 1]] > worst + squares[a] - rounding[a]:
            certain[r] = False
    return certain
