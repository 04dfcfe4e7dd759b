"""Contact orbits: neighbour pairs that a space-group operation or the exchange of the molecules maps on each other.

With M(j) = g M(original of j), pairs are equivalent when their g lie in one double coset S_i g S_j of the stabilisers,
or, exchanged, their inverses do. Operations are compared with translations rounded to 1e-4, lattice vectors included.
"""

import numpy as np
from numpy.typing import NDArray

from molinteract.crystals.crystal import Crystal, Molecule

Key = tuple[int, int, bytes]


def contact_orbits(
    crystal: Crystal,
    i: NDArray[np.integer],
    j: NDArray[np.integer],
    operation: NDArray[np.integer],
    lattice: NDArray[np.integer],
) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Find the contact orbits of the neighbour pairs of one crystal.

    Parameters
    ----------
    crystal : Crystal
    i, j, operation : (pairs,) int
    lattice : (pairs, 3) int

    Returns
    -------
    orbit : (pairs,) int32
        Numbered from 0 by first appearance.
    multiplicity : (pairs,) int16
        Number of neighbours of one M(i) in the orbit.
    """
    groups = [_stabiliser(crystal, molecule) for molecule in crystal.molecules]
    keys: list[Key] = []
    for a, b, g, shift in zip(i.tolist(), j.tolist(), operation.tolist(), lattice, strict=True):
        rotation = crystal.rotations[g].astype(np.int64)
        keys.append(_key(a, b, rotation, crystal.translations[g] + shift, groups))
    number: dict[Key, int] = {}
    orbit = np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int32)
    pairs = np.stack([np.asarray(i, dtype=np.int64), orbit.astype(np.int64)], axis=1).reshape(-1, 2)
    _, inverse, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    return orbit, counts[inverse.reshape(-1)].astype(np.int16)


def _stabiliser(crystal: Crystal, molecule: Molecule) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rotations = crystal.rotations[molecule.stabiliser].astype(np.int64)
    return rotations, crystal.translations[molecule.stabiliser] + molecule.stabiliser_shifts


def _key(
    i: int,
    j: int,
    rotation: NDArray[np.int64],
    translation: NDArray[np.float64],
    groups: list[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> Key:
    (left_w, left_t), (right_w, right_t) = groups[i], groups[j]
    # every s g s': W = Ws Wg Ws', w = Ws (Wg ws' + wg) + ws
    w = np.einsum("aij,jk,bkl->abil", left_w, rotation, right_w).reshape(-1, 3, 3)
    middle = right_t @ rotation.T + translation
    t = (np.einsum("aij,bj->abi", left_w, middle) + left_t[:, None]).reshape(-1, 3)
    candidates = [_code(w, t)] if i <= j else []
    if i >= j:
        inverse = np.rint(np.linalg.inv(w)).astype(np.int64)
        candidates.append(_code(inverse, -np.einsum("aij,aj->ai", inverse, t)))
    codes = np.concatenate(candidates)
    lowest = codes[np.lexsort(codes.T[::-1])[0]]
    return min(i, j), max(i, j), lowest.tobytes()


def _code(rotations: NDArray[np.int64], translations: NDArray[np.float64]) -> NDArray[np.int64]:
    # the small offset keeps values such as 0.12345, which lie between two steps, on one side
    steps = np.floor(translations * 1e4 + 0.5 + 1e-5).astype(np.int64)
    return np.concatenate([steps, rotations.reshape(-1, 9)], axis=1)
