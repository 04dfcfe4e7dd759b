"""A lattice without its setting: the lengths of its Voronoi vectors, equal for equal lattices and continuous.

A reduced cell jumps where two of its rules tie; the seven lengths do not. Method: Selling reduction to an obtuse superbase
(Selling, J. reine angew. Math. 1874, 77, 143; Conway & Sloane, Proc. R. Soc. A 1992, 436, 55, https://doi.org/10.1098/rspa.1992.0004).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_SPAN = 2
"""A centred lattice's shortest vectors lie within this many steps of an obtuse superbase of the given one."""


def voronoi_lengths(
    vectors: NDArray[np.float64], rotations: NDArray[np.int8], translations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (7,) lengths in Å of the Voronoi vectors of the primitive lattice, ascending.

    Parameters
    ----------
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    rotations : (operations, 3, 3) int
    translations : (operations, 3) float64
        Operations without rotation are the centring of the cell.
    """
    lengths: NDArray[np.float64] = _lengths(vectors, rotations, translations)
    return lengths


@njit(cache=True)
def _lengths(vectors, rotations, translations):
    base = _obtuse(vectors)
    centring = np.empty((len(rotations), 3))
    count = 0
    for k in range(len(rotations)):
        trace = rotations[k, 0, 0] + rotations[k, 1, 1] + rotations[k, 2, 2]
        if trace == 3:  # of all rotations only the identity has it
            for c in range(3):
                centring[count, c] = 0.0
                for r in range(3):
                    centring[count, c] += translations[k, r] * vectors[r, c]
            count += 1
    if count > 1:
        base = _obtuse(_primitive(base, centring[:count], abs(np.linalg.det(vectors)) / count))
    lengths = np.empty(7)
    for m in range(4):
        lengths[m] = np.sqrt((base[m] ** 2).sum())
    for m in range(1, 4):
        lengths[3 + m] = np.sqrt(((base[0] + base[m]) ** 2).sum())
    return np.sort(lengths)


@njit(cache=True)
def _obtuse(vectors):
    """Return four vectors that add up to zero, each three of them a basis, no two at an acute angle."""
    base = np.empty((4, 3))
    base[:3] = vectors
    base[3] = -(vectors[0] + vectors[1] + vectors[2])
    for _ in range(1000):
        changed = False
        for m in range(4):
            for n in range(m + 1, 4):
                if (base[m] * base[n]).sum() > 1e-9:
                    for o in range(4):
                        if o not in (m, n):
                            base[o] += base[m]
                    base[m] = -base[m]
                    changed = True
        if not changed:
            break
    return base


@njit(cache=True)
def _primitive(base, centring, volume):
    """Return three shortest lattice vectors of a centred lattice that span its primitive cell."""
    steps = 2 * _SPAN + 1
    points = np.empty((steps**3 * len(centring), 3))
    count = 0
    for a in range(-_SPAN, _SPAN + 1):
        for b in range(-_SPAN, _SPAN + 1):
            for c in range(-_SPAN, _SPAN + 1):
                for t in range(len(centring)):
                    points[count] = a * base[0] + b * base[1] + c * base[2] + centring[t]
                    count += 1
    lengths = np.empty(count)
    for n in range(count):
        lengths[n] = (points[n] ** 2).sum()
    order = np.argsort(lengths)
    found = np.empty((3, 3))
    size = 0
    for n in order:
        if lengths[n] < 1e-6:
            continue
        found[size] = points[n]
        if size == 1 and (np.cross(found[0], found[1]) ** 2).sum() < 1e-6 * lengths[n] * (found[0] ** 2).sum():
            continue
        if size == 2:
            spanned = abs((np.cross(found[0], found[1]) * found[2]).sum())
            if spanned < 0.5 * volume:
                continue
        size += 1
        if size == 3:
            break
    return found
