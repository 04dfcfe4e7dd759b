"""Geometry of the edges of a batch: computed once, used by every layer."""

from dataclasses import dataclass

from torch import Tensor

from molinteract.kernels.tensor_product import directions_and_lengths


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of one type with all that the layers need of them.

    Attributes
    ----------
    receivers, senders : (edges,) int64
    directions : (edges, 3)
        r̂ from receiver to sender.
    embedding : (edges, ns)
        e_ab.
    """

    receivers: Tensor
    senders: Tensor
    directions: Tensor
    embedding: Tensor


def edge_geometry(positions: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit vectors and lengths of edges (2, edges) at positions (nodes, 3)."""
    return directions_and_lengths(positions[edge_index[0]], positions[edge_index[1]])
