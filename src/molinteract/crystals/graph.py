"""Identity of a molecule's bond graph: a Weisfeiler–Lehman hash with elements, hydrogens included."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def graph_hash(atomic_numbers: NDArray[np.int16], bonds: NDArray[np.int32]) -> str:
    """Return a 12-digit hash that does not depend on the order of the atoms.

    Colours are refined until they split no further; isomorphic graphs always agree, others almost always differ
    (regular graphs of equal degree excepted).

    Parameters
    ----------
    atomic_numbers : (atoms,) int16
    bonds : (bonds, 2) int32
    """
    return f"{int(_refined(atomic_numbers, bonds)) >> 16:012x}"


@njit(cache=True)
def _mixed(value):
    """Scatter 64 bits (the finaliser of SplitMix64; Steele, Lea & Flood, OOPSLA 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True)
def _classes(colours):
    ordered = np.sort(colours)
    count = 0
    for n in range(len(ordered)):
        if n == 0 or ordered[n] != ordered[n - 1]:
            count += 1
    return count


@njit(cache=True)
def _refined(numbers, bonds):
    """Give every atom the hash of its own colour and the sum of its neighbours' hashed colours, until all is split.

    A sum does not depend on the order of what is added, and the hashing before it keeps multisets apart.
    """
    n = len(numbers)
    step = np.uint64(0x9E3779B97F4A7C15)
    colours = np.empty(n, dtype=np.uint64)
    for a in range(n):
        colours[a] = _mixed(np.uint64(numbers[a]) + step)
    classes = _classes(colours)
    around = np.empty(n, dtype=np.uint64)
    scattered = np.empty(n, dtype=np.uint64)
    while True:
        for a in range(n):
            scattered[a] = _mixed(colours[a] + step)
            around[a] = np.uint64(0)
        for e in range(len(bonds)):
            around[bonds[e, 0]] += scattered[bonds[e, 1]]
            around[bonds[e, 1]] += scattered[bonds[e, 0]]
        for a in range(n):
            colours[a] = _mixed(colours[a] * step + _mixed(around[a] + step))
        refined = _classes(colours)
        if refined == classes:
            break
        classes = refined
    total = np.uint64(n)
    for a in range(n):
        total += _mixed(colours[a] + step)
    return _mixed(total)
