"""Protein structures: PDB, mmCIF and PDBQT files become atoms and residues, one copy of each atom."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from molinteract.affinity import pdbqt
from molinteract.affinity.ligand import file_kind, read_text
from molinteract.affinity.records import AtomRecord, atom_columns
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason

STRUCTURE_KINDS = ("pdb", "ent", "pqr", "cif", "mmcif", "pdbqt")
"""Suffixes of structure files, without the compression."""


class ResidueKind(StrEnum):
    """What a residue is, by its name and its atoms."""

    AMINO = "amino"
    NUCLEIC = "nucleic"
    WATER = "water"
    ION = "ion"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Residue:
    """One residue; chain, number, insertion code and name together are its key."""

    chain: str
    number: int
    insertion: str
    name: str
    kind: ResidueKind

    def __str__(self) -> str:
        return f"{self.name}/{self.chain}/{self.number}{self.insertion}"


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Atoms of one model.

    Attributes
    ----------
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) float64
        Å.
    atom_names : (atoms,) str
    residue_index : (atoms,) int32
        Into ``residues``, ascending.
    residues : tuple of Residue
    notes : dict of str to int
        Counts of what was passed over: ``altlocs_dropped``, ``models_passed_over``, ``duplicated_names``.
    """

    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    atom_names: NDArray[np.str_]
    residue_index: NDArray[np.int32]
    residues: tuple[Residue, ...]
    notes: dict[str, int]

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def take(self, chosen: NDArray[np.bool_]) -> "Structure":
        """Return the chosen atoms; residues keep their numbering."""
        return Structure(
            self.atomic_numbers[chosen], self.positions[chosen], self.atom_names[chosen], self.residue_index[chosen],
            self.residues, self.notes,
        )  # fmt: skip

    def kinds(self) -> NDArray[np.str_]:
        """Return the kind of the residue of each atom, (atoms,)."""
        return np.array([residue.kind.value for residue in self.residues], dtype="U8")[self.residue_index]


class Site(NamedTuple):
    """One atom line with all that decides whether it is kept."""

    atom: AtomRecord
    altloc: str
    occupancy: float
    chain: str
    number: int
    insertion: str
    residue: str


def read_structure(path: str | Path, *, model: int = 1) -> Structure:
    """Read a PDB, mmCIF or PDBQT file, plain or compressed.

    Of alternate locations the one with the highest mean occupancy is kept, whole residue by whole residue (the first letter
    on ties); of several models the one asked for. Atoms are told apart by position in the file, never by name.

    Parameters
    ----------
    path : str or Path
    model : int
        Counted from 1.

    Raises
    ------
    ComplexError
        ``unreadable``, ``no_atoms``, ``unknown_element`` or ``not_finite``.
    """
    return parse_structure(read_text(path), file_kind(path), where=str(path), model=model)


def parse_structure(text: str, kind: str, *, where: str, model: int = 1) -> Structure:
    """Read a structure from text; ``kind`` is the suffix of its format."""
    if kind not in STRUCTURE_KINDS:
        raise ComplexError(
            ComplexReason.UNREADABLE, f"a protein in a .{kind} file is not read", entry=where,
            remedy="a PDB, mmCIF or PDBQT file",
        )  # fmt: skip
    n_models = 1
    if kind == "pdbqt":
        sites = list(_pdbqt_sites(text))
    else:
        found = _gemmi_structure(text, kind, where)
        n_models = len(found)
        if n_models < model:
            raise ComplexError(
                ComplexReason.NO_ATOMS, f"no atoms in the protein file ({n_models} models, model {model} asked for)",
                entry=where,
            )  # fmt: skip
        sites = list(_gemmi_sites(found[model - 1]))
    if not sites:
        raise ComplexError(ComplexReason.NO_ATOMS, "no atoms in the protein file", entry=where)
    return assemble(sites, where=where, models_passed_over=max(0, n_models - 1))


def _gemmi_structure(text: str, kind: str, where: str) -> Any:
    import gemmi

    try:
        if kind in ("cif", "mmcif"):
            return gemmi.make_structure_from_block(gemmi.cif.read_string(text)[0])
        _check_coordinates(text, where)
        return gemmi.read_pdb_string(text)
    except (ValueError, RuntimeError, IndexError) as error:
        raise ComplexError(ComplexReason.UNREADABLE, f"cannot be read: {error}", entry=where) from error


