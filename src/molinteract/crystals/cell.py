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


def merge_copies(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> Sites:
    """Drop sites that are symmetry copies of earlier ones, and put special sites exactly on their element."""
    keep = _independent(
        sites.fractional,
        sites.atomic_numbers,
        operations.rotations.astype(np.float64),
        operations.translations,
        vectors,
        MERGE,
    )
    kept = sites.take(keep)
    averaged = _average_special(
        kept.fractional, operations.rotations.astype(np.float64), operations.translations, vectors, MERGE
    )
    return Sites(kept.labels, kept.atomic_numbers, averaged, kept.occupancies, kept.groups)


def site_orders(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the (sites,) order of the site symmetry of each site."""
    orders: NDArray[np.int64] = _orders(
        sites.fractional, operations.rotations.astype(np.float64), operations.translations, vectors, MERGE
    )
    return orders


def expand(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> CellContent:
    """Apply every operation to every site and keep each distinct atom once."""
    site, operation, fractional = _expand(
        sites.fractional, operations.rotations.astype(np.float64), operations.translations, vectors, MERGE
    )
    return CellContent(site, operation, fractional, sites.atomic_numbers[site])


@njit(cache=True)
def periodic_distance(difference, vectors):
    """Length in Å of a fractional difference after removing the nearest lattice vector."""
    d = difference - np.round(difference)
    total = 0.0
    for k in range(3):
        x = d[0] * vectors[0, k] + d[1] * vectors[1, k] + d[2] * vectors[2, k]
        total += x * x
    return np.sqrt(total)


@njit(cache=True)
def image_of(rotation, translation, point):
    """Return W x + w of a fractional point."""
    out = np.empty(3)
    for r in range(3):
        out[r] = rotation[r, 0] * point[0] + rotation[r, 1] * point[1] + rotation[r, 2] * point[2] + translation[r]
    return out


@njit(cache=True)
def _independent(fractional, numbers, rotations, translations, vectors, tolerance):
    n = len(fractional)
    keep = np.ones(n, dtype=np.bool_)
    for i in range(n):
        if not keep[i]:
            continue
        for k in range(len(rotations)):
            image = image_of(rotations[k], translations[k], fractional[i])
            for j in range(i + 1, n):
                if (
                    keep[j]
                    and numbers[i] == numbers[j]
                    and periodic_distance(image - fractional[j], vectors) < tolerance
                ):
                    keep[j] = False
    return keep


@njit(cache=True)
def _orders(fractional, rotations, translations, vectors, tolerance):
    orders = np.zeros(len(fractional), dtype=np.int64)
    for i in range(len(fractional)):
        for k in range(len(rotations)):
            image = image_of(rotations[k], translations[k], fractional[i])
            if periodic_distance(image - fractional[i], vectors) < tolerance:
                orders[i] += 1
    return orders


@njit(cache=True)
def _average_special(fractional, rotations, translations, vectors, tolerance):
    out = fractional.copy()
    for i in range(len(fractional)):
        total = np.zeros(3)
        count = 0
        for k in range(len(rotations)):
            image = image_of(rotations[k], translations[k], fractional[i])
            difference = image - fractional[i]
            if periodic_distance(difference, vectors) < tolerance:
                total += image - np.round(difference)
                count += 1
        if count > 1:
            out[i] = total / count
    return out


@njit(cache=True)
def _expand(fractional, rotations, translations, vectors, tolerance):
    n, m = len(fractional), len(rotations)
    site = np.empty(n * m, dtype=np.int32)
    operation = np.empty(n * m, dtype=np.int32)
    points = np.empty((n * m, 3))
    count = 0
    for i in range(n):
        first = count
        for k in range(m):
            image = image_of(rotations[k], translations[k], fractional[i])
            image -= np.floor(image)
            fresh = True
            for p in range(first, count):
                if periodic_distance(image - points[p], vectors) < tolerance:
                    fresh = False
                    break
            if fresh:
                site[count] = i
                operation[count] = k
                points[count] = image
                count += 1
    return site[:count].copy(), operation[:count].copy(), points[:count].copy()
