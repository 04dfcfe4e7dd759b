"""A processed entry as rows of the tables."""

from typing import Any

import numpy as np

from molinteract.chemistry.perception import Perception
from molinteract.core.settings import BuildSettings
from molinteract.crystals.crystal import QUANTUM, Crystal, Molecule
from molinteract.crystals.operations import operation_text
from molinteract.crystals.rejected import Rejected
from molinteract.patches.identity import patch_id
from molinteract.patches.patch import Interaction
from molinteract.store.process import ProcessedEntry
from molinteract.store.schema import group_of

Row = dict[str, Any]


def crystal_row(entry: ProcessedEntry) -> Row:
    """Return the row of ``crystals``."""
    crystal = entry.crystal
    return {
        "entry": crystal.entry,
        "source": crystal.source,
        "file": crystal.file,
        "block": crystal.block,
        "group": group_of(crystal.file),
        "compound": crystal.compound,
        "cell": crystal.cell.tolist(),
        "space_group": crystal.space_group,
        "rotations": crystal.rotations.ravel().tolist(),
        "translations": crystal.translations.ravel().tolist(),
        "z_prime": crystal.z_prime,
        "molecules_in_cell": crystal.molecules_in_cell,
        "density": crystal.density,
        "flags": list(crystal.flags),
        "smiles_source": entry.smiles,
        "n_molecules": len(crystal.molecules),
        "n_patches": len(entry.patches),
        "n_empty": entry.patches.n_empty,
    }


def molecule_rows(entry: ProcessedEntry) -> list[Row]:
    """Return the rows of ``molecules``."""
    return [
        _molecule_row(entry.crystal, number, perception, flags.tolist())
        for number, (perception, flags) in enumerate(zip(entry.perceptions, entry.flags, strict=True))
    ]


def _molecule_row(crystal: Crystal, number: int, perception: Perception, flags: list[int]) -> Row:
    molecule = crystal.molecules[number]
    steps = np.rint(molecule.positions / QUANTUM).astype(np.int32)
    orders, aromatic, charges = _kept_chemistry(molecule, perception)
    return {
        "entry": crystal.entry,
        "molecule": number,
        "formula": molecule.formula,
        "graph_hash": molecule.graph_hash,
        "smiles": perception.smiles,
        "status": perception.status,
        "multiplicity": len(molecule.images),
        "labels": list(molecule.labels),
        "atomic_numbers": molecule.atomic_numbers.tolist(),
        "x": steps[:, 0].tolist(),
        "y": steps[:, 1].tolist(),
        "z": steps[:, 2].tolist(),
        "atom_flags": flags,
        "formal_charges": charges,
        "bond_a": molecule.bonds[:, 0].tolist(),
        "bond_b": molecule.bonds[:, 1].tolist(),
        "bond_orders": orders,
        "aromatic_bonds": aromatic,
    }


def _kept_chemistry(molecule: Molecule, perception: Perception) -> tuple[list[int], list[bool], list[int]]:
    """Return bond orders, aromatic bonds and charges of what the hydrogen policy has left.

    Bonds to hydrogen are single and end in an atom that is gone: what is left keeps its order.
    """
    orders, aromatic, charges = (
        perception.bond_orders, perception.aromatic_bonds, perception.formal_charges,
    )  # fmt: skip
    if len(molecule.bonds) != len(orders):
        keep = perception.heavy_bonds
        return orders[keep].tolist(), aromatic[keep].tolist(), charges[perception.heavy_atoms].tolist()
    return orders.tolist(), aromatic.tolist(), charges.tolist()


def patch_rows(entry: ProcessedEntry, settings: BuildSettings) -> list[Row]:
    """Return the rows of ``patches``."""
    crystal, table = entry.crystal, entry.patches
    fingerprint = settings.patches.fingerprint() + settings.policies.fingerprint()
    rows = []
    for k in range(len(table)):
        operation = int(table.operation[k])
        lattice = table.lattice[k].tolist()
        text = operation_text(crystal.rotations[operation], crystal.translations[operation] + lattice)
        i, j = int(table.i[k]), int(table.j[k])
        rows.append(
            {
                "patch_id": bytes.fromhex(patch_id(crystal.entry, i, j, text, fingerprint)),
                "entry": crystal.entry,
                "i": i,
                "j": j,
                "operation": operation,
                "lattice_a": lattice[0],
                "lattice_b": lattice[1],
                "lattice_c": lattice[2],
                "symmetry": text,
                "orbit": int(table.orbit[k]),
                "multiplicity": int(table.multiplicity[k]),
                "minimum_distance": float(table.minimum_distance[k]),
                "n_nodes": int(table.n_nodes[k]),
                "n_inter": int(table.n_inter[k]),
                "n_intra": int(table.n_intra[k]),
                "label": Interaction(int(table.label[k])).name.lower(),
            }
        )
    return rows


def reject_row(rejected: Rejected) -> Row:
    """Return the row of ``rejects``."""
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
