"""Pairs become directed edges."""

import numpy as np
from numba import njit


@njit(cache=True)
def both_directions(pairs, count):
    """Return both directions of pairs (edges, 2) of ``count`` nodes as (2, 2 edges) int64, rows (receiver, sender).

    Sorted by receiver; edges of one receiver are those in which it is first, then the others, each in the order given.
    """
    place = np.zeros(count + 1, dtype=np.int64)  # where the next edge of each receiver goes
    for e in range(len(pairs)):
        place[pairs[e, 0] + 1] += 1
        place[pairs[e, 1] + 1] += 1
    for n in range(count):
        place[n + 1] += place[n]
    found = np.empty((2, 2 * len(pairs)), dtype=np.int64)
    for side in range(2):
        for e in range(len(pairs)):
            receiver = pairs[e, side]
            found[0, place[receiver]] = receiver
            found[1, place[receiver]] = pairs[e, 1 - side]
            place[receiver] += 1
    return found
