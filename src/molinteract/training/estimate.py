"""What a run would take, from a few steps measured on this machine."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from molinteract.network.device import checked_device
from molinteract.network.encoder import InteractNN
from molinteract.store.dataset import PatchDataset
from molinteract.training.data import loader_of, rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.noise import Draw, Kind
from molinteract.training.objectives import loss_sums, predict, total_loss
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
    rows = rows_of_split(dataset, recipe, "train")
    loader = loader_of(dataset, recipe, rows, weighted=True)
    config = recipe.network_config()
    model = InteractNN(config).to(checked_device(recipe.device))
    kind: Kind = "mixed" if recipe.mode == "joint" else "atoms"
    batches = loader.batches(0)
    used = np.concatenate([part for part, _ in batches[:_STEPS]])
    patches = DisplacedPatches(dataset, used, noise=recipe.noise, d_inter=config.d_inter, device=recipe.device)
    seconds = []
    for part, places in batches[:_STEPS]:
        start = time.perf_counter()
        batch, displaced = patches.batch(part, kind=kind, draw=Draw(recipe.seed, 0, places), hide=True)
        loss = total_loss(loss_sums(predict(model, batch, clamp=recipe.noise.clamp), displaced, batch), recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    step = min(seconds) if seconds else 0.0
    steps = len(batches) * recipe.max_epochs
    steps = min(steps, recipe.max_steps or steps)
    minutes = min(steps * step / 60.0, recipe.max_minutes or float("inf"))
    return RunEstimate(len(rows), sum(p.numel() for p in model.parameters()), len(batches), step, minutes)