def _check_coordinates(text: str, where: str) -> None:
    """Refuse coordinates that are no numbers: the reader would take them for zero."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("ATOM  ", "HETATM")) and not all(map(math.isfinite, pdbqt.position_of(line))):
            raise ComplexError(
                ComplexReason.NOT_FINITE,
                f"a coordinate that is no finite number: atom {line[12:16].strip()} in line {number}",
                entry=where,
            )


def _gemmi_sites(model: Any) -> Iterator[Site]:
    for chain in model:
        for residue in chain:
            number, insertion = residue.seqid.num, residue.seqid.icode.strip()
            for atom in residue:
                position = (atom.pos.x, atom.pos.y, atom.pos.z)
                record = AtomRecord(atom.element.name, position, atom.name, f"serial number {atom.serial}")
                altloc = "" if atom.altloc == "\0" else atom.altloc
                yield Site(record, altloc, atom.occ, chain.name, number or 0, insertion, residue.name)


def _pdbqt_sites(text: str) -> Iterator[Site]:
    first_model = text.split("\nENDMDL")[0]
    for line_number, line, symbol in pdbqt.atom_lines(first_model):
        record = AtomRecord(symbol, pdbqt.position_of(line), line[12:16].strip(), f"line {line_number}")
        digits = line[22:26].strip()
        number = int(digits) if digits.lstrip("-").isdigit() else 0
        yield Site(record, line[16].strip(), 1.0, line[21].strip(), number, line[26].strip(), line[17:20].strip())


def assemble(sites: list[Site], *, where: str, models_passed_over: int = 0) -> Structure:
    """Return the structure of the atoms of one model, one alternate location of each residue.

    Raises
    ------
    ComplexError
        ``unknown_element`` or ``not_finite``.
    """
    kept = _one_location(sites)
    numbers, positions = atom_columns([site.atom for site in kept], where=where)
    residues: list[Residue] = []
    index = np.empty(len(kept), dtype=np.int32)
    duplicated = 0
    keys = [(s.chain, s.number, s.insertion, s.residue) for s in kept]
    for key, group in itertools.groupby(range(len(kept)), key=lambda k: keys[k]):
        rows = list(group)
        index[rows] = len(residues)
        chain, number, insertion, name = key
        residues.append(Residue(chain, number, insertion, name, _kind(name, numbers[rows])))
        if residues[-1].kind is not ResidueKind.WATER:  # many files give all waters one number
            duplicated += len(rows) - len({kept[k].atom.name for k in rows})
    notes = {
        "altlocs_dropped": len(sites) - len(kept),
        "models_passed_over": models_passed_over,
        "duplicated_names": duplicated,
    }
    atom_names = np.array([site.atom.name for site in kept], dtype=np.str_)
    return Structure(numbers, positions, atom_names, index, tuple(residues), {k: v for k, v in notes.items() if v})


def _one_location(sites: list[Site]) -> list[Site]:
    """Keep one alternate location of each residue position; atoms without a letter always."""
    occupancies: dict[tuple[str, int, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for site in sites:
        if site.altloc:
            occupancies[site.chain, site.number, site.insertion][site.altloc].append(site.occupancy)
    chosen = {
        key: min(letters, key=lambda a: (-sum(letters[a]) / len(letters[a]), a)) for key, letters in occupancies.items()
    }
    return [s for s in sites if not s.altloc or chosen[s.chain, s.number, s.insertion] == s.altloc]


def _kind(name: str, atomic_numbers: NDArray[np.int16]) -> ResidueKind:
    import gemmi

    known = gemmi.find_tabulated_residue(name)
    if known.is_water():
        return ResidueKind.WATER
    if known.is_amino_acid():
        return ResidueKind.AMINO
    if known.is_nucleic_acid():
        return ResidueKind.NUCLEIC
    return ResidueKind.ION if int((atomic_numbers > 1).sum()) == 1 else ResidueKind.GROUP
