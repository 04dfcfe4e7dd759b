"""Contact orbits: neighbour pairs that a space-group operation or the exchange of the molecules maps on each other.

With M(j) = g M(original of j), pairs are equivalent when their g lie in one double coset S_i g S_j of the stabilisers,
or, exchanged, their inverses do. Operations are compared with translations rounded to 1e-4, lattice vectors included.
"""

import numpy as np
from numba import njit


@njit(cache=True)
def _product(w, t, v, u, w_out, t_out):
    """Write the product of (W, w) and (V, u): W V, W u + w."""
    for r in range(3):
        t_out[r] = t[r]
        for k in range(3):
            t_out[r] += w[r, k] * u[k]
        for c in range(3):
            w_out[r, c] = w[r, 0] * v[0, c] + w[r, 1] * v[1, c] + w[r, 2] * v[2, c]


@njit(cache=True)
def _inverse(w, t, w_out, t_out):
    """Write the inverse of an operation; the determinant of W is 1 or -1."""
    for r in range(3):
        for c in range(3):
            # cyclic indices give cofactors with their signs
            a, b, d, e = (c + 1) % 3, (c + 2) % 3, (r + 1) % 3, (r + 2) % 3
            w_out[r, c] = w[a, d] * w[b, e] - w[a, e] * w[b, d]
    determinant = w[0, 0] * w_out[0, 0] + w[0, 1] * w_out[1, 0] + w[0, 2] * w_out[2, 0]
    for r in range(3):
        for c in range(3):
            w_out[r, c] *= determinant
    for r in range(3):
        t_out[r] = -(w_out[r, 0] * t[0] + w_out[r, 1] * t[1] + w_out[r, 2] * t[2])


@njit(cache=True)
def _keep_lowest(w, t, key, fresh):
    """Replace the key (translation in steps of 1e-4, then rotation) by that of an operation if it is lower."""
    lower = fresh
    for k in range(12):
        # the small offset keeps values such as 0.12345, which lie between two steps, on one side
        value = int(np.floor(t[k] * 1e4 + 0.5 + 1e-5)) if k < 3 else w[(k - 3) // 3, (k - 3) % 3]
        if not lower and value > key[k]:
            return
        if value < key[k]:
            lower = True
        if lower:
            key[k] = value


@njit(cache=True)
def contact_orbits(
    rotations, translations, stabiliser, stabiliser_shifts, stabiliser_offsets, i, j, operation, lattice
):
    """Find the contact orbits of the neighbour pairs of one crystal.

    Parameters
    ----------
    rotations, translations
        Operations of the crystal, (operations, 3, 3) int64 and (operations, 3) float64.
    stabiliser, stabiliser_shifts, stabiliser_offsets
        Of its molecules, one after another.
    i, j, operation, lattice
        The pairs, as ``neighbours`` finds them.

    Returns
    -------
    orbit : (pairs,) int32
        Numbered from 0 by first appearance.
    multiplicity : (pairs,) int16
        Number of neighbours of one M(i) in the orbit.
    """
    n = len(i)
    keys = np.empty((n, 12), dtype=np.int64)
    turn, half, inverse = np.empty((3, 3), np.int64), np.empty((3, 3), np.int64), np.empty((3, 3), np.int64)
    shift, half_shift, inverse_shift = np.empty(3), np.empty(3), np.empty(3)
    for p in range(n):
        g = operation[p]
        fresh = True
        for a in range(stabiliser_offsets[i[p]], stabiliser_offsets[i[p] + 1]):
            left = stabiliser[a]
            for b in range(stabiliser_offsets[j[p]], stabiliser_offsets[j[p] + 1]):
                right = stabiliser[b]
                # s g s', the lattice vectors of each included
                _product(
                    rotations[g], translations[g] + lattice[p], rotations[right],
                    translations[right] + stabiliser_shifts[b], half, half_shift,
                )  # fmt: skip
                _product(rotations[left], translations[left] + stabiliser_shifts[a], half, half_shift, turn, shift)
                if i[p] <= j[p]:
                    _keep_lowest(turn, shift, keys[p], fresh)
                    fresh = False
                if i[p] >= j[p]:
                    _inverse(turn, shift, inverse, inverse_shift)
                    _keep_lowest(inverse, inverse_shift, keys[p], fresh)
                    fresh = False
    return _numbered(keys, i, j)


@njit(cache=True)
def _numbered(keys, i, j):
    """Return numbers of equal keys by first appearance, and count the pairs of each molecule i with one number."""
    n = len(keys)
    orbit = np.empty(n, dtype=np.int32)
    first = np.empty(n, dtype=np.int64)
    count = 0
    for p in range(n):
        orbit[p] = -1
        for o in range(count):
            q = first[o]
            if min(i[p], j[p]) == min(i[q], j[q]) and max(i[p], j[p]) == max(i[q], j[q]) and _equal(keys[p], keys[q]):
                orbit[p] = o
                break
        if orbit[p] < 0:
            orbit[p] = count
            first[count] = p
            count += 1
    multiplicity = np.zeros(n, dtype=np.int16)
    for p in range(n):
        for q in range(n):
            if orbit[p] == orbit[q] and i[p] == i[q]:
                multiplicity[p] += 1
    return orbit, multiplicity


@njit(cache=True)
def _equal(one, other):
    for k in range(len(one)):  # noqa: SIM110 numba knows no all()
        if one[k] != other[k]:
            return False
    return True
