"""Atoms and bonds as text that other programs read: XYZ, SDF (V2000, V3000 beyond 999 atoms) and CIF."""

import re
from dataclasses import dataclass
from typing import Final

import gemmi
import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import SYMBOLS
from molinteract.core.geometry import cell_vectors
from molinteract.crystals.crystal import Crystal
from molinteract.crystals.operations import operation_text

MARGIN: Final = 10.0
"""Å of vacuum around atoms put in a box, on each side."""
_LARGEST_V2000: Final = 999


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """One or more molecules, cut out of a crystal.

    Attributes
    ----------
    name : str
        Short, without blanks.
    comment : str
        What it is, in words, on one line.
    labels : tuple of str
    atomic_numbers : (atoms,) int16
    positions : (atoms, 3) float64
        Å, in the Cartesian frame of the crystal.
    bonds : (bonds, 2) int32
    orders : (bonds,) int8
        Kekulé orders.
    charges, radicals : (atoms,) int8
        Formal charges and unpaired electrons.
    molecule_index : (atoms,) int32
        Which molecule each atom belongs to.
    """

    name: str
    comment: str
    labels: tuple[str, ...]
    atomic_numbers: NDArray[np.int16]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int32]
    orders: NDArray[np.int8]
    charges: NDArray[np.int8]
    radicals: NDArray[np.int8]
    molecule_index: NDArray[np.int32]


def file_name(text: str) -> str:
    """Return a name that is safe as a file name and as a CIF block name: letters, digits, ``._-~``."""
    return re.sub(r"[^A-Za-z0-9._~-]+", "_", text).strip("._") or "structure"


def xyz_text(assembly: Assembly) -> str:
    """Return a frame of XYZ; the comment line names the assembly and the atoms of each molecule."""
    sizes = "+".join(str(n) for n in np.bincount(assembly.molecule_index))
    lines = [
        str(len(assembly.labels)),
        f"{assembly.name}: {assembly.comment}; atoms {sizes}; charge {assembly.charges.sum()}",
    ]
    lines += [
        f"{SYMBOLS[z]:<2} {x:14.6f} {y:14.6f} {w:14.6f}"
        for z, (x, y, w) in zip(assembly.atomic_numbers.tolist(), assembly.positions.tolist(), strict=True)
    ]
    return "\n".join(lines) + "\n"


def sdf_text(assembly: Assembly) -> str:
    """Return a record of SDF, with Kekulé bond orders, charges and radicals."""
    large = max(len(assembly.labels), len(assembly.bonds)) > _LARGEST_V2000
    body = _v3000(assembly) if large else _v2000(assembly)
    head = [assembly.name, "  molinteract", assembly.comment[:80]]
    return "\n".join([*head, *body, "M  END", "$$$$"]) + "\n"


def _v2000(assembly: Assembly) -> list[str]:
    lines = [f"{len(assembly.labels):3d}{len(assembly.bonds):3d}  0  0  0  0  0  0  0  0999 V2000"]
    for z, (x, y, w) in zip(assembly.atomic_numbers.tolist(), assembly.positions.tolist(), strict=True):
        lines.append(f"{x:10.4f}{y:10.4f}{w:10.4f} {SYMBOLS[z]:<3} 0  0  0  0  0  0  0  0  0  0  0  0")
    for (a, b), order in zip(assembly.bonds.tolist(), assembly.orders.tolist(), strict=True):
        lines.append(f"{a + 1:3d}{b + 1:3d}{order:3d}  0")
    for tag, values in (("CHG", assembly.charges.tolist()), ("RAD", _multiplicities(assembly))):
        given = [(k, value) for k, value in enumerate(values, start=1) if value]
        for first in range(0, len(given), 8):
            part = given[first : first + 8]
            lines.append(f"M  {tag}{len(part):3d}" + "".join(f"{k:4d}{value:4d}" for k, value in part))
    return lines


def _multiplicities(assembly: Assembly) -> list[int]:
    """Return 2 for a doublet, 3 for a triplet, 0 for an atom without unpaired electrons."""
    return [count + 1 if count else 0 for count in assembly.radicals.tolist()]


