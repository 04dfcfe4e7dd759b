"""Stands for a PatchDataset in tests of training: rigid dimers, so that displacements can be learnt."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from tests.oracles.random_batches import random_arrays

from molinteract.core.settings import BuildSettings
from molinteract.network.config import NetworkConfig
from molinteract.training.recipe import DataRecipe, OptimiserRecipe, Recipe

NETWORK = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=6)


def recipe(**changes):
    """A run of 12 small steps, validated every 4."""
    values = {
        "network": NETWORK,
        "max_steps": 12,
        "validate_every": 4,
        "seed": 5,
        "data": DataRecipe(batch_size=8),
        "optimiser": OptimiserRecipe(learning_rate=0.01, warmup_steps=2),
    }
    return Recipe(**(values | changes))


class SyntheticStore:
    path = "synthetic"
    settings = BuildSettings()

    def __init__(self, patches=48):
        self.n = patches
        total = patches + 12
        one = random_arrays(0, 1)
        self.patches = pa.table(
            {
                "n_nodes": [len(one.atomic_numbers)] * total,
                "n_inter": [len(one.inter_edges)] * total,
                "n_intra": [len(one.intra_edges)] * total,
            }
        )
        self.crystal_rows = np.arange(total) // 4
        self.compounds = np.array([f"C{k}" for k in range(total // 4 + 1)], dtype=object)

    def rows(self, split, *, unique=False, per_compound=None):
        return {"train": np.arange(self.n), "validation": np.arange(self.n, self.n + 12)}[split]

    def describe(self, rows):
        return pa.table({"patch_id": [f"{k:016x}{0:016x}" for k in rows]})

    def fingerprint(self):
        return "synthetic"

    def cut(self, rows):
        many = random_arrays(0, 1)
        count, base = len(rows), len(many.atomic_numbers)
        shift = np.arange(count) * base
        tiled = lambda edges: np.concatenate([edges + s for s in shift]).astype(np.int32)  # noqa: E731
        return replace(
            many,
            node_offsets=np.arange(count + 1) * base,
            inter_offsets=np.arange(count + 1) * len(many.inter_edges),
            intra_offsets=np.arange(count + 1) * len(many.intra_edges),
            atomic_numbers=np.tile(many.atomic_numbers, count),
            positions=np.tile(many.positions, (count, 1)),
            molecule_index=np.tile(many.molecule_index, count),
            atom_index=np.tile(many.atom_index, count),
            inter_edges=tiled(many.inter_edges),
            intra_edges=tiled(many.intra_edges),
        )
