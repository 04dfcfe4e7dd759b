"""Graphs of the sizes that matter, made up: patches as in the paper's Table 1, and pockets with a ligand."""

import numpy as np
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.patches.patch import PatchArrays


def patches(count: int, *, seed: int = 0) -> PatchBatch:
    """Patches of 68 atoms, 34 intermolecular and 90 intramolecular pairs (Table 1: 67.8, 34.1, 89.5)."""
    return _batch([_graph(np.random.default_rng([seed, k]), 34, 34, 34, 45, (17, 17)) for k in range(count)])


def pockets(count: int, *, seed: int = 0) -> PatchBatch:
    """Pockets of 600 heavy atoms with a ligand of 40: 320 contacts, 1.26 pairs an atom within the molecules."""
    return _batch([_graph(np.random.default_rng([seed, k]), 600, 40, 320, 0, (160, 40)) for k in range(count)])


def _graph(
    rng: np.random.Generator, first: int, second: int, contacts: int, pairs: int, reach: tuple[int, int]
) -> tuple[int, int, NDArray[np.int32], NDArray[np.int32]]:
    """Two molecules with ``pairs`` bonds each (1.26 an atom where 0); ``contacts`` among the first ``reach`` atoms of each."""
    intra = [_molecule(rng, first, pairs or round(1.26 * first))]
    intra.append(first + _molecule(rng, second, pairs or round(1.26 * second)))
    possible = rng.choice(reach[0] * reach[1], size=contacts, replace=False)
    inter = np.stack([possible // reach[1], first + possible % reach[1]], axis=1)
    return first, second, inter.astype(np.int32), np.concatenate(intra)


def _molecule(rng: np.random.Generator, atoms: int, pairs: int) -> NDArray[np.int32]:
    """Make a tree whose atoms have at most four neighbours, and add pairs until there are enough."""
    degree = np.zeros(atoms, dtype=int)
    found: set[tuple[int, int]] = set()
    for b in range(1, atoms):
        free = np.flatnonzero(degree[:b] < 4)
        _join(found, degree, int(rng.choice(free)), b)
    while len(found) < pairs:
        a, b = sorted(int(k) for k in rng.choice(np.flatnonzero(degree < 5), 2, replace=False))
        if (a, b) not in found:
            _join(found, degree, a, b)
    return np.array(sorted(found), dtype=np.int32)


def _join(found: set[tuple[int, int]], degree: NDArray[np.int_], a: int, b: int) -> None:
    found.add((a, b))
    degree[[a, b]] += 1


def _batch(graphs: list[tuple[int, int, NDArray[np.int32], NDArray[np.int32]]]) -> PatchBatch:
    rng = np.random.default_rng(0)
    nodes = np.cumsum([0] + [first + second for first, second, _, _ in graphs])
    sides = [np.repeat([0, 1], [first, second]) for first, second, _, _ in graphs]
    inter = [start + pairs for start, (_, _, pairs, _) in zip(nodes, graphs, strict=False)]
    intra = [start + pairs for start, (_, _, _, pairs) in zip(nodes, graphs, strict=False)]
    count = int(nodes[-1])
    arrays = PatchArrays(
        nodes,
        np.cumsum([0] + [len(pairs) for pairs in inter]),
        np.cumsum([0] + [len(pairs) for pairs in intra]),
        rng.choice([1, 6, 7, 8], count, p=[0.42, 0.45, 0.05, 0.08]).astype(np.int16),
        rng.normal(0.0, 3.0, (count, 3)),
        np.concatenate(sides).astype(np.int8),
        np.arange(count, dtype=np.int32),
        np.concatenate(inter),
        np.concatenate(intra),
    )
    return collate(arrays, np.arange(len(graphs)))
