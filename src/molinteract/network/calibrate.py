"""Statistics of the readout's batch norm, which no loss of ``paper`` mode ever moves."""

from collections.abc import Iterable

import torch

from molinteract.batches.batch import PatchBatch
from molinteract.network.encoder import InteractNN


def calibrate_readout(model: InteractNN, batches: Iterable[PatchBatch]) -> None:
    """Set the running statistics of the readout's norm to their mean over some batches.

    Without it a network trained by denoising alone would divide its patch vectors by the variance it was born with.
    The rest of the network stays in evaluation mode and is not touched.
    """
    norm = model.pool.norm
    momentum = norm.momentum
    model.eval()
    norm.train()
    with torch.no_grad():
        for count, batch in enumerate(batches, start=1):
            norm.momentum = 1.0 / count
            model.readout(batch, model.encode(batch))
    norm.momentum = momentum
    norm.eval()


def calibrate_all(model: InteractNN, batches: Iterable[PatchBatch]) -> None:
    """Set the running statistics of every norm, for a network that was never trained: the null of SPEC 3."""
    model.train()
    with torch.no_grad():
        for batch in batches:
            model(batch)
    model.eval()
