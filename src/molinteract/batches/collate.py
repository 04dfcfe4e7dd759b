"""Cut patches become one graph."""

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
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
        inter_edges=_directed(arrays.inter_edges),
        intra_edges=_directed(arrays.intra_edges),
        rows=torch.from_numpy(np.asarray(rows, dtype=np.int64)),
    )
    return batch.prepared() if prepare else batch


def _directed(pairs: NDArray[np.int32]) -> torch.Tensor:
    """Return both directions of pairs (edges, 2) as (2, 2 edges), rows (receiver, sender), sorted by receiver."""
    receivers = np.concatenate([pairs[:, 0], pairs[:, 1]]).astype(np.int64)
    senders = np.concatenate([pairs[:, 1], pairs[:, 0]]).astype(np.int64)
    order = np.argsort(receivers, kind="stable")
    return torch.from_numpy(np.stack([receivers[order], senders[order]]))
