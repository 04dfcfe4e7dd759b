"""Processed entries become columns, some thousand entries at a time."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.chemistry.perception import Perception
from molinteract.crystals.crystal import QUANTUM, Crystal, Molecule
from molinteract.crystals.lattice import voronoi_lengths
from molinteract.crystals.rejected import Rejected
from molinteract.patches.packed import offsets
from molinteract.patches.patch import Interaction, PatchTable
from molinteract.store.process import ProcessedEntry
from molinteract.store.schema import TABLES, group_of

Row = dict[str, Any]

_LABELS = pa.array([kind.name.lower() for kind in Interaction])


class Columns:
    """Rows of every table of one shard, collected until they are taken out.

    Parameters
    ----------
    shard : int
        Number of the shard.

    Attributes
    ----------
    crystals : int
        Crystals added so far: the next one's number in the shard.
    """

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.crystals = 0
        self._rows: dict[str, list[Row]] = {}
        self._patches: list[PatchTable] = []
        self._clear()

    def __len__(self) -> int:
        """Return the number of entries waiting, kept and rejected, and of items."""
        return sum(len(self._rows[name]) for name in ("crystals", "rejects", "items"))

    def add_entry(self, entry: ProcessedEntry) -> None:
        """Add a kept entry."""
        place = {"shard": self.shard, "crystal": self.crystals}
        self._rows["crystals"].append(place | _crystal_row(entry))
        for number, (perception, flags) in enumerate(zip(entry.perceptions, entry.flags, strict=True)):
            self._rows["molecules"].append(place | _molecule_row(entry.crystal, number, perception, flags))
        self._patches.append(entry.patches)
        self.crystals += 1

    def add_reject(self, rejected: Rejected) -> None:
        """Add an entry that is not kept."""
        self._rows["rejects"].append(_reject_row(rejected))

    def add_item(self, record: Row) -> None:
        """Add an item that was read (``store.manifest.item_record``)."""
        self._rows["items"].append(record)

    def take(self) -> dict[str, pa.Table]:
        """Return what was added since the last call, as a table of each kind."""
        tables = {
            name: pa.Table.from_arrays(
                [_as_array([row[field.name] for row in rows], field.type) for field in TABLES[name]],
                schema=TABLES[name],
            )
            for name, rows in self._rows.items()
        }
        first = self.crystals - len(self._rows["crystals"])
        tables["patches"] = _patch_columns(self._patches, shard=self.shard, first=first)
        self._clear()
        return tables

    def _clear(self) -> None:
        self._rows = {name: [] for name in TABLES if name != "patches"}
        self._patches = []


def _as_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_list(kind):
        return pa.array(values, type=kind)
    starts = pa.array(offsets([len(value) for value in values]).astype(np.int32))
    if pa.types.is_string(kind.value_type):
        flat: Any = list(chain.from_iterable(values))
    else:
        flat = np.concatenate(values) if values else np.zeros(0)
    return pa.ListArray.from_arrays(starts, pa.array(flat).cast(kind.value_type), type=kind)


def _crystal_row(entry: ProcessedEntry) -> Row:
    crystal = entry.crystal
    return {
        "entry": crystal.entry,
        "source": crystal.source,
        "file": crystal.file,
        "block": crystal.block,
        "group": group_of(crystal.file),
        "compound": crystal.compound,
        "cell": crystal.cell,
        "voronoi_lengths": voronoi_lengths(crystal.vectors, crystal.rotations, crystal.translations),
        "space_group": crystal.space_group,
        "rotations": crystal.rotations.ravel(),
        "translations": crystal.translations.ravel(),
        "z_prime": crystal.z_prime,
        "molecules_in_cell": crystal.molecules_in_cell,
        "density": crystal.density,
        "flags": crystal.flags,
        "smiles_source": entry.smiles,
        "n_molecules": len(crystal.molecules),
        "n_patches": len(entry.patches),
        "n_empty": entry.patches.n_empty,
    }


def _molecule_row(crystal: Crystal, number: int, perception: Perception, flags: NDArray[np.uint8]) -> Row:
    molecule = crystal.molecules[number]
    steps = np.rint(molecule.positions / QUANTUM).astype(np.int32)
    orders, aromatic, charges = _kept_chemistry(molecule, perception)
    return {
        "molecule": number,
        "formula": molecule.formula,
        "graph_hash": molecule.graph_hash,
        "smiles": perception.smiles,
        "status": perception.status,
        "multiplicity": len(molecule.images),
        "labels": molecule.labels,
        "atomic_numbers": molecule.atomic_numbers,
        "x": steps[:, 0],
        "y": steps[:, 1],
        "z": steps[:, 2],
        "atom_flags": flags,
        "formal_charges": charges,
        "bond_a": molecule.bonds[:, 0],
        "bond_b": molecule.bonds[:, 1],
        "bond_orders": orders,
        "aromatic_bonds": aromatic,
    }


def _kept_chemistry(
    molecule: Molecule, perception: Perception
) -> tuple[NDArray[np.int8], NDArray[np.bool_], NDArray[np.int8]]:
    """Return bond orders, aromatic bonds and charges of what the hydrogen policy has left.

    Bonds to hydrogen are single and end in an atom that is gone: what is left keeps its order.
    """
    orders, aromatic, charges = (
        perception.bond_orders, perception.aromatic_bonds, perception.formal_charges,
    )  # fmt: skip
    if len(molecule.bonds) != len(orders):
        keep = perception.heavy_bonds
        return orders[keep], aromatic[keep], charges[perception.heavy_atoms]
    return orders, aromatic, charges


def _patch_columns(patches: Sequence[PatchTable], *, shard: int, first: int) -> pa.Table:
    schema = TABLES["patches"]
    counts = [len(table) for table in patches]
    total = sum(counts)
    if not total:
        return schema.empty_table()

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(table, name) for table in patches])

    lattice = joined("lattice")
    columns: dict[str, Any] = {
        "shard": np.full(total, shard),
        "crystal": np.repeat(np.arange(first, first + len(patches)), counts),
        **{f"lattice_{axis}": lattice[:, k] for k, axis in enumerate("abc")},
        "minimum_distance": np.rint(joined("minimum_distance") / QUANTUM),
        "label": _LABELS.take(pa.array(joined("label"))),
    }
    columns |= {field.name: joined(field.name) for field in schema if field.name not in columns}
    return pa.Table.from_arrays([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)


def _reject_row(rejected: Rejected) -> Row:
    return {
        "source": rejected.source,
        "file": rejected.file,
        "block": rejected.block,
        "entry": rejected.entry,
        "group": group_of(rejected.file),
        "reason": rejected.reason.value,
        "detail": rejected.detail,
        "seconds": rejected.seconds,
    }
