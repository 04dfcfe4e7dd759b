"""A CSV of complexes: id, protein, ligand, value, and whatever else is known of each."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from molinteract.affinity.items import ComplexItem, FilePair
from molinteract.affinity.strings import Affinity, parse_affinity
from molinteract.core.errors import ComplexError, SourceError

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "pdb_id", "name"),
    "protein": ("protein", "pocket", "protein_file", "pocket_file"),
    "ligand": ("ligand", "ligand_file"),
    "choice": ("choice", "record", "selection"),
    "value": ("value", "pK", "pk", "neglog_aff"),
    "affinity": ("affinity", "affinity_text"),
}
"""Columns we use and the headings by which they go; the first one present is taken."""
_RELATIONS: Final = {"=": "=", "~": "~", "<": ">", ">": "<", "<=": ">=", ">=": "<=", "": "="}


def read_table(path: str | Path, *, root: str | Path | None = None) -> list[ComplexItem]:
    """List the complexes of a CSV file.

    Parameters
    ----------
    path : str or Path
        Columns ``id``, ``protein`` and ``ligand`` (files), ``value`` (pK) or ``affinity`` (a text such as ``Ki<10nM``),
        optionally ``choice`` (the ligand of several), ``relation`` (of the constant, as written), ``measure``; all other
        columns become labels, among them ``cluster``, ``series``, ``split``, ``year``. An empty ``ligand`` means that it lies
        in the protein file.
    root : str or Path, optional
        Folder of the files; that of the table by default.

    Raises
    ------
    SourceError
        If the table cannot be read, has no protein column, or holds an id twice.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"no table that can be read: {error}", entry=str(path)) from error
    heading = set(rows[0]) if rows else set()
    columns = {name: next((c for c in known if c in heading), "") for name, known in _NAMES.items()}
    if not columns["protein"]:
        raise SourceError(
            "no column 'protein' in it", entry=str(path), remedy="columns: id, protein, ligand, value (pK)"
        )
    folder = Path(root) if root is not None else path.parent
    items = [_item(number, row, columns, folder) for number, row in enumerate(rows, start=1)]
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise SourceError(f"the id {item.id!r} stands in it twice", entry=str(path))
        seen.add(item.id)
    return items


def _item(number: int, row: Mapping[str, str | None], columns: Mapping[str, str], folder: Path) -> ComplexItem:
    def cell(name: str) -> str:
        return (row.get(columns[name]) or "").strip() if columns[name] else ""

    ligand = cell("ligand")
    source = FilePair(str(folder / cell("protein")), (str(folder / ligand),) if ligand else (), cell("choice") or None)
    labels = {k: v for k, v in row.items() if v and k and k not in columns.values()}
    affinity, fault = _affinity(cell("value"), cell("affinity"), labels)
    return ComplexItem(cell("id") or f"row {number}", source, affinity, labels, fault)


def _affinity(value: str, text: str, labels: Mapping[str, str]) -> tuple[Affinity | None, str]:
    """Return the affinity of a row, from its number where there is one, and what is wrong with it."""
    if not value:
        try:
            return parse_affinity(text), ""
        except ComplexError as error:
            return None, error.message
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    relation = _RELATIONS.get(labels.get("relation", ""))
    if not math.isfinite(number):
        return None, f"the value {value!r} is no number"
    if relation is None:
        return None, f"the relation {labels['relation']!r} is none of = ~ < > <= >="
    return Affinity(number, relation, labels.get("measure", ""), text), ""
