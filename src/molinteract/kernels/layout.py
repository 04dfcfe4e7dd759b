"""The order of edges that makes sums dense: prepared once with a batch, used by every layer.

Edges are sorted by (in-degree of the receiver, receiver). The nodes of one degree d then form a *bucket* in which every array of
edges is a dense (nodes, d, …) view: sums over neighbours are reductions, matrices per node are batched products, and nothing
is scattered or padded. A permutation gives the same for senders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molinteract.kernels.grouping import grouped


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some nodes of one bucket and their edges, each a contiguous range.

    Attributes
    ----------
    first_node, nodes : int
        Range of active nodes.
    degree : int
        Edges of each.
    first_edge : int
        Their edges are ``nodes * degree`` from here on.
    """

    first_node: int
    nodes: int
    degree: int
    first_edge: int

    @property
    def node_slice(self) -> slice:
        """Range of active nodes."""
        return slice(self.first_node, self.first_node + self.nodes)

    @property
    def edge_slice(self) -> slice:
        """Range of edges."""
        return slice(self.first_edge, self.first_edge + self.nodes * self.degree)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One end of the edges, grouped by node.

    Attributes
    ----------
    nodes : (active nodes,) int64
        Nodes with an edge at this end, sorted by (degree, node).
    slots : (all nodes,) int64
        Place of each node in ``nodes``; ``len(nodes)`` where it has no edge.
    offsets : (active nodes + 2,) int64
        First edge of each active node; then the number of edges twice, for the place of nodes without edges.
    buckets : tuple of Chunk
        Nodes of equal degree.
    """

    nodes: Tensor
    slots: Tensor
    offsets: Tensor
    buckets: tuple[Chunk, ...]

    def chunks(self, *, max_nodes: int, max_edges: int) -> Iterator[Chunk]:
        """Cut the buckets into chunks within both limits (a node's edges stay together)."""
        for bucket in self.buckets:
            step = max(1, min(max_nodes, max_edges // bucket.degree))
            for start in range(0, bucket.nodes, step):
                yield Chunk(
                    bucket.first_node + start,
                    min(step, bucket.nodes - start),
                    bucket.degree,
                    bucket.first_edge + start * bucket.degree,
                )


@dataclass(frozen=True, slots=True, eq=False)
class EdgeLayout:
    """Directed edges in the order the kernels want.

    Attributes
    ----------
    receivers, senders : (edges,) int64
        Sorted by (in-degree of the receiver, receiver).
    by_sender : (edges,) int64
        The permutation that sorts them by (out-degree of the sender, sender).
    from_sender : (edges,) int64
        Its inverse.
    receiving, sending : Side
    """

    receivers: Tensor
    senders: Tensor
    by_sender: Tensor
    from_sender: Tensor
    receiving: Side
    sending: Side

    @property
    def n_edges(self) -> int:
        """Number of directed edges."""
        return self.receivers.shape[0]

    @property
    def n_receivers(self) -> int:
        """Nodes that could receive."""
        return self.receiving.slots.shape[0]

    def to(self, device: torch.device | str) -> Self:
        """Return the layout on another device."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in moved.items():
            if isinstance(value, Side):
                nodes, slots, offsets = (
                    t.to(device, non_blocking=True) for t in (value.nodes, value.slots, value.offsets)
                )
                moved[name] = Side(nodes, slots, offsets, value.buckets)
            else:
                moved[name] = value.to(device, non_blocking=True)
        return type(self)(**moved)


def edge_layout(receivers: Tensor, senders: Tensor, *, n_receivers: int, n_senders: int) -> EdgeLayout:
    """Sort edges and group them at both ends; part of preparing a batch, for it reads sizes back to the host.

    Parameters
    ----------
    receivers, senders : (edges,) int64
        In any order.
    n_receivers, n_senders : int
        Nodes at either end; the two may be different sets (atoms and centres).
    """
    if receivers.device.type != "cpu":
        return _layout_on_device(receivers, senders, n_receivers, n_senders)
    *edges, receiving, sending = grouped(
        np.ascontiguousarray(receivers.numpy()), np.ascontiguousarray(senders.numpy()), n_receivers, n_senders
    )
    receivers, senders, by_sender, from_sender = map(torch.from_numpy, edges)
    return EdgeLayout(receivers, senders, by_sender, from_sender, _side(*receiving), _side(*sending))


def _side(
    nodes: NDArray[np.int64],
    slots: NDArray[np.int64],
    offsets: NDArray[np.int64],
    degrees: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> Side:
    buckets = _buckets(degrees.tolist(), counts.tolist())
    return Side(torch.from_numpy(nodes), torch.from_numpy(slots), torch.from_numpy(offsets), buckets)


def _buckets(degrees: list[int], counts: list[int]) -> tuple[Chunk, ...]:
    buckets, first_node, first_edge = [], 0, 0
    for degree, nodes in zip(degrees, counts, strict=True):
        buckets.append(Chunk(first_node, nodes, degree, first_edge))
        first_node += nodes
        first_edge += nodes * degree
    return tuple(buckets)


def _layout_on_device(receivers: Tensor, senders: Tensor, n_receivers: int, n_senders: int) -> EdgeLayout:
    """Do the same by tensor operations, where the edges are not in main memory."""
    order, receiving = _group(receivers, n_receivers)
    receivers, senders = receivers[order], senders[order]
    by_sender, sending = _group(senders, n_senders)
    from_sender = torch.empty_like(by_sender)
    from_sender[by_sender] = torch.arange(len(by_sender), device=by_sender.device)
    return EdgeLayout(receivers, senders, by_sender, from_sender, receiving, sending)


def _group(ends: Tensor, count: int) -> tuple[Tensor, Side]:
    degree = torch.bincount(ends, minlength=count)
    order = torch.argsort(degree[ends] * count + ends, stable=True)
    by_degree = torch.argsort(degree, stable=True)
    nodes = by_degree[degree[by_degree] > 0]
    slots = torch.full((count,), len(nodes), dtype=torch.int64, device=ends.device)
    slots[nodes] = torch.arange(len(nodes), device=ends.device)
    offsets = torch.zeros(len(nodes) + 2, dtype=torch.int64, device=ends.device)
    offsets[1:-1] = degree[nodes].cumsum(0)
    offsets[-1] = len(ends)
    degrees, counts = torch.unique_consecutive(degree[nodes], return_counts=True)
    return order, Side(nodes, slots, offsets, _buckets(degrees.tolist(), counts.tolist()))
