"""The kind of contact a patch shows (SPEC 3)."""

import numpy as np
from numpy.typing import NDArray

from molinteract.chemistry.flags import ACCEPTOR, AROMATIC, DONOR
from molinteract.patches.patch import Interaction


def label_patches(
    inter_edges: NDArray[np.int32], inter_offsets: NDArray[np.int64], node_flags: NDArray[np.uint8]
) -> NDArray[np.int8]:
    """Label patches: aromatic if any edge joins two aromatic atoms, else hydrogen bond if any joins donor and acceptor.

    Parameters
    ----------
    inter_edges : (edges, 2) int32
    inter_offsets : (patches + 1,) int64
    node_flags : (atoms,) uint8
        Bits of ``chemistry.flags`` for each node.

    Returns
    -------
    (patches,) int8
        ``Interaction``.
    """
    a, b = node_flags[inter_edges[:, 0]], node_flags[inter_edges[:, 1]]
    aromatic = (a & b & AROMATIC) > 0
    hydrogen_bond = ((a & DONOR) > 0) & ((b & ACCEPTOR) > 0) | ((a & ACCEPTOR) > 0) & ((b & DONOR) > 0)
    kind = np.where(
        aromatic, Interaction.AROMATIC, np.where(hydrogen_bond, Interaction.HYDROGEN_BOND, Interaction.NONE)
    ).astype(np.int8)
    labels = np.zeros(len(inter_offsets) - 1, dtype=np.int8)
    patch = np.repeat(np.arange(len(labels)), np.diff(inter_offsets))
    np.maximum.at(labels, patch, kind)
    return labels
