"""From a store to patches and tensors: patches a second and core, random batches of 64.

Patches of two sizes are drawn from the store: about 40 nodes (small molecules) and about 68 (the mean of the paper's set).
Crystals: those of the development set from experiment and of the CSD-like group where MOLINTERACT_SHARED_DATA names it, else the
embedded sample. Cutting, making tensors, and ordering the edges as the kernels want them are timed apart.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from harness import Figure, arguments, paired, report
from molinteract.batches.collate import collate
from molinteract.sources.entries import SAMPLE
from molinteract.store.build import build
from molinteract.store.dataset import PatchDataset, open_dataset

GROUPS = ("csd500_dft", "cod_openff", "cod_tools", "cod_structurefinder")
SIZES = ((40, 100_000.0), (68, None))
WINDOW = 0.3
"""Patches within this share of the wanted size are drawn."""


def main() -> None:
    """Print patches a second, cut alone and as tensors."""
    options = arguments(__doc__ or "")
    torch.set_num_threads(1)
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        build(_sources(quick=options.quick), Path(scratch) / "db")
        dataset = open_dataset(Path(scratch) / "db")
        for wanted, target in SIZES:
            figures += _rates(dataset, wanted, target, quick=options.quick)
    report(figures, options.json)


def _sources(*, quick: bool) -> list[str]:
    folder = Path(os.environ.get("MOLINTERACT_SHARED_DATA", "../shared/data")) / "crystals"
    if not (folder / "index.csv").is_file():
        return [SAMPLE]
    return [str(folder / f"{group}.zip") for group in (GROUPS[:1] if quick else GROUPS)]


def _rates(dataset: PatchDataset, wanted: int, target: float | None, *, quick: bool) -> list[Figure]:
    sizes = dataset.column("n_nodes")
    pool = np.flatnonzero(np.abs(sizes - wanted) <= WINDOW * wanted)
    rng = np.random.default_rng(wanted)
    batches = [rng.choice(pool, 64) for _ in range(20 if quick else 300)]
    nodes = float(np.mean([sizes[rows].mean() for rows in batches]))
    first = collate(dataset.cut(batches[0]), batches[0])
    expected = int(dataset.column("n_inter")[batches[0]].sum())
    assert first.inter_edges.shape[1] == 2 * expected
    cut, tensors, ordered = paired(
        [
            lambda: [dataset.cut(rows) for rows in batches],
            lambda: [collate(dataset.cut(rows), rows, prepare=False) for rows in batches],
            lambda: [collate(dataset.cut(rows), rows) for rows in batches],
        ],
        rounds=2 if quick else 9,
    )
    count = 64 * len(batches)
    return [
        Figure(f"about {wanted} nodes: nodes a patch", nodes, ""),
        Figure(f"about {wanted} nodes: cut from the store", count / cut, "patches/s"),
        Figure(f"about {wanted} nodes: cut and made tensors", count / tensors, "patches/s", target),
        Figure(f"about {wanted} nodes: the same, edges ordered for the kernels", count / ordered, "patches/s"),
    ]


if __name__ == "__main__":
    main()
