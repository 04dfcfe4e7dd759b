"""Graphs with something taken away, to ask what a prediction rests on."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from molinteract.affinity.complexes import Complex
from molinteract.patches.patch import PatchArrays

POCKET, LIGAND = 0, 1
GraphKind = Literal["complex", "no_contacts", "ligand_only", "pocket_only"]


def graph_kind(graph: PatchArrays, kind: GraphKind) -> PatchArrays:
    """Return one graph as it is, without its intermolecular edges, or with one molecule alone."""
    if kind == "complex":
        return graph
    if kind == "no_contacts":
        return kept(graph, np.ones(len(graph.positions), dtype=bool), np.zeros(len(graph.inter_edges), dtype=bool))
    side = LIGAND if kind == "ligand_only" else POCKET
    return kept(graph, graph.molecule_index == side)


def kept(graph: PatchArrays, nodes: NDArray[np.bool_], inter: NDArray[np.bool_] | None = None) -> PatchArrays:
    """Return one graph with some of its nodes, the edges between them, and of the intermolecular ones only those chosen."""
    number = np.cumsum(nodes) - 1
    chosen_inter = nodes[graph.inter_edges].all(1)
    if inter is not None:
        chosen_inter &= inter
    chosen_intra = nodes[graph.intra_edges].all(1)
    inter_edges = number[graph.inter_edges[chosen_inter]].astype(np.int32).reshape(-1, 2)
    intra_edges = number[graph.intra_edges[chosen_intra]].astype(np.int32).reshape(-1, 2)
    return PatchArrays(
        node_offsets=np.array([0, int(nodes.sum())]),
        inter_offsets=np.array([0, len(inter_edges)]),
        intra_offsets=np.array([0, len(intra_edges)]),
        atomic_numbers=graph.atomic_numbers[nodes],
        positions=graph.positions[nodes],
        molecule_index=graph.molecule_index[nodes],
        atom_index=graph.atom_index[nodes],
        inter_edges=inter_edges,
        intra_edges=intra_edges,
    )


def displaced(complex_: Complex, distance: float, *, seed: int) -> Complex:
    """Return a complex whose pose is moved by ``distance`` Å in a random direction and turned at random about its centre.

    The protein's atoms are those near the true pose. The moved one may overlap the pocket: this asks what the model makes of a
    wrong pose.
    """
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal(3)
    shift = distance * direction / np.linalg.norm(direction)
    centre = complex_.ligand_positions.mean(0)
    turned = Rotation.random(rng=rng).apply(complex_.ligand_positions - centre)
    return replace(complex_, ligand_positions=turned + centre + shift, bonded=np.empty((0, 2), dtype=np.int32))
