"""Molecules, dimers and clusters of a kept entry, for Mercury, PyMOL and programs of quantum chemistry."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import StoreError
from molinteract.crystals.crystal import Crystal
from molinteract.crystals.formats import Assembly, box_cif_text, crystal_cif_text, file_name, sdf_text, xyz_text
from molinteract.crystals.operations import operation_text
from molinteract.patches.patch import Interaction
from molinteract.store.process import ProcessedEntry

What = Literal["molecules", "dimers", "clusters"]
Format = Literal["xyz", "sdf", "cif"]


def assemblies(entry: ProcessedEntry, what: What) -> list[Assembly]:
    """Cut molecules out of a crystal.

    Parameters
    ----------
    entry : ProcessedEntry
    what : str
        ``molecules``: each independent one; ``dimers``: one for each contact orbit; ``clusters``: each independent
        molecule with all its neighbours.
    """
    if what == "molecules":
        return [_molecule(entry, number) for number in range(len(entry.crystal.molecules))]
    return list(_dimers(entry) if what == "dimers" else _clusters(entry))


def export(entry: ProcessedEntry, *, what: What, format: Format) -> list[tuple[str, str]]:
    """Return (file name, text) of each file to write.

    A CIF of ``molecules`` is the crystal: cell, operations and each independent molecule whole. A CIF of dimers or clusters
    holds them alone in a P 1 box.

    Parameters
    ----------
    entry : ProcessedEntry
    what : str
        ``molecules``, ``dimers`` or ``clusters``.
    format : str
        ``xyz``, ``sdf`` or ``cif``.
    """
    if what == "molecules" and format == "cif":
        name = file_name(entry.crystal.entry)
        return [(f"{name}.cif", crystal_cif_text(entry.crystal, name=name))]
    write = {"xyz": xyz_text, "sdf": sdf_text, "cif": box_cif_text}[format]
    return [(f"{assembly.name}.{format}", write(assembly)) for assembly in assemblies(entry, what)]


def write_files(files: Sequence[tuple[str, str]], folder: Path) -> list[Path]:
    """Write the files into a folder and return their paths.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", entry=str(folder)) from error
    return [folder / name for name, _ in files]


def _molecule(entry: ProcessedEntry, number: int) -> Assembly:
    molecule = entry.crystal.molecules[number]
    return _joined(entry, [(number, molecule.positions)], f"molecule_{number + 1}", molecule.formula)


def _dimers(entry: ProcessedEntry) -> Iterator[Assembly]:
    table, seen = entry.patches, set[int]()
    for k in range(len(table)):
        if int(table.orbit[k]) in seen:
            continue
        seen.add(int(table.orbit[k]))
        kind = Interaction(int(table.label[k])).name.lower().replace("_", " ")
        comment = f"{_symmetry(entry, k)}; {int(table.multiplicity[k])} around the first molecule; {kind}"
        i = int(table.i[k])
        parts = [(i, entry.crystal.molecules[i].positions), _neighbour(entry, k)]
        yield _joined(entry, parts, f"dimer_{len(seen):02d}", comment)


def _clusters(entry: ProcessedEntry) -> Iterator[Assembly]:
    table = entry.patches
    for i, molecule in enumerate(entry.crystal.molecules):
        rows = np.flatnonzero(table.i == i).tolist()
        parts = [(i, molecule.positions), *(_neighbour(entry, k) for k in rows)]
        yield _joined(entry, parts, f"cluster_{i + 1}", f"molecule {i + 1} and its {len(rows)} neighbours")


def _symmetry(entry: ProcessedEntry, k: int) -> str:
    table, operation = entry.patches, int(entry.patches.operation[k])
    crystal = entry.crystal
    return operation_text(crystal.rotations[operation], crystal.translations[operation] + table.lattice[k])


def _neighbour(entry: ProcessedEntry, k: int) -> tuple[int, NDArray[np.float64]]:
    table = entry.patches
    j = int(table.j[k])
    return j, image_positions(entry.crystal, j, int(table.operation[k]), table.lattice[k])


def image_positions(
    crystal: Crystal, molecule: int, operation: int, lattice: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the Cartesian positions (atoms, 3) in Å of an image of an independent molecule."""
    fractional = crystal.molecules[molecule].positions @ np.linalg.inv(crystal.vectors)
    moved = fractional @ crystal.rotations[operation].T.astype(np.float64)
    placed: NDArray[np.float64] = (moved + crystal.translations[operation] + lattice) @ crystal.vectors
    return placed


def _joined(
    entry: ProcessedEntry, parts: Sequence[tuple[int, NDArray[np.float64]]], name: str, comment: str
) -> Assembly:
    molecules = [entry.crystal.molecules[number] for number, _ in parts]
    sizes = [len(molecule.labels) for molecule in molecules]
    starts = np.cumsum([0, *sizes[:-1]])
    chemistry = [_chemistry(entry, number) for number, _ in parts]
    return Assembly(
        name=f"{file_name(entry.crystal.entry)}_{name}",
        comment=comment,
        labels=tuple(label for molecule in molecules for label in molecule.labels),
        atomic_numbers=np.concatenate([molecule.atomic_numbers for molecule in molecules]),
        positions=np.concatenate([positions for _, positions in parts]),
        bonds=np.concatenate(
            [m.bonds + start for m, start in zip(molecules, starts.tolist(), strict=True)], dtype=np.int32
        ),
        orders=np.concatenate([orders for orders, _, _ in chemistry]),
        charges=np.concatenate([charges for _, charges, _ in chemistry]),
        radicals=np.concatenate([radicals for _, _, radicals in chemistry]),
        molecule_index=np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
    )


def _chemistry(entry: ProcessedEntry, number: int) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]:
    """Return bond orders, charges and radicals of the atoms that the hydrogen policy has left."""
    molecule, perception = entry.crystal.molecules[number], entry.perceptions[number]
    orders, charges, radicals = perception.bond_orders, perception.formal_charges, perception.radicals
    if len(molecule.labels) == len(charges):
        return orders, charges, radicals
    heavy = perception.heavy_atoms
    return orders[perception.heavy_bonds], charges[heavy], radicals[heavy]
