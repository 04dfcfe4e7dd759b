"""PDBQT files of the docking programs: AutoDock atom types in the place of elements."""

import re
from collections.abc import Iterator

from molinteract.affinity.records import AtomRecord, Record, coordinate

_TYPES = {
    "HD": "H", "HS": "H", "A": "C", "NA": "N", "NS": "N", "OA": "O", "OS": "O", "SA": "S",
}  # fmt: skip
"""AutoDock types that are no element symbols. ``NA`` is an accepting nitrogen; sodium is written ``Na``."""
_PSEUDO = re.compile(r"G\d*|W")
"""Ring-closure and water pseudo-atoms: no nuclei."""


def element_of_type(kind: str) -> str | None:
    """Return the element symbol of an AutoDock type; None for a pseudo-atom, the type itself where it is unknown."""
    if _PSEUDO.fullmatch(kind):
        return None
    if re.fullmatch(r"CG\d*", kind):
        return "C"
    return _TYPES.get(kind, kind)


def atom_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line number, line, element symbol) of the atoms."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("ATOM", "HETATM")):
            words = line[77:].split() or line.split()[-1:]
            symbol = element_of_type(words[0])
            if symbol is not None:
                yield number, line, symbol


def records(text: str, where: str) -> list[Record]:
    """Return (name, atoms, notes) of every model; a file without MODEL lines is one."""
    del where  # every line that says ATOM is taken: there is nothing to be truncated
    found: list[Record] = []
    blocks = re.split(r"(?m)^MODEL.*$", text)
    for number, block in enumerate(blocks[1:] or blocks, start=1):
        atoms = [
            AtomRecord(symbol, position_of(line), line[12:16].strip(), f"line {k}")
            for k, line, symbol in atom_lines(block)
        ]
        name = re.search(r"(?m)^REMARK\s+Name\s*=\s*(\S+)", block)
        if atoms:
            found.append((name[1] if name else str(number), atoms, {}))
    return found


def position_of(line: str) -> tuple[float, float, float]:
    """Return the coordinates of an atom line in Å, nan where they are no numbers."""
    return coordinate(line[30:38]), coordinate(line[38:46]), coordinate(line[46:54])
