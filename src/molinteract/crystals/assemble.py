"""A raw structure becomes a crystal, or the first reason why not (SPEC 1.1)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import formula
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits, Policies
from molinteract.crystals import checks, hydrogens
from molinteract.crystals.bonding import near_pairs
from molinteract.crystals.cell import CellContent, fill_cell
from molinteract.crystals.crystal import Crystal, Molecule
from molinteract.crystals.disorder import is_partial, majority, reject_disorder
from molinteract.crystals.graph import graph_hash
from molinteract.crystals.molecules import CellMolecules, extract, find_molecules
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.search import LARGEST, find_symmetry
from molinteract.crystals.sites import Sites, find_sites
from molinteract.crystals.symmetry import Symmetry, resolve_symmetry


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One cell, expanded and bonded."""

    sites: Sites
    symmetry: Symmetry
    vectors: NDArray[np.float64]
    content: CellContent
    molecules: CellMolecules


def assemble(raw: RawStructure, *, policies: Policies, limits: Limits) -> Crystal:
    """Judge a structure and find its molecules.

    Parameters
    ----------
    raw : RawStructure
        As the file states it.
    policies : Policies
        What to do with disorder and with several components.
    limits : Limits
        Largest molecule and cell.

    Returns
    -------
    Crystal

    Raises
    ------
    EntryError
        With the first reason of SPEC 1.1 that applies; net charge and radicals are judged later, from bond orders.
    """
    vectors = checks.checked_cell(raw)
    sites = find_sites(raw)
    symmetry = resolve_symmetry(raw, vectors)
    flags = list(raw.notes)
    sites, content, doubts = _expanded(raw, sites, symmetry, vectors, policies=policies, limits=limits)
    flags += doubts
    cell = _bonded(raw.entry, sites, symmetry, vectors, content)
    if len(symmetry.operations) == 1 and len(cell.molecules) > 1:
        if len(content) > LARGEST:
            flags.append(f"symmetry was not looked for in a cell of {len(content)} atoms given without")
        found = _with_found_symmetry(raw.entry, cell)
        if found is not None:
            cell = found
            flags.append(f"symmetry {cell.symmetry.space_group} found in a cell given without")
    return _judged_crystal(raw, cell, policies, limits, flags)


def _expanded(
    raw: RawStructure,
    sites: Sites,
    symmetry: Symmetry,
    vectors: NDArray[np.float64],
    *,
    policies: Policies,
    limits: Limits,
) -> tuple[Sites, CellContent, tuple[str, ...]]:
    if len(sites) > limits.cell_atoms:
        checks.check_elements(sites, entry=raw.entry)
        checks.check_size(len(sites), limits, what="cell", entry=raw.entry)
    partial = is_partial(sites, symmetry.operations, vectors)
    disordered = bool(partial.any())
    # an occupancy is looked at before copies are merged: two half atoms on one place would look like one whole
    if disordered and policies.disorder == "majority":
        sites, disordered = majority(sites, partial), False
    merged, content = fill_cell(sites, symmetry.operations, vectors)
    doubts = () if disordered else checks.check_content(raw, symmetry, content, vectors)
    checks.check_elements(sites, entry=raw.entry)
    checks.check_size(len(content), limits, what="cell", entry=raw.entry)
    if disordered:
        reject_disorder(sites, partial, entry=raw.entry)
    if any(sites.groups):
        doubts = (*doubts, "disorder groups are named, all fully occupied")
    return merged, content, doubts


def _bonded(entry: str, sites: Sites, symmetry: Symmetry, vectors: NDArray[np.float64], content: CellContent) -> _Cell:
    molecules = find_molecules(content, vectors)
    if molecules.suspicious:
        pairs = near_pairs(content.fractional, content.atomic_numbers, vectors)
        checks.check_distances(pairs, content, sites, entry=entry)
    return _Cell(sites, symmetry, vectors, content, molecules)


def _with_found_symmetry(entry: str, cell: _Cell) -> _Cell | None:
    found = find_symmetry(cell.vectors, cell.content.fractional, cell.content.atomic_numbers)
    if found is None:
        return None
    operations, symbol = found
    symmetry = replace(cell.symmetry, operations=operations, space_group=symbol, origin="found", named_order=0)
    sites, content = fill_cell(cell.sites, operations, cell.vectors)
    if len(content) != len(cell.content):
        return None
    try:
        return _bonded(entry, sites, symmetry, cell.vectors, content)
    except EntryError:
        return None  # the cell as given was sound: averaging over a doubtful symmetry must not break it


def _judged_crystal(raw: RawStructure, cell: _Cell, policies: Policies, limits: Limits, flags: list[str]) -> Crystal:
    largest = int(np.bincount(cell.molecules.molecule).max())
    checks.check_size(largest, limits, what="molecule", entry=raw.entry)
    if cell.molecules.dimensions:
        shape = ("chain", "layer", "framework")[cell.molecules.dimensions - 1]
        raise EntryError(Reason.POLYMERIC, f"bonded atoms run on for ever as a {shape}", entry=raw.entry)
    orbits = max(cell.molecules.orbit.tolist()) + 1
    molecules = tuple([_molecule(raw.entry, cell, orbit) for orbit in range(orbits)])
    _check_components(raw.entry, molecules, policies)
    hydrogens.check_formula(cell.content.atomic_numbers, raw.formula_sum, entry=raw.entry)
    for molecule in molecules:
        hydrogens.check_carbons(molecule, entry=raw.entry)
    doubt = checks.content_doubt(raw, cell.content.atomic_numbers)
    if doubt:
        flags.append(doubt)
    operations = cell.symmetry.operations
    return Crystal(
        entry=raw.entry,
        source=raw.source,
        file=raw.file,
        block=raw.block,
        cell=raw.cell,
        vectors=cell.vectors,
        space_group=cell.symmetry.space_group,
        rotations=operations.rotations,
        translations=operations.translations,
        molecules=molecules,
        z_prime=len(cell.molecules) / len(operations),
        density=checks.density(cell.content, cell.vectors),
        flags=tuple(flags),
    )


def _molecule(entry: str, cell: _Cell, orbit: int) -> Molecule:
    found = extract(
        cell.content,
        cell.molecules,
        orbit,
        sites=cell.sites,
        operations=cell.symmetry.operations,
        vectors=cell.vectors,
    )
    if found is None:
        raise EntryError(Reason.SYMMETRY_ERROR, "the operations do not map molecules onto molecules", entry=entry)
    labels = cell.sites.labels
    return Molecule(
        labels=tuple([labels[s] for s in found.site.tolist()]),
        atomic_numbers=found.atomic_numbers,
        positions=found.positions,
        bonds=found.bonds,
        formula=formula(found.atomic_numbers),
        graph_hash=graph_hash(found.atomic_numbers, found.bonds),
        images=found.images,
        stabiliser=found.stabiliser,
        stabiliser_shifts=found.stabiliser_shifts,
    )


def _check_components(entry: str, molecules: tuple[Molecule, ...], policies: Policies) -> None:
    if len(molecules) == 1 or policies.components == "any":
        return
    compounds = sorted({m.compound: m.formula for m in molecules}.values())
    if len(compounds) > 1:
        raise EntryError(
            Reason.SEVERAL_COMPONENTS,
            f"{len(compounds)} compounds: {', '.join(compounds)}",
            entry=entry,
            remedy="keep salts, solvates and co-crystals with --set policies.components=any",
        )
