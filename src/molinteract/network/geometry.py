"""Geometry of the edges of a batch: computed once, used by every layer."""

from dataclasses import dataclass

from torch import Tensor

from molinteract.kernels.geometry import EdgeGeometry, directions_and_lengths
from molinteract.kernels.layout import EdgeLayout


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of one type with all that the layers need of them, in the order of their layout.

    Attributes
    ----------
    geometry : EdgeGeometry
        Layout and directions.
    embedding : (edges, ns)
        e_ab.
    """

    geometry: EdgeGeometry
    embedding: Tensor


def edge_geometry(positions: Tensor, layout: EdgeLayout) -> tuple[EdgeGeometry, Tensor]:
    """Return directions and lengths (edges,) of edges at positions (nodes, 3)."""
    ends = [positions.index_select(0, nodes) for nodes in (layout.receivers, layout.senders)]
    directions, lengths = directions_and_lengths(*ends)
    return EdgeGeometry(layout, directions), lengths
