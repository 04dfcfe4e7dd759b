"""The pre-training loop: plain, resumable, logged."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.loader import PatchLoader
from molinteract.core.errors import TrainingError
from molinteract.network.calibrate import calibrate_readout
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import save_network
from molinteract.store.dataset import PatchDataset
from molinteract.store.selection import compound_weights
from molinteract.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from molinteract.training.log import RunLog
from molinteract.training.measures import DenoisingMeasures, Values
from molinteract.training.noise import VALIDATION_EPOCH, displacements
from molinteract.training.objectives import denoising_loss, predicted_displacements
from molinteract.training.recipe import Recipe
from molinteract.training.run_folder import prepare_run
from molinteract.training.schedule import learning_rate

CALIBRATION_BATCHES = 8
"""Batches over which the readout's norm is set before a network is saved."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What the progress callback is told after each step.

    Attributes
    ----------
    progress : Progress
    loss : float
        Of the last batch.
    patches_per_second : float
        Since the run (or its resumption) began, validation left out.
    seconds_left : float
        Estimate to the end of the run.
    share : float
        Of the run that is over.
    validation : dict
        The last measures; empty before the first.
    """

    progress: Progress
    loss: float
    patches_per_second: float
    seconds_left: float
    share: float
    validation: Values


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended: where, after what, and with which measures on held-out compounds."""

    run: str
    progress: Progress
    validation: Values
    damaged_checkpoints: tuple[str, ...] = ()


ProgressCallback = Callable[[TrainingState], None]


