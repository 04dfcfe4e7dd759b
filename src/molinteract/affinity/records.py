"""Atoms as read from a file, before they are judged."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import ATOMIC_NUMBERS
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason


class AtomRecord(NamedTuple):
    """One atom: element symbol, coordinates in Å as written, name, and where it stands in the file."""

    symbol: str
    position: tuple[float, float, float]
    name: str
    place: str


Record = tuple[str, list[AtomRecord], dict[str, int]]
"""One molecule of a file: title, atoms, and counts of what was mended."""


def atom_columns(atoms: Sequence[AtomRecord], *, where: str) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Return atomic numbers (atoms,) and positions (atoms, 3) in Å.

    Raises
    ------
    ComplexError
        ``unknown_element`` or ``not_finite``, naming the first such atom.
    """
    numbers = np.empty(len(atoms), dtype=np.int16)
    for k, atom in enumerate(atoms):
        z = ATOMIC_NUMBERS.get(atom.symbol.capitalize(), 0)
        if z == 0:
            raise ComplexError(
                ComplexReason.UNKNOWN_ELEMENT,
                f"unknown element {atom.symbol!r} of atom {k + 1} ({atom.name}, {atom.place})",
                entry=where,
            )
        numbers[k] = z
    positions = np.array([atom.position for atom in atoms], dtype=np.float64).reshape(-1, 3)
    odd = np.flatnonzero(~np.isfinite(positions).all(1))
    if len(odd):
        atom = atoms[odd[0]]
        raise ComplexError(
            ComplexReason.NOT_FINITE,
            f"{len(odd)} of {len(atoms)} atoms have a coordinate that is no finite number; the first is atom {odd[0] + 1} "
            f"({atom.name}, {atom.place})",
            entry=where,
        )
    return numbers, positions


def coordinate(text: str) -> float:
    """Return a coordinate, nan where the text is no number: the line is never passed over."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def truncated(expected: int, found: int, what: str, *, where: str) -> ComplexError:
    """Return the error of a file that ends too early."""
    return ComplexError(
        ComplexReason.UNREADABLE, f"the file is truncated: {expected} {what} announced, {found} found", entry=where
    )
