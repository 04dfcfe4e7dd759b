"""A crystal as its symmetry-independent molecules and its operations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUANTUM = 1e-4
"""Positions are multiples of this many angstrom *before* anything is computed from them (SPEC 1.3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Molecule:
    """One symmetry-independent molecule, complete and unwrapped (SPEC 1.2).

    Attributes
    ----------
    labels : tuple of str
        Label of each atom in the file; an atom completed by symmetry repeats its original's label.
    atomic_numbers : (atoms,) int16
        Z.
    positions : (atoms, 3) float64
        Cartesian, angstrom, relative to the cell origin; exact multiples of ``QUANTUM``
        (``round(x / QUANTUM) * QUANTUM``).
    bonds : (bonds, 2) int32
        Pairs of atom indices, first < second, sorted.
    formula, graph_hash : str
        Hill formula and Weisfeiler–Lehman hash of the graph with elements, hydrogens included.
    images : (images,) int32
        Operations that make the distinct molecules of this orbit in one cell, up to lattice translations, ascending;
        the first is the identity. Its length is the multiplicity of the orbit in the cell.
    stabiliser : (order,) int32
        Operations that, with ``stabiliser_shifts``, map the molecule onto itself; the first is the identity.
    stabiliser_shifts : (order, 3) int32
        Lattice vector added to each of them.
    """

    labels: tuple[str, ...]
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int32]
    formula: str
    graph_hash: str
    images: NDArray[np.int32]
    stabiliser: NDArray[np.int32]
    stabiliser_shifts: NDArray[np.int32]

    @property
    def compound(self) -> str:
        """Compound key: formula and graph hash. Stereoisomers share it; no split separates it (SPEC 1.1)."""
        return f"{self.formula}|{self.graph_hash}"


@dataclass(frozen=True, slots=True, eq=False)
class Crystal:
    """One kept entry: cell, operations, and each symmetry-independent molecule once.

    Attributes
    ----------
    entry, source, file, block : str
        Where it comes from (see ``RawStructure``).
    cell : (6,) float64
        a, b, c in angstrom, alpha, beta, gamma in degrees.
    vectors : (3, 3) float64
        Cell vectors as rows, angstrom.
    space_group : str
        Hermann–Mauguin symbol as given or found; empty where unknown.
    rotations : (operations, 3, 3) int8
        W on fractional columns; row 0 is the identity.
    translations : (operations, 3) float64
        w, in [0, 1).
    molecules : tuple of Molecule
        One for each orbit.
    z_prime : float
        Molecules of the cell divided by the number of operations.
    density : float
        g/cm³, from the atoms.
    flags : tuple of str
        Doubts that are no reason to reject, and repairs, in words.
    """

    entry: str
    source: str
    file: str
    block: str
    cell: NDArray[np.float64]
    vectors: NDArray[np.float64]
    space_group: str
    rotations: NDArray[np.int8]
    translations: NDArray[np.float64]
    molecules: tuple[Molecule, ...]
    z_prime: float
    density: float
    flags: tuple[str, ...] = ()

    @property
    def molecules_in_cell(self) -> int:
        """Number of molecules in one cell, Z."""
        return sum(len(molecule.images) for molecule in self.molecules)

    @property
    def compound(self) -> str:
        """Compound key of the entry: the sorted distinct keys of its molecules, joined by ``+``."""
        return "+".join(sorted({molecule.compound for molecule in self.molecules}))