def pretrain(
    dataset: PatchDataset,
    recipe: Recipe,
    run: str | Path,
    *,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> TrainingResult:
    """Train a network on the training split of a store by denoising.

    Order and noise are functions of (seed, epoch, patch): a run that is interrupted and resumed gives the same losses,
    bit for bit on a CPU with the same number of threads.

    Parameters
    ----------
    dataset : PatchDataset
    recipe : Recipe
    run : str or Path
        Run folder: ``config.toml``, ``log.jsonl``, ``log.csv``, ``checkpoints/``, ``best/``, ``provenance.json``.
    resume : bool
        Go on from the newest whole checkpoint.
    progress : callable, optional
        Called after each step.

    Raises
    ------
    TrainingError
        If a split is empty, or the folder holds something else.
    """
    run = Path(run)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    rows = {name: _rows(dataset, recipe, name) for name in ("train", "validation")}
    sizes = {name: len(part) for name, part in rows.items()}
    prepare_run(run, recipe, dataset=dataset.fingerprint(), split_sizes=sizes, resume=resume)
    return _Trainer(dataset, recipe, run, rows, progress).train()


def _rows(dataset: PatchDataset, recipe: Recipe, split: str) -> NDArray[np.int64]:
    rows = dataset.rows(split, unique=recipe.data.unique, per_compound=recipe.data.per_compound)
    if not len(rows):
        raise TrainingError(f"the {split} split has no patch", entry=str(dataset.path), remedy="build a larger store")
    if split == "validation" and len(rows) > recipe.data.validation_patches:
        rng = np.random.default_rng(0)  # the same patches in every run, so that runs can be compared
        rows = np.sort(rng.choice(rows, recipe.data.validation_patches, replace=False))
    return rows


class _Trainer:
    """State of one run."""

    def __init__(
        self,
        dataset: PatchDataset,
        recipe: Recipe,
        run: Path,
        rows: dict[str, NDArray[np.int64]],
        callback: ProgressCallback | None,
    ) -> None:
        self.recipe = recipe
        self.run = run
        self.callback = callback
        torch.manual_seed(recipe.seed)
        self.model = InteractNN(recipe.network_config()).to(recipe.device)
        # the readout never enters this loss: it stays as initialised, and no moment is kept for it
        trained = [p for name, p in self.model.named_parameters() if not name.startswith("pool.")]
        self.trained = trained
        self.optimiser = torch.optim.AdamW(
            trained, lr=recipe.optimiser.learning_rate, weight_decay=recipe.optimiser.weight_decay
        )
        data = recipe.data
        weights = compound_weights(dataset, rows["train"]) if data.balance_compounds else None
        self.loader = PatchLoader(dataset, rows["train"], batch_size=data.batch_size, seed=recipe.seed, weights=weights)
        self.validation = PatchLoader(dataset, rows["validation"], batch_size=data.batch_size)
        self.state, self.damaged = load_checkpoint(run / "checkpoints", self.model, self.optimiser)
        self.log = RunLog(run, step=self.state.step)
        self.values: Values = {}
        self.new_patches = 0
        self.new_seconds = 0.0

    def train(self) -> TrainingResult:
        """Run to the end of the recipe."""
        loss = math.nan
        while not self._over():
            for batch in self.loader.epoch(self.state.epoch, start=self.state.batch):
                loss = self._timed_step(batch)
                self._report(loss)
                if self._over():
                    break
                if self.state.step % self.recipe.validate_every == 0:
                    self._validate(loss)
            else:
                self.state = replace(self.state, epoch=self.state.epoch + 1, batch=0)
        self._validate(loss)
        return TrainingResult(str(self.run), self.state, self.values, tuple(self.damaged))

    def _timed_step(self, batch: PatchBatch) -> float:
        start = time.perf_counter()
        loss = self._step(batch.to(self.recipe.device))
        seconds = time.perf_counter() - start
        self.new_patches += batch.n_patches
        self.new_seconds += seconds
        self.state = replace(
            self.state,
            batch=self.state.batch + 1,
            seconds=self.state.seconds + seconds,
            patches=self.state.patches + batch.n_patches,
        )
        return loss

    def _step(self, batch: PatchBatch) -> float:
        recipe = self.recipe
        rate = learning_rate(recipe.optimiser, step=self.state.step, done=self._share())
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        statistics = [buffer.clone() for buffer in self.model.buffers()]
        delta = displacements(batch, recipe.noise, seed=recipe.seed, epoch=self.state.epoch)
        predicted = predicted_displacements(self.model, batch, delta, clamp=recipe.noise.clamp)
        loss = denoising_loss(predicted, delta)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.trained, recipe.optimiser.clip_norm)
        value = float(loss.detach())
        if not (math.isfinite(value) and math.isfinite(float(norm))):
            for buffer, before in zip(self.model.buffers(), statistics, strict=True):
                buffer.copy_(before)  # the forward pass has moved the norms' running statistics
            self._skip(batch, value)
            return value
        self.optimiser.step()
        clipped = int(float(norm) > recipe.optimiser.clip_norm)
        self.state = replace(self.state, step=self.state.step + 1, clipped=self.state.clipped + clipped)
        return value

    def _skip(self, batch: PatchBatch, loss: float) -> None:
        """Name and count a batch whose loss or gradient is not finite; the weights stay as they were."""
        self.state = replace(self.state, skipped=self.state.skipped + 1)
        self.log.append({"step": self.state.step, "not_finite": loss, "rows": batch.rows.tolist()})
        if self.state.skipped > 10 and self.state.skipped > self.state.step // 100:
            raise TrainingError(
                f"{self.state.skipped} batches gave no finite loss",
                entry=str(self.run),
                remedy="lower optimiser.learning_rate",
            )

    def _validate(self, loss: float) -> None:
        self.model.eval()
        measures = DenoisingMeasures()
        noise = self.recipe.noise
        with torch.no_grad():
            for batch in self.validation.in_order():
                moved = batch.to(self.recipe.device)
                delta = displacements(moved, noise, seed=0, epoch=VALIDATION_EPOCH)
                measures.add(moved, predicted_displacements(self.model, moved, delta, clamp=noise.clamp), delta)
        self.values = measures.values()
        state = self.state
        record = {
            "step": state.step,
            "epoch": state.epoch,
            "seconds": round(state.seconds, 3),
            "patches": state.patches,
            "patches_per_second": round(self._speed(), 2),
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "loss": loss,
            "clipped_share": state.clipped / max(1, state.step),
            "skipped": state.skipped,
        }
        self.log.append(record | self.values)
        if self.values["ev"] > state.best:
            self.state = replace(state, best=self.values["ev"])
            calibrate_readout(self.model, self._calibration_batches())
            card = {
                "recipe": self.recipe.model_dump(mode="json"),
                "validation": self.values,
                "step": state.step,
            }
            save_network(self.run / "best", self.model, card=card)
        save_checkpoint(self.run / "checkpoints", self.model, self.optimiser, self.state)

    def _calibration_batches(self) -> Iterator[PatchBatch]:
        batches = itertools.islice(self.loader.epoch(0), CALIBRATION_BATCHES)
        return (batch.to(self.recipe.device) for batch in batches)

    def _share(self) -> float:
        recipe, state = self.recipe, self.state
        epochs = (state.epoch + state.batch / max(1, len(self.loader))) / recipe.max_epochs
        steps = state.step / recipe.max_steps if recipe.max_steps else 0.0
        minutes = state.seconds / 60.0 / recipe.max_minutes if recipe.max_minutes else 0.0
        return max(epochs, steps, minutes)

    def _over(self) -> bool:
        return self._share() >= 1.0

    def _speed(self) -> float:
        return self.new_patches / self.new_seconds if self.new_seconds else 0.0

    def _report(self, loss: float) -> None:
        if self.callback is None:
            return
        share = self._share()
        left = self.state.seconds * (1.0 - share) / share if 0 < share < 1 else 0.0
        self.callback(TrainingState(self.state, loss, self._speed(), left, min(1.0, share), self.values))
