"""Which molecules touch a molecule: exact for any cell (SPEC 1.2)."""

import numpy as np
from numba import njit

from molinteract.patches.cut import place_image


@njit(cache=True)
def _measure(points, centre, low, high):
    """Fill centre and bounding box of some points; return the radius around the centre."""
    for k in range(3):
        centre[k] = points[:, k].mean()
        low[k] = points[:, k].min()
        high[k] = points[:, k].max()
    radius = 0.0
    for n in range(len(points)):
        total = 0.0
        for k in range(3):
            total += (points[n, k] - centre[k]) ** 2
        radius = max(radius, total)
    return np.sqrt(radius)


@njit(cache=True)
def _shortest(own, low, high, other, other_low, other_high, shift, reach, near):
    """Shortest distance between two molecules; only atoms within reach of the other's box are looked at."""
    for k in range(3):
        if other_low[k] + shift[k] > high[k] + reach or other_high[k] + shift[k] < low[k] - reach:
            return np.inf
    count = 0
    for a in range(len(own)):
        inside = True
        for k in range(3):
            x = own[a, k] - shift[k]
            inside = inside and other_low[k] - reach <= x <= other_high[k] + reach
        if inside:
            near[count] = a
            count += 1
    best = np.inf
    for b in range(len(other)):
        x, y, z = other[b, 0] + shift[0], other[b, 1] + shift[1], other[b, 2] + shift[2]
        if (
            x < low[0] - reach or x > high[0] + reach or y < low[1] - reach or y > high[1] + reach
            or z < low[2] - reach or z > high[2] + reach
        ):  # fmt: skip
            continue
        for n in range(count):
            a = near[n]
            squared = (own[a, 0] - x) ** 2 + (own[a, 1] - y) ** 2 + (own[a, 2] - z) ** 2
            best = min(best, squared)
    return np.sqrt(best)


@njit(cache=True)
def neighbours(positions, atom_offsets, images, image_offsets, turns, translations, vectors, reach):
    """Find every image of a molecule with an atom within reach of an atom of a symmetry-independent molecule.

    Parameters
    ----------
    positions : (atoms, 3) float64
        Å.
    atom_offsets : (molecules + 1,) int64
    images : (images,) int32
        Operations that make the distinct molecules of each orbit; the first is the identity.
    image_offsets : (molecules + 1,) int64
    turns, translations
        Operations of the crystal, (operations, 3, 3) and (operations, 3).
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    reach : float
        Å.

    Returns
    -------
    i, j, operation : (pairs,) int64
        Molecules, and the lowest operation that makes the image of j; pairs are sorted by (i, j, operation, lattice).
    lattice : (pairs, 3) int64
        Lattice vector added to the operation.
    distance : (pairs,) float64
        Shortest distance between the two molecules, Å.
    """
    inverse = np.linalg.inv(vectors)
    spacing = np.empty(3)
    for k in range(3):
        spacing[k] = 1.0 / np.sqrt(inverse[0, k] ** 2 + inverse[1, k] ** 2 + inverse[2, k] ** 2)
    rows = np.empty((64, 6), dtype=np.int64)
    distances = np.empty(64)
    count = 0
    other, near = np.empty_like(positions), np.empty(len(positions), dtype=np.int64)
    centre, low, high = np.empty(3), np.empty(3), np.empty(3)
    other_centre, other_low, other_high = np.empty(3), np.empty(3), np.empty(3)
    first, last = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    shift = np.empty(3)
    for i in range(len(atom_offsets) - 1):
        own = positions[atom_offsets[i] : atom_offsets[i + 1]]
        radius = _measure(own, centre, low, high)
        for j in range(len(atom_offsets) - 1):
            original = positions[atom_offsets[j] : atom_offsets[j + 1]]
            image = other[: len(original)]
            for m in range(image_offsets[j], image_offsets[j + 1]):
                operation = images[m]
                place_image(vectors, inverse, turns[operation], translations[operation], original, image)
                limit = radius + _measure(image, other_centre, other_low, other_high) + reach
                for k in range(3):
                    gap = 0.0
                    for b in range(3):
                        gap += (other_centre[b] - centre[b]) * inverse[b, k]
                    first[k] = int(np.ceil(-gap - limit / spacing[k]))
                    last[k] = int(np.floor(-gap + limit / spacing[k]))
                for n0 in range(first[0], last[0] + 1):
                    for n1 in range(first[1], last[1] + 1):
                        for n2 in range(first[2], last[2] + 1):
                            if i == j and operation == 0 and n0 == 0 and n1 == 0 and n2 == 0:
                                continue
                            apart = 0.0
                            for k in range(3):
                                shift[k] = n0 * vectors[0, k] + n1 * vectors[1, k] + n2 * vectors[2, k]
                                apart += (other_centre[k] + shift[k] - centre[k]) ** 2
                            if apart > limit * limit:
                                continue
                            shortest = _shortest(own, low, high, image, other_low, other_high, shift, reach, near)
                            if shortest > reach:
                                continue
                            if count == len(rows):
                                rows = np.concatenate((rows, np.empty_like(rows)))
                                distances = np.concatenate((distances, np.empty_like(distances)))
                            rows[count, 0], rows[count, 1], rows[count, 2] = i, j, operation
                            rows[count, 3], rows[count, 4], rows[count, 5] = n0, n1, n2
                            distances[count] = shortest
                            count += 1
    rows = rows[:count]
    return rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), rows[:, 3:].copy(), distances[:count].copy()
