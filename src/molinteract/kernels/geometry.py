"""Where edges are and where they point: what every convolution of a batch needs to know of its edges."""

import math

import torch
from torch import Tensor

from molinteract.kernels.layout import EdgeLayout
from molinteract.kernels.paths import Path
from molinteract.kernels.segments import inverse_degrees

Blocks = tuple[tuple[Path, ...], ...]
"""Vector paths to each of some output blocks."""


class EdgeGeometry:
    """Edges and their directions; linear operators on vectors are made once and kept for all layers.

    Parameters
    ----------
    layout : EdgeLayout
    directions : (edges, 3)
        r̂, from receiver to sender, in the order of the layout.
    """

    def __init__(self, layout: EdgeLayout, directions: Tensor) -> None:
        self.layout = layout
        self.directions = directions
        self._operators: dict[tuple[tuple[str, ...], Blocks], Tensor] = {}
        self._dots: dict[int, Tensor] = {}
        self._shares: Tensor | None = None

    def operator(self, inputs: tuple[str, ...], blocks: Blocks) -> Tensor:
        """Return the matrices (edges, 3 paths, 3 inputs) that make t of some vector paths from a node's vectors.

        Rows are ordered (output block, component, path), columns (input block, component).
        """
        key = (inputs, blocks)
        if key not in self._operators:
            made = [_operator(self.directions.detach(), inputs, paths) for paths in blocks]
            self._operators[key] = torch.cat(made, dim=1)
        return self._operators[key]

    def dots(self, inputs: int) -> Tensor:
        """Return the matrices (edges, inputs, 3 inputs) that make r̂·v of one or two vector blocks."""
        if inputs not in self._dots:
            r = self.directions.detach().unsqueeze(1)
            eye = torch.eye(inputs, dtype=r.dtype, device=r.device)
            self._dots[inputs] = torch.kron(eye, r)
        return self._dots[inputs]

    @property
    def shares(self) -> Tensor:
        """1 / degree of the active receivers, (active nodes, 1): the part of each edge in a mean over neighbours."""
        if self._shares is None:
            self._shares = inverse_degrees(self.layout.receiving, like=self.directions)
        return self._shares


def _operator(r: Tensor, inputs: tuple[str, ...], paths: tuple[Path, ...]) -> Tensor:
    out = r.new_zeros((r.shape[0], 3, len(paths), len(inputs), 3))
    for k, path in enumerate(paths):
        out[:, :, k, inputs.index(path[0])] = _contraction(r, path[1])
    return out.view(r.shape[0], 3 * len(paths), 3 * len(inputs))


def _contraction(r: Tensor, harmonic: int) -> Tensor:
    """Return the matrix of v ↦ t (see :mod:`molinteract.kernels.reference`), (edges, 3, 3)."""
    eye = torch.eye(3, dtype=r.dtype, device=r.device).expand(r.shape[0], 3, 3)
    if harmonic == 0:
        return eye * (1.0 / math.sqrt(3.0))
    if harmonic == 2:
        along: Tensor = (r.unsqueeze(2) * r.unsqueeze(1) - eye / 3.0) * math.sqrt(1.5)
        return along
    across: Tensor = torch.linalg.cross(eye, r.unsqueeze(2).expand_as(eye), dim=1) * (1.0 / math.sqrt(2.0))
    return across


def directions_and_lengths(positions_receiver: Tensor, positions_sender: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit vectors (edges, 3) from receiver to sender, and lengths (edges,); coincident points give zero."""
    vectors = positions_sender - positions_receiver
    lengths = torch.linalg.vector_norm(vectors, dim=1)
    return vectors / lengths.clamp(min=1e-8).unsqueeze(1), lengths
