"""Sums of edge arrays over the edges of each node, in the order of a layout: no atomics, always in the same order."""

import torch
from torch import Tensor

from molinteract.kernels.layout import Side


def sum_at_nodes(values: Tensor, side: Side) -> Tensor:
    """Sum values (edges, c), in the order of this side, over each node's edges.

    Returns
    -------
    (active nodes + 1, c)
        In the order of ``side.nodes``; the last row is zero.
    """
    return sum_by_bucket(values, side) if values.device.type == "cpu" else sum_by_offsets(values, side)


def sum_by_bucket(values: Tensor, side: Side) -> Tensor:
    """Do so by a dense sum for each degree: what a CPU is fast at."""
    out = values.new_empty((side.nodes.shape[0] + 1, values.shape[1]))
    out[-1].zero_()
    for bucket in side.buckets:
        part = values[bucket.edge_slice].view(bucket.nodes, bucket.degree, -1)
        torch.sum(part, dim=1, out=out[bucket.node_slice])
    return out


def sum_by_offsets(values: Tensor, side: Side) -> Tensor:
    """Do so in one launch, for a GPU, which would wait for the many small ones of the buckets."""
    # unsafe: the offsets are ours; checking them would read them back to the host
    return torch.segment_reduce(values, "sum", offsets=side.offsets, axis=0, unsafe=True)


def mean_at_nodes(values: Tensor, side: Side) -> Tensor:
    """Return the means of values (edges, c) over each node's edges, (all nodes, c), with gradients; zero where it has none."""
    shares = torch.nn.functional.pad(inverse_degrees(side, like=values), (0, 0, 0, 1))
    return spread(sum_by_offsets(values, side) * shares, side)


def spread(active: Tensor, side: Side) -> Tensor:
    """Return (all nodes, c) from rows of active nodes with a last row of zeros."""
    return active.index_select(0, side.slots)


def inverse_degrees(side: Side, *, like: Tensor) -> Tensor:
    """Return 1 / degree of the active nodes, (active nodes, 1)."""
    return (side.offsets[1:-1] - side.offsets[:-2]).to(like).reciprocal_().unsqueeze(1)
