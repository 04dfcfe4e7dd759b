"""The Cambridge Structural Database through CCDC's own package ``ccdc``, for those who have its licence.

A plug-in: nothing else imports it, and it is loaded when a ``csd:`` source is named. It was written against CCDC's public
documentation and uses these calls only: ``ccdc.io.EntryReader`` with ``len``, ``identifier(i)`` and ``entry(refcode)``;
``ccdc.search.Search.Settings`` with ``no_errors``, ``no_metals`` and ``test(entry)``; of an entry ``identifier``,
``has_3d_structure``, ``is_organic``, ``is_organometallic``, ``is_polymeric``, ``has_disorder``, ``molecule.smiles`` and
``crystal``; of a crystal ``cell_lengths``, ``cell_angles``, ``symmetry_operators``, ``spacegroup_symbol`` and
``asymmetric_unit_molecule``; of an atom ``label``, ``atomic_symbol``, ``fractional_coordinates``, ``occupancy`` and
``formal_charge``; of a bond ``atoms`` and ``bond_type``.

The paper's filters are the CSD's own flags; what passes them goes through every check of this program too.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from molinteract.core.errors import SourceError
from molinteract.core.optional import require
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import AROMATIC, RawStructure, StatedBonds
from molinteract.crystals.rejected import Rejected
from molinteract.sources.files import unreadable
from molinteract.sources.item import Entries, SourceItem, Update

PREFIX: Final = "csd:"
_REFCODE: Final = re.compile(r"^[A-Z]{6}(\d{2})?$")
_BOND_TYPES: Final = {"Single": 1, "Double": 2, "Triple": 3, "Aromatic": AROMATIC}
"""CSD bond types that fix an order; of an aromatic ring the alternation is ours to choose. Others (delocalised, pi) leave the
whole molecule to this program's own perception."""


def items(source: str) -> Iterator[SourceItem]:
    """List the items of a ``csd:`` source; ``csd/<refcode>`` is the key.

    Parameters
    ----------
    source : str
        ``csd:`` for every entry, ``csd:REFCODE,REFCODE``, or ``csd:@list.gcd`` with a refcode a line.

    Raises
    ------
    MissingExtraError
        Without CCDC's package.
    SourceError
        If it names nothing, or the package finds no database.
    """
    reader = _reader()
    named = source.removeprefix(PREFIX)
    if not named:
        refcodes: Iterator[str] = (str(reader.identifier(k)) for k in range(len(reader)))
    elif named.startswith("@"):
        refcodes = _listed(Path(named[1:]))
    else:
        refcodes = iter(named.replace(",", " ").upper().split())
    seen: set[str] = set()
    for refcode in refcodes:
        if not _REFCODE.match(refcode):
            raise SourceError(f"{refcode!r} is no refcode", entry=source, remedy="six letters, and two digits or none")
        if refcode not in seen:
            seen.add(refcode)
            yield SourceItem(f"csd/{refcode}", source, "", "csd", refcode)
    if not seen:
        raise SourceError("no refcode there", entry=source, remedy="one refcode a line")


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read one entry of the CSD."""
    reader = _reader()
    try:
        entry = reader.entry(item.member)
    except (RuntimeError, KeyError, ValueError) as error:
        yield unreadable(item, f"the CSD has no such entry: {error}")
        return
    found = _judged(entry, item)
    if isinstance(found, RawStructure):
        update(_canonical(found))
    yield found


@lru_cache(maxsize=1)
def _reader() -> Any:
    io = _package("ccdc.io")
    try:
        return io.EntryReader("CSD")
    except RuntimeError as error:
        raise SourceError(
            f"CCDC's package finds no database: {error}", entry=PREFIX, remedy="check its licence"
        ) from error


@lru_cache(maxsize=1)
def _tests() -> tuple[Any, Any]:
    """Return CCDC's search settings that refuse errors, and metals."""
    search = _package("ccdc.search").Search
    no_errors, no_metals = search.Settings(), search.Settings()
    no_errors.no_errors = True
    no_metals.no_metals = True
    return no_errors, no_metals


