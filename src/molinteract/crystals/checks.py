"""Is the structure what it says? Each check raises one reason, or returns a flag in words."""

import math
from typing import Final

import gemmi
import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import ORGANIC, SYMBOLS
from molinteract.core.errors import EntryError
from molinteract.core.geometry import cell_vectors, cell_volume, plane_spacings
from molinteract.core.reasons import Reason
from molinteract.core.settings import Limits
from molinteract.crystals.bonding import Pairs, bridging_hydrogen, clash
from molinteract.crystals.cell import CellContent
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.sites import Sites, parse_formula
from molinteract.crystals.symmetry import Symmetry

MIN_PLANE_SPACING = 0.5
"""Å between opposite faces below which a cell is degenerate."""
VOLUME_PER_HEAVY_ATOM = (8.0, 48.0)
"""Sound molecular crystals have 12.8 to 30.4 Å³ a non-hydrogen atom (1–99 %); methane 47."""
DENSITY_TOLERANCE = 0.03
CONTENT_TOLERANCE = 0.5
"""Atoms of one element by which a cell may differ from its formula: formulae of solvates carry decimals."""
AVOGADRO = 0.602214076  # 1e24: Å³ to cm³ and the mole
ATOMIC_MASSES: Final = tuple(gemmi.Element(z).weight for z in range(len(SYMBOLS)))
"""g/mol by atomic number."""


def checked_cell(raw: RawStructure) -> NDArray[np.float64]:
    """Return the cell vectors of an entry.

    Raises
    ------
    EntryError
        ``parse_error`` if a parameter is missing, or the parameters close no cell.
    """
    lengths, angles = raw.cell[:3].tolist(), raw.cell[3:].tolist()
    # written so that nan fails
    if not (all(0 < length < math.inf for length in lengths) and all(1 <= angle <= 179 for angle in angles)):
        shown = " ".join(f"{value:g}" for value in raw.cell)
        raise EntryError(Reason.PARSE_ERROR, f"the cell is incomplete or impossible: {shown}", entry=raw.entry)
    vectors = cell_vectors(raw.cell)
    # the diagonal is a, b sin γ and the height of c: zero where the axes lie in one plane
    flat = not all(height >= MIN_PLANE_SPACING for height in vectors.diagonal().tolist())
    if flat or min(plane_spacings(vectors).tolist()) < MIN_PLANE_SPACING:
        shown = " ".join(f"{value:g}" for value in raw.cell)
        raise EntryError(Reason.PARSE_ERROR, f"the cell {shown} has no volume", entry=raw.entry)
    return vectors


def check_elements(sites: Sites, *, entry: str) -> None:
    """Raise ``no_carbon`` or ``metal``."""
    present = set(sites.atomic_numbers.tolist())
    if 6 not in present:
        shown = ", ".join(SYMBOLS[z] for z in sorted(present))
        raise EntryError(Reason.NO_CARBON, f"no carbon among {shown}", entry=entry)
    foreign = sorted(present - ORGANIC)
    if foreign:
        raise EntryError(Reason.METAL, f"contains {', '.join(SYMBOLS[z] for z in foreign)}", entry=entry)


def check_size(count: int, limits: Limits, *, what: str, entry: str) -> None:
    """Raise ``too_large`` if a cell or a molecule has too many atoms; ``what`` is ``cell`` or ``molecule``."""
    allowed = limits.cell_atoms if what == "cell" else limits.molecule_atoms
    if count > allowed:
        raise EntryError(
            Reason.TOO_LARGE,
            f"{count} atoms in the {what}, more than {allowed}",
            entry=entry,
            remedy=f"raise --set limits.{what}_atoms",
        )


def density(content: CellContent, vectors: NDArray[np.float64]) -> float:
    """Return the density in g/cm³ of the atoms of the cell."""
    counts = np.bincount(content.atomic_numbers).tolist()
    mass = sum(ATOMIC_MASSES[z] * n for z, n in enumerate(counts) if n)
    return float(mass / cell_volume(vectors) / AVOGADRO)


