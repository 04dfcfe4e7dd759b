"""What a run would take, from a few steps measured on this machine."""

import time
from dataclasses import dataclass

import torch

from molinteract.batches.loader import PatchLoader
from molinteract.network.encoder import InteractNN
from molinteract.store.dataset import PatchDataset
from molinteract.training.noise import displacements
from molinteract.training.objectives import denoising_loss, predicted_displacements
from molinteract.training.recipe import Recipe

_STEPS = 3


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Size and time of a run.

    Attributes
    ----------
    patches, parameters : int
        Training patches; numbers to train.
    steps_per_epoch : int
    seconds_per_step : float
        Measured here.
    minutes : float
        To the end of the recipe.
    """

    patches: int
    parameters: int
    steps_per_epoch: int
    seconds_per_step: float
    minutes: float

    def text(self) -> str:
        """Return the estimate in words."""
        return (
            f"{self.patches:,} patches, {self.parameters:,} parameters, {self.steps_per_epoch:,} steps an epoch at "
            f"{self.seconds_per_step:.2f} s; about {self.minutes:,.0f} min in all"
        )


def estimate(dataset: PatchDataset, recipe: Recipe) -> RunEstimate:
    """Measure a few training steps and scale them to the recipe."""
    rows = dataset.rows("train", unique=recipe.data.unique, per_compound=recipe.data.per_compound)
    loader = PatchLoader(dataset, rows, batch_size=recipe.data.batch_size, seed=recipe.seed)
    model = InteractNN(recipe.network_config()).to(recipe.device)
    seconds = []
    for count, batch in enumerate(loader.epoch(0)):
        if count == _STEPS:
            break
        start = time.perf_counter()
        moved = batch.to(recipe.device)
        delta = displacements(moved, recipe.noise, seed=0, epoch=0)
        loss = denoising_loss(predicted_displacements(model, moved, delta, clamp=recipe.noise.clamp), delta)
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    step = min(seconds) if seconds else 0.0
    steps = len(loader) * recipe.max_epochs
    steps = min(steps, recipe.max_steps or steps)
    minutes = min(steps * step / 60.0, recipe.max_minutes or float("inf"))
    return RunEstimate(len(rows), sum(p.numel() for p in model.parameters()), len(loader), step, minutes)
