"""Which molecules touch a molecule: exact for any cell (SPEC 1.2)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.crystals.crystal import Crystal
from molinteract.patches.cut import place_image


def neighbours(
    crystal: Crystal, i: int, j: int, *, reach: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find the images of molecule j with an atom within reach of an atom of molecule i.

    Parameters
    ----------
    crystal : Crystal
    i, j : int
        Indices of symmetry-independent molecules; they may be equal.
    reach : float
        Å.

    Returns
    -------
    operation : (neighbours,) int64
        Lowest operation that makes the image.
    lattice : (neighbours, 3) int64
        Lattice vector added to it.
    distance : (neighbours,) float64
        Shortest distance between the two molecules, Å.
    """
    images = crystal.molecules[j].images
    operation, lattice, distance = _neighbours(
        crystal.molecules[i].positions,
        crystal.molecules[j].positions,
        images.astype(np.int64),
        crystal.rotations[images].astype(np.float64),
        crystal.translations[images],
        crystal.vectors,
        reach,
        i == j,
    )
    return operation, lattice, distance


@njit(cache=True)
def _centre_and_radius(points):
    centre = np.zeros(3)
    for k in range(3):
        centre[k] = points[:, k].mean()
    radius = 0.0
    for n in range(len(points)):
        total = 0.0
        for k in range(3):
            total += (points[n, k] - centre[k]) ** 2
        radius = max(radius, total)
    return centre, np.sqrt(radius)


@njit(cache=True)
def _shortest(own, other, shift, reach):
    """Shortest distance between two molecules; atoms outside the box of the first are passed over."""
    low = np.empty(3)
    high = np.empty(3)
    for k in range(3):
        low[k] = own[:, k].min() - reach
        high[k] = own[:, k].max() + reach
    best = np.inf
    for b in range(len(other)):
        x, y, z = other[b, 0] + shift[0], other[b, 1] + shift[1], other[b, 2] + shift[2]
        if x < low[0] or x > high[0] or y < low[1] or y > high[1] or z < low[2] or z > high[2]:
            continue
        for a in range(len(own)):
            squared = (own[a, 0] - x) ** 2 + (own[a, 1] - y) ** 2 + (own[a, 2] - z) ** 2
            best = min(best, squared)
    return np.sqrt(best)


@njit(cache=True)
def _neighbours(own, original, images, rotations, translations, vectors, reach, same):
    inverse = np.linalg.inv(vectors)
    spacing = np.empty(3)
    for k in range(3):
        spacing[k] = 1.0 / np.sqrt((inverse[:, k] ** 2).sum())
    centre, radius = _centre_and_radius(own)
    operations = []
    lattices = []
    distances = []
    other = np.empty_like(original)
    low = np.empty(3, dtype=np.int64)
    high = np.empty(3, dtype=np.int64)
    for m in range(len(images)):
        place_image(vectors, inverse, rotations[m], translations[m], original, other)
        other_centre, other_radius = _centre_and_radius(other)
        limit = radius + other_radius + reach
        for k in range(3):
            gap = 0.0
            for b in range(3):
                gap += (other_centre[b] - centre[b]) * inverse[b, k]
            low[k] = int(np.ceil(-gap - limit / spacing[k]))
            high[k] = int(np.floor(-gap + limit / spacing[k]))
        for n0 in range(low[0], high[0] + 1):
            for n1 in range(low[1], high[1] + 1):
                for n2 in range(low[2], high[2] + 1):
                    if same and images[m] == 0 and n0 == 0 and n1 == 0 and n2 == 0:
                        continue
                    shift = n0 * vectors[0] + n1 * vectors[1] + n2 * vectors[2]
                    apart = 0.0
                    for k in range(3):
                        apart += (other_centre[k] + shift[k] - centre[k]) ** 2
                    if apart > limit * limit:
                        continue
                    shortest = _shortest(own, other, shift, reach)
                    if shortest <= reach:
                        operations.append(images[m])
                        lattices.append((n0, n1, n2))
                        distances.append(shortest)
    lattice = np.empty((len(lattices), 3), dtype=np.int64)
    for n in range(len(lattices)):
        lattice[n, 0], lattice[n, 1], lattice[n, 2] = lattices[n]
    return np.array(operations, dtype=np.int64), lattice, np.array(distances, dtype=np.float64)
