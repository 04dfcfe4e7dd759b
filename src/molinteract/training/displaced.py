"""Displaced patches as batches: cut, displace, and only then collate, so that edges can follow the positions."""

import copy
from dataclasses import replace
from typing import Protocol, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.network.embedding import MAX_Z
from molinteract.patches.patch import PatchArrays
from molinteract.training.contacts import contact_changes
from molinteract.training.masking import hide_elements
from molinteract.training.noise import Displaced, Draw, Kind, displace, patch_keys, rebuild_inter_edges
from molinteract.training.recipe import NoiseRecipe


class TrainingData(Protocol):
    """What training needs of a dataset to displace its patches."""

    def describe(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return a table with the ``patch_id`` of some rows."""
        ...

    def cut(self, rows: NDArray[np.int64]) -> PatchArrays:
        """Return the patches of some rows."""
        ...


class DisplacedPatches:
    """Makes displaced batches of a dataset.

    Parameters
    ----------
    dataset : TrainingData
    rows : (patches,) int
        Rows that will be asked for.
    noise : NoiseRecipe
    d_inter : float
        Longest intermolecular edge, Å, where edges are rebuilt.
    device : str
    """

    def __init__(
        self,
        dataset: TrainingData,
        rows: NDArray[np.int64],
        *,
        noise: NoiseRecipe,
        d_inter: float,
        device: str = "cpu",
    ) -> None:
        self.dataset = dataset
        self.noise = noise
        self.d_inter = d_inter
        self.device = device
        self.rows = np.unique(rows)
        self.keys = patch_keys(dataset.describe(self.rows)["patch_id"].to_pylist())

    def arrays(
        self, rows: NDArray[np.int64], *, kind: Kind, draw: Draw, hide: bool = False
    ) -> tuple[PatchArrays, Displaced]:
        """Return displaced patches as arrays, and what was done to them; ``hide`` hides elements by the recipe."""
        clean, keys = self.dataset.cut(rows), self._keys_of(rows)
        positions, displaced = displace(clean, keys, self.noise, kind=kind, draw=draw)
        changes = torch.from_numpy(contact_changes(clean, positions).astype(np.float32))
        displaced = replace(displaced, contacts=changes)
        moved = replace(clean, positions=positions)
        chosen = displaced.moved.numpy() if self.noise.rebuild_inter == "moved" else np.ones(len(clean), dtype=bool)
        if self.noise.rebuild_inter != "none" and chosen.any():
            edges, offsets = rebuild_inter_edges(positions, clean, chosen, d_inter=self.d_inter)
            moved = replace(moved, inter_edges=edges, inter_offsets=offsets)
        if hide and self.noise.mask:
            shown, asked = hide_elements(clean, keys, share=self.noise.mask, draw=draw)
            elements = torch.from_numpy(clean.atomic_numbers.astype(np.int64))
            elements = torch.where((elements >= 1) & (elements <= MAX_Z), elements, 0)
            displaced = replace(displaced, asked=torch.from_numpy(asked), elements=elements)
            moved = replace(moved, atomic_numbers=shown)
        return moved, displaced

    def batch(
        self,
        rows: NDArray[np.int64],
        *,
        kind: Kind,
        draw: Draw,
        hide: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[PatchBatch, Displaced]:
        """Return displaced patches as a batch, and what was done to them."""
        arrays, displaced = self.arrays(rows, kind=kind, draw=draw, hide=hide)
        return collate(arrays, rows, dtype=dtype).to(self.device), displaced.to(self.device)

    def on(self, device: str) -> Self:
        """Return the same patches for another device."""
        other = copy.copy(self)
        other.device = device
        return other

    def _keys_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self.keys[np.searchsorted(self.rows, rows)]
