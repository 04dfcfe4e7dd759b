"""PDBbind folders: index files and one folder of files for each entry (v2016 to v2020 and later)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from molinteract.affinity.items import ComplexItem, FilePair
from molinteract.affinity.strings import Affinity, parse_affinity
from molinteract.core.errors import ComplexError, SourceError

_CODE = re.compile(r"[0-9][A-Za-z0-9]{3}")
_SETS = ("core", "refined", "general")
_MAX_DEPTH = 4
AGREEMENT = 0.02
"""Largest difference between the stated −log10 K and that of the text; the index rounds to two decimals."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of an index file."""

    id: str
    resolution: str
    year: str
    affinity: Affinity | None
    ligand: str
    fault: str


def read_index(path: str | Path) -> list[IndexRow]:
    """Read an ``INDEX_*`` file.

    Lines are ``code resolution year [−log10 K] text // reference (ligand)``; later releases leave the number out. The text
    decides; a stated number that contradicts it is a fault of the row.

    Raises
    ------
    SourceError
        If the file cannot be read or has no such line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", entry=str(path)) from error
    rows = [row for row in map(_index_row, lines) if row is not None]
    if not rows:
        raise SourceError("no line of a PDBbind index in it", entry=str(path))
    return rows


def _index_row(line: str) -> IndexRow | None:
    front, _, comment = line.partition("//")
    words = front.split()
    if len(words) < 4 or not _CODE.fullmatch(words[0]):
        return None
    stated = _number(words[3])
    text = words[3] if stated is None else words[4] if len(words) > 4 else ""
    ligand = re.search(r"\(([^()]*)\)", comment)
    affinity, fault = None, ""
    try:
        affinity = parse_affinity(text)
        if affinity is not None and stated is not None and abs(affinity.pk - stated) > AGREEMENT:
            fault = f"the index states {stated:g}, its text {text!r} gives {affinity.pk:.2f}"
            affinity = None
    except ComplexError as error:
        fault = error.message
    return IndexRow(words[0].lower(), words[1], words[2], affinity, ligand[1] if ligand else "", fault)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def read_pdbbind(root: str | Path) -> list[ComplexItem]:
    """List the entries of a PDBbind folder, by code.

    Index files (``INDEX_general…``, ``INDEX_refined…``, ``INDEX_core…``) and entry folders may lie at any depth up to four. The
    pocket file is preferred to the protein file (PDBbind cuts it at 10 Å, beyond our 6), SDF to mol2.

    Raises
    ------
    SourceError
        If there is no index or no entry folder.
    """
    root = Path(root)
    folders, indices = _walk(root)
    rows: dict[str, IndexRow] = {}
    sets: dict[str, list[str]] = {}
    for name in _SETS:
        for path in indices.get(name, []):
            for row in read_index(path):
                rows.setdefault(row.id, row)
                if name not in sets.setdefault(row.id, []):
                    sets[row.id].append(name)
    if not rows:
        raise SourceError("no INDEX_general…, INDEX_refined… or INDEX_core… file", entry=str(root))
    if not folders:
        raise SourceError("no folder named by a PDB code", entry=str(root), remedy="unpack the archives first")
    return [_item(row, folders[row.id], sets[row.id]) for row in sorted(rows.values(), key=_by_id) if row.id in folders]


def _by_id(row: IndexRow) -> str:
    return row.id


def _walk(root: Path) -> tuple[dict[str, Path], dict[str, list[Path]]]:
    folders: dict[str, Path] = {}
    indices: dict[str, list[Path]] = {}
    for folder, inner, files in os.walk(root):
        here = Path(folder)
        for name in sorted(files):
            match = re.match(r"INDEX_(core|refined|general)(?!.*_name)", name)
            if match:
                indices.setdefault(match[1], []).append(here / name)
        codes = [name for name in inner if _CODE.fullmatch(name)]
        folders |= {name.lower(): here / name for name in codes}
        deep = len(here.relative_to(root).parts) >= _MAX_DEPTH
        inner[:] = [] if deep else sorted(set(inner) - set(codes))
    return folders, indices


def _item(row: IndexRow, folder: Path, sets: list[str]) -> ComplexItem:
    proteins = [folder / f"{row.id}_{part}.pdb" for part in ("pocket", "protein")]
    ligands = [folder / f"{row.id}_ligand.{kind}" for kind in ("sdf", "mol2")]
    protein = next((p for p in proteins if p.is_file()), proteins[0])
    found = tuple(str(p) for p in ligands if p.is_file()) or (str(ligands[0]),)
    labels = {"year": row.year, "sets": " ".join(sets), "ligand": row.ligand, "protein_file": str(proteins[1])}
    return ComplexItem(row.id, FilePair(str(protein), found), row.affinity, labels, row.fault)
