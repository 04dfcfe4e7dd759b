"""The two fragments of a patch: what displaced atoms do to them as a whole."""

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch


def relative_translation(batch: PatchBatch, displacement: Tensor) -> Tensor:
    """Return mean displacement of molecule j minus that of molecule i, (patches, 3), for displacements (atoms, 3)."""
    side, count = _sides(batch)
    total = displacement.new_zeros((2 * batch.n_patches, 3)).index_add(0, side, displacement)
    means = (total / count.unsqueeze(1)).view(-1, 2, 3)
    return means[:, 1] - means[:, 0]


def translation_variance(batch: PatchBatch) -> Tensor:
    """Return 1/n_i + 1/n_j, (patches,).

    The variance of each component of the relative translation where every atom moves on its own with variance 1.
    """
    return (1.0 / _sides(batch)[1]).view(-1, 2).sum(1)


def _sides(batch: PatchBatch) -> tuple[Tensor, Tensor]:
    """Return the fragment of each atom, numbered through the batch, and how many atoms each has, at least one."""
    side = 2 * batch.patch_index + batch.molecule_index
    ones = torch.ones_like(batch.positions[:, 0])
    return side, ones.new_zeros(2 * batch.n_patches).index_add(0, side, ones).clamp(min=1)  # bincount would read back
