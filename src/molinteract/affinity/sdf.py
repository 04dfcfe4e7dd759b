"""SDF and MOL files, V2000 and V3000, by their columns."""

import re

from molinteract.affinity.records import AtomRecord, Record, coordinate, truncated
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason


def records(text: str, where: str) -> list[Record]:
    """Return (title, atoms, notes) of every record.

    Raises
    ------
    ComplexError
        ``unreadable``, if a record is truncated or has no counts line.
    """
    found = []
    line = 0
    for block in re.split(r"(?m)^\$\$\$\$.*\n?", text):
        if block.strip():
            found.append(_record(block, line, where))
        line += block.count("\n") + 1
    return found


def _record(block: str, first_line: int, where: str) -> Record:
    lines = block.split("\n")
    counts = lines[3] if len(lines) > 3 else ""
    v3000 = "V3000" in counts
    atoms = _v3000(lines, first_line, where) if v3000 else _v2000(lines, counts, first_line, where)
    return lines[0].strip(), atoms, {}


def _v2000(lines: list[str], counts: str, first_line: int, where: str) -> list[AtomRecord]:
    try:
        n_atoms, n_bonds = int(counts[:3]), int(counts[3:6])
    except ValueError as error:
        raise ComplexError(
            ComplexReason.UNREADABLE, f"line {first_line + 4} is no counts line: {counts[:40]!r}", entry=where
        ) from error
    body = lines[4 : 4 + n_atoms + n_bonds]
    whole = [line for line in body if len(line.split()) >= 3]
    if len(whole) < n_atoms + n_bonds or not any(line.startswith("M  END") for line in lines):
        expected = 4 + n_atoms + n_bonds + 1
        raise truncated(expected, len([line for line in lines if line.strip()]), "lines", where=where)
    atoms = []
    for k, line in enumerate(body[:n_atoms]):
        position = (coordinate(line[:10]), coordinate(line[10:20]), coordinate(line[20:30]))
        symbol = line[31:34].strip()
        atoms.append(AtomRecord(symbol, position, f"{symbol}{k + 1}", f"line {first_line + 5 + k}"))
    return atoms


def _v3000(lines: list[str], first_line: int, where: str) -> list[AtomRecord]:
    counts = next((line.split() for line in lines if line.startswith("M  V30 COUNTS")), [])
    atoms: list[AtomRecord] = []
    inside = False
    for number, line in enumerate(lines, start=1):
        if line.startswith(("M  V30 BEGIN ATOM", "M  V30 END ATOM")):
            inside = "BEGIN" in line
        elif inside:
            words = line.split()  # M V30 index symbol x y z …
            if len(words) < 7:
                break
            position = (coordinate(words[4]), coordinate(words[5]), coordinate(words[6]))
            atoms.append(AtomRecord(words[3], position, f"{words[3]}{len(atoms) + 1}", f"line {first_line + number}"))
    expected = int(counts[3]) if len(counts) > 3 and counts[3].isdigit() else -1
    if len(atoms) != expected or not any(line.startswith("M  END") for line in lines):
        raise truncated(expected, len(atoms), "atoms", where=where)
    return atoms
