"""Identity of a molecule's bond graph: a Weisfeiler–Lehman hash with elements, hydrogens included."""

import hashlib

import numpy as np
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
    neighbours: list[list[int]] = [[] for _ in atomic_numbers]
    for a, b in bonds.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    colours = [_digest(str(int(z)).encode()) for z in atomic_numbers]
    classes = len(set(colours))
    while True:
        colours = [
            _digest(own + b"".join(sorted(colours[k] for k in near)))
            for own, near in zip(colours, neighbours, strict=True)
        ]
        refined = len(set(colours))
        if refined == classes:
            return _digest(b"".join(sorted(colours))).hex()[:12]
        classes = refined


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()
