"""Symmetry operations as arrays: parsing, printing, and the tests that make them a group with the lattice."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SNAP = 1e-4
"""A translation within this of n/24 is taken as n/24 (fractional)."""

_TERM = re.compile(r"([+-]?)(?:(\d+\.\d*|\.\d+|\d+)(?:/(\d+))?)?\*?([xyz]?)")
_LARGEST_COEFFICIENT = 100
"""Beyond any sensible setting; keeps the arithmetic of int8 rotations safe."""
_NUMBER_PREFIX = re.compile(r"^\d+\s+(?=[-+.\dxyz])")


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """A set of operations x' = W x + w on fractional columns; the first is the identity.

    Attributes
    ----------
    rotations : (operations, 3, 3) int8
    translations : (operations, 3) float64, in [0, 1)
    """

    rotations: NDArray[np.int8]
    translations: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rotations)


def parse_operation(text: str) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Read one operation such as ``x,1/2-y,1/2+z``, ``-z+148/473,...`` or ``1 x, y, z``.

    Returns
    -------
    rotation : (3, 3) int8
    translation : (3,) float64

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    cleaned = _NUMBER_PREFIX.sub("", text.strip().strip("'\"").lower())
    parts = "".join(cleaned.split()).split(",")
    if len(parts) != 3:
        raise ValueError(f"{text!r} does not have three parts")
    rotation = np.zeros((3, 3), dtype=np.int64)
    translation = np.zeros(3)
    for row, part in enumerate(parts):
        _read_part(part, text, rotation[row], translation[row : row + 1])
    if np.abs(rotation).max() > _LARGEST_COEFFICIENT or not np.isfinite(translation).all():
        raise ValueError(f"{text!r} has a number out of range")
    if round(abs(np.linalg.det(rotation))) != 1:
        raise ValueError(f"{text!r} is not an isometry of a lattice")
    return rotation.astype(np.int8), translation


def _read_part(part: str, text: str, rotation: NDArray[np.int64], translation: NDArray[np.float64]) -> None:
    position = 0
    while position < len(part):
        found = _TERM.match(part, position)
        if not found or found.end() == position or not (found.group(2) or found.group(4)):
            raise ValueError(f"{text!r} cannot be read at {part[position:]!r}")
        sign, number, divisor, axis = found.groups()
        if divisor and int(divisor) == 0:
            raise ValueError(f"{text!r} divides by zero")
        value = float(number or 1) / float(divisor or 1) * (-1 if sign == "-" else 1)
        if axis:
            if value != round(value) or abs(value) > _LARGEST_COEFFICIENT:
                raise ValueError(f"{text!r} has a coefficient that is fractional or out of range")
            rotation["xyz".index(axis)] += int(value)
        else:
            translation[0] += value
        position = found.end()
    if not part:
        raise ValueError(f"{text!r} has an empty part")


def snap_translations(translations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move translations to the nearest n/24 where they are within ``SNAP`` of it, then into [0, 1)."""
    nearest = np.round(translations * 24) / 24
    snapped = np.where(np.abs(translations - nearest) < SNAP, nearest, translations)
    wrapped = snapped - np.floor(snapped)
    wrapped[wrapped > 1 - 1e-9] = 0.0
    return wrapped


def make_operations(rotations: NDArray[np.int8], translations: NDArray[np.float64]) -> Operations:
    """Snap, remove repeats, and put the identity first.

    Raises
    ------
    ValueError
        If the identity is not among them.
    """
    translations = snap_translations(np.asarray(translations, dtype=np.float64).reshape(-1, 3))
    rotations = np.asarray(rotations, dtype=np.int8).reshape(-1, 3, 3)
    kept: list[int] = []
    for k in range(len(rotations)):
        if not any(_same(rotations, translations, k, m) for m in kept):
            kept.append(k)
    identity = [k for k in kept if (rotations[k] == np.eye(3)).all() and not translations[k].any()]
    if not identity:
        raise ValueError("the identity is not among the operations")
    order = identity + [k for k in kept if k not in identity]
    return Operations(rotations[order], translations[order])


def _same(rotations: NDArray[np.int8], translations: NDArray[np.float64], k: int, m: int) -> bool:
    if not (rotations[k] == rotations[m]).all():
        return False
    difference = translations[k] - translations[m]
    return bool((np.abs(difference - np.round(difference)) < 1e-3).all())


def group_defect(operations: Operations, vectors: NDArray[np.float64]) -> str:
    """Return what is wrong with the operations as a group of this lattice, or an empty string.

    Parameters
    ----------
    operations : Operations
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    """
    metric = vectors @ vectors.T
    w = operations.rotations.astype(np.float64)
    change = np.abs(np.transpose(w, (0, 2, 1)) @ metric @ w - metric).max(axis=(1, 2))
    worst = int(change.argmax())
    if change[worst] > 0.02 * np.abs(metric).max():
        text = operation_text(operations.rotations[worst], operations.translations[worst])
        return f"the operation {text} contradicts the cell: it changes the metric by {change[worst]:.2f} Å²"
    if not _is_closed(operations.rotations.tobytes(), operations.translations.tobytes(), len(operations)):
        return f"the {len(operations)} operations form no group with the lattice"
    return ""


@lru_cache(maxsize=512)
def _is_closed(rotations: bytes, translations: bytes, count: int) -> bool:
    w = np.frombuffer(rotations, dtype=np.int8).reshape(count, 3, 3).astype(np.int64)
    t = np.frombuffer(translations, dtype=np.float64).reshape(count, 3)
    code = _rotation_codes(w)
    products = _rotation_codes(np.einsum("aij,bjk->abik", w, w).reshape(-1, 3, 3))
    shifts = (np.einsum("aij,bj->abi", w, t) + t[:, None]).reshape(-1, 3)
    found = np.zeros(count * count, dtype=bool)
    for k in range(count):
        difference = shifts - t[k]
        near = (np.abs(difference - np.round(difference)) < 2e-3).all(axis=1)
        found |= near & (products == code[k])
    return bool(found.all())


def _rotation_codes(rotations: NDArray[np.int64]) -> NDArray[np.int64]:
    return (rotations.reshape(-1, 9) + 40) @ (81 ** np.arange(9, dtype=np.int64))


def operation_text(rotation: NDArray[np.int8], translation: NDArray[np.float64]) -> str:
    """Print an operation as a CIF does: ``x,1/2-y,1/2+z``; an odd translation as ``-z+148/473``.

    Parameters
    ----------
    rotation : (3, 3) int
    translation : (3,) float
        With any lattice vector already added.
    """
    return ",".join(_part_text(rotation[row], float(translation[row])) for row in range(3))


def _part_text(coefficients: NDArray[np.int8], shift: float) -> str:
    axes = ""
    for coefficient, axis in zip(coefficients, "xyz", strict=True):
        if coefficient:
            size = "" if abs(coefficient) == 1 else str(abs(int(coefficient)))
            axes += ("-" if coefficient < 0 else "+") + size + axis
    usual = Fraction(round(shift * 24), 24)
    if abs(float(usual) - shift) < SNAP:
        return f"{usual}{axes}" if usual else axes.removeprefix("+")
    number = _odd_number(shift)
    return f"{axes.removeprefix('+')}{'' if number.startswith('-') else '+'}{number}"


def _odd_number(shift: float) -> str:
    """Return a number that is no n/24 as a fraction if one fits, else with six decimals."""
    fraction = Fraction(shift).limit_denominator(1000)
    return str(fraction) if abs(float(fraction) - shift) < 1e-7 else f"{shift:.6f}".rstrip("0")
