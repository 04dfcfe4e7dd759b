"""ATOM3D's ligand binding affinity sets: LMDB folders and npz archives, without unpickling anything.

An LMDB record is gzip-compressed JSON or msgpack with data frames as ``{"columns": [...], "data": [...]}``; the npz has
padded arrays in which the ligand follows the pocket.
"""

import gzip
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from molinteract.affinity.items import ComplexItem
from molinteract.affinity.ligand import Ligand
from molinteract.affinity.records import AtomRecord, atom_columns
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.strings import Affinity
from molinteract.affinity.structure import Site, Structure, assemble
from molinteract.core.elements import SYMBOLS
from molinteract.core.errors import ComplexError, SourceError
from molinteract.core.optional import require
from molinteract.core.reasons import ComplexReason

SPLITS = ("train", "val", "test")
_BOND = 2.0
"""Å; longer than any bond between heavy atoms of a drug, shorter than any contact."""


def read_atom3d(path: str | Path) -> list[ComplexItem]:
    """List the complexes of an ATOM3D data set.

    Parameters
    ----------
    path : str or Path
        An LMDB folder (``data.mdb``), a folder with ``train``, ``val`` and ``test`` in it (the split is then in the labels),
        or an npz archive.

    Raises
    ------
    SourceError
        If it is none of these, or its records are pickled.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return _npz_items(path)
    if (path / "data.mdb").is_file():
        return _lmdb_items(path, split=path.name if path.name in SPLITS else "")
    parts = [path / name for name in SPLITS if (path / name / "data.mdb").is_file()]
    if not parts and (path / "data" / "data.mdb").is_file():
        return _lmdb_items(path / "data", split="")
    if not parts:
        raise SourceError(
            "no data.mdb in it, nor in train, val and test below it", entry=str(path),
            remedy="name the folder that holds data.mdb",
        )  # fmt: skip
    return [item for part in parts for item in _lmdb_items(part, split=part.name)]


@dataclass(frozen=True, slots=True)
class LmdbRecord:
    """One record of an LMDB folder."""

    path: str
    index: int

    def load(self, settings: ComplexSettings) -> tuple[Structure, Ligand]:
        """Read pocket and ligand; the records hold one model."""
        del settings
        record = _read_record(Path(self.path), self.index)
        where = f"{self.path}#{self.index}"
        try:
            sites = _sites(record["atoms_pocket"])
            ligand = _ligand(record["atoms_ligand"], str(record.get("id", self.index)), where)
        except (KeyError, TypeError, ValueError) as error:
            raise ComplexError(ComplexReason.UNREADABLE, f"the record lacks {error}", entry=where) from error
        if not sites:
            raise ComplexError(ComplexReason.NO_ATOMS, "no atoms in the pocket", entry=where)
        return assemble(sites, where=where), ligand


def _open(path: Path) -> Any:
    import lmdb

    try:
        return lmdb.open(str(path), readonly=True, lock=False, readahead=False, max_readers=64)
    except lmdb.Error as error:
        raise SourceError(f"no LMDB that can be read: {error}", entry=str(path)) from error


def _decode(data: bytes, kind: str, path: Path) -> Any:
    if kind == "json":
        return json.loads(data)
    if kind == "msgpack":
        return require("msgpack", extra="affinity", purpose="reading msgpack records").unpackb(data)
    raise SourceError(
        f"its records are in the format {kind!r}, which is not read (a pickle can run any program)", entry=str(path)
    )


def _lmdb_items(path: Path, *, split: str) -> list[ComplexItem]:
    with _open(path) as env, env.begin() as view:
        count, kind = view.get(b"num_examples"), (view.get(b"serialization_format") or b"json").decode()
        if count is None:
            raise SourceError("not written by ATOM3D: no num_examples", entry=str(path))
        items = []
        for index in range(int(count)):
            packed = view.get(str(index).encode())
            items.append(_lmdb_item(packed, kind, path, index, split))
    return items


def _lmdb_item(packed: bytes | None, kind: str, path: Path, index: int, split: str) -> ComplexItem:
    source = LmdbRecord(str(path), index)
    labels = {"split": split} if split else {}
    try:
        record = _decode(gzip.decompress(packed or b""), kind, path)
        value = _value(record["scores"])
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        return ComplexItem(f"{path.name}#{index}", source, None, labels, f"the record cannot be read: {error!r}")
    sequences = record.get("seq") or []
    labels["sequence"] = " ".join(str(part[1] if isinstance(part, list | tuple) else part) for part in sequences)
    labels["smiles"] = str(record.get("smiles") or "")
    return ComplexItem(str(record.get("id", index)), source, Affinity(value), labels)


def _value(scores: dict[str, Any]) -> float:
    """Return the label of a record: a mapping, or a series as ``{"index": ["neglog_aff"], "data": [6.4]}``."""
    if "neglog_aff" in scores:
        return float(scores["neglog_aff"])
    return float(dict(zip(scores["index"], scores["data"], strict=True))["neglog_aff"])


def _read_record(path: Path, index: int) -> dict[str, Any]:
    with _open(path) as env, env.begin() as view:
        kind = (view.get(b"serialization_format") or b"json").decode()
        packed = view.get(str(index).encode())
    try:
        record = _decode(gzip.decompress(packed or b""), kind, path)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ComplexError(
            ComplexReason.UNREADABLE, f"the record cannot be unpacked: {error}", entry=f"{path}#{index}"
        ) from error
    if not isinstance(record, dict):
        raise ComplexError(ComplexReason.UNREADABLE, "the record is no mapping", entry=f"{path}#{index}")
    return record


def _columns(frame: dict[str, Any]) -> dict[str, list[Any]]:
    return (
        dict(zip(frame["columns"], map(list, zip(*frame["data"], strict=True)), strict=True)) if frame["data"] else {}
    )


def _sites(frame: dict[str, Any]) -> list[Site]:
    table = _columns(frame)
    if not table:
        return []
    blank = [""] * len(frame["data"])
    sites = []
    for k, symbol in enumerate(table["element"]):
        position = (float(table["x"][k]), float(table["y"][k]), float(table["z"][k]))
        atom = AtomRecord(str(symbol), position, str(table.get("name", blank)[k]), f"row {k + 1}")
        sites.append(
            Site(
                atom,
                str(table.get("altloc", blank)[k]).strip(),
                float(table["occupancy"][k]) if "occupancy" in table else 1.0,
                str(table.get("chain", blank)[k]),
                int(table["residue"][k]) if "residue" in table else 0,
                str(table.get("insertion_code", blank)[k]).strip(),
                str(table.get("resname", blank)[k]),
            )
        )
    return sites


def _ligand(frame: dict[str, Any], name: str, where: str) -> Ligand:
    atoms = [site.atom for site in _sites(frame)]
    if not atoms:
        raise ComplexError(ComplexReason.NO_ATOMS, "no atoms in the ligand", entry=where)
    numbers, positions = atom_columns(atoms, where=where)
    return Ligand(name, numbers, positions, tuple(atom.name for atom in atoms))


@dataclass(frozen=True, slots=True, eq=False)
class NpzRecord:
    """One row of an npz archive: pocket atoms, then ligand atoms.

    The published archives do not say where the ligand begins: it is the fragment that holds the last atom, by bonds up to 2 Å,
    and must be all that follows its first atom. An array ``num_ligand`` of counts is used where it is there.
    """

    where: str
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    n_ligand: int | None

    def load(self, settings: ComplexSettings) -> tuple[Structure, Ligand]:
        """Return both. Residues are unknown: the pocket is one, and taken whole."""
        del settings
        count = len(self.atomic_numbers)
        n_ligand = trailing_fragment(self.positions) if self.n_ligand is None else self.n_ligand
        if not 0 < n_ligand < count:
            raise ComplexError(
                ComplexReason.LIGAND_AMBIGUOUS, "the ligand cannot be told from the pocket", entry=self.where,
                remedy="add an array num_ligand, or use the LMDB",
            )  # fmt: skip
        atoms = [
            AtomRecord(SYMBOLS[z], (float(x[0]), float(x[1]), float(x[2])), f"{SYMBOLS[z]}{k}", f"column {k}")
            for k, (z, x) in enumerate(zip(self.atomic_numbers, self.positions, strict=True), start=1)
        ]
        sites = [Site(atom, "", 1.0, "", 1, "", "UNK") for atom in atoms[: count - n_ligand]]
        numbers, positions = atom_columns(atoms[count - n_ligand :], where=self.where)
        names = tuple(atom.name for atom in atoms[count - n_ligand :])
        return assemble(sites, where=self.where), Ligand(self.where, numbers, positions, names)


def _npz_items(path: Path) -> list[ComplexItem]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        count, numbers, positions = arrays["num_atoms"], arrays["charges"], arrays["positions"]
        values = arrays["neglog_aff"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"no archive of num_atoms, charges, positions, neglog_aff: {error}", entry=str(path)
        ) from error
    ids = arrays.get("index", np.arange(len(count)))
    items = []
    for k, n in enumerate(count.astype(int)):
        n_ligand = int(arrays["num_ligand"][k]) if "num_ligand" in arrays else None
        z = np.clip(numbers[k, :n], 0, len(SYMBOLS) - 1).astype(np.int16)
        name = f"{path.stem}#{ids[k]}"
        source = NpzRecord(name, z, positions[k, :n].astype(np.float64), n_ligand)
        items.append(ComplexItem(name, source, Affinity(float(values[k])), {"split": path.stem}))
    return items


def trailing_fragment(positions: NDArray[np.float64]) -> int:
    """Return how many atoms the bonded fragment of the last atom has, 0 if they are not the last ones of the list."""
    pairs = cKDTree(positions).query_pairs(_BOND, output_type="ndarray")
    n = len(positions)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, fragment = connected_components(graph, directed=False)
    members = np.flatnonzero(fragment == fragment[-1])
    return len(members) if members[0] == n - len(members) else 0
