"""Patches as tensors: what the network sees."""

from dataclasses import dataclass, fields, replace
from typing import Final, Self

import torch
from torch import Tensor

from molinteract.kernels.layout import EdgeLayout, edge_layout

INTER: Final = "inter"
INTRA: Final = "intra"
POOL: Final = "pool"


@dataclass(frozen=True, slots=True, eq=False)
class Layouts:
    """How the kernels want the edges of a batch, and of which tensors that was made.

    Attributes
    ----------
    inter, intra : EdgeLayout
    pool : EdgeLayout
        From each atom to the centre of its molecule in its patch: centre 2 p is that of molecule i of patch p, 2 p + 1 of j.
    inter_edges, intra_edges, molecule_index : Tensor
        The very tensors these are layouts of: one that was replaced needs a new layout.
    """

    inter: EdgeLayout
    intra: EdgeLayout
    pool: EdgeLayout
    inter_edges: Tensor
    intra_edges: Tensor
    molecule_index: Tensor


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
        Rows (receiver a, sender b); each pair appears in both directions.
    rows : (patches,) int64
        Row of each patch in its dataset; -1 where it has none.
    layouts : Layouts, optional
        Prepared by ``collate``; see :meth:`layout`.
    """

    atomic_numbers: Tensor
    positions: Tensor
    molecule_index: Tensor
    patch_index: Tensor
    inter_edges: Tensor
    intra_edges: Tensor
    rows: Tensor
    layouts: Layouts | None = None

    @property
    def n_patches(self) -> int:
        """Number of patches."""
        return self.rows.shape[0]

    @property
    def n_nodes(self) -> int:
        """Number of atoms."""
        return self.atomic_numbers.shape[0]

    def layout(self, name: str) -> EdgeLayout:
        """Return the layout of ``inter`` or ``intra`` edges or of ``pool``.

        The one prepared with the batch; made anew where there is none or where its edges have been replaced since.
        """
        made_of = "molecule_index" if name == POOL else f"{name}_edges"
        if self.layouts is not None and getattr(self.layouts, made_of) is getattr(self, made_of):
            prepared: EdgeLayout = getattr(self.layouts, name)
            return prepared
        if name == POOL:
            return _pool_layout(self.patch_index, self.molecule_index, self.n_patches)
        receivers, senders = getattr(self, made_of)
        return edge_layout(receivers, senders, n_receivers=self.n_nodes, n_senders=self.n_nodes)

    def prepared(self) -> Self:
        """Return the batch with its layouts made."""
        layouts = Layouts(
            inter=self.layout(INTER),
            intra=self.layout(INTRA),
            pool=self.layout(POOL),
            inter_edges=self.inter_edges,
            intra_edges=self.intra_edges,
            molecule_index=self.molecule_index,
        )
        return replace(self, layouts=layouts)

    def with_positions(self, positions: Tensor) -> Self:
        """Return the same graph at other positions, (atoms, 3); the edges stay (SPEC 2.1)."""
        return replace(self, positions=positions)

    def to(self, device: torch.device | str, *, dtype: torch.dtype | None = None) -> Self:
        """Return the batch on another device; ``dtype`` is that of the positions."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "layouts"}
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}
        if self.layouts is not None:
            moved["layouts"] = Layouts(
                inter=self.layout(INTER).to(device),
                intra=self.layout(INTRA).to(device),
                pool=self.layout(POOL).to(device),
                inter_edges=moved["inter_edges"],
                intra_edges=moved["intra_edges"],
                molecule_index=moved["molecule_index"],
            )
        if dtype is not None:
            moved["positions"] = moved["positions"].to(dtype)
        return type(self)(**moved)


def _pool_layout(patch_index: Tensor, molecule_index: Tensor, n_patches: int) -> EdgeLayout:
    atoms = torch.arange(patch_index.shape[0], device=patch_index.device)
    centres = 2 * patch_index + molecule_index
    return edge_layout(centres, atoms, n_receivers=2 * n_patches, n_senders=patch_index.shape[0])
