"""From a store to patches and tensors: patches a second and core, random batches of 64, store of the embedded sample."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from harness import Figure, arguments, paired, report
from molinteract.batches.collate import collate
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset


def main() -> None:
    """Print patches a second, cut alone and as tensors."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        build([SAMPLE], Path(scratch) / "db")
        dataset = open_dataset(Path(scratch) / "db")
        rng = np.random.default_rng(0)
        batches = [rng.integers(0, len(dataset), 64) for _ in range(20 if options.quick else 300)]
        nodes = float(dataset.column("n_nodes").mean())
        expected = int(dataset.column("n_inter")[batches[0]].sum())
        assert collate(dataset.cut(batches[0]), batches[0]).inter_edges.shape[1] == 2 * expected
        cut, tensors = paired(
            [
                lambda: [dataset.cut(rows) for rows in batches],
                lambda: [collate(dataset.cut(rows), rows) for rows in batches],
            ],
            rounds=2 if options.quick else 7,
        )
        count = 64 * len(batches)
        size = sum(path.stat().st_size for path in (Path(scratch) / "db").rglob("*.parquet"))
        figures = [
            Figure("nodes a patch", nodes, ""),
            Figure("cut again from the store", count / cut, "patches/s"),
            Figure("cut and collated to tensors", count / tensors, "patches/s"),
            Figure("store, bytes a patch", size / len(dataset), "B"),
        ]
    report(figures, options.json)


if __name__ == "__main__":
    main()
