"""Which atoms have an atom of the other side within 10 Å: those whose pairs the contact counts count."""

import torch
from torch import Tensor

from molinteract.affinity.complexes import CONTACT
from molinteract.batches.batch import PatchBatch


def near_counts(batch: PatchBatch) -> Tensor:
    """Return how many atoms of the other molecule of its patch each atom has within 10 Å, (atoms,), in the positions' type."""
    counts = torch.zeros_like(batch.positions[:, 0])
    for patch in range(batch.n_patches):
        own = batch.patch_index == patch
        sides = [torch.nonzero(own & (batch.molecule_index == side))[:, 0] for side in (0, 1)]
        near = torch.cdist(batch.positions[sides[0]], batch.positions[sides[1]]) <= CONTACT
        for dim, rows in ((1, sides[0]), (0, sides[1])):
            counts[rows] = near.sum(dim).to(counts)
    return counts