def _package(name: str) -> Any:
    return require(
        name,
        purpose="reading the CSD",
        remedy="install the CSD Python API that comes with your CCDC licence into this environment",
    )


def _listed(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                if line.strip() and not line.startswith("#"):
                    yield line.split()[0].upper()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", entry=str(path)) from error


def _judged(entry: Any, item: SourceItem) -> RawStructure | Rejected:
    fault = _filtered(entry)
    if fault is None:
        structure = _structure(entry, item)
        if structure is not None:
            return structure
        fault = Reason.NO_COORDINATES, "an atom of the asymmetric unit has no coordinates"
    return Rejected(item.source, item.key, item.member, item.key, *fault)


def _filtered(entry: Any) -> tuple[Reason, str] | None:
    """Return why the CSD's flags refuse an entry: the paper's filters, in the order of the reasons."""
    no_errors, no_metals = _tests()
    for refused, reason, detail in (
        (not no_errors.test(entry), Reason.PARSE_ERROR, "the CSD marks errors in it"),
        (not entry.has_3d_structure, Reason.NO_COORDINATES, "the CSD has no 3D coordinates of it"),
        (entry.is_organometallic or not no_metals.test(entry), Reason.METAL, "the CSD says that it has a metal"),
        (not entry.is_organic, Reason.NO_CARBON, "the CSD does not call it organic"),
        (entry.has_disorder, Reason.DISORDER, "the CSD says that it is disordered"),
        (entry.is_polymeric, Reason.POLYMERIC, "the CSD says that it is polymeric"),
    ):
        if refused:
            return reason, detail
    smiles = str(entry.molecule.smiles or "")
    if len(set(smiles.split("."))) != 1 or not smiles:
        return Reason.SEVERAL_COMPONENTS, f"SMILES of the CSD: {smiles or 'none'}"
    return None


def _structure(entry: Any, item: SourceItem) -> RawStructure | None:
    crystal = entry.crystal
    unit = crystal.asymmetric_unit_molecule
    atoms = list(unit.atoms)
    points = [atom.fractional_coordinates for atom in atoms]
    if not atoms or any(point is None for point in points):
        return None
    rows = {str(atom.label): k for k, atom in enumerate(atoms)}
    return RawStructure(
        entry=item.key,
        source=item.source,
        file=item.key,
        block=item.member,
        cell=np.array([*crystal.cell_lengths, *crystal.cell_angles], dtype=np.float64),
        operations=tuple(str(text) for text in crystal.symmetry_operators),
        hall="",
        hermann_mauguin=str(crystal.spacegroup_symbol or ""),
        space_group_number=0,
        labels=tuple(str(atom.label) for atom in atoms),
        type_symbols=tuple(str(atom.atomic_symbol) for atom in atoms),
        fractional=np.array([list(point) for point in points], dtype=np.float64),
        occupancies=np.array([float(atom.occupancy) for atom in atoms]),
        disorder_groups=("",) * len(atoms),
        calc_flags=("",) * len(atoms),
        smiles=str(entry.molecule.smiles).split(".")[0],
        stated=_stated(unit, rows, atoms),
    )


def _stated(unit: Any, rows: dict[str, int], atoms: list[Any]) -> StatedBonds | None:
    """Return bond types and charges, where labels are distinct and every type fixes an order."""
    bonds = []
    for bond in unit.bonds:
        first, second = (rows[str(atom.label)] for atom in bond.atoms)
        kind = _BOND_TYPES.get(str(bond.bond_type))
        if kind is None:
            return None
        bonds.append((first, second, kind))
    if len(rows) != len(atoms):
        return None
    return StatedBonds(tuple(bonds), tuple(int(atom.formal_charge) for atom in atoms))


def _canonical(raw: RawStructure) -> bytes:
    """Return what decides the entry, as bytes to hash."""
    numbers = [raw.cell.tolist(), raw.fractional.tolist(), raw.occupancies.tolist()]
    stated = [raw.stated.bonds, raw.stated.charges] if raw.stated else []
    words = [raw.operations, raw.hermann_mauguin, raw.labels, raw.type_symbols, raw.smiles, stated]
    return json.dumps([numbers, words]).encode()
