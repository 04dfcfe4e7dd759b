"""A cell given whole, as programs and databases of calculations hold it, becomes a raw structure without symmetry."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from molinteract.core.elements import SYMBOLS
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected

_SMALLEST_VOLUME = 1e-6


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry is from: what the user named, file within it, name within the file."""

    source: str
    file: str
    block: str

    @property
    def entry(self) -> str:
        """Key of the entry."""
        return f"{self.file}#{self.block}"


def whole_cell(
    place: Place,
    numbers: ArrayLike,
    positions: ArrayLike,
    vectors: ArrayLike,
    *,
    smiles: str = "",
    occupancies: ArrayLike | None = None,
) -> RawStructure | Rejected:
    """Return the structure of a cell given whole; its symmetry is looked for later.

    Parameters
    ----------
    place : Place
    numbers : (atoms,) int
        Atomic numbers.
    positions : (atoms, 3) float
        Cartesian, Å.
    vectors : (3, 3) float
        Cell vectors as rows, Å.
    smiles : str
        What the source says.
    occupancies : (atoms,) float, optional
        nan where not given.

    Returns
    -------
    RawStructure or Rejected
        Rejected where the arrays are no crystal.
    """
    fault, arrays = _checked(numbers, positions, vectors)
    if fault:
        reason = Reason.NO_COORDINATES if "coordinates" in fault else Reason.PARSE_ERROR
        return Rejected(place.source, place.file, place.block, place.entry, reason, fault)
    z, points, rows = arrays
    lengths = np.linalg.norm(rows, axis=1)
    cosines = [rows[a] @ rows[b] / (lengths[a] * lengths[b]) for a, b in ((1, 2), (0, 2), (0, 1))]
    symbols = [SYMBOLS[n] for n in z.tolist()]
    return RawStructure(
        entry=place.entry,
        source=place.source,
        file=place.file,
        block=place.block,
        cell=np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1, 1)))]),
        operations=("x,y,z",),
        hall="",
        hermann_mauguin="",
        space_group_number=0,
        labels=tuple(f"{symbol}{k}" for k, symbol in enumerate(symbols, start=1)),
        type_symbols=tuple(symbols),
        fractional=points @ np.linalg.inv(rows),
        occupancies=np.full(len(z), np.nan) if occupancies is None else np.asarray(occupancies, dtype=np.float64),
        disorder_groups=("",) * len(z),
        calc_flags=("",) * len(z),
        smiles=smiles,
    )


def _checked(numbers: ArrayLike, positions: ArrayLike, vectors: ArrayLike) -> tuple[str, tuple[Any, Any, Any]]:
    """Return what is wrong with the arrays, or nothing and the arrays."""
    nothing = (None, None, None)
    try:
        z = np.asarray(numbers, dtype=np.int64).reshape(-1)
        points = np.asarray(positions, dtype=np.float64)
        rows = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return "atomic numbers, positions or cell are no numbers", nothing
    if rows.shape != (3, 3) or not np.isfinite(rows).all() or abs(np.linalg.det(rows)) < _SMALLEST_VOLUME:
        return "the row has no cell", nothing
    if points.shape != (len(z), 3) or not len(z):
        return f"{len(z)} atoms with coordinates of shape {points.shape}", nothing
    if z.min() < 0 or z.max() >= len(SYMBOLS):
        return f"an atomic number outside 0 to {len(SYMBOLS) - 1}", nothing
    return "", (z, points, rows)
