"""What the loader takes of a training step: patches from the store, tensors and layouts, against the step on the same batch.

Store of the embedded sample, batches of 64, one thread, CPU time; in training the loader runs in the same process.
"""

import tempfile
from pathlib import Path

import torch

from harness import Figure, arguments, paired, report
from molinteract.batches.batch import PatchBatch
from molinteract.batches.loader import PatchLoader
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset

TARGETS = {"paper": 0.05, "small": 0.15}


def main() -> None:
    """Print milliseconds a batch and shares."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        build([SAMPLE], Path(scratch) / "db")
        dataset = open_dataset(Path(scratch) / "db")
        loader = PatchLoader(dataset, dataset.rows("train"), batch_size=64)
        batch = next(loader.epoch(0))
        rounds = 2 if options.quick else 5
        (loading,) = paired([lambda: next(loader.epoch(1))], rounds=10 * rounds)
        figures = [
            Figure("atoms of the batch", batch.n_nodes, ""),
            Figure("a batch from the store", 1e3 * loading, "ms"),
        ]
        for name, target in TARGETS.items():
            (step,) = paired([_step(name, batch)], rounds=rounds)
            share = loading / (loading + step)
            figures.append(Figure(f"training step, {name}", 1e3 * step, "ms"))
            figures.append(Figure(f"share of the loader, {name}", share, "", target=target, higher_is_better=False))
    report(figures, options.json)


def _step(name: str, batch: PatchBatch):
    model = InteractNN(preset(name))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        model.denoise(batch, model.encode(batch)).square().mean().backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    main()
