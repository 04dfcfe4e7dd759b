"""Complexes become the same arrays as crystal patches: pocket is molecule 0, ligand molecule 1, no radial cut (SPEC 4)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from molinteract.affinity.complexes import Complex
from molinteract.affinity.settings import ComplexSettings
from molinteract.patches.patch import PatchArrays


def graph_of(complex_: Complex, settings: ComplexSettings | None = None) -> PatchArrays:
    """Return one complex as a patch.

    Positions are relative to the middle between the two centres; edges by distance alone. With ``covalent = "cut"`` the
    bonded pairs have no edge.
    """
    settings = settings or ComplexSettings()
    n_pocket, n_ligand = len(complex_.pocket), len(complex_.ligand)
    centre = 0.5 * (complex_.pocket_positions.mean(0) + complex_.ligand_positions.mean(0))
    trees = cKDTree(complex_.pocket_positions), cKDTree(complex_.ligand_positions)
    near = trees[0].sparse_distance_matrix(trees[1], settings.d_inter, output_type="coo_matrix")
    inter = np.stack([near.row, near.col], axis=1).astype(np.int32)
    if settings.covalent == "cut" and len(complex_.bonded):
        code = inter[:, 0].astype(np.int64) * n_ligand + inter[:, 1]
        inter = inter[~np.isin(code, complex_.bonded[:, 0].astype(np.int64) * n_ligand + complex_.bonded[:, 1])]
    within = [tree.query_pairs(settings.d_intra, output_type="ndarray") for tree in trees]
    intra = np.concatenate([within[0], within[1] + n_pocket]).astype(np.int32)
    inter[:, 1] += n_pocket
    return PatchArrays(
        node_offsets=np.array([0, n_pocket + n_ligand]),
        inter_offsets=np.array([0, len(inter)]),
        intra_offsets=np.array([0, len(intra)]),
        atomic_numbers=np.concatenate([complex_.pocket, complex_.ligand]),
        positions=np.concatenate([complex_.pocket_positions, complex_.ligand_positions]) - centre,
        molecule_index=np.repeat(np.array([0, 1], dtype=np.int8), [n_pocket, n_ligand]),
        atom_index=np.concatenate([np.arange(n_pocket), np.arange(n_ligand)]).astype(np.int32),
        inter_edges=_sorted(inter),
        intra_edges=_sorted(intra),
    )


class GraphSet:
    """Graphs kept in memory, cut by row like a dataset of patches.

    Parameters
    ----------
    graphs : sequence of PatchArrays
        One patch each.
    """

    def __init__(self, graphs: Sequence[PatchArrays]) -> None:
        self.graphs = list(graphs)

    def __len__(self) -> int:
        return len(self.graphs)

    @property
    def n_edges(self) -> NDArray[np.int64]:
        """Edges of each graph, both types, each pair once."""
        return np.array([len(g.inter_edges) + len(g.intra_edges) for g in self.graphs], dtype=np.int64)

    def cut(self, rows: NDArray[np.integer]) -> PatchArrays:
        """Return the graphs of some rows, concatenated."""
        return joined([self.graphs[int(row)] for row in rows])


def joined(graphs: Sequence[PatchArrays]) -> PatchArrays:
    """Concatenate patches."""
    nodes = np.concatenate([[0], np.cumsum([g.node_offsets[-1] for g in graphs])]).astype(np.int64)

    def offsets(name: str) -> NDArray[np.int64]:
        parts = [np.diff(getattr(g, name)) for g in graphs]
        return np.concatenate([[0], np.cumsum(np.concatenate(parts))]).astype(np.int64)

    return PatchArrays(
        node_offsets=offsets("node_offsets"),
        inter_offsets=offsets("inter_offsets"),
        intra_offsets=offsets("intra_offsets"),
        atomic_numbers=np.concatenate([g.atomic_numbers for g in graphs]),
        positions=np.concatenate([g.positions for g in graphs]),
        molecule_index=np.concatenate([g.molecule_index for g in graphs]),
        atom_index=np.concatenate([g.atom_index for g in graphs]),
        inter_edges=np.concatenate([g.inter_edges + int(k) for g, k in zip(graphs, nodes, strict=False)]).astype(
            np.int32
        ),
        intra_edges=np.concatenate([g.intra_edges + int(k) for g, k in zip(graphs, nodes, strict=False)]).astype(
            np.int32
        ),
    )


def _sorted(pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return pairs in lexical order, so that the same complex always gives the same arrays."""
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
