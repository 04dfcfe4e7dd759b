"""Small synthetic molecular crystals, as raw structures and as CIF text, and hypothesis strategies over them.

A molecule is put in a general position of a space group; the cell is scaled until the spheres around all images are apart,
so that nothing clashes and nothing is bonded between molecules, whatever the orientation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import gemmi
import numpy as np
from hypothesis import strategies as st

from molinteract.core.geometry import cell_vectors
from molinteract.crystals.raw import RawStructure

GAP = 2.6
"""Å between the spheres around two molecules: longer than any bond between organic elements but I–I."""


def _polar(radius, degrees, height=0.0):
    angle = np.radians(degrees)
    return (radius * np.cos(angle), radius * np.sin(angle), height)


def _urea():
    carbon, oxygen = np.zeros(3), np.array(_polar(1.26, 90))
    atoms = [("C", *carbon), ("O", *oxygen)]
    for side in (-1, 1):
        nitrogen = np.array(_polar(1.34, 90 + side * 121.5))
        atoms.append(("N", *nitrogen))
        outward = 90 + side * 121.5
        atoms += [("H", *(nitrogen + np.array(_polar(1.0, outward + turn)))) for turn in (-60, 60)]
    return tuple(atoms)


MOLECULES = {
    "formaldehyde": (
        ("C", 0.0, 0.0, 0.0), ("O", 0.0, 1.21, 0.0), ("H", 0.937, -0.587, 0.0), ("H", -0.937, -0.587, 0.0),
    ),
    "urea": _urea(),
    "acetic acid": (
        ("C", -0.954, -0.074, -0.113), ("C", 0.486, 0.295, 0.028), ("O", 0.958, 1.416, -0.041),
        ("O", 1.271, -0.775, 0.251), ("H", -1.307, -0.545, 0.808), ("H", -1.543, 0.830, -0.292),
        ("H", -1.082, -0.748, -0.963), ("H", 2.173, -0.398, 0.322),
    ),
    "glycine": (
        ("N", -1.136, 0.129, -0.019), ("C", 0.181, -0.591, -0.220), ("C", 1.337, 0.340, 0.215),
        ("O", 0.852, 1.449, 0.620), ("O", 2.499, -0.101, 0.113), ("H", -1.722, -0.281, 0.707),
        ("H", -1.624, 0.344, -0.887), ("H", -0.781, 1.046, 0.363), ("H", 0.248, -0.839, -1.282),
        ("H", 0.146, -1.495, 0.392),
    ),
    "benzene": tuple(("C", *_polar(1.39, 60 * k)) for k in range(6))
    + tuple(("H", *_polar(2.47, 60 * k)) for k in range(6)),
    "carbon dioxide": (("C", 0.0, 0.0, 0.0), ("O", 0.0, 0.0, 1.16), ("O", 0.0, 0.0, -1.16)),
    "methanol": (
        ("C", -0.670, 0.020, 0.0), ("O", 0.720, -0.110, 0.0), ("H", -1.080, -0.985, 0.0),
        ("H", -1.030, 0.545, 0.890), ("H", -1.030, 0.545, -0.890), ("H", 1.090, 0.770, 0.0),
    ),
    "water": (("O", 0.0, 0.0, 0.0), ("H", 0.757, 0.586, 0.0), ("H", -0.757, 0.586, 0.0)),
}  # fmt: skip
"""Element and Cartesian coordinates in Å."""

FORMULAE = {
    "formaldehyde": "CH2O", "urea": "CH4N2O", "acetic acid": "C2H4O2", "glycine": "C2H5NO2", "benzene": "C6H6",
}  # fmt: skip

SHAPES = {
    "P 1": (1.0, 1.1, 0.95, 85.0, 97.0, 103.0),
    "P -1": (1.0, 1.1, 0.95, 85.0, 97.0, 103.0),
    "P 1 21/c 1": (1.0, 1.15, 1.1, 90.0, 108.0, 90.0),
    "P 21 21 21": (1.0, 1.2, 0.9, 90.0, 90.0, 90.0),
    "C 1 2/c 1": (1.6, 1.0, 1.2, 90.0, 105.0, 90.0),
    "R -3:H": (1.6, 1.6, 1.2, 90.0, 90.0, 120.0),
    "R -3:R": (1.0, 1.0, 1.0, 82.0, 82.0, 82.0),
}
"""Cell shape (edge ratios, angles) in which each space group is built."""


@dataclass(frozen=True)
class SmallCrystal:
    """Cell, operations and rows of a synthetic crystal; ``raw`` and ``cif`` give it to the code under test."""

    cell: tuple[float, ...]
    operations: tuple[str, ...]
    symbol: str
    symbols: tuple[str, ...]
    fractional: np.ndarray

    @property
    def labels(self):
        return tuple(f"{symbol}{k + 1}" for k, symbol in enumerate(self.symbols))

    @property
    def vectors(self):
        return cell_vectors(np.array(self.cell))

    def raw(self, **changes) -> RawStructure:
        rows = len(self.symbols)
        raw = RawStructure(
            entry="test#test",
            source="test",
            file="test",
            block="test",
            cell=np.array(self.cell),
            operations=self.operations,
            hall="",
            hermann_mauguin=self.symbol,
            space_group_number=0,
            labels=self.labels,
            type_symbols=self.symbols,
            fractional=np.array(self.fractional, dtype=np.float64),
            occupancies=np.full(rows, np.nan),
            disorder_groups=("",) * rows,
            calc_flags=("",) * rows,
        )
        return replace(raw, **changes)

    def cif(self, **changes) -> str:
        rows = [
            (label, symbol, *(f"{value:.6f}" for value in point))
            for label, symbol, point in zip(self.labels, self.symbols, self.fractional, strict=True)
        ]
        given = {"cell": self.cell, "rows": rows, "operations": self.operations, "symbol": self.symbol}
        return cif_text(**(given | changes))

    def permuted(self, order: Sequence[int]) -> "SmallCrystal":
        return replace(self, symbols=tuple(self.symbols[k] for k in order), fractional=self.fractional[list(order)])

    def with_rows(self, symbols, fractional) -> "SmallCrystal":
        return replace(self, symbols=tuple(symbols), fractional=np.asarray(fractional, dtype=np.float64))

    def expanded(self) -> "SmallCrystal":
        """Every atom of the cell, by every operation, in P 1; only for molecules in general positions."""
        ops = [gemmi.Op(text) for text in self.operations]
        points = np.array([op.apply_to_xyz(list(point)) for op in ops for point in self.fractional])
        return SmallCrystal(self.cell, ("x,y,z",), "P 1", self.symbols * len(ops), points)


COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")


def cif_text(
    *,
    cell: Sequence[float],
    rows: Sequence[Sequence[object]],
    operations: Sequence[str] = ("x,y,z",),
    symbol: str = "",
    name: str = "test",
    items: Sequence[str] = (),
    columns: Sequence[str] = COLUMNS,
) -> str:
    """CIF text of one block; ``items`` are whole lines such as ``_cell_formula_units_Z 4``."""
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"data_{name}"]
    lines += [f"_cell_{tag} {value}" for tag, value in zip(tags, cell, strict=True)]
    lines += [f"_symmetry_space_group_name_H-M '{symbol}'"] if symbol else []
    lines += items
    if operations:
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{text}'" for text in operations)]
    if rows:
        lines += ["loop_", *(f"_atom_site_{column}" for column in columns)]
        lines += [" ".join(str(value) for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def molecule(name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Symbols and (atoms, 3) coordinates in Å about the centroid."""
    atoms = MOLECULES[name]
    positions = np.array([atom[1:] for atom in atoms])
    return tuple(atom[0] for atom in atoms), positions - positions.mean(axis=0)


