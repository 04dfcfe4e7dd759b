"""The paper's objective: predict the displacement of each atom from the perturbed patch (SPEC 2.4)."""

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.network.encoder import InteractNN


def predicted_displacements(model: InteractNN, batch: PatchBatch, delta: Tensor, *, clamp: float) -> Tensor:
    """Return δ̂ (atoms, 3) for a clean batch displaced by δ; edges stay those of the clean patch.

    The clamp acts per component on the output; the network is equivariant exactly before it.
    """
    perturbed = batch.with_positions(batch.positions + delta)
    return model.denoise(perturbed, model.encode(perturbed)).clamp(-clamp, clamp)


def denoising_loss(predicted: Tensor, delta: Tensor) -> Tensor:
    """Return the root of the mean over atoms of |δ̂ − δ|²: a mean over nodes, so that large patches do not dominate."""
    return torch.sqrt((predicted - delta).square().sum(1).mean())
