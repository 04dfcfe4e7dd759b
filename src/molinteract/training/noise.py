"""Displacements of atoms: a function of (seed, epoch, patch), whatever shares the batch (SPEC 2.4)."""

import numpy as np
import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.training.recipe import NoiseRecipe

VALIDATION_EPOCH = 2**31 - 1
"""Epoch number whose noise validation uses: the same each time, and never that of training."""


def displacements(batch: PatchBatch, noise: NoiseRecipe, *, seed: int, epoch: int) -> Tensor:
    """Return δ = clamp(ε, ±clamp) per component with ε ~ N(0, σ² I), (atoms, 3) in Å.

    Each patch has its own generator, keyed by (seed, epoch, row): resuming a run or changing the batches gives every
    patch the same displacement.
    """
    counts = torch.bincount(batch.patch_index, minlength=batch.n_patches).tolist()
    parts = [
        np.random.Generator(np.random.Philox(key=[seed, (epoch << 32) + row % 2**32])).standard_normal((count, 3))
        for row, count in zip(batch.rows.tolist(), counts, strict=True)
    ]
    delta = np.clip(noise.sigma * np.concatenate(parts), -noise.clamp, noise.clamp)
    return torch.from_numpy(delta).to(batch.positions)