def rotation_matrix(seed: int) -> np.ndarray:
    """A proper rotation drawn from a seed."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return q * np.linalg.det(q)


def pack(name: str, group: str, *, seed: int = 0, gap: float = GAP) -> SmallCrystal:
    """Put a molecule in a general position of a space group, in an orientation drawn from the seed."""
    symbols, positions = molecule(name)
    centre, nearest = _general_position(group)
    reach = 2 * np.linalg.norm(positions, axis=1).max() + gap
    shape = np.array(SHAPES[group])
    cell = np.concatenate([np.round(shape[:3] * reach / nearest + 0.005, 3), shape[3:]])
    fractional = np.array(centre) + positions @ rotation_matrix(seed).T @ np.linalg.inv(cell_vectors(cell))
    return SmallCrystal(tuple(map(float, cell)), _triplets(group), group, symbols, fractional)


def box(*parts: tuple[str, Sequence[float]], edge: float = 12.0) -> SmallCrystal:
    """Molecules at Cartesian centres in a cubic P 1 cell."""
    symbols: list[str] = []
    points = []
    for name, centre in parts:
        own, positions = molecule(name)
        symbols += own
        points.append((positions + np.array(centre)) / edge)
    return SmallCrystal((edge, edge, edge, 90.0, 90.0, 90.0), ("x,y,z",), "P 1", tuple(symbols), np.concatenate(points))


def from_atoms(atoms: Sequence[tuple[str, float, float, float]], *, edge: float = 12.0) -> SmallCrystal:
    """Atoms at Cartesian coordinates in a cubic P 1 cell."""
    points = np.array([atom[1:] for atom in atoms]) / edge
    cell = (edge, edge, edge, 90.0, 90.0, 90.0)
    return SmallCrystal(cell, ("x,y,z",), "P 1", tuple(atom[0] for atom in atoms), points)


@cache
def _triplets(group: str) -> tuple[str, ...]:
    return tuple(op.triplet() for op in gemmi.SpaceGroup(group).operations())


@cache
def _general_position(group: str) -> tuple[tuple[float, ...], float]:
    """The roomiest of some hundred points: its fractional coordinates and the distance of its nearest image."""
    ops = [gemmi.Op(text) for text in _triplets(group)]
    vectors = cell_vectors(np.array(SHAPES[group]))
    shifts = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3)
    best: tuple[tuple[float, ...], float] = ((0.0, 0.0, 0.0), 0.0)
    for point in np.random.default_rng(1).uniform(size=(300, 3)):
        images = np.array([op.apply_to_xyz(list(point)) for op in ops])
        offsets = (images - point)[:, None] + shifts[None]
        distances = np.sort(np.linalg.norm(offsets.reshape(-1, 3) @ vectors, axis=1))
        if distances[1] > best[1]:
            best = tuple(map(float, point)), float(distances[1])
    return best


@st.composite
def small_crystals(draw, names=("formaldehyde", "urea", "acetic acid", "glycine", "benzene"), groups=tuple(SHAPES)):
    """Crystals of one molecule in a general position."""
    name = draw(st.sampled_from(tuple(names)))
    group = draw(st.sampled_from(tuple(groups)))
    return pack(name, group, seed=draw(st.integers(0, 10_000)))


@st.composite
def cells(draw, shortest=1.5, longest=9.0):
    """Cell vectors as rows, short and skewed ones included."""
    edges = [draw(st.floats(shortest, longest)) for _ in range(3)]
    alpha, beta = draw(st.floats(50.0, 130.0)), draw(st.floats(50.0, 130.0))
    # gamma between |alpha - beta| and alpha + beta, with room, so that the angles close a cell
    low, high = abs(alpha - beta) + 15.0, min(alpha + beta, 360.0 - alpha - beta) - 15.0
    gamma = draw(st.floats(min(low, high), max(low, high)))
    return cell_vectors(np.array([*edges, alpha, beta, gamma]))
