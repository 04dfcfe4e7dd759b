"""Symmetry operations as arrays: parsing, printing, and the tests that make them a group with the lattice."""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numba import njit
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
    turns : (operations, 3, 3) float64
        The rotations again, as the kernels take them.
    """

    rotations: NDArray[np.int8]
    translations: NDArray[np.float64]
    turns: NDArray[np.float64]

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
    values = np.array(_rows(text))
    return values[:, :3].astype(np.int8), values[:, 3]


def parse_operations(texts: Sequence[str]) -> Operations:
    """Read a list of operations.

    Raises
    ------
    ValueError
        If one cannot be read, or the identity is not among them.
    """
    try:
        rows = [row for text in texts for row in _rows(text)]
    except ValueError as error:
        raise ValueError(f"a symmetry operation cannot be read: {error}") from None
    values = np.array(list(itertools.chain.from_iterable(rows))).reshape(-1, 3, 4)
    return make_operations(values[:, :, :3], values[:, :, 3])


def _rows(text: str) -> list["Row"]:
    rows = [_USUAL_PARTS.get(part) for part in text.replace(" ", "").lower().split(",")]
    if len(rows) != 3 or None in rows:
        cleaned = _NUMBER_PREFIX.sub("", text.strip().strip("'\"").lower())
        parts = "".join(cleaned.split()).split(",")
        if len(parts) != 3:
            raise ValueError(f"{text!r} does not have three parts")
        rows = [_read_part(part, text) for part in parts]
    found = [row for row in rows if row is not None]
    (a, b, c, u), (d, e, f, v), (g, h, i, w) = found
    if max(map(abs, (a, b, c, d, e, f, g, h, i))) > _LARGEST_COEFFICIENT or not math.isfinite(u + v + w):
        raise ValueError(f"{text!r} has a number out of range")
    if abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) != 1:
        raise ValueError(f"{text!r} is not an isometry of a lattice")
    return found


Row = tuple[float, float, float, float]
"""Three coefficients, which are integers, and the translation."""


def _read_part(part: str, text: str) -> Row:
    coefficients = [0.0, 0.0, 0.0]
    shift = 0.0
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
            coefficients["xyz".index(axis)] += value
        else:
            shift += value
        position = found.end()
    if not part:
        raise ValueError(f"{text!r} has an empty part")
    return coefficients[0], coefficients[1], coefficients[2], shift


def _usual_parts() -> dict[str, Row]:
    axes = [sign + axis for sign in ("", "+", "-") for axis in "xyz"] + ["x-y", "y-x", "-x+y", "-y+x", "+x-y"]
    fractions = ("1/2", "1/3", "2/3", "1/4", "3/4", "1/6", "5/6", "0.5", ".5", "0.25", "0.75")
    shifted = [f"{axis}{sign}{f}" for axis, sign, f in itertools.product(axes, "+-", fractions)]
    signed = [axis for axis in axes if axis[0] in "+-"]
    shifted += [f"{sign}{f}{axis}" for sign, f, axis in itertools.product(("", "+", "-"), fractions, signed)]
    return {part: _read_part(part, part) for part in axes + shifted}


_USUAL_PARTS: Final = _usual_parts()
"""Every part of an operation of a usual setting, read once: most files need no other."""


def make_operations(rotations: NDArray[np.int8 | np.float64], translations: NDArray[np.float64]) -> Operations:
    """Snap translations to n/24 within ``SNAP``, wrap them into [0, 1), remove repeats, and put the identity first.

    Raises
    ------
    ValueError
        If the identity is not among them.
    """
    turns = np.array(rotations, dtype=np.float64).reshape(-1, 3, 3)
    operations = Operations(*_distinct(turns, np.array(translations, dtype=np.float64).reshape(-1, 3), SNAP))
    if not len(operations):
        raise ValueError("the identity is not among the operations")
    return operations


@njit(cache=True)
def _distinct(rotations, translations, snap):
    """Return the distinct operations as ``Operations`` has them, snapped and wrapped; none without an identity."""
    n = len(rotations)
    order = np.empty(n, dtype=np.int64)
    count = 0
    identity = -1
    for k in range(n):
        for r in range(3):
            value = translations[k, r]
            nearest = np.rint(value * 24) / 24
            if abs(value - nearest) < snap:
                value = nearest
            value -= np.floor(value)
            translations[k, r] = 0.0 if value > 1 - 1e-9 else value
        fresh = True
        for m in range(count):
            if _same_rotation(rotations[k], rotations[order[m]]) and _near(
                translations[k], translations[order[m]], 1e-3
            ):
                fresh = False
                break
        if fresh:
            if identity < 0 and _is_identity(rotations[k], translations[k]):
                identity = count
            order[count] = k
            count += 1
    if identity < 0:
        count = 0
    else:
        first = order[identity]
        for m in range(identity, 0, -1):
            order[m] = order[m - 1]
        order[0] = first
    turns = rotations[order[:count]]
    return turns.astype(np.int8), translations[order[:count]], turns


@njit(cache=True)
def _same_rotation(one, other):
    for r in range(3):
        for c in range(3):
            if one[r, c] != other[r, c]:
                return False
    return True


@njit(cache=True)
def _is_identity(rotation, translation):
    for r in range(3):
        if translation[r] != 0.0:
            return False
        for c in range(3):
            if rotation[r, c] != (1 if r == c else 0):
                return False
    return True


@njit(cache=True)
def _near(one, other, tolerance):
    """Tell whether two translations agree up to a lattice vector."""
    for r in range(3):
        d = one[r] - other[r]
        if abs(d - np.floor(d + 0.5)) >= tolerance:
            return False
    return True


def group_defect(operations: Operations, vectors: NDArray[np.float64]) -> str:
    """Return what is wrong with the operations as a group of this lattice, or an empty string.

    Parameters
    ----------
    operations : Operations
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    """
    worst, change = _metric_change(operations.turns, vectors)
    if change > 0:
        text = operation_text(operations.rotations[worst], operations.translations[worst])
        return f"the operation {text} contradicts the cell: it changes the metric by {change:.2f} Å²"
    if not _is_closed(operations.turns, operations.translations):
        return f"the {len(operations)} operations form no group with the lattice"
    return ""


@njit(cache=True)
def _metric_change(turns, vectors):
    """Return the operation that changes the metric most and by how much, 0.0 where within 2 % of its largest element."""
    metric = np.zeros((3, 3))
    largest = 0.0
    for r in range(3):
        for c in range(3):
            for k in range(3):
                metric[r, c] += vectors[r, k] * vectors[c, k]
            largest = max(largest, abs(metric[r, c]))
    worst = 0
    most = 0.0
    for n in range(len(turns)):
        w = turns[n]
        for r in range(3):
            for c in range(3):
                value = 0.0
                for k in range(3):
                    for m in range(3):
                        value += w[k, r] * metric[k, m] * w[m, c]
                if abs(value - metric[r, c]) > most:
                    most = abs(value - metric[r, c])
                    worst = n
    return worst, most if most > 0.02 * largest else 0.0


@njit(cache=True)
def _is_closed(turns, translations):
    """Tell whether every product of two operations is one of them, up to lattice vectors."""
    n = len(turns)
    kind = np.empty(n, dtype=np.int64)  # number of the rotation part
    first = np.empty(n, dtype=np.int64)
    kinds = 0
    for k in range(n):
        kind[k] = _kind_of(turns[k], turns, first[:kinds])
        if kind[k] < 0:
            kind[k] = kinds
            first[kinds] = k
            kinds += 1
    product = np.empty((kinds, kinds), dtype=np.int64)
    w = np.empty((3, 3))
    for a in range(kinds):
        for b in range(kinds):
            for r in range(3):
                for c in range(3):
                    w[r, c] = 0.0
                    for k in range(3):
                        w[r, c] += turns[first[a], r, k] * turns[first[b], k, c]
            product[a, b] = _kind_of(w, turns, first[:kinds])
            if product[a, b] < 0:
                return False
    shift = np.empty(3)
    for a in range(n):
        for b in range(n):
            for r in range(3):
                shift[r] = translations[a, r]
                for k in range(3):
                    shift[r] += turns[a, r, k] * translations[b, k]
            found = False
            for k in range(n):
                if kind[k] == product[kind[a], kind[b]] and _near(shift, translations[k], 2e-3):
                    found = True
                    break
            if not found:
                return False
    return True


@njit(cache=True)
def _kind_of(turn, turns, first):
    for k in range(len(first)):
        if _same_rotation(turn, turns[first[k]]):
            return k
    return -1


def operation_text(rotation: NDArray[np.int8], translation: NDArray[np.float64]) -> str:
    """Print an operation as a CIF does: ``x,1/2-y,1/2+z``; an odd translation as ``-z+148/473``.

    Parameters
    ----------
    rotation : (3, 3) int
    translation : (3,) float
        With any lattice vector already added.
    """
    return ",".join(
        [_part_text(row, shift) for row, shift in zip(rotation.tolist(), translation.tolist(), strict=True)]
    )


_TWENTY_FOURTHS: Final[dict[int, str]] = {n: str(Fraction(n, 24)) for n in range(-120, 121) if n}


def _part_text(coefficients: list[int], shift: float) -> str:
    axes = ""
    for coefficient, axis in zip(coefficients, "xyz", strict=True):
        if coefficient:
            size = "" if abs(coefficient) == 1 else str(abs(coefficient))
            axes += ("-" if coefficient < 0 else "+") + size + axis
    steps = round(shift * 24)
    if abs(steps / 24 - shift) < SNAP:
        usual = _TWENTY_FOURTHS.get(steps) or str(Fraction(steps, 24))
        return f"{usual}{axes}" if steps else axes.removeprefix("+")
    number = _odd_number(shift)
    return f"{axes.removeprefix('+')}{'' if number.startswith('-') else '+'}{number}"


def _odd_number(shift: float) -> str:
    """Return a number that is no n/24 as a fraction if one fits, else with six decimals."""
    fraction = Fraction(shift).limit_denominator(1000)
    return str(fraction) if abs(float(fraction) - shift) < 1e-7 else f"{shift:.6f}".rstrip("0")
