"""Geometry of the unit cell.

Cell vectors are the **rows** of ``vectors``: Cartesian = fractional @ vectors. The convention is a along x, b in the
xy plane (gemmi, PDB), so that ``vectors`` is lower triangular.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def cell_vectors(cell: Array) -> Array:
    """Return the cell vectors of six cell parameters.

    Parameters
    ----------
    cell : (6,) float64
        a, b, c in angstrom and alpha, beta, gamma in **degrees** (as in every CIF).

    Returns
    -------
    (3, 3) float64
        Rows a, b, c in angstrom; not finite where the angles close no cell.
    """
    a, b, c = cell[:3]
    cos_alpha, cos_beta, cos_gamma = np.cos(np.radians(cell[3:]))
    sin_gamma = np.sin(np.radians(cell[5]))
    c_y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    with np.errstate(invalid="ignore"):
        c_z = np.sqrt(1.0 - cos_beta**2 - c_y**2)
    vectors = np.array([[a, 0.0, 0.0], [b * cos_gamma, b * sin_gamma, 0.0], [c * cos_beta, c * c_y, c * c_z]])
    vectors[np.abs(vectors) < 1e-12] = 0.0  # cos(90°) is 6e-17 in floating point
    return vectors


def cell_volume(vectors: Array) -> float:
    """Return the volume in cubic angstrom of a cell with the given rows."""
    return float(abs(np.linalg.det(vectors)))


def plane_spacings(vectors: Array) -> Array:
    """Return the (3,) distances in angstrom between opposite faces of the cell.

    A sphere of radius R around a point of the cell reaches ceil(R / spacing) cells along that axis.
    """
    spacings: Array = 1.0 / np.linalg.norm(np.linalg.inv(vectors), axis=0)
    return spacings
