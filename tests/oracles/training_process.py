"""A training run in a process of its own, which prints each loss exactly; for tests that kill it or start several."""

import json
import sys

import torch
from tests.oracles.synthetic_store import SyntheticStore, recipe

from molinteract.training.loop import pretrain
from molinteract.training.recipe import DataRecipe, OptimiserRecipe

OPTIMISER = OptimiserRecipe(learning_rate=0.01, warmup_steps=2, ema=0.95)


def main(folder: str, mode: str, steps: int, batch: int) -> None:
    """Train on the synthetic store, resuming where the folder holds a run."""
    chosen = recipe(
        mode=mode, max_steps=steps, optimiser=OPTIMISER, data=DataRecipe(batch_size=batch), threads=1, validate_every=10
    )

    def show(state):
        record = {"step": state.progress.step, "loss": state.loss.hex()}
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()

    resume = "--resume" in sys.argv
    pretrain(SyntheticStore(), chosen, folder, resume=resume, progress=show)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
