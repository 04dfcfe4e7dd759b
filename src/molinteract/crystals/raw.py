"""A structure as its file states it, before any judgement: the meeting point of all sources."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AROMATIC = 5
"""Kind of a bond that a source calls aromatic, in ``StatedBonds``."""


@dataclass(frozen=True, slots=True)
class StatedBonds:
    """Chemistry that a source states of its atom rows.

    Attributes
    ----------
    bonds : tuple of (int, int, int)
        Two rows and the kind: order 1, 2 or 3, or ``AROMATIC``.
    charges : tuple of int
        Formal charge of each row.
    """

    bonds: tuple[tuple[int, int, int], ...]
    charges: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RawStructure:
    """Cell, symmetry items and atom rows of one entry, unjudged.

    Attributes
    ----------
    entry : str
        Key of the entry, unique in a store and stable across rebuilds: ``path#block``.
    source : str
        What the user named (a folder, an archive, a database).
    file, block : str
        File within the source, and data block (or row) within the file.
    cell : (6,) float64
        a, b, c in angstrom, alpha, beta, gamma in degrees; nan where missing.
    operations : tuple of str
        Symmetry operations as listed (``x,1/2-y,z``); empty where none are listed.
    hall, hermann_mauguin : str
        Space-group symbols as given, empty where missing.
    space_group_number : int
        0 where missing.
    labels, type_symbols : tuple of str
        One for each atom row; a missing symbol is empty.
    fractional : (rows, 3) float64
        Fractional coordinates; nan for ``?`` and ``.``.
    occupancies : (rows,) float64
        nan where not given.
    disorder_groups : tuple of str
        Empty, or the group as given, or ``assembly/group`` where the file names assemblies.
    calc_flags : tuple of str
        ``_atom_site_calc_flag``; ``dum`` marks a dummy atom.
    formula_sum : str
        ``_chemical_formula_sum``, empty where missing.
    formula_units : float
        ``_cell_formula_units_Z``; nan where missing.
    density : float
        Declared density in g/cm³; nan where missing.
    smiles : str
        SMILES that the source itself gives (databases), else empty.
    stated : StatedBonds or None
        Bonds and charges that the source itself gives (databases).
    notes : tuple of str
        Repairs made while reading, in words.
    """

    entry: str
    source: str
    file: str
    block: str
    cell: NDArray[np.float64]
    operations: tuple[str, ...]
    hall: str
    hermann_mauguin: str
    space_group_number: int
    labels: tuple[str, ...]
    type_symbols: tuple[str, ...]
    fractional: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    disorder_groups: tuple[str, ...]
    calc_flags: tuple[str, ...]
    formula_sum: str = ""
    formula_units: float = float("nan")
    density: float = float("nan")
    smiles: str = ""
    stated: StatedBonds | None = None
    notes: tuple[str, ...] = ()
