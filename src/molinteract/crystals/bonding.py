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
MOST_BINS = 24
"""Bins along one axis: beyond a cell of some thousand atoms more of them only cost memory."""


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
    capacity = 4 * len(fractional) + 64
    while True:
        count, p, q, shift, distance = cell_pairs(fractional, atomic_numbers, COVALENT_RADII, vectors, capacity)
        if count <= capacity:
            return Pairs(p[:count], q[:count], shift[:count], distance[:count])
        capacity = count


def clash(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> int:
    """Return the index of the worst clashing pair, or -1."""
    return int(worst_clash(pairs.p, pairs.q, pairs.distance, atomic_numbers, COVALENT_RADII))


def bridging_hydrogen(pairs: Pairs, atomic_numbers: NDArray[np.int16]) -> tuple[int, int, int] | None:
    """Return (hydrogen, heavy atom, heavy atom) of a hydrogen midway between two heavy atoms, or None."""
    if not any_bridge(pairs.p, pairs.q, pairs.distance, atomic_numbers):
        return None
    hydrogen, heavy, distance = _hydrogen_contacts(pairs, atomic_numbers)
    near = distance < BRIDGE_REACH
    order = np.lexsort((distance[near], hydrogen[near]))
    h, x, d = hydrogen[near][order], heavy[near][order], distance[near][order]
    second = np.flatnonzero((h[1:] == h[:-1]) & (d[1:] - d[:-1] < BRIDGE_DIFFERENCE))
    if not len(second):
        return None
    k = int(second[0])
    return int(h[k]), int(x[k]), int(x[k + 1])


def _hydrogen_contacts(
    pairs: Pairs, atomic_numbers: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    h_p, h_q = atomic_numbers[pairs.p] == 1, atomic_numbers[pairs.q] == 1
    mixed = h_p ^ h_q
    hydrogen = np.where(h_p, pairs.p, pairs.q)[mixed]
    heavy = np.where(h_p, pairs.q, pairs.p)[mixed]
    return hydrogen, heavy, pairs.distance[mixed]


@njit(cache=True)
def worst_clash(p, q, distance, numbers, radii):
    """Return the index of the pair that is nearest for its kind and too near, or -1."""
    worst = -1
    lowest = 1.0
    for e in range(len(p)):
        a, b = numbers[p[e]], numbers[q[e]]
        if a == 1 and b == 1:
            limit = CLASH_HH
        elif a == 1 or b == 1:
            limit = CLASH_XH
        else:
            limit = CLASH_HEAVY * (radii[a] + radii[b])
        if distance[e] / limit < lowest:
            lowest = distance[e] / limit
            worst = e
    return worst


@njit(cache=True)
def any_bridge(p, q, distance, numbers):
    """Tell whether any hydrogen has two other atoms within the reach of a bridge."""
    touched = np.zeros(len(numbers), dtype=np.bool_)
    for e in range(len(p)):
        if distance[e] < BRIDGE_REACH and (numbers[p[e]] == 1) != (numbers[q[e]] == 1):
            hydrogen = p[e] if numbers[p[e]] == 1 else q[e]
            if touched[hydrogen]:
                return True
            touched[hydrogen] = True
    return False


@njit(cache=True)
def bonded_pairs(p, q, shift, distance, numbers, radii):
    """Return those of the pairs that are bonds: below the sum of radii + 0.30 Å, never H–H, one for each hydrogen.

    A hydrogen keeps its shortest bond; ties go to the atom that comes first.
    """
    keep = np.zeros(len(p), dtype=np.bool_)
    best = np.full(len(numbers), -1, dtype=np.int64)  # the bond that each hydrogen keeps
    for e in range(len(p)):
        a, b = numbers[p[e]], numbers[q[e]]
        if (a == 1 and b == 1) or not distance[e] < radii[a] + radii[b] + TOLERANCE:
            continue
        if a != 1 and b != 1:
            keep[e] = True
            continue
        hydrogen, heavy = (p[e], q[e]) if a == 1 else (q[e], p[e])
        other = best[hydrogen]
        if other >= 0:
            other_heavy = q[other] if p[other] == hydrogen else p[other]
            # six decimals: symmetry copies of one distance are a tie
            length, other_length = np.rint(distance[e] * 1e6), np.rint(distance[other] * 1e6)
            if length > other_length or (length == other_length and heavy >= other_heavy):
                continue
            keep[other] = False
        best[hydrogen] = e
        keep[e] = True
    rows = np.flatnonzero(keep)
    return p[rows], q[rows], shift[rows], distance[rows]


@njit(cache=True)
def _bins(numbers, radii, vectors):
    """Return the number of bins along each axis, not narrower than the longest reach, and how many bins that spans."""
    largest = 0.0
    for n in range(len(numbers)):
        largest = max(largest, radii[numbers[n]])
    reach = max(2 * largest + TOLERANCE, BRIDGE_REACH)
    # the inverse of a lower triangular matrix, by columns
    a, b, c = 1.0 / vectors[0, 0], 1.0 / vectors[1, 1], 1.0 / vectors[2, 2]
    ba, cb = -vectors[1, 0] * a * b, -vectors[2, 1] * b * c
    ca = (vectors[1, 0] * vectors[2, 1] * b - vectors[2, 0]) * a * c
    bins = np.empty(3, dtype=np.int64)
    span = np.empty(3, dtype=np.int64)
    for k, squared in enumerate((a * a + ba * ba + ca * ca, b * b + cb * cb, c * c)):
        spacing = 1.0 / np.sqrt(squared)
        bins[k] = max(1, min(MOST_BINS, int(spacing / reach)))
        span[k] = int(np.ceil(reach / (spacing / bins[k])))
    return bins, span


@njit(cache=True)
def _binned(fractional, bins):
    """Wrap the atoms into the cell and chain those of one bin: wrapped, first atom of each bin, next atom in it."""
    n = len(fractional)
    wrapped = np.empty((n, 3))
    first = np.full((bins[0], bins[1], bins[2]), -1, dtype=np.int32)
    following = np.empty(n, dtype=np.int32)
    place = np.empty(3, dtype=np.int64)
    for p in range(n - 1, -1, -1):
        for k in range(3):
            wrapped[p, k] = fractional[p, k] - np.floor(fractional[p, k])
            place[k] = min(int(wrapped[p, k] * bins[k]), bins[k] - 1)
        following[p] = first[place[0], place[1], place[2]]
        first[place[0], place[1], place[2]] = p
    return wrapped, first, following


@njit(cache=True)
def cell_pairs(fractional, numbers, radii, vectors, capacity):
    """Return the number of near pairs (see ``near_pairs``) and as many of them as there is room for: p, q, shift, distance.

    Each bin is compared with half of those around it, so that each pair comes once; a bin beyond the cell is a lattice shift.
    """
    out = (
        np.empty(capacity, dtype=np.int32), np.empty(capacity, dtype=np.int32), np.empty((capacity, 3), dtype=np.int32),
        np.empty(capacity),
    )  # fmt: skip
    bins, span = _bins(numbers, radii, vectors)
    wrapped, first, following = _binned(fractional, bins)
    atoms = (fractional, wrapped, numbers, radii, following)
    count = 0
    for a0, a1, a2 in np.ndindex(first.shape):
        p = first[a0, a1, a2]
        if p < 0:
            continue
        for o0 in range(span[0] + 1):
            b0, s0 = _wrapped_bin(a0 + o0, bins[0])
            for o1 in range(-span[1] if o0 > 0 else 0, span[1] + 1):
                b1, s1 = _wrapped_bin(a1 + o1, bins[1])
                for o2 in range(-span[2] if o0 > 0 or o1 > 0 else 0, span[2] + 1):
                    b2, s2 = _wrapped_bin(a2 + o2, bins[2])
                    q = first[b0, b1, b2]
                    if q >= 0:
                        same = o0 == 0 and o1 == 0 and o2 == 0
                        count = _compare(p, q, same, (s0, s1, s2), vectors, atoms, out, count)
    return count, out[0], out[1], out[2], out[3]


@njit(cache=True)
def _compare(p, first_q, same, shift, vectors, atoms, out, count):
    """Write the near pairs of the atoms of two bins, the second shifted; return the number of all pairs so far."""
    fractional, wrapped, numbers, radii, following = atoms
    p_out, q_out, shift_out, distance_out = out
    while p >= 0:
        q = following[p] if same else first_q
        while q >= 0:
            f0 = wrapped[q, 0] - wrapped[p, 0] + shift[0]
            f1 = wrapped[q, 1] - wrapped[p, 1] + shift[1]
            f2 = wrapped[q, 2] - wrapped[p, 2] + shift[2]
            x = f0 * vectors[0, 0] + f1 * vectors[1, 0] + f2 * vectors[2, 0]
            y = f1 * vectors[1, 1] + f2 * vectors[2, 1]
            z = f2 * vectors[2, 2]
            squared = x * x + y * y + z * z
            reach = _reach(numbers[p], numbers[q], radii)
            if squared < reach * reach:
                if count < len(p_out):
                    sign = 1 if p <= q else -1
                    p_out[count] = min(p, q)
                    q_out[count] = max(p, q)
                    for k in range(3):
                        moved = np.floor(fractional[p, k]) - np.floor(fractional[q, k])
                        shift_out[count, k] = sign * (shift[k] + moved)
                    distance_out[count] = np.sqrt(squared)
                count += 1
            q = following[q]
        p = following[p]
    return count


@njit(cache=True)
def _wrapped_bin(place, bins):
    """Return the bin within the cell and the lattice shift of a bin that may lie beyond it."""
    shift = 0
    while place >= bins:
        place -= bins
        shift += 1
    while place < 0:
        place += bins
        shift -= 1
    return place, shift


@njit(cache=True)
def _reach(a, b, radii):
    if a == 1 and b == 1:
        return CLASH_HH
    reach = radii[a] + radii[b] + TOLERANCE
    return max(reach, BRIDGE_REACH) if a == 1 or b == 1 else reach
