"""One door for every kind of data set of complexes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molinteract.affinity.atom3d import SPLITS, read_atom3d
from molinteract.affinity.items import ComplexItem, FilePair
from molinteract.affinity.ligand import file_kind
from molinteract.affinity.pdbbind import read_pdbbind
from molinteract.affinity.structure import STRUCTURE_KINDS
from molinteract.affinity.tables import read_table
from molinteract.core.errors import ConfigError, SourceError

_SUFFIXES = re.compile(r"\.[^.]+(\.(gz|bz2|xz))?$", re.IGNORECASE)
_PROTEIN_ENDS = ("_pocket", "_protein")


def open_complexes(path: str | Path, *, root: str | Path | None = None) -> list[ComplexItem]:
    """List the complexes of a data set.

    Parameters
    ----------
    path : str or Path
        A CSV; an ATOM3D folder or npz; a PDBbind folder; a folder with pairs ``X_pocket.pdb`` or ``X_protein.pdb`` and
        ``X_ligand.sdf`` (mol2, pdbqt), at any depth; or one structure file that holds the ligand.
    root : str or Path, optional
        Folder of the files that a CSV names.

    Raises
    ------
    SourceError
        If it is none of these.
    """
    path = Path(path)
    if not path.exists():
        raise SourceError("no such file or folder", entry=str(path))
    if path.is_file():
        if path.suffix.lower() == ".csv":
            return read_table(path, root=root)
        if path.suffix == ".npz":
            return read_atom3d(path)
        if file_kind(path) in STRUCTURE_KINDS:
            return [ComplexItem(path.name, FilePair(str(path)))]
        raise SourceError("no table, archive or structure file", entry=str(path))
    if any((path / part / "data.mdb").is_file() for part in (".", "data", *SPLITS)):
        return read_atom3d(path)
    if next(path.rglob("INDEX_*"), None) is not None:
        return read_pdbbind(path)
    return _pairs(path)


def _pairs(folder: Path) -> list[ComplexItem]:
    proteins: dict[Path, Path] = {}
    ligands: dict[Path, list[str]] = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        kind = file_kind(file)
        stem = _SUFFIXES.sub("", file.name).lower()
        for end in (*_PROTEIN_ENDS, "_ligand"):
            if stem.endswith(end):
                key = file.with_name(file.name[: len(stem) - len(end)])
                if end == "_ligand" and kind in ("sdf", "mol2", "mol", "pdbqt"):
                    ligands.setdefault(key, []).append(str(file))
                elif end != "_ligand" and kind in STRUCTURE_KINDS and (end == "_pocket" or key not in proteins):
                    proteins[key] = file
    both = sorted(set(proteins) & set(ligands))
    if not both:
        raise SourceError(
            "no INDEX file, no data.mdb, and no pair X_pocket.pdb (or X_protein.pdb) and X_ligand.sdf",
            entry=str(folder),
        )
    order = {"sdf": 0, "mol2": 1, "mol": 2, "pdbqt": 3}
    return [
        ComplexItem(
            _short(key.relative_to(folder)),
            FilePair(str(proteins[key]), tuple(sorted(ligands[key], key=lambda p: order[file_kind(p)]))),
        )
        for key in both
    ]


def _short(key: Path) -> str:
    """Return the id of a pair: its path, and ``1abc`` rather than ``1abc/1abc``."""
    return str(key.parent if key.parent.name == key.name else key)


def with_choice(items: Sequence[ComplexItem], choice: str | None) -> list[ComplexItem]:
    """Return items in which the ligand is chosen, as a record or as NAME/CHAIN/NUMBER, where they come from files."""
    if choice is None:
        return list(items)
    return [
        replace(item, source=replace(item.source, choice=choice)) if isinstance(item.source, FilePair) else item
        for item in items
    ]


def with_label(items: Sequence[ComplexItem], chosen: str | None) -> list[ComplexItem]:
    """Return the items whose label has one of some values, written ``LABEL=VALUE,VALUE``; all where nothing is chosen.

    Raises
    ------
    ConfigError
        If it is not written so, or no item is left.
    """
    if not chosen:
        return list(items)
    label, equals, values = chosen.partition("=")
    found = [item for item in items if item.labels.get(label) in values.split(",")]
    if not equals or not found:
        raise ConfigError(f"no complex has {chosen}", remedy="write it as LABEL=VALUE,VALUE with a column of the table")
    return found
