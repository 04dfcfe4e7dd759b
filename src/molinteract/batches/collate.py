"""Cut patches become one graph."""

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.edges import both_directions
from molinteract.patches.patch import PatchArrays


def collate(
    arrays: PatchArrays, rows: NDArray[np.integer], *, dtype: torch.dtype = torch.float32, prepare: bool = True
) -> PatchBatch:
    """Turn cut patches into a batch.

    Parameters
    ----------
    arrays : PatchArrays
    rows : (patches,) int
        Row of each patch in its dataset.
    dtype : torch.dtype
        Of the positions.
    prepare : bool
        Make the order of edges that the kernels want at once; else they make it when they need it.
    """
    patch_index = np.repeat(np.arange(len(arrays)), np.diff(arrays.node_offsets))
    batch = PatchBatch(
        atomic_numbers=torch.from_numpy(arrays.atomic_numbers.astype(np.int64)),
        positions=torch.from_numpy(arrays.positions).to(dtype),
        molecule_index=torch.from_numpy(arrays.molecule_index.astype(np.int64)),
        patch_index=torch.from_numpy(patch_index),
        inter_edges=torch.from_numpy(both_directions(arrays.inter_edges, len(patch_index))),
        intra_edges=torch.from_numpy(both_directions(arrays.intra_edges, len(patch_index))),
        rows=torch.from_numpy(np.asarray(rows, dtype=np.int64)),
    )
    return batch.prepared() if prepare else batch
