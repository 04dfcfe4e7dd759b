"""What a run takes of a dataset: rows of each split, their compounds, and the loader with its budgets."""

import numpy as np
from numpy.typing import NDArray

from molinteract.batches.loader import PatchLoader
from molinteract.core.errors import TrainingError
from molinteract.store.dataset import PatchDataset
from molinteract.store.selection import compound_weights
from molinteract.training.recipe import Recipe


def rows_of_split(dataset: PatchDataset, recipe: Recipe, split: str) -> NDArray[np.int64]:
    """Return the rows of a split that a run uses.

    Raises
    ------
    TrainingError
        If there are none.
    """
    rows = dataset.rows(split, unique=recipe.data.unique, per_compound=recipe.data.per_compound)
    if not len(rows):
        raise TrainingError(f"the {split} split has no patch", entry=str(dataset.path), remedy="build a larger store")
    if split == "validation" and len(rows) > recipe.data.validation_patches:
        rng = np.random.default_rng(0)  # the same patches in every run, so that runs can be compared
        rows = np.sort(rng.choice(rows, recipe.data.validation_patches, replace=False))
    return rows


def compounds_of(dataset: PatchDataset, rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the compounds of some rows, sorted."""
    return tuple(sorted(set(dataset.compounds[dataset.crystal_rows[rows]].tolist())))


def loader_of(dataset: PatchDataset, recipe: Recipe, rows: NDArray[np.int64], *, weighted: bool) -> PatchLoader:
    """Return the loader of a split: batches by number, atoms and edges, and weights where compounds are balanced."""
    table, data = dataset.patches, recipe.data
    edges = 2 * (table["n_inter"].to_numpy()[rows] + table["n_intra"].to_numpy()[rows])
    return PatchLoader(
        dataset,
        rows,
        batch_size=data.batch_size,
        seed=recipe.seed,
        weights=compound_weights(dataset, rows) if weighted and data.balance_compounds else None,
        sizes=np.stack([table["n_nodes"].to_numpy()[rows], edges], axis=1),
        batch_nodes=data.batch_nodes,
        batch_edges=data.batch_edges,
    )
