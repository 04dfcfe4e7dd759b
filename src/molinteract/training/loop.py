"""The pre-training loop: plain, resumable, logged, in one process or several."""

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.core.errors import TrainingError
from molinteract.network.calibrate import calibrate_readout
from molinteract.network.device import checked_device
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import save_network
from molinteract.store.dataset import PatchDataset
from molinteract.training.checkpoints import Trained, load_checkpoint, save_checkpoint
from molinteract.training.data import compounds_of, loader_of, rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.distributed import Processes
from molinteract.training.ema import MovingAverage
from molinteract.training.feed import Feed, Planned, plan
from molinteract.training.log import RunLog
from molinteract.training.measures import Values
from molinteract.training.noise import Displaced
from molinteract.training.objectives import loss_sums, predict, total_loss
from molinteract.training.recipe import Recipe
from molinteract.training.reporting import ProgressCallback, TrainingResult, TrainingState
from molinteract.training.rigid_null import rigid_null
from molinteract.training.run_folder import SplitUsed, prepare_run
from molinteract.training.schedule import learning_rate
from molinteract.training.start import start_from
from molinteract.training.validate import score, validate

CALIBRATION_BATCHES = 8
"""Batches over which the readout's norm is set before a network of ``paper`` mode is saved."""


def pretrain(
    dataset: PatchDataset,
    recipe: Recipe,
    run: str | Path,
    *,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> TrainingResult:
    """Train a network on the training split of a store by denoising.

    Order and displacements are functions of (seed, epoch, place in the epoch, patch): a run that is interrupted and resumed
    gives the same losses, bit for bit on a CPU with the same number of threads. Under ``torchrun`` every process takes a
    part of each batch; the first one writes the run folder.

    Parameters
    ----------
    dataset : PatchDataset
    recipe : Recipe
    run : str or Path
        Run folder: ``config.toml``, ``splits.json``, ``log.jsonl``, ``log.csv``, ``checkpoints/``, ``best/``,
        ``provenance.json``.
    resume : bool
        Go on from the newest whole checkpoint.
    progress : callable, optional
        Called after each step.

    Raises
    ------
    TrainingError
        If a split is empty, or the folder holds something else.
    ConfigError
        If the device cannot be used.
    """
    run = Path(run)
    checked_device(recipe.device)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    processes = Processes(recipe.device)
    rows = {name: rows_of_split(dataset, recipe, name) for name in ("train", "validation")}
    if processes.first:
        splits = {name: SplitUsed(len(part), compounds_of(dataset, part)) for name, part in rows.items()}
        prepare_run(run, recipe, dataset=dataset.fingerprint(), splits=splits, resume=resume)
    processes.wait()
    with _matrix_products("high" if recipe.tf32 else "highest"):
        return _Trainer(dataset, recipe, run, rows, processes).train(progress)


@contextmanager
def _matrix_products(precision: str) -> Iterator[None]:
    """Let PyTorch use a precision for a while."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class _Trainer:
    """State of one run."""

    def __init__(
        self,
        dataset: PatchDataset,
        recipe: Recipe,
        run: Path,
        rows: dict[str, NDArray[np.int64]],
        processes: Processes,
    ) -> None:
        self.recipe, self.run, self.rows, self.processes = recipe, run, rows, processes
        torch.manual_seed(recipe.seed)
        self.hydrogens = dataset.settings.policies.hydrogens
        config = recipe.network_config()
        self.model = InteractNN(config).to(recipe.device)
        if recipe.start is not None:
            start_from(self.model, recipe.start)
        # in paper mode the readout never enters the loss: it stays as initialised, and no moment is kept for it
        idle = "pool." if recipe.mode == "paper" else "nothing"
        self.parameters = [p for name, p in self.model.named_parameters() if not name.startswith(idle)]
        processes.share_statistics(m for name, m in self.model.named_modules() if not name.startswith(idle))
        rate, decay = recipe.optimiser.learning_rate, recipe.optimiser.weight_decay
        optimiser = torch.optim.AdamW(self.parameters, lr=rate, weight_decay=decay)
        self.trained = Trained(self.model, optimiser, MovingAverage(self.model, recipe.optimiser.ema))
        self.loader = loader_of(dataset, recipe, rows["train"], weighted=True)
        self.validation = loader_of(dataset, recipe, rows["validation"], weighted=False).in_order()
        used = np.concatenate(list(rows.values()))
        self.patches = DisplacedPatches(dataset, used, noise=recipe.noise, d_inter=config.d_inter, device=recipe.device)
        self.state, self.damaged = load_checkpoint(run / "checkpoints", self.trained)
        self.feed = Feed(
            self.patches,
            kind="mixed" if recipe.mode == "joint" else "atoms",
            seed=recipe.seed,
            part=slice(processes.rank, None, processes.size),
            workers=recipe.data.workers,
        )
        self.steps_per_epoch = len(self.loader)
        self.null: float | None = None
        self.values: Values = {}
        self.new_patches, self.new_seconds = 0, 0.0
        if processes.first:
            self.log = RunLog(run, step=self.state.step, tensorboard=recipe.tensorboard)

    def train(self, callback: ProgressCallback | None) -> TrainingResult:
        """Run to the end of the recipe."""
        loss = math.nan
        # a last batch with fewer patches than processes is left out
        state, fewest = self.state, self.processes.size
        batches = self.feed.batches(plan(self.loader, epoch=state.epoch, batch=state.batch, at_least=fewest))
        with closing(batches):
            while not self._over():
                start = time.perf_counter()
                planned, batch, displaced = next(batches)
                loss = self._step(batch, displaced, planned.rows)
                self._count(planned, time.perf_counter() - start)
                if callback and self.processes.first:
                    callback(self._told(loss))
                if not self._over() and self.state.step % self.recipe.validate_every == 0:
                    self._validate(loss)
        self._validate(loss)
        return TrainingResult(str(self.run), self.state, self.values, tuple(self.damaged))

    def _count(self, done: Planned, seconds: float) -> None:
        seconds, patches = self.processes.agreed(seconds), len(done.rows)
        self.new_patches += patches
        self.new_seconds += seconds
        self.state = replace(
            self.state,
            epoch=done.epoch + 1 if done.last else done.epoch,
            batch=0 if done.last else done.batch + 1,
            seconds=self.state.seconds + seconds,
            patches=self.state.patches + patches,
        )

    def _step(self, batch: PatchBatch, displaced: Displaced, rows: NDArray[np.int64]) -> float:
        recipe, optimiser = self.recipe, self.trained.optimiser
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe.optimiser, step=self.state.step, done=self._share())
        self.model.train()
        statistics = [buffer.clone() for buffer in self.model.buffers()]
        sums = loss_sums(predict(self.model, batch, clamp=recipe.noise.clamp), displaced, batch)
        loss = total_loss(self.processes.total(sums), recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.parameters)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, recipe.optimiser.clip_norm))
        value = float(loss.detach())
        if not (math.isfinite(value) and math.isfinite(norm)):
            for buffer, before in zip(self.model.buffers(), statistics, strict=True):
                buffer.copy_(before)  # the forward pass has moved the norms' running statistics
            self._skip(rows, value)
            return value
        optimiser.step()
        clipped = int(norm > recipe.optimiser.clip_norm)
        self.state = replace(self.state, step=self.state.step + 1, clipped=self.state.clipped + clipped)
        self.trained.average.update(self.model, step=self.state.step)
        return value

    def _skip(self, rows: NDArray[np.int64], loss: float) -> None:
        """Name and count a batch whose loss or gradient is not finite; the weights stay as they were."""
        self.state = replace(self.state, skipped=self.state.skipped + 1)
        if self.processes.first:
            self.log.append({"step": self.state.step, "not_finite": loss, "rows": rows.tolist()})
        if self.state.skipped > 10 and self.state.skipped > self.state.step // 100:
            raise TrainingError(
                f"{self.state.skipped} batches gave no finite loss",
                entry=str(self.run),
                remedy="lower optimiser.learning_rate",
            )

    def _validate(self, loss: float) -> None:
        """Measure, log, and save; the first process does it while the others wait."""
        better = 0.0
        if self.processes.first:
            with self.trained.average.applied(self.model):
                better = float(self._measure(loss))
        best, stale = (score(self.values, self.recipe), 0) if better else (self.state.best, self.state.stale + 1)
        self.state = replace(self.state, best=self.processes.agreed(best), stale=int(self.processes.agreed(stale)))
        if self.processes.first:
            save_checkpoint(self.run / "checkpoints", self.trained, self.state)
        self.processes.wait()

    def _measure(self, loss: float) -> bool:
        """Log all measures of the averaged network; save it, and return True, if it is the best so far."""
        recipe, state = self.recipe, self.state
        self.model.eval()
        self.values = validate(self.model, self.patches, self.validation, clamp=recipe.noise.clamp)
        if recipe.mode == "joint":
            if self.null is None:
                self.null = rigid_null(self.patches, self.rows["train"], self.rows["validation"], seed=recipe.seed)
            self.values["ev_rigid_null"] = self.null
        record = {
            "step": state.step,
            "epoch": state.epoch,
            "seconds": round(state.seconds, 3),
            "patches": state.patches,
            "patches_per_second": round(self._speed(), 2),
            "learning_rate": self.trained.optimiser.param_groups[0]["lr"],
            "loss": loss,
            "clipped_share": state.clipped / max(1, state.step),
            "skipped": state.skipped,
        }
        self.log.append(record | self.values)
        if score(self.values, recipe) <= state.best:
            return False
        if recipe.mode == "paper":
            calibrate_readout(self.model, self._calibration_batches())
        card = {
            "recipe": recipe.model_dump(mode="json"),
            "hydrogens": self.hydrogens,
            "validation": self.values,
            "step": state.step,
        }
        save_network(self.run / "best", self.model, card=card)
        return True

    def _calibration_batches(self) -> Iterator[PatchBatch]:
        batches = itertools.islice(self.loader.epoch(0), CALIBRATION_BATCHES)
        return (batch.to(self.recipe.device) for batch in batches)

    def _share(self) -> float:
        recipe, state = self.recipe, self.state
        epochs = (state.epoch + state.batch / max(1, self.steps_per_epoch)) / recipe.max_epochs
        steps = state.step / recipe.max_steps if recipe.max_steps else 0.0
        minutes = state.seconds / 60.0 / recipe.max_minutes if recipe.max_minutes else 0.0
        return max(epochs, steps, minutes)

    def _over(self) -> bool:
        patience = self.recipe.patience
        return self._share() >= 1.0 or (patience is not None and self.state.stale >= patience)

    def _speed(self) -> float:
        return self.new_patches / self.new_seconds if self.new_seconds else 0.0

    def _told(self, loss: float) -> TrainingState:
        share = self._share()
        left = self.state.seconds * (1.0 - share) / share if 0 < share < 1 else 0.0
        return TrainingState(self.state, loss, self._speed(), left, min(1.0, share), self.values)
