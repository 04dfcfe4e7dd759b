"""A store opened for reading: tables, splits, and patches cut again on demand.

Needs numpy, numba and pyarrow only: it opens on a machine without the chemistry packages.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.core.geometry import cell_vectors
from molinteract.core.settings import BuildSettings, fingerprint_of, parse_settings
from molinteract.crystals.crystal import QUANTUM
from molinteract.crystals.operations import operation_text
from molinteract.patches.cut import cut_patches
from molinteract.patches.identity import patch_id
from molinteract.patches.packed import PackedMolecules, offsets
from molinteract.patches.patch import PatchArrays
from molinteract.store.duplicates import near_duplicates
from molinteract.store.files import read_json
from molinteract.store.schema import OLDEST, check_version
from molinteract.store.selection import Selection, select
from molinteract.store.splits import split_of
from molinteract.store.tables import StoreTables, flat, lengths

_IDS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeRow:
    """What the store knows of one molecule.

    Attributes
    ----------
    formula, compound, smiles : str
    labels : tuple of str
    atomic_numbers : (atoms,) int16
    atom_flags : (atoms,) uint8
        Bits AROMATIC 1, DONOR 2, ACCEPTOR 4.
    bonds : (bonds, 2) int32
    bond_orders : (bonds,) int8
    aromatic_bonds : (bonds,) bool
    """

    formula: str
    compound: str
    smiles: str
    labels: tuple[str, ...]
    atomic_numbers: NDArray[np.int16]
    atom_flags: NDArray[np.uint8]
    bonds: NDArray[np.int32]
    bond_orders: NDArray[np.int8]
    aromatic_bonds: NDArray[np.bool_]


def open_dataset(path: str | Path) -> "PatchDataset":
    """Open a store.

    Raises
    ------
    StoreError
        If it is missing, unfinished, or of another version.
    """
    path = Path(path)
    if not (path / "manifest.json").is_file():
        if (path / "plan.json").is_file():
            raise StoreError(
                "the build was not finished",
                entry=str(path),
                remedy="run molinteract build again with --resume",
            )
        raise StoreError("no store there", entry=str(path), remedy="make one with molinteract build")
    manifest = read_json(path / "manifest.json", sealed=False)
    check_version(manifest.get("schema_version"), where=str(path))
    if manifest["schema_version"] > OLDEST:
        manifest = read_json(path / "manifest.json")
    return PatchDataset(path, manifest)


class PatchDataset:
    """The patches of a store. Nothing but the manifest is read before it is asked for.

    Attributes
    ----------
    path : Path
    manifest : dict
        Settings, counts, checksums, versions.
    settings : BuildSettings
    tables : StoreTables
        Reader of the shards.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.settings = parse_settings(BuildSettings, manifest["settings"], where=str(path / "manifest.json"))
        self.tables = StoreTables(path, manifest)

    def __len__(self) -> int:
        return int(self.manifest["rows"]["patches"])

    def __reduce__(self) -> tuple[Callable[[Path], "PatchDataset"], tuple[Path]]:
        return open_dataset, (self.path,)  # other processes open the store for themselves

    @property
    def n_patches(self) -> int:
        """Number of patches."""
        return len(self)

    @property
    def n_entries(self) -> int:
        """Number of kept entries."""
        return int(self.manifest["rows"]["crystals"])

    @cached_property
    def crystals(self) -> pa.Table:
        """One row for each kept entry."""
        return self.tables.read("crystals")

    @cached_property
    def molecules(self) -> pa.Table:
        """One row for each symmetry-independent molecule, in the order of the entries."""
        return self.tables.read("molecules")

    @property
    def patches(self) -> pa.Table:
        """One row for each patch, in the order of the entries, as stored; ``describe`` adds what follows from it.

        Read anew each time: of a whole database it is large, and ``column`` often does.
        """
        return self.tables.read("patches")

    @cached_property
    def rejects(self) -> pa.Table:
        """One row for each entry that was not kept."""
        return self.tables.read("rejects")

    @property
    def items(self) -> pa.Table:
        """One row for each file, archive member or row range that was read, with the hash of its content."""
        return self.tables.read("items")

    def column(self, name: str) -> NDArray[Any]:
        """Return one numeric column of ``patches``, (patches,)."""
        return self.tables.column("patches", name)

    @cached_property
    def crystal_rows(self) -> NDArray[np.int32]:
        """(patches,) row of ``crystals`` of each patch."""
        return np.repeat(np.arange(self.n_entries, dtype=np.int32), np.diff(self._patch_offsets))

    @cached_property
    def compounds(self) -> NDArray[np.object_]:
        """(crystals,) compound key of each entry."""
        return np.asarray(self.tables.read("crystals", ["compound"])["compound"].to_pylist(), dtype=object)

    @cached_property
    def first_of_kind(self) -> NDArray[np.int64]:
        """(crystals,) first entry of the same crystal, by compound and lattice; an entry's own number where it is the first."""
        lengths = flat(self.tables.read("crystals", ["voronoi_lengths"])["voronoi_lengths"], np.float64)
        return near_duplicates(self.compounds, lengths.reshape(-1, 7))

    @cached_property
    def split_names(self) -> NDArray[np.object_]:
        """(crystals,) split of each entry."""
        return np.array([split_of(compound) for compound in self.compounds], dtype=object)

    def rows(
        self, split: str | None = None, *, unique: bool = False, per_compound: int | None = None
    ) -> NDArray[np.int64]:
        """Return the rows of some patches, ascending.

        Parameters
        ----------
        split : str, optional
            ``train``, ``validation`` or ``test``; all by default.
        unique : bool
            One patch for each contact orbit.
        per_compound : int, optional
            At most so many entries of each compound, chosen by the hash of their key.
        """
        selection = Selection(split=split, unique=unique, per_compound=per_compound)
        return select(self, selection)

    def cut(self, rows: Sequence[int] | NDArray[np.integer]) -> PatchArrays:
        """Cut patches again, in the order given; identical, bit for bit, to those that were counted."""
        index = np.asarray(rows, dtype=np.int64)
        address = self._address
        return cut_patches(
            self.packed,
            self._crystals_of(index),
            address.i[index],
            address.j[index],
            address.operation[index],
            address.lattice[index],
            parameters=self.settings.patches,
        )

    def describe(self, rows: Sequence[int] | NDArray[np.integer]) -> pa.Table:
        """Return what is known of some patches without their coordinates, in the order given.

        Parameters
        ----------
        rows : (patches,) int

        Returns
        -------
        pyarrow.Table
            ``patch_id`` (32 digits), ``entry``, the columns of ``patches``, ``symmetry`` (the operation that makes the image of
            j, as in a CIF), ``minimum_distance`` in Å.
        """
        index = np.asarray(rows, dtype=np.int64)
        taken = self.patches.take(pa.array(index))
        entries = self.tables.read("crystals", ["entry"])["entry"].take(pa.array(self._crystals_of(index)))
        symmetry = self._symmetry(index)
        columns = {"patch_id": pa.array(self._ids(index, entries.to_pylist(), symmetry), pa.string()), "entry": entries}
        columns |= {name: taken[name] for name in taken.column_names if name not in ("shard", "crystal")}
        columns["minimum_distance"] = pa.array((taken["minimum_distance"].to_numpy() * QUANTUM).astype(np.float32))
        return pa.table(columns | {"symmetry": pa.array(symmetry, pa.string())})

    @cached_property
    def packed(self) -> PackedMolecules:
        """Cells, operations and molecules in flat arrays."""
        crystals = self.tables.read("crystals", ["cell", "rotations", "translations", "n_molecules"])
        molecules = self.tables.read("molecules", ["atomic_numbers", *"xyz"])
        cells = flat(crystals["cell"], np.float64).reshape(-1, 6)
        return PackedMolecules(
            vectors=np.array([cell_vectors(cell) for cell in cells]).reshape(-1, 3, 3),
            operation_offsets=offsets(lengths(crystals["translations"]) // 3),
            rotations=flat(crystals["rotations"], np.float64).reshape(-1, 3, 3),
            translations=flat(crystals["translations"], np.float64).reshape(-1, 3),
            molecule_offsets=offsets(crystals["n_molecules"].to_numpy()),
            atom_offsets=offsets(lengths(molecules["atomic_numbers"])),
            atomic_numbers=flat(molecules["atomic_numbers"], np.int16),
            positions=np.stack([flat(molecules[axis], np.int32) for axis in "xyz"], axis=1),
        )

    @cached_property
    def node_flags(self) -> NDArray[np.uint8]:
        """Chemistry flags of all atoms of ``packed``."""
        return flat(self.tables.read("molecules", ["atom_flags"])["atom_flags"], np.uint8)

    def molecule_rows(self, row: int) -> tuple[int, int]:
        """Return the rows of ``molecules`` of both sides of a patch."""
        first = int(self.packed.molecule_offsets[self._crystals_of(np.array([row]))[0]])
        return first + int(self._address.i[row]), first + int(self._address.j[row])

    def molecule_of(self, row: int, side: int) -> MoleculeRow:
        """Return the molecule of one side (0 or 1) of a patch."""
        return self.molecule(self.molecule_rows(row)[side])

    def molecule(self, number: int) -> MoleculeRow:
        """Return one row of ``molecules``."""
        values = self.molecules.slice(number, 1).to_pylist()[0]
        return MoleculeRow(
            formula=values["formula"],
            compound=f"{values['formula']}|{values['graph_hash']}",
            smiles=values["smiles"],
            labels=tuple(values["labels"]),
            atomic_numbers=np.array(values["atomic_numbers"], dtype=np.int16),
            atom_flags=np.array(values["atom_flags"], dtype=np.uint8),
            bonds=np.array([values["bond_a"], values["bond_b"]], dtype=np.int32).T.reshape(-1, 2),
            bond_orders=np.array(values["bond_orders"], dtype=np.int8),
            aromatic_bonds=np.array(values["aromatic_bonds"], dtype=bool),
        )

    def row_of(self, patch_id: str) -> int:
        """Return the row of a patch by its 32-digit id. The ids are made one after another: in a large store it takes a while.

        Raises
        ------
        StoreError
            If the store has no such patch.
        """
        names = np.asarray(self.tables.read("crystals", ["entry"])["entry"].to_pylist(), dtype=object)
        for start in range(0, len(self), _IDS_AT_ONCE):
            rows = np.arange(start, min(start + _IDS_AT_ONCE, len(self)))
            ids = self._ids(rows, names[self._crystals_of(rows)].tolist(), self._symmetry(rows))
            if patch_id in ids:
                return start + ids.index(patch_id)
        raise StoreError(f"no patch {patch_id}", entry=str(self.path))

    def fingerprint(self) -> str:
        """Return a hash of the store's content, for the provenance of what is made from it."""
        text = "".join(sorted(self.manifest["checksums"].values()))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def verify(self) -> list[str]:
        """Return the names of the files that are missing or differ from their checksum."""
        return self.tables.verify()

    @cached_property
    def _patch_offsets(self) -> NDArray[np.int64]:
        return offsets(self.tables.column("crystals", "n_patches"))

    def _crystals_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._patch_offsets, rows, side="right") - 1

    @cached_property
    def _address(self) -> "_Address":
        table = self.tables.read("patches", ["i", "j", "operation", "lattice_a", "lattice_b", "lattice_c"])
        lattice = np.stack([table[f"lattice_{axis}"].to_numpy() for axis in "abc"], axis=1)
        return _Address(table["i"].to_numpy(), table["j"].to_numpy(), table["operation"].to_numpy(), lattice)

    @cached_property
    def _fingerprint(self) -> str:
        """Fingerprint of the patches' parameters as the builder had them, whatever settings have been added since."""
        return "".join(fingerprint_of(self.manifest["settings"][part]) for part in ("patches", "policies"))

    def _symmetry(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the text of the operation that makes the image of j."""
        packed, address = self.packed, self._address
        operations = packed.operation_offsets[self._crystals_of(rows)] + address.operation[rows]
        return [
            operation_text(packed.rotations[g].astype(np.int8), packed.translations[g] + lattice)
            for g, lattice in zip(operations.tolist(), address.lattice[rows], strict=True)
        ]

    def _ids(self, rows: NDArray[np.int64], entries: Sequence[str], symmetry: Sequence[str]) -> list[str]:
        sides = zip(self._address.i[rows].tolist(), self._address.j[rows].tolist(), strict=True)
        return [
            patch_id(entry, i, j, text, self._fingerprint)
            for entry, (i, j), text in zip(entries, sides, symmetry, strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Address:
    """Where the second molecule of each patch is."""

    i: NDArray[np.int16]
    j: NDArray[np.int16]
    operation: NDArray[np.int16]
    lattice: NDArray[np.int16]
