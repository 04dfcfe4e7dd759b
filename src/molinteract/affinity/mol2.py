"""Mol2 files: the element is the part of the SYBYL type before the dot."""

import re

from molinteract.affinity.records import AtomRecord, Record, coordinate, truncated
from molinteract.core.elements import ATOMIC_NUMBERS
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason

_KNOWN = frozenset(
    "C.3 C.2 C.1 C.ar C.cat N.3 N.2 N.1 N.ar N.am N.pl3 N.4 O.3 O.2 O.co2 O.spc O.t3p S.3 S.2 S.O S.O2 S.o S.o2 P.3 "
    "H.spc H.t3p Cr.th Cr.oh Co.oh".split()
)


def records(text: str, where: str) -> list[Record]:
    """Return (name, atoms, notes) of every molecule.

    A type that SYBYL does not know counts as the element before its dot, which is counted; lone pairs (``LP``) are no atoms.

    Raises
    ------
    ComplexError
        ``unknown_element`` for a type without an element, such as ``Du``; ``unreadable`` if atoms are missing.
    """
    found = []
    line = text[: text.find("@<TRIPOS>MOLECULE")].count("\n")
    for part in re.split(r"(?m)^@<TRIPOS>MOLECULE", text)[1:]:
        block = "@<TRIPOS>MOLECULE" + part
        found.append(_record(block, line, where))
        line += block.count("\n")
    return found


def _record(block: str, first_line: int, where: str) -> Record:
    lines = block.split("\n")
    name = lines[1].strip() if len(lines) > 1 else ""
    counts = lines[2].split() if len(lines) > 2 else []
    atoms: list[AtomRecord] = []
    n_lines, odd = 0, 0
    inside = False
    for number, line in enumerate(lines, start=first_line + 1):
        if line.startswith("@<TRIPOS>"):
            inside = line.startswith("@<TRIPOS>ATOM")
            continue
        if not inside or not line.strip():
            continue
        words = line.split()
        n_lines += 1
        if len(words) < 6:
            raise truncated(6, len(words), f"columns of the atom in line {number}", where=where)
        kind = words[5]
        if kind.upper() == "LP":
            continue
        symbol = _element(kind, number, where)
        odd += "." in kind and kind not in _KNOWN
        position = (coordinate(words[2]), coordinate(words[3]), coordinate(words[4]))
        atoms.append(AtomRecord(symbol, position, words[1], f"line {number}"))
    expected = int(counts[0]) if counts and counts[0].isdigit() else -1
    if n_lines != expected:
        raise truncated(expected, n_lines, "atoms", where=where)
    return name, atoms, {"unknown_sybyl_types": odd} if odd else {}


def _element(kind: str, line: int, where: str) -> str:
    symbol = kind.partition(".")[0]
    if symbol.capitalize() not in ATOMIC_NUMBERS or symbol.upper() == "X":
        raise ComplexError(
            ComplexReason.UNKNOWN_ELEMENT,
            f"the type {kind!r} in line {line} names no element",
            entry=where,
        )
    return symbol
