"""Which operations an entry has: its own list first, then the Hall symbol, the Hermann–Mauguin symbol, the number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.operations import Operations, group_defect, make_operations, parse_operations
from molinteract.crystals.raw import RawStructure


@dataclass(frozen=True, slots=True, eq=False)
class Symmetry:
    """Operations of an entry, where they come from, and the named group they can be compared with.

    Attributes
    ----------
    operations : Operations
    space_group : str
        Hermann–Mauguin symbol, empty where unknown.
    origin : str
        ``operations``, ``Hall symbol``, ``Hermann-Mauguin symbol``, ``number`` or ``found``.
    named_order : int
        Number of operations of the named group in this setting; 0 where no table has it.
    """

    operations: Operations
    space_group: str
    origin: str
    named_order: int


def resolve_symmetry(raw: RawStructure, vectors: NDArray[np.float64]) -> Symmetry:
    """Return the operations of an entry.

    Parameters
    ----------
    raw : RawStructure
    vectors : (3, 3) float64
        Cell vectors as rows, Å.

    Raises
    ------
    EntryError
        ``symmetry_error`` if nothing gives operations, or they form no group with this cell.
    """
    named = _named_group(raw)
    symbol = raw.hermann_mauguin or (named.xhm() if named else "")
    order = len(named.operations()) if named else 0
    if raw.operations:
        operations, origin = _listed(raw), "operations"
    else:
        operations, origin = _from_names(raw, named)
    defect = group_defect(operations, vectors)
    if defect:
        raise EntryError(Reason.SYMMETRY_ERROR, defect, entry=raw.entry)
    return Symmetry(operations, symbol, origin, order)


def _listed(raw: RawStructure) -> Operations:
    try:
        return parse_operations(raw.operations)
    except ValueError as error:
        raise EntryError(Reason.SYMMETRY_ERROR, str(error), entry=raw.entry) from None


def _from_names(raw: RawStructure, named: gemmi.SpaceGroup | None) -> tuple[Operations, str]:
    if raw.hall:
        try:
            return _of_group(gemmi.symops_from_hall(raw.hall)), "Hall symbol"
        except (ValueError, RuntimeError):
            pass  # a Hall symbol that cannot be read leaves the other names
    if named is not None:
        return _of_group(named.operations()), "Hermann-Mauguin symbol" if raw.hermann_mauguin else "number"
    found = raw.hermann_mauguin or raw.hall or raw.space_group_number or "nothing"
    raise EntryError(
        Reason.SYMMETRY_ERROR,
        f"no symmetry operations are listed and no space group can be told from {found!r}",
        entry=raw.entry,
        remedy="add the operations to the file (_space_group_symop_operation_xyz)",
    )


def _of_group(group: gemmi.GroupOps) -> Operations:
    rotations = [np.array(op.rot, dtype=np.int64) // gemmi.Op.DEN for op in group]
    translations = [np.array(op.tran, dtype=np.float64) / gemmi.Op.DEN for op in group]
    return make_operations(np.array(rotations), np.array(translations))


def _named_group(raw: RawStructure) -> gemmi.SpaceGroup | None:
    for name in _spellings(raw.hermann_mauguin):
        group = gemmi.find_spacegroup_by_name(name, float(raw.cell[3]), float(raw.cell[5]))
        if group is not None:
            return group
    if 1 <= raw.space_group_number <= 230 and not raw.hermann_mauguin:
        usual = gemmi.find_spacegroup_by_number(raw.space_group_number)
        # the symbol together with the cell tells rhombohedral from hexagonal axes
        return gemmi.find_spacegroup_by_name(usual.hm, float(raw.cell[3]), float(raw.cell[5])) or usual
    return None


def _spellings(symbol: str) -> Iterator[str]:
    """Yield the symbol and the forms in which tables may know it: P2(1)/c, P_2_1/c, PBCM, R 3 :H, P a 3."""
    if not symbol:
        return
    yield symbol
    plain = re.sub(r"\((\d)\)", r"\1", symbol).replace("_", " ").strip()
    plain = re.sub(r"\s*:\s*", ":", plain)
    close = plain.replace(" ", "")
    cased = close[:1].upper() + close[1:].lower().replace(":h", ":H").replace(":r", ":R")
    yield from (plain, close, cased)
    yield from (re.sub(r"^([PIF])([a-z])3", r"\1\2-3", form) for form in (close, cased))
