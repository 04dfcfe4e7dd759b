"""Sums of edge arrays over the edges of each node, by the buckets of a layout: no atomics, always in the same order."""

import torch
from torch import Tensor

from molinteract.kernels.layout import Side


def sum_by_bucket(values: Tensor, side: Side) -> Tensor:
    """Sum values (edges, c), in the order of this side, over each node's edges.

    Returns
    -------
    (active nodes + 1, c)
        In the order of ``side.nodes``; the last row is zero.
    """
    out = values.new_empty((side.nodes.shape[0] + 1, values.shape[1]))
    out[-1].zero_()
    for bucket in side.buckets:
        part = values[bucket.edge_slice].view(bucket.nodes, bucket.degree, -1)
        torch.sum(part, dim=1, out=out[bucket.node_slice])
    return out


def spread(active: Tensor, side: Side) -> Tensor:
    """Return (all nodes, c) from rows of active nodes with a last row of zeros."""
    return active.index_select(0, side.slots)


def inverse_degrees(side: Side, *, like: Tensor) -> Tensor:
    """Return 1 / degree of the active nodes, (active nodes, 1)."""
    out = like.new_empty((side.nodes.shape[0], 1))
    for bucket in side.buckets:
        out[bucket.node_slice].fill_(1.0 / bucket.degree)
    return out
