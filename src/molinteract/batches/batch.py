"""Patches as tensors: what the network sees."""

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PatchBatch:
    """Several patches as one graph.

    Attributes
    ----------
    atomic_numbers : (atoms,) int64
    positions : (atoms, 3) float32 or float64
        Angstrom.
    molecule_index : (atoms,) int64
        0 for molecule i, 1 for molecule j.
    patch_index : (atoms,) int64
        Patch of each atom, ascending.
    inter_edges, intra_edges : (2, directed edges) int64
        Rows (receiver a, sender b); each pair appears in both directions; sorted by receiver.
    rows : (patches,) int64
        Row of each patch in its dataset; -1 where it has none.
    """

    atomic_numbers: Tensor
    positions: Tensor
    molecule_index: Tensor
    patch_index: Tensor
    inter_edges: Tensor
    intra_edges: Tensor
    rows: Tensor

    @property
    def n_patches(self) -> int:
        """Number of patches."""
        return self.rows.shape[0]

    @property
    def n_nodes(self) -> int:
        """Number of atoms."""
        return self.atomic_numbers.shape[0]

    def with_positions(self, positions: Tensor) -> Self:
        """Return the same graph at other positions, (atoms, 3); the edges stay (SPEC 2.1)."""
        return replace(self, positions=positions)

    def to(self, device: torch.device | str, *, dtype: torch.dtype | None = None) -> Self:
        """Return the batch on another device; ``dtype`` is that of the positions."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        if dtype is not None:
            moved["positions"] = moved["positions"].to(dtype)
        return type(self)(**moved)
