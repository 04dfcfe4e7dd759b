"""The patch: two neighbouring molecules cut around their common centre, and arrays of many of them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Interaction(IntEnum):
    """Label of a patch (SPEC 3): aromatic before hydrogen bond before none."""

    NONE = 0
    HYDROGEN_BOND = 1
    AROMATIC = 2


@dataclass(frozen=True, slots=True, eq=False)
class PatchTable:
    """The patches of one crystal as columns, without coordinates: enough to cut each of them again.

    Row k is the patch of molecule ``i[k]`` and the image x' = W x + w + lattice of molecule ``j[k]``, with (W, w) the
    operation ``operation[k]``. Rows are sorted by (i, j, operation, lattice).

    Attributes
    ----------
    i, j : (patches,) int16
        Indices into ``Crystal.molecules``.
    operation : (patches,) int16
        Index of the operation that makes the image; the lowest one that does.
    lattice : (patches, 3) int16
        Lattice vector added to it.
    orbit : (patches,) int32
        Contact orbit, numbered from 0 by first appearance: patches that symmetry or exchange maps on each other share it.
    multiplicity : (patches,) int16
        Number of neighbours of one M(i) in the orbit.
    minimum_distance : (patches,) float64
        Shortest distance between the two whole molecules, angstrom.
    n_nodes, n_inter, n_intra : (patches,) int32
        Sizes of the cut patch; edges are counted once per pair.
    label : (patches,) int8
        ``Interaction`` of the patch.
    n_empty : int
        Neighbours without an intermolecular edge inside the cut: counted, not kept (``empty_patch``).
    """

    i: NDArray[np.int16]
    j: NDArray[np.int16]
    operation: NDArray[np.int16]
    lattice: NDArray[np.int16]
    orbit: NDArray[np.int32]
    multiplicity: NDArray[np.int16]
    minimum_distance: NDArray[np.float64]
    n_nodes: NDArray[np.int32]
    n_inter: NDArray[np.int32]
    n_intra: NDArray[np.int32]
    label: NDArray[np.int8]
    n_empty: int

    def __len__(self) -> int:
        return len(self.i)


@dataclass(frozen=True, slots=True, eq=False)
class PatchArrays:
    """Cut patches, concatenated. Edges index the concatenated nodes.

    Attributes
    ----------
    node_offsets, inter_offsets, intra_offsets : (patches + 1,) int64
        Patch p owns rows ``offsets[p]:offsets[p + 1]``.
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) float64
        Angstrom, relative to the patch centre c(ij); all nodes of side 0, then all of side 1.
    molecule_index : (atoms,) int8
        0 for molecule i, 1 for molecule j.
    atom_index : (atoms,) int32
        Index of the atom in its whole molecule.
    inter_edges : (edges, 2) int32
        Columns (node of side 0, node of side 1).
    intra_edges : (edges, 2) int32
        First < second, both of one side.
    """

    node_offsets: NDArray[np.int64]
    inter_offsets: NDArray[np.int64]
    intra_offsets: NDArray[np.int64]
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    molecule_index: NDArray[np.int8]
    atom_index: NDArray[np.int32]
    inter_edges: NDArray[np.int32]
    intra_edges: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.node_offsets) - 1
