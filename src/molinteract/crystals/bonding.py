"""Which atoms are bonded: exact periodic pairs, covalent radii, one bond a hydrogen (SPEC 1.1)."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.elements import COVALENT_RADII

TOLERANCE = 0.30
"""Two atoms are bonded below the sum of their radii plus this many Å."""
BRIDGE_REACH = 1.35
"""A hydrogen is bridging if a second heavy atom is nearer than this, in Å ..."""
BRIDGE_DIFFERENCE = 0.20
"""... and not farther than this beyond the first."""
CLASH_HH = 1.15
"""Two hydrogens nearer than this many Å clash ..."""
CLASH_XH = 0.60
"""... as do a hydrogen and another atom nearer than this ..."""
CLASH_HEAVY = 0.70
"""... and two other atoms nearer than this share of the sum of their radii."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of atoms of a cell that are near: q shifted by a lattice vector, each pair once.

    Attributes
    ----------
    p, q : (pairs,) int32
    shift : (pairs, 3) int32
        Lattice vector added to q.
    distance : (pairs,) float64
        Å.
    """

    p: NDArray[np.int32]
    q: NDArray[np.int32]
    shift: NDArray[np.int32]
    distance: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_]) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.p[rows], self.q[rows], self.shift[rows], self.distance[rows])

    def __len__(self) -> int:
        return len(self.p)


def near_pairs(
    fractional: NDArray[np.float64], atomic_numbers: NDArray[np.int16], vectors: NDArray[np.float64]
) -> Pairs:
    """Return every pair of atoms, any lattice vector apart, that may be bonded, bridge, or clash.

    Exact for any cell, also one that is skewed or shorter than a bond; an atom's own images count.

    Parameters
    ----------
    fractional : (atoms, 3) float64
    atomic_numbers : (atoms,) int16
    vectors : (3, 3) float64
        Cell vectors as rows, lower triangular, Å.
    """
    radii = COVALENT_RADII[atomic_numbers]
    hydrogen = atomic_numbers == 1
    capacity = 16 * len(fractional) + 64
    while True:
        count, p, q, shift, distance = _near_pairs(fractional, radii, hydrogen, vectors, capacity)
        if count <= capacity:
            return Pairs(p[:count], q[:count], shift[:count], distance[:count])
        capacity = count


def clash(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> int:
    """Return the index of the worst clashing pair, or -1."""
    limit = _clash_limit(pairs, atomic_numbers)
    ratio = pairs.distance / limit
    if not len(ratio) or ratio.min() >= 1.0:
        return -1
    return int(ratio.argmin())


def _clash_limit(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> NDArray[np.float64]:
    hydrogens = (atomic_numbers[pairs.p] == 1).astype(int) + (atomic_numbers[pairs.q] == 1)
    heavy = CLASH_HEAVY * (COVALENT_RADII[atomic_numbers[pairs.p]] + COVALENT_RADII[atomic_numbers[pairs.q]])
    return np.where(hydrogens == 2, CLASH_HH, np.where(hydrogens == 1, CLASH_XH, heavy))


def bridging_hydrogen(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> tuple[int, int, int] | None:
    """Return (hydrogen, heavy atom, heavy atom) of a hydrogen midway between two heavy atoms, or None."""
    hydrogen, heavy, distance = _hydrogen_contacts(pairs, atomic_numbers)
    near = distance < BRIDGE_REACH
    order = np.lexsort((distance[near], hydrogen[near]))
    h, x, d = hydrogen[near][order], heavy[near][order], distance[near][order]
    second = np.flatnonzero((h[1:] == h[:-1]) & (d[1:] - d[:-1] < BRIDGE_DIFFERENCE))
    if not len(second):
        return None
    k = int(second[0])
    return int(h[k]), int(x[k]), int(x[k + 1])


def bonds(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> Pairs:
    """Return the bonds among near pairs: below the sum of radii + 0.30 Å, never H–H, one for each hydrogen.

    A hydrogen keeps its shortest bond; ties go to the atom that comes first.
    """
    radii = COVALENT_RADII[atomic_numbers]
    within = pairs.distance < radii[pairs.p] + radii[pairs.q] + TOLERANCE
    h_p, h_q = atomic_numbers[pairs.p] == 1, atomic_numbers[pairs.q] == 1
    keep = within & ~(h_p & h_q)
    with_hydrogen = np.flatnonzero(keep & (h_p | h_q))
    hydrogen = np.where(h_p, pairs.p, pairs.q)[with_hydrogen]
    heavy = np.where(h_p, pairs.q, pairs.p)[with_hydrogen]
    order = np.lexsort((heavy, np.round(pairs.distance[with_hydrogen], 6), hydrogen))
    first = np.ones(len(order), dtype=bool)
    first[1:] = hydrogen[order][1:] != hydrogen[order][:-1]
    keep[with_hydrogen[order[~first]]] = False
    return pairs.take(keep)


def _hydrogen_contacts(
    pairs: Pairs, atomic_numbers: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    h_p, h_q = atomic_numbers[pairs.p] == 1, atomic_numbers[pairs.q] == 1
    mixed = h_p ^ h_q
    hydrogen = np.where(h_p, pairs.p, pairs.q)[mixed]
    heavy = np.where(h_p, pairs.q, pairs.p)[mixed]
    return hydrogen, heavy, pairs.distance[mixed]


@njit(cache=True)
def _near_pairs(fractional, radii, hydrogen, vectors, capacity):
    """Loop over lattice shifts axis by axis: the c component alone bounds n_c, then b, then a."""
    n = len(fractional)
    p_out = np.empty(capacity, dtype=np.int32)
    q_out = np.empty(capacity, dtype=np.int32)
    shift_out = np.empty((capacity, 3), dtype=np.int32)
    distance_out = np.empty(capacity)
    ax, bx, by = vectors[0, 0], vectors[1, 0], vectors[1, 1]
    cx, cy, cz = vectors[2, 0], vectors[2, 1], vectors[2, 2]
    count = 0
    for p in range(n):
        for q in range(p, n):
            if hydrogen[p] and hydrogen[q]:
                reach = CLASH_HH
            else:
                reach = radii[p] + radii[q] + TOLERANCE
                if hydrogen[p] or hydrogen[q]:
                    reach = max(reach, BRIDGE_REACH)
            f0 = fractional[q, 0] - fractional[p, 0]
            f1 = fractional[q, 1] - fractional[p, 1]
            f2 = fractional[q, 2] - fractional[p, 2]
            for n2 in range(int(np.ceil(-f2 - reach / cz)), int(np.floor(-f2 + reach / cz)) + 1):
                z = (f2 + n2) * cz
                y0 = (f2 + n2) * cy
                x0 = (f2 + n2) * cx
                low = int(np.ceil((-reach - y0) / by - f1))
                high = int(np.floor((reach - y0) / by - f1))
                for n1 in range(low, high + 1):
                    y = y0 + (f1 + n1) * by
                    x1 = x0 + (f1 + n1) * bx
                    low0 = int(np.ceil((-reach - x1) / ax - f0))
                    high0 = int(np.floor((reach - x1) / ax - f0))
                    for n0 in range(low0, high0 + 1):
                        if p == q and (n2, n1, n0) <= (0, 0, 0):
                            continue
                        x = x1 + (f0 + n0) * ax
                        squared = x * x + y * y + z * z
                        if squared < reach * reach:
                            if count < capacity:
                                p_out[count] = p
                                q_out[count] = q
                                shift_out[count, 0] = n0
                                shift_out[count, 1] = n1
                                shift_out[count, 2] = n2
                                distance_out[count] = np.sqrt(squared)
                            count += 1
    return count, p_out, q_out, shift_out, distance_out
