"""The same crystal more than once: redeterminations, other temperatures, one file in two collections."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.02
"""Relative difference of the Voronoi lengths below which two lattices are one; 200 K change a cell edge by 1 to 2 %."""


def near_duplicates(
    compounds: NDArray[np.object_], voronoi_lengths: NDArray[np.floating], *, tolerance: float = TOLERANCE
) -> NDArray[np.int64]:
    """Return, for each crystal, the first crystal that it repeats; its own number where it is the first.

    Two crystals are taken as one if they are of the same compound (formula and graph hash) and their primitive lattices agree,
    whatever their settings. Polymorphs and mirror-image crystals with equal lattices are not told apart.

    Parameters
    ----------
    compounds : (crystals,) object
        Compound keys.
    voronoi_lengths : (crystals, 7) float
        Of the primitive lattices, Å.
    tolerance : float
        Largest relative difference of a length.
    """
    first = np.arange(len(compounds))
    firsts: dict[str, list[int]] = {}
    for k, compound in enumerate(compounds.tolist()):
        known = firsts.setdefault(compound, [])
        if known:
            difference = np.abs(voronoi_lengths[known] / voronoi_lengths[k] - 1).max(axis=1)
            if difference.min() < tolerance:
                first[k] = known[int(difference.argmin())]
                continue
        known.append(k)
    return first
