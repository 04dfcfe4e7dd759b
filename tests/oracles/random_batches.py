"""Random patches as arrays and batches, for tests of the network and of training."""

import numpy as np
import torch

from molinteract.batches.collate import collate
from molinteract.patches.patch import PatchArrays


def random_arrays(seed: int = 0, patches: int = 3, *, atoms: tuple[int, int] = (4, 9)) -> PatchArrays:
    """Patches of two random blobs; edges by distance, so that every clean patch is self-consistent."""
    rng = np.random.default_rng(seed)
    nodes, inter, intra = [0], [0], [0]
    numbers, positions, sides, atom_index, inter_edges, intra_edges = [], [], [], [], [], []
    for _ in range(patches):
        first = nodes[-1]
        sizes = rng.integers(*atoms, size=2)
        xyz = np.concatenate(
            [rng.normal(0, 1.2, (sizes[0], 3)), rng.normal(0, 1.2, (sizes[1], 3)) + np.array([3.0, 0, 0])]
        )
        side = np.repeat([0, 1], sizes)
        distance = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
        for a in range(len(xyz)):
            for b in range(a + 1, len(xyz)):
                if side[a] != side[b] and distance[a, b] <= 4.0:
                    inter_edges.append((first + a, first + b))
                elif side[a] == side[b] and distance[a, b] <= 2.0:
                    intra_edges.append((first + a, first + b))
        numbers.append(rng.choice([1, 6, 7, 8], len(xyz)))
        positions.append(xyz)
        sides.append(side)
        atom_index.append(np.concatenate([np.arange(n) for n in sizes]))
        nodes.append(first + len(xyz))
        inter.append(len(inter_edges))
        intra.append(len(intra_edges))
    return PatchArrays(
        np.array(nodes),
        np.array(inter),
        np.array(intra),
        np.concatenate(numbers).astype(np.int16),
        np.concatenate(positions),
        np.concatenate(sides).astype(np.int8),
        np.concatenate(atom_index).astype(np.int32),
        np.array(inter_edges, dtype=np.int32).reshape(-1, 2),
        np.array(intra_edges, dtype=np.int32).reshape(-1, 2),
    )


def random_batch(seed: int = 0, patches: int = 3, dtype: torch.dtype = torch.float64):
    return collate(random_arrays(seed, patches), np.arange(patches), dtype=dtype)
