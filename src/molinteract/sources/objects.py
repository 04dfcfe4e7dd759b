"""Structures held in Python as a source: ASE ``Atoms`` and pymatgen ``Structure``; neither package is imported here."""

import hashlib
import json
from typing import Any, Final

import numpy as np

from molinteract.core.elements import ATOMIC_NUMBERS
from molinteract.core.errors import SourceError
from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources.item import Entries, SourceItem, Update
from molinteract.sources.whole_cell import Place, whole_cell

SOURCE: Final = "python:"
"""What a store says such an entry is from."""


def is_structure(thing: object) -> bool:
    """Return whether an object is a structure that can be read."""
    packages = {kind.__module__.partition(".")[0] for kind in type(thing).__mro__}
    return ("ase" in packages and hasattr(thing, "get_atomic_numbers")) or (
        "pymatgen" in packages and hasattr(thing, "lattice")
    )


def structure_of(thing: object, *, name: str = "structure") -> RawStructure | Rejected:
    """Return the raw structure of an object.

    The cell is taken as it is given: symmetry that the object knows is not used but found again. An ASE object must be
    periodic in three directions; occupancies (``Atoms.info["occupancy"]``, pymatgen's species) are kept.

    Parameters
    ----------
    thing : ase.Atoms or pymatgen.core.Structure
    name : str
        Name of the entry.

    Raises
    ------
    SourceError
        If the object is of another kind.
    """
    return _structure(_values(thing), Place(source=SOURCE, file=name, block=""))


def item_of(thing: object, number: int) -> SourceItem:
    """Return an item that holds all of an object; the key is ``python:<number>``.

    Raises
    ------
    SourceError
        If the object is of another kind.
    """
    text = json.dumps(_values(thing))
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return SourceItem(f"{SOURCE}{number}", SOURCE, text, "object", digest, len(text))


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read the one entry of an item made by ``item_of``."""
    update(item.path.encode())
    yield _structure(json.loads(item.path), Place(source=SOURCE, file=item.key, block=""))


def _structure(values: dict[str, Any], place: Place) -> RawStructure | Rejected:
    if values["fault"]:
        return Rejected(place.source, place.file, place.block, place.entry, Reason.PARSE_ERROR, values["fault"])
    occupancies = values["occupancies"]
    return whole_cell(place, values["numbers"], values["positions"], values["vectors"], occupancies=occupancies)


def _values(thing: object) -> dict[str, Any]:
    """Return the contents as plain values, exact: Python prints a float so that it is read back the same."""
    if is_structure(thing):
        return _of_ase(thing) if hasattr(thing, "get_atomic_numbers") else _of_pymatgen(thing)
    raise SourceError(
        f"a {type(thing).__module__}.{type(thing).__name__} is no source",
        remedy="give a path, an ase.Atoms or a pymatgen Structure",
    )


def _plain(numbers: Any, positions: Any, vectors: Any, *, occupancies: Any, fault: str) -> dict[str, Any]:
    return {
        "numbers": np.asarray(numbers, dtype=np.int64).tolist(),
        "positions": np.asarray(positions, dtype=np.float64).tolist(),
        "vectors": np.asarray(vectors, dtype=np.float64).tolist(),
        "occupancies": np.asarray(occupancies, dtype=np.float64).tolist(),
        "fault": fault,
    }


def _of_ase(atoms: Any) -> dict[str, Any]:
    symbols = atoms.get_chemical_symbols()
    occupancies = np.full(len(symbols), np.nan)
    given, kinds = atoms.info.get("occupancy"), atoms.arrays.get("spacegroup_kinds")
    if given and kinds is not None:
        sites = [given.get(str(kind), {}) for kind in kinds.tolist()]
        occupancies = np.array([site.get(symbol, 1.0) for site, symbol in zip(sites, symbols, strict=True)])
    fault = "" if all(atoms.pbc) else "it is not periodic in three directions: set pbc=True if it is a crystal"
    numbers = atoms.get_atomic_numbers()
    return _plain(numbers, atoms.get_positions(), np.asarray(atoms.cell), occupancies=occupancies, fault=fault)


def _of_pymatgen(structure: Any) -> dict[str, Any]:
    species = [(kind, share, site.coords) for site in structure for kind, share in site.species.items()]
    unknown = sorted({str(kind) for kind, _, _ in species if getattr(kind, "symbol", "") not in ATOMIC_NUMBERS})
    fault = f"{', '.join(unknown)} is no element" if unknown else ""
    numbers = [] if unknown else [ATOMIC_NUMBERS[kind.symbol] for kind, _, _ in species]
    shares, points = [share for _, share, _ in species], [point for _, _, point in species]
    return _plain(numbers, points, structure.lattice.matrix, occupancies=shares, fault=fault)
