"""Samples in which no compound dominates."""

import numpy as np
from numpy.typing import NDArray


def sample_by_compound(compounds: NDArray[np.object_], size: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return up to ``size`` indices, drawn compound by compound in turn without repeats.

    Parameters
    ----------
    compounds : (n,) str
    size : int
    rng : numpy Generator
    """
    order = rng.permutation(len(compounds))
    _, group = np.unique(compounds[order].astype(str), return_inverse=True)
    # how many of its compound come before each: 0 for the first of every compound, then 1, ...
    by_group = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[by_group], np.arange(group.max() + 1)) if len(group) else np.zeros(0, int)
    turn = np.empty(len(order), dtype=np.int64)
    turn[by_group] = np.arange(len(order)) - starts[group[by_group]]
    return np.sort(order[np.argsort(turn, kind="stable")[:size]])
