"""Which element each atom row is, and which rows are no atoms."""

import re
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from molinteract.core.elements import ATOMIC_NUMBERS, ORGANIC, SYMBOLS
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure

DUMMY = 0
UNKNOWN = -1
_LETTERS = re.compile(r"[A-Za-z]+")
_CAPITALS = re.compile(r"\b(CL|BR|SI|SE|GE|AS|TE)(?=\d|\s|$)")
_FORMULA_PART = re.compile(r"([A-Z][a-z]?)\s*([0-9]*\.?[0-9]*)")


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The atom rows that are atoms.

    Attributes
    ----------
    labels : tuple of str
    atomic_numbers : (sites,) int16
    fractional : (sites, 3) float64
    occupancies : (sites,) float64
        1 where not given.
    groups : tuple of str
        Disorder group, empty where none.
    """

    labels: tuple[str, ...]
    atomic_numbers: NDArray[np.int16]
    fractional: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Sites":
        """Return some of the sites, by mask or index."""
        index = np.arange(len(self))[rows]
        return Sites(
            tuple(self.labels[k] for k in index),
            self.atomic_numbers[index],
            self.fractional[index],
            self.occupancies[index],
            tuple(self.groups[k] for k in index),
        )


def parse_formula(text: str) -> dict[int, float]:
    """Return the counts by atomic number of a formula such as ``C8 H9 N O2``; deuterium counts as hydrogen."""
    counts: dict[int, float] = {}
    # CL and BR in capitals are elements, not C and B followed by nothing
    spelled = _CAPITALS.sub(lambda found: found.group().capitalize(), text)
    for symbol, count in _FORMULA_PART.findall(spelled):
        z = ATOMIC_NUMBERS.get(symbol)
        if z is not None:
            counts[z] = counts.get(z, 0.0) + (float(count) if count.strip(".") else 1.0)
    return counts


def find_sites(raw: RawStructure) -> Sites:
    """Drop dummy, empty and absent rows and name the element of each other one.

    Raises
    ------
    EntryError
        ``no_coordinates`` if no row is left; ``parse_error`` if an element cannot be told.
    """
    elements = _elements(raw)
    numbers = np.array(elements, dtype=np.int16)
    keep, occupancies, count = _present(raw.fractional, raw.occupancies, numbers)
    if any(raw.calc_flags):
        keep &= np.array([flag.lower() != "dum" for flag in raw.calc_flags], dtype=bool)
        count = np.count_nonzero(keep)
    if not count:
        raise EntryError(
            Reason.NO_COORDINATES,
            f"none of {len(raw.labels)} atom rows has three numeric coordinates",
            entry=raw.entry,
        )
    if UNKNOWN in elements and (numbers[keep] == UNKNOWN).any():
        unknown = int(np.flatnonzero(keep & (numbers == UNKNOWN))[0])
        shown = raw.type_symbols[unknown] or raw.labels[unknown] or "(nothing)"
        raise EntryError(
            Reason.PARSE_ERROR,
            f"no element can be read from {shown!r} in atom row {unknown + 1}",
            entry=raw.entry,
        )
    labels = raw.labels
    if not all(labels):
        labels = tuple(
            label or symbol or SYMBOLS[z]
            for label, symbol, z in zip(labels, raw.type_symbols, numbers.tolist(), strict=True)
        )
    sites = Sites(labels, numbers, raw.fractional, occupancies, raw.disorder_groups)
    return sites if count == len(sites) else sites.take(keep)


@njit(cache=True)
def _present(fractional, occupancies, numbers):
    """Return which rows are atoms that are there, the occupancies (1 where not given), and the number of those rows."""
    count = 0
    keep = np.empty(len(numbers), dtype=np.bool_)
    filled = np.empty(len(numbers))
    for n in range(len(numbers)):
        keep[n] = numbers[n] != DUMMY and occupancies[n] != 0.0
        for k in range(3):
            keep[n] = keep[n] and np.isfinite(fractional[n, k])
        filled[n] = 1.0 if np.isnan(occupancies[n]) else occupancies[n]
        count += keep[n]
    return keep, filled, count


def _elements(raw: RawStructure) -> list[int]:
    """Return Z of each row; ``DUMMY`` for a dummy atom, ``UNKNOWN`` where no element can be told."""
    known = {symbol: _element_of_symbol(symbol) for symbol in set(raw.type_symbols)}
    numbers = [known[symbol] for symbol in raw.type_symbols]
    if UNKNOWN not in known.values():
        return numbers
    declared = set(parse_formula(raw.formula_sum))
    return [
        _element_of_label(label, declared) if z == UNKNOWN else z for z, label in zip(numbers, raw.labels, strict=True)
    ]


def _element_of_symbol(type_symbol: str) -> int:
    usual = ATOMIC_NUMBERS.get(type_symbol)
    if usual:
        return usual
    found = _LETTERS.match(type_symbol)
    if not found:
        return UNKNOWN
    letters = found.group()
    if letters.lower() in ("du", "lp", "cnt", "cg"):
        return DUMMY
    for size in (2, 1):
        z = ATOMIC_NUMBERS.get(letters[:size].capitalize())
        if z and len(letters) >= size:
            return z
    return UNKNOWN


def _element_of_label(label: str, declared: set[int]) -> int:
    found = _LETTERS.match(label)
    if not found:
        return UNKNOWN
    letters = found.group()
    if letters.lower() in ("du", "dum", "lp"):
        return DUMMY
    two = ATOMIC_NUMBERS.get(letters[:2].capitalize(), 0) if len(letters) > 1 else 0
    one = ATOMIC_NUMBERS.get(letters[0].upper(), 0)
    if declared:
        # the declared formula decides between Cl and C, Nb and N, Ho and H
        return next((z for z in (two, one) if z in declared), two or one or UNKNOWN)
    mixed_case = letters[:2] == letters[:2].capitalize()
    usual = letters[:2].upper() in ("CL", "BR", "SI", "SE")
    if two and (usual or (mixed_case and (two in ORGANIC or not one))):
        return two
    if two and mixed_case and len(letters) == 2 and letters[0] not in "HCNO":
        return two
    return one or two or UNKNOWN
