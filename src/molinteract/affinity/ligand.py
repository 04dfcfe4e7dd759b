"""Ligands: elements and coordinates, read without any judgement of their chemistry.

Files are read by their columns, so that nothing is lost because a toolkit does not accept its bond orders.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity import mol2, pdbqt, sdf
from molinteract.affinity.records import AtomRecord, Record, atom_columns
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason
from molinteract.sources import files


@dataclass(frozen=True, slots=True, eq=False)
class Ligand:
    """One ligand in its pose.

    Attributes
    ----------
    name : str
        Title of the record.
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) float64
        Å.
    atom_names : tuple of str
        As written; element and number where the format has none.
    notes : dict of str to int
        Counts of what was mended on reading.
    """

    name: str
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    atom_names: tuple[str, ...]
    notes: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.atomic_numbers)


_READERS: dict[str, Callable[[str, str], list[Record]]] = {
    "sdf": sdf.records, "mol": sdf.records, "mol2": mol2.records, "pdbqt": pdbqt.records,
}  # fmt: skip
SUFFIXES = tuple(f".{name}" for name in _READERS)
"""Suffixes of ligand files; each may be followed by ``.gz``, ``.bz2`` or ``.xz``."""


def file_kind(path: str | Path) -> str:
    """Return the suffix of a file without its compression, in lower case and without the dot."""
    name = Path(path).name.lower()
    for suffix in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(suffix)
    return name.rpartition(".")[2] if "." in name else ""


def read_text(path: str | Path) -> str:
    """Return the text of a file, unpacked; line ends of any system.

    Raises
    ------
    ComplexError
        ``unreadable``.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = files.uncompressed(file, path.name).read()
    except files.UNREADABLE as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise ComplexError(ComplexReason.UNREADABLE, f"cannot be read: {detail}", entry=str(path)) from error
    # names and remarks may be in any encoding; coordinates and elements are ASCII in all of them
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read_ligands(path: str | Path) -> list[Ligand]:
    """Read every record of an SDF, mol2 or PDBQT file.

    Raises
    ------
    ComplexError
        If the file, or one of its records, cannot be used.
    """
    return parse_ligands(read_text(path), file_kind(path), where=str(path))


def parse_ligands(text: str, kind: str, *, where: str) -> list[Ligand]:
    """Read every record of a text.

    Parameters
    ----------
    text : str
    kind : str
        ``sdf``, ``mol``, ``mol2`` or ``pdbqt``.
    where : str
        Name of the file, for messages.
    """
    if kind not in _READERS:
        raise ComplexError(
            ComplexReason.UNREADABLE, f"a ligand in a .{kind} file is not read", entry=where,
            remedy=f"one of {', '.join(SUFFIXES)}; or a PDB or mmCIF file with the ligand chosen by name",
        )  # fmt: skip
    found = _READERS[kind](text, where)
    if not found:
        raise ComplexError(ComplexReason.NO_ATOMS, "the ligand file holds no molecule", entry=where)
    return [_ligand(*record, where=where) for record in found]


def read_ligand(path: str | Path, record: str | None = None) -> Ligand:
    """Read one ligand.

    Parameters
    ----------
    path : str or Path
    record : str, optional
        Title of the record, or its number counted from 1; needed where the file holds several.

    Raises
    ------
    ComplexError
        ``ligand_ambiguous`` with the list of records, if there are several and none is named.
    """
    return choose(read_ligands(path), record, where=str(path))


def choose(ligands: list[Ligand], record: str | None, *, where: str) -> Ligand:
    """Return the one ligand, or the one that is named by its title or its number counted from 1."""
    listed = ", ".join(f"{k}: {ligand.name or 'untitled'}" for k, ligand in enumerate(ligands[:20], start=1))
    if record is None:
        hits = ligands
    elif record.isdigit() and not any(ligand.name == record for ligand in ligands):
        hits = ligands[int(record) - 1 : int(record)] if int(record) else []
    else:
        hits = [ligand for ligand in ligands if ligand.name == record]
    if len(hits) == 1:
        return hits[0]
    reason = ComplexReason.LIGAND_AMBIGUOUS if hits else ComplexReason.LIGAND_MISSING
    asked = "" if record is None else f" named {record!r}"
    raise ComplexError(
        reason, f"{len(hits)} records{asked} where one is needed ({listed})", entry=where,
        remedy="name a record by its title or its number",
    )  # fmt: skip


def _ligand(name: str, atoms: list[AtomRecord], notes: dict[str, int], *, where: str) -> Ligand:
    numbers, positions = atom_columns(atoms, where=where)
    return Ligand(name, numbers, positions, tuple(atom.name for atom in atoms), notes)
