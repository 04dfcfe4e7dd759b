"""CIF bytes become raw structures; gemmi parses, nothing is judged here."""

from collections.abc import Iterable, Iterator, Sequence

import gemmi
import numpy as np

from molinteract.core.reasons import Reason
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.crystals.repair import decode, parse_blocks

_CELL = (
    "_cell_length_a", "_cell_length_b", "_cell_length_c", "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma",
)  # fmt: skip
_OPERATIONS = (
    "_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz", "_space_group_symop.operation_xyz",
)  # fmt: skip
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_HERMANN_MAUGUIN = (
    "_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M", "_space_group_name_H-M_full",
)  # fmt: skip
_NUMBER = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
_DENSITY = ("_exptl_crystal_density_diffrn",)
_ATOM_COLUMNS = (
    "fract_x", "fract_y", "fract_z", "?label", "?type_symbol", "?occupancy", "?disorder_group", "?calc_flag",
    "?disorder_assembly",
)  # fmt: skip
_ATOM_NAMES = tuple(column.lstrip("?") for column in _ATOM_COLUMNS)
_QUOTES = "'\";"


def read_cif(data: bytes | Iterable[bytes], *, source: str, file: str) -> Iterator[RawStructure | Rejected]:
    """Read every entry of a CIF file.

    A block is an entry if it has a cell or atom rows; blocks of mere metadata are passed over. A block that cannot be
    read, and a file without any entry, give a ``Rejected``.

    Parameters
    ----------
    data : bytes or iterable of bytes
        Content of the file, or pieces of it that are cut between data blocks.
    source : str
        What the user named.
    file : str
        Key of the file within the sources; the entry key is ``file#block``.
    """
    seen: dict[str, int] = {}
    for piece in (data,) if isinstance(data, bytes) else data:
        for parsed in parse_blocks(decode(piece)):
            if parsed.block is not None and not _is_entry(parsed.block):
                continue
            count = seen[parsed.name] = seen.get(parsed.name, 0) + 1
            name = parsed.name if count == 1 else f"{parsed.name}~{count}"
            if parsed.block is None:
                yield Rejected(source, file, name, f"{file}#{name}", Reason.PARSE_ERROR, parsed.note)
            else:
                yield _raw_structure(parsed.block, source=source, file=file, name=name, note=parsed.note)
    if not seen:
        detail = "no block has a cell or atoms"
        yield Rejected(source, file, "", f"{file}#", Reason.PARSE_ERROR, detail)


def _is_entry(block: gemmi.cif.Block) -> bool:
    return any(block.find_values(tag) for tag in ("_cell_length_a", "_atom_site_fract_x", "_atom_site_Cartn_x"))


def _raw_structure(block: gemmi.cif.Block, *, source: str, file: str, name: str, note: str) -> RawStructure:
    columns = _atom_columns(block)
    rows = len(columns.get("fract_x", ()))
    number = gemmi.cif.as_number(_item(block, _NUMBER) or "?")
    return RawStructure(
        entry=f"{file}#{name}",
        source=source,
        file=file,
        block=name,
        cell=_cell(block),
        operations=_operations(block),
        hall=_item(block, _HALL),
        hermann_mauguin=_item(block, _HERMANN_MAUGUIN),
        space_group_number=int(number) if np.isfinite(number) else 0,
        labels=_strings(columns.get("label"), rows),
        type_symbols=_strings(columns.get("type_symbol"), rows),
        fractional=_coordinates(columns, rows),
        occupancies=_numbers(columns.get("occupancy"), rows),
        disorder_groups=_groups(columns, rows),
        calc_flags=_strings(columns.get("calc_flag"), rows),
        formula_sum=_item(block, ("_chemical_formula_sum",)),
        formula_units=gemmi.cif.as_number(_item(block, ("_cell_formula_units_Z",)) or "?"),
        density=gemmi.cif.as_number(_item(block, _DENSITY) or "?"),
        notes=(note,) if note else (),
    )


def _cell(block: gemmi.cif.Block) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = [block.find_value(tag) for tag in _CELL]
    # an angle that is not mentioned at all is 90° by the dictionary; one that is "?" is unknown
    given = [value or ("?" if k < 3 else "90") for k, value in enumerate(values)]
    return np.array([gemmi.cif.as_number(value) for value in given], dtype=np.float64)


def _operations(block: gemmi.cif.Block) -> tuple[str, ...]:
    for tag in _OPERATIONS:
        found = [gemmi.cif.as_string(value).strip() for value in block.find_values(tag)]
        found = [text for text in found if text not in ("", "?", ".")]
        if found:
            return tuple(found)
    return ()


def _item(block: gemmi.cif.Block, tags: Sequence[str]) -> str:
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and value not in ("?", "."):
            text = gemmi.cif.as_string(value).strip()
            if text and text not in ("?", "."):
                return " ".join(text.split())
    return ""


def _atom_columns(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """Return the columns of the atom loop that are there; gemmi hands over whole columns, not cells."""
    loop: gemmi.cif.Loop | None = block.find_loop("_atom_site_fract_x").get_loop()
    if loop is None:
        table = block.find("_atom_site_", list(_ATOM_COLUMNS))
        present = [k for k in range(len(_ATOM_COLUMNS)) if len(table) and table.has_column(k)]
        return {_ATOM_NAMES[k]: list(table.column(k)) for k in present}
    place = {tag.lower().removeprefix("_atom_site_"): k for k, tag in enumerate(loop.tags)}
    if not all(f"fract_{axis}" in place for axis in "xyz"):
        return {}
    values, width = loop.values, loop.width()
    return {name: values[place[name] :: width] for name in _ATOM_NAMES if name in place}


def _strings(column: Sequence[str] | None, rows: int) -> tuple[str, ...]:
    if not column:
        return ("",) * rows
    joined = "".join(column)
    if any(quote in joined for quote in _QUOTES):
        column = [gemmi.cif.as_string(value).strip() for value in column]
    if "?" in column or "." in column:
        column = ["" if text in ("?", ".") else text for text in column]
    return tuple(column)


def _groups(columns: dict[str, list[str]], rows: int) -> tuple[str, ...]:
    """Return the disorder groups, as ``assembly/group`` where the file names assemblies."""
    groups = _strings(columns.get("disorder_group"), rows)
    if "disorder_assembly" not in columns:
        return groups
    assemblies = _strings(columns["disorder_assembly"], rows)
    return tuple(f"{a}/{g}" if a and g else g for a, g in zip(assemblies, groups, strict=True))


def _coordinates(columns: dict[str, list[str]], rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    if not rows:
        return np.zeros((0, 3))
    values = [list(map(gemmi.cif.as_number, columns[f"fract_{axis}"])) for axis in "xyz"]
    return np.ascontiguousarray(np.array(values, dtype=np.float64).T)


def _numbers(column: Sequence[str] | None, rows: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not column:
        return np.full(rows, np.nan)
    return np.array(list(map(gemmi.cif.as_number, column)), dtype=np.float64)
