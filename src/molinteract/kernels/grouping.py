"""Edges sorted and grouped by counting, in one pass each: what ``kernels.layout`` needs of a batch in main memory."""

import numpy as np
from numba import njit


@njit(cache=True)
def grouped(receivers, senders, n_receivers, n_senders):
    """Sort edges by (in-degree of the receiver, receiver) and find the order by sender; equal edges keep theirs.

    Parameters
    ----------
    receivers, senders : (edges,) int64
        In any order.
    n_receivers, n_senders : int
        Nodes at either end.

    Returns
    -------
    receivers, senders : (edges,) int64
        Sorted.
    by_sender, from_sender : (edges,) int64
        The permutation that sorts them by (out-degree of the sender, sender), and its inverse.
    receiving, sending : tuple of arrays
        ``nodes, slots, offsets, degrees, counts``: as in ``Side``, and the buckets as the degree and the number of nodes of each.
    """
    order, receiving = _order(receivers, n_receivers)
    sorted_receivers, sorted_senders = receivers[order], senders[order]
    by_sender, sending = _order(sorted_senders, n_senders)
    from_sender = np.empty_like(by_sender)
    for e in range(len(by_sender)):
        from_sender[by_sender[e]] = e
    return sorted_receivers, sorted_senders, by_sender, from_sender, receiving, sending


@njit(cache=True)
def _order(ends, count):
    degree = np.zeros(count, dtype=np.int64)
    for end in ends:
        degree[end] += 1
    largest = 0
    for d in degree:
        largest = max(largest, d)
    of_degree = np.zeros(largest + 1, dtype=np.int64)  # nodes
    for d in degree:
        of_degree[d] += 1
    active = count - of_degree[0]
    degrees = np.flatnonzero(of_degree[1:]) + 1
    place = np.zeros(largest + 1, dtype=np.int64)  # where the next node of each degree goes
    for d in range(2, largest + 1):
        place[d] = place[d - 1] + of_degree[d - 1]
    nodes, slots = np.empty(active, dtype=np.int64), np.full(count, active, dtype=np.int64)
    for n in range(count):
        if degree[n] > 0:
            slots[n] = place[degree[n]]
            nodes[slots[n]] = n
            place[degree[n]] += 1
    following = np.empty(count, dtype=np.int64)  # where the next edge of each node goes
    offsets = np.zeros(active + 2, dtype=np.int64)
    for k, n in enumerate(nodes):
        following[n] = offsets[k]
        offsets[k + 1] = offsets[k] + degree[n]
    offsets[active + 1] = offsets[active]
    order = np.empty(len(ends), dtype=np.int64)
    for e in range(len(ends)):
        order[following[ends[e]]] = e
        following[ends[e]] += 1
    return order, (nodes, slots, offsets, degrees, of_degree[degrees])
