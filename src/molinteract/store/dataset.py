"""A store opened for reading: tables, splits, and patches cut again on demand.

Needs numpy, numba and pyarrow only: it opens on a machine without the chemistry packages.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.core.geometry import cell_vectors
from molinteract.core.settings import BuildSettings, parse_settings
from molinteract.patches.cut import cut_patches
from molinteract.patches.packed import PackedMolecules, offsets
from molinteract.patches.patch import PatchArrays
from molinteract.store.files import checksum, read_json
from molinteract.store.schema import TABLES, check_version
from molinteract.store.selection import Selection, select
from molinteract.store.splits import split_of


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
    manifest = read_json(path / "manifest.json")
    check_version(manifest.get("schema_version"), where=str(path))
    return PatchDataset(path, manifest)


class PatchDataset:
    """The patches of a store.

    Attributes
    ----------
    path : Path
    manifest : dict
        Settings, counts, checksums, versions.
    settings : BuildSettings
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.settings = parse_settings(BuildSettings, manifest["settings"], where=str(path / "manifest.json"))

    def __len__(self) -> int:
        return int(self.manifest["rows"]["patches"])

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
        return self._table("crystals")

    @cached_property
    def molecules(self) -> pa.Table:
        """One row for each symmetry-independent molecule, in the order of the entries."""
        return self._table("molecules")

    @cached_property
    def patches(self) -> pa.Table:
        """One row for each patch, in the order of the entries."""
        return self._table("patches")

    @cached_property
    def rejects(self) -> pa.Table:
        """One row for each entry that was not kept."""
        return pq.read_table(self.path / "rejects.parquet")

    @cached_property
    def crystal_rows(self) -> NDArray[np.int64]:
        """(patches,) row of ``crystals`` of each patch."""
        return np.repeat(np.arange(self.n_entries), self.crystals["n_patches"].to_numpy())

    @cached_property
    def compounds(self) -> NDArray[np.object_]:
        """(crystals,) compound key of each entry."""
        return np.asarray(self.crystals["compound"].to_pylist(), dtype=object)

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
        columns = self._address
        return cut_patches(
            self.packed,
            self.crystal_rows[index],
            columns["i"][index],
            columns["j"][index],
            columns["operation"][index],
            columns["lattice"][index],
            parameters=self.settings.patches,
        )

    @cached_property
    def packed(self) -> PackedMolecules:
        """Cells, operations and molecules in flat arrays."""
        crystals, molecules = self.crystals, self.molecules
        cells = _flat(crystals["cell"], np.float64).reshape(-1, 6)
        translations = _flat(crystals["translations"], np.float64).reshape(-1, 3)
        positions = np.stack([_flat(molecules[axis], np.int32) for axis in "xyz"], axis=1)
        return PackedMolecules(
            vectors=np.array([cell_vectors(cell) for cell in cells]).reshape(-1, 3, 3),
            operation_offsets=_list_offsets(crystals["translations"]) // 3,
            rotations=_flat(crystals["rotations"], np.float64).reshape(-1, 3, 3),
            translations=translations,
            molecule_offsets=offsets(crystals["n_molecules"].to_numpy()),
            atom_offsets=_list_offsets(molecules["atomic_numbers"]),
            atomic_numbers=_flat(molecules["atomic_numbers"], np.int16),
            positions=positions,
        )

    @cached_property
    def node_flags(self) -> NDArray[np.uint8]:
        """Chemistry flags of all atoms of ``packed``."""
        return _flat(self.molecules["atom_flags"], np.uint8)

    def molecule_rows(self, row: int) -> tuple[int, int]:
        """Return the rows of ``molecules`` of both sides of a patch."""
        first = int(self.packed.molecule_offsets[self.crystal_rows[row]])
        return first + int(self._address["i"][row]), first + int(self._address["j"][row])

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
        """Return the row of a patch by its 32-digit id.

        Raises
        ------
        StoreError
            If the store has no such patch.
        """
        found = [k for k, value in enumerate(self.patches["patch_id"].to_pylist()) if value.hex() == patch_id]
        if not found:
            raise StoreError(f"no patch {patch_id}", entry=str(self.path))
        return found[0]

    def fingerprint(self) -> str:
        """Return a hash of the store's content, for the provenance of what is made from it."""
        text = "".join(sorted(self.manifest["checksums"].values()))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def verify(self) -> list[str]:
        """Return the names of the files that are missing or differ from their checksum."""
        folder = self.path / "shards"
        return [
            name
            for name, value in self.manifest["checksums"].items()
            if not (folder / name).is_file() or checksum(folder / name) != value
        ]

    @cached_property
    def _address(self) -> dict[str, NDArray[Any]]:
        table = self.patches
        lattice = np.stack([table[f"lattice_{axis}"].to_numpy() for axis in "abc"], axis=1)
        return {name: table[name].to_numpy() for name in ("i", "j", "operation")} | {"lattice": lattice}

    def _table(self, name: str) -> pa.Table:
        names = sorted(n for n in self.manifest["checksums"] if n.startswith(f"{name}-"))
        try:
            tables = [pq.read_table(self.path / "shards" / n, schema=TABLES[name], memory_map=True) for n in names]
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"a shard of {name} cannot be read: {error}",
                entry=str(self.path),
                remedy="run molinteract build again with --resume",
            ) from error
        return pa.concat_tables(tables) if tables else TABLES[name].empty_table()


def _flat(column: pa.ChunkedArray, dtype: type[np.generic]) -> NDArray[Any]:
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype=dtype)


def _list_offsets(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return offsets(pc.list_value_length(column).to_numpy().astype(np.int64))
