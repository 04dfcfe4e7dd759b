"""The content of one cell: symmetry copies of the sites, merged where they coincide."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.crystals.operations import Operations
from molinteract.crystals.sites import Sites

MERGE = 0.15
"""Images of equal elements closer than this many Å are one atom: special positions and packed exports."""


@dataclass(frozen=True, slots=True, eq=False)
class CellContent:
    """Every atom of one cell.

    Attributes
    ----------
    site : (atoms,) int32
        Index of the independent site.
    operation : (atoms,) int32
        Lowest operation that makes the atom from its site.
    fractional : (atoms, 3) float64
        In [0, 1).
    atomic_numbers : (atoms,) int16
    """

    site: NDArray[np.int32]
    operation: NDArray[np.int32]
    fractional: NDArray[np.float64]
    atomic_numbers: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.site)


def fill_cell(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> tuple[Sites, CellContent]:
    """Drop sites that are symmetry copies of earlier ones, put special sites exactly on their element, and expand.

    Returns
    -------
    Sites
        The independent sites.
    CellContent
        Each distinct atom of the cell once, by site and operation.
    """
    keep, settled, *content = _fill_cell(
        sites.fractional, sites.atomic_numbers, operations.turns, operations.translations, vectors, MERGE
    )
    kept = sites if len(settled) == len(sites) else sites.take(keep)
    return Sites(kept.labels, kept.atomic_numbers, settled, kept.occupancies, kept.groups), CellContent(*content)


def site_orders(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the (sites,) order of the site symmetry of each site."""
    orders: NDArray[np.int64] = _orders(sites.fractional, operations.turns, operations.translations, vectors, MERGE)
    return orders


@njit(cache=True)
def periodic_distance(x, y, z, vectors):
    """Length in Å of a fractional difference after removing the nearest lattice vector; vectors are lower triangular."""
    x -= np.floor(x + 0.5)
    y -= np.floor(y + 0.5)
    z -= np.floor(z + 0.5)
    a = x * vectors[0, 0] + y * vectors[1, 0] + z * vectors[2, 0]
    b = y * vectors[1, 1] + z * vectors[2, 1]
    c = z * vectors[2, 2]
    return np.sqrt(a * a + b * b + c * c)


@njit(cache=True)
def image_of(turn, translation, x, y, z):
    """Return the three coordinates of W x + w of a fractional point."""
    return (
        turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + translation[0],
        turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + translation[1],
        turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + translation[2],
    )


@njit(cache=True)
def _fill_cell(fractional, numbers, turns, translations, vectors, tolerance):
    keep, settled = _settle(fractional, numbers, turns, translations, vectors, tolerance)
    rows = np.flatnonzero(keep)
    settled = settled[rows]
    site, operation, points, elements = _expand(settled, numbers[rows], turns, translations, vectors, tolerance)
    return keep, settled, site, operation, points, elements


@njit(cache=True)
def _settle(fractional, numbers, turns, translations, vectors, tolerance):
    """Tell which sites are no copies of earlier ones, and return all averaged over the operations that keep them."""
    n = len(fractional)
    keep = np.ones(n, dtype=np.bool_)
    settled = fractional.copy()
    height = vectors[2, 2]
    level = fractional[:, 2] - np.floor(fractional[:, 2])
    for i in range(n):
        if not keep[i]:
            continue
        f0, f1, f2 = fractional[i, 0], fractional[i, 1], fractional[i, 2]
        s0, s1, s2, order = 0.0, 0.0, 0.0, 0
        for k in range(len(turns)):
            x, y, z = image_of(turns[k], translations[k], f0, f1, f2)
            if periodic_distance(x - f0, y - f1, z - f2, vectors) < tolerance:
                order += 1
                s0 += x - np.floor(x - f0 + 0.5)
                s1 += y - np.floor(y - f1 + 0.5)
                s2 += z - np.floor(z - f2 + 0.5)
            z_level = z - np.floor(z)
            for j in range(i + 1, n):
                # the distance along c* alone rules out nearly all
                gap = abs(z_level - level[j])
                if gap * height >= tolerance and (1.0 - gap) * height >= tolerance:
                    continue
                if (
                    keep[j]
                    and numbers[i] == numbers[j]
                    and periodic_distance(x - fractional[j, 0], y - fractional[j, 1], z - fractional[j, 2], vectors)
                    < tolerance
                ):
                    keep[j] = False
        if order > 1:
            settled[i, 0], settled[i, 1], settled[i, 2] = s0 / order, s1 / order, s2 / order
    return keep, settled


@njit(cache=True)
def _orders(fractional, turns, translations, vectors, tolerance):
    orders = np.zeros(len(fractional), dtype=np.int64)
    for i in range(len(fractional)):
        f0, f1, f2 = fractional[i, 0], fractional[i, 1], fractional[i, 2]
        for k in range(len(turns)):
            x, y, z = image_of(turns[k], translations[k], f0, f1, f2)
            if periodic_distance(x - f0, y - f1, z - f2, vectors) < tolerance:
                orders[i] += 1
    return orders


@njit(cache=True)
def _expand(fractional, numbers, turns, translations, vectors, tolerance):
    n, m = len(fractional), len(turns)
    site = np.empty(n * m, dtype=np.int32)
    operation = np.empty(n * m, dtype=np.int32)
    points = np.empty((n * m, 3))
    elements = np.empty(n * m, dtype=np.int16)
    count = 0
    for i in range(n):
        first = count
        for k in range(m):
            x, y, z = image_of(turns[k], translations[k], fractional[i, 0], fractional[i, 1], fractional[i, 2])
            x -= np.floor(x)
            y -= np.floor(y)
            z -= np.floor(z)
            fresh = True
            for p in range(first, count):
                if periodic_distance(x - points[p, 0], y - points[p, 1], z - points[p, 2], vectors) < tolerance:
                    fresh = False
                    break
            if fresh:
                site[count] = i
                operation[count] = k
                points[count, 0], points[count, 1], points[count, 2] = x, y, z
                elements[count] = numbers[i]
                count += 1
    return site[:count].copy(), operation[:count].copy(), points[:count].copy(), elements[:count].copy()