def check_content(
    raw: RawStructure, symmetry: Symmetry, content: CellContent, vectors: NDArray[np.float64]
) -> tuple[str, ...]:
    """Compare the content of the cell with its volume, the named group and the declared density.

    A list of operations can be wrong and look sound. One doubt alone is a flag: authors leave solvent out, symbols are
    of odd settings, molecules sit in vacuum boxes. An operation list that differs from the named group *and* gives an
    impossible volume or another density than declared is refused.

    Returns
    -------
    tuple of str
        Flags.

    Raises
    ------
    EntryError
        ``symmetry_error``.
    """
    doubts = [_volume_doubt(content, vectors), _density_doubt(raw, content, vectors)]
    found, named = len(symmetry.operations), symmetry.named_order
    count_differs = named > 0 and symmetry.origin == "operations" and found != named
    flags = [doubt for doubt in doubts if doubt]
    if count_differs:
        message = f"{found} distinct operations are listed, {symmetry.space_group} has {named}"
        # a lone identity is how whole cells are exported; a list that comes down to it is a fault
        if flags and (found > 1 or len(raw.operations) > 1):
            raise EntryError(
                Reason.SYMMETRY_ERROR,
                f"{message}; {'; '.join(flags)}",
                entry=raw.entry,
                remedy="remove the operation list, so that the symbol is used, or correct it",
            )
        flags.append(message)
    return tuple(flags)


def _volume_doubt(content: CellContent, vectors: NDArray[np.float64]) -> str:
    heavy = int(np.count_nonzero(content.atomic_numbers != 1))
    if not heavy:
        return ""
    volume = cell_volume(vectors) / heavy
    low, high = VOLUME_PER_HEAVY_ATOM
    return "" if low <= volume <= high else f"{volume:.1f} Å³ per non-hydrogen atom"


def _density_doubt(raw: RawStructure, content: CellContent, vectors: NDArray[np.float64]) -> str:
    if not raw.density > 0.1:
        return ""
    found = density(content, vectors)
    if abs(found - raw.density) <= DENSITY_TOLERANCE * raw.density:
        return ""
    return f"density {found:.3f} g/cm³ from the atoms, {raw.density:.3f} declared"


def content_doubt(raw: RawStructure, atomic_numbers: NDArray[np.int16]) -> str:
    """Return how the cell's content differs from the declared formula times the declared Z, or an empty string.

    Without Z only the proportions are compared. Some programs write the content of the whole cell as the formula beside a Z:
    that is no difference.
    """
    declared = parse_formula(raw.formula_sum)
    if not declared:
        return ""
    counts = np.bincount(atomic_numbers, minlength=len(SYMBOLS)).tolist()
    units = raw.formula_units if raw.formula_units > 0 else counts[6] / declared.get(6, math.inf)
    differing = _differing(counts, declared, units)
    if not differing or not _differing(counts, declared, 1.0):
        return ""
    return f"the cell holds {', '.join(differing)} of the declared {raw.formula_sum} × {units:.6g}"


def _differing(counts: list[int], declared: dict[int, float], units: float) -> list[str]:
    """Return the elements of which the cell holds another number than so many formula units."""
    return [
        f"{count} {SYMBOLS[z]} for {units * declared.get(z, 0):.6g}"
        for z, count in enumerate(counts)
        if abs(count - units * declared.get(z, 0)) > CONTENT_TOLERANCE
    ]


def check_distances(pairs: Pairs, content: CellContent, sites: Sites, *, entry: str) -> None:
    """Raise ``clash`` or ``bridging_hydrogen``."""
    worst = clash(pairs, content.atomic_numbers)
    if worst >= 0:
        one, other = (sites.labels[content.site[k]] for k in (pairs.p[worst], pairs.q[worst]))
        raise EntryError(Reason.CLASH, f"{one} and {other} are {pairs.distance[worst]:.2f} Å apart", entry=entry)
    bridge = bridging_hydrogen(pairs, content.atomic_numbers)
    if bridge is not None:
        h, a, b = (sites.labels[content.site[k]] for k in bridge)
        raise EntryError(Reason.BRIDGING_HYDROGEN, f"{h} lies between {a} and {b}", entry=entry)