def _v3000(assembly: Assembly) -> list[str]:
    counts = f"{len(assembly.labels)} {len(assembly.bonds)} 0 0 0"
    lines = [
        "  0  0  0     0  0            999 V3000",
        "M  V30 BEGIN CTAB",
        f"M  V30 COUNTS {counts}",
        "M  V30 BEGIN ATOM",
    ]
    charges, radicals = assembly.charges.tolist(), _multiplicities(assembly)
    for k, (z, (x, y, w)) in enumerate(zip(assembly.atomic_numbers.tolist(), assembly.positions.tolist(), strict=True)):
        charge = f" CHG={charges[k]}" if charges[k] else ""
        radical = f" RAD={radicals[k]}" if radicals[k] else ""
        lines.append(f"M  V30 {k + 1} {SYMBOLS[z]} {x:.4f} {y:.4f} {w:.4f} 0{charge}{radical}")
    lines += ["M  V30 END ATOM", "M  V30 BEGIN BOND"]
    for k, ((a, b), order) in enumerate(zip(assembly.bonds.tolist(), assembly.orders.tolist(), strict=True), start=1):
        lines.append(f"M  V30 {k} {order} {a + 1} {b + 1}")
    return [*lines, "M  V30 END BOND", "M  V30 END CTAB"]


def box_cif_text(assembly: Assembly) -> str:
    """Return a CIF block of the assembly alone in a P 1 box, ``MARGIN`` of vacuum on each side."""
    low = assembly.positions.min(axis=0) - MARGIN
    edges = np.round(assembly.positions.max(axis=0) + MARGIN - low, 4)
    cell = np.array([*edges, 90.0, 90.0, 90.0])
    fractional = (assembly.positions - low) / edges
    return _cif(assembly.name, cell, "P 1", ["x,y,z"], assembly.labels, assembly.atomic_numbers, fractional)


def crystal_cif_text(crystal: Crystal, *, name: str) -> str:
    """Return a CIF block of the crystal: its cell, every operation, and each independent molecule whole.

    A molecule on a special position is listed whole too, symmetry copies included.
    """
    operations = [operation_text(w, t) for w, t in zip(crystal.rotations, crystal.translations, strict=True)]
    labels = tuple(label for molecule in crystal.molecules for label in molecule.labels)
    numbers = np.concatenate([molecule.atomic_numbers for molecule in crystal.molecules])
    positions = np.concatenate([molecule.positions for molecule in crystal.molecules])
    fractional = positions @ np.linalg.inv(cell_vectors(crystal.cell))
    return _cif(name, crystal.cell, crystal.space_group, operations, labels, numbers, fractional)


def _cif(
    name: str,
    cell: NDArray[np.float64],
    group: str,
    operations: list[str],
    labels: tuple[str, ...],
    numbers: NDArray[np.int16],
    fractional: NDArray[np.float64],
) -> str:
    document = gemmi.cif.Document()
    block = document.add_new_block(file_name(name))
    tags = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    for tag, value in zip(tags, cell.tolist(), strict=True):
        block.set_pair(f"_cell_{tag}", f"{value:.8g}")
    if group:
        block.set_pair("_symmetry_space_group_name_H-M", gemmi.cif.quote(group))
    loop = block.init_loop("_symmetry_equiv_pos_", ["as_xyz"])
    for text in operations:
        loop.add_row([gemmi.cif.quote(text)])
    loop = block.init_loop("_atom_site_", ["label", "type_symbol", "fract_x", "fract_y", "fract_z"])
    for label, z, point in zip(_distinct(labels, numbers), numbers.tolist(), fractional.tolist(), strict=True):
        loop.add_row([gemmi.cif.quote(label), SYMBOLS[z], *(f"{value:.8f}" for value in point)])
    return str(document.as_string())


def _distinct(labels: tuple[str, ...], numbers: NDArray[np.int16]) -> list[str]:
    """Return labels that are ASCII and used once; an atom completed by symmetry gets its original's with a number."""
    used: set[str] = set()
    found = []
    for label, z in zip(labels, numbers.tolist(), strict=True):
        plain = "".join(label.split()) if label.isascii() and label.isprintable() else ""
        plain = plain or SYMBOLS[z]
        name, count = plain, 1
        while name in used:
            count += 1
            name = f"{plain}_{count}"
        used.add(name)
        found.append(name)
    return found
