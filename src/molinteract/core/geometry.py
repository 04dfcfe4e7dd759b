"""Geometry of the unit cell.

Cell vectors are the **rows** of ``vectors``: Cartesian = fractional @ vectors. The convention is a along x, b in the
xy plane (gemmi, PDB), so that ``vectors`` is lower triangular.
"""

import math

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
    a, b, c, alpha, beta, gamma = cell.tolist()
    cos_alpha, cos_beta, cos_gamma = (math.cos(math.radians(angle)) for angle in (alpha, beta, gamma))
    sin_gamma = math.sin(math.radians(gamma))
    c_y = (cos_alpha - cos_beta * cos_gamma) / sin_gamma
    height = 1.0 - cos_beta * cos_beta - c_y * c_y
    c_z = math.sqrt(height) if height >= 0.0 else math.nan
    rows = [a, 0.0, 0.0, b * cos_gamma, b * sin_gamma, 0.0, c * cos_beta, c * c_y, c * c_z]
    # cos(90°) is 6e-17 in floating point
    return np.array([0.0 if abs(value) < 1e-12 else value for value in rows]).reshape(3, 3)


def cell_volume(vectors: Array) -> float:
    """Return the volume in cubic angstrom of a cell with the given rows."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = vectors.tolist()
    volume: float = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return abs(volume)


def plane_spacings(vectors: Array) -> Array:
    """Return the (3,) distances in angstrom between opposite faces of the cell.

    A sphere of radius R around a point of the cell reaches ceil(R / spacing) cells along that axis.
    """
    ax, ay, az, bx, by, bz, cx, cy, cz = vectors.ravel().tolist()
    # volume divided by the area of the face that the other two axes span
    faces = (
        (by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx),
        (cy * az - cz * ay, cz * ax - cx * az, cx * ay - cy * ax),
        (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx),
    )
    volume = abs(ax * faces[0][0] + ay * faces[0][1] + az * faces[0][2])
    return np.array([volume / math.hypot(*face) for face in faces])
