"""Why an entry is kept or rejected: every check with the numbers it found, in the order in which they are made."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import COVALENT_RADII, SYMBOLS, formula
from molinteract.core.errors import EntryError
from molinteract.core.geometry import cell_volume, plane_spacings
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals import bonding, checks, disorder
from molinteract.crystals.bonding import Pairs, near_pairs
from molinteract.crystals.cell import CellContent, fill_cell
from molinteract.crystals.molecules import find_molecules
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.crystals.sites import Sites, find_sites
from molinteract.crystals.symmetry import Symmetry, resolve_symmetry
from molinteract.store.process import ProcessedEntry, process

_NAMES: Final[dict[Reason, str]] = {
    Reason.PARSE_ERROR: "reading",
    Reason.NO_COORDINATES: "coordinates",
    Reason.SYMMETRY_ERROR: "symmetry",
    Reason.METAL: "elements",
    Reason.TOO_LARGE: "size",
    Reason.DISORDER: "occupancy",
    Reason.CLASH: "distances",
    Reason.BRIDGING_HYDROGEN: "bridging hydrogen",
    Reason.POLYMERIC: "polymer",
    Reason.SEVERAL_COMPONENTS: "compounds",
    Reason.HYDROGENS_MISSING: "hydrogens",
    Reason.NOT_NEUTRAL: "charge",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an entry.

    Attributes
    ----------
    name : str
    found : str
        The numbers, with the limits they are compared with.
    passed : bool
    """

    name: str
    found: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an entry is kept or rejected.

    Attributes
    ----------
    entry : str
    reason : Reason or None
        None if it is kept.
    detail : str
        What decided.
    checks : tuple of Check
        Those made, in order; the last one failed if the entry is rejected.
    """

    entry: str
    reason: Reason | None
    detail: str
    checks: tuple[Check, ...]

    def text(self) -> str:
        """Return the explanation in words."""
        width = max((len(check.name) for check in self.checks), default=0)
        lines = [f"  {'✓' if c.passed else '✗'} {c.name:<{width}}  {c.found}" for c in self.checks]
        end = f"rejected, {self.reason}: {self.detail}" if self.reason else f"kept: {self.detail}"
        return "\n".join([self.entry, *lines, f"  {end}"])


def explain(raw: RawStructure | Rejected, settings: BuildSettings) -> Explanation:
    """Judge one entry and say why.

    Parameters
    ----------
    raw : RawStructure or Rejected
        As read.
    settings : BuildSettings
    """
    result = raw if isinstance(raw, Rejected) else process(raw, settings)
    made: list[Check] = []
    if isinstance(raw, RawStructure):
        failed = _failed_step(result)
        for reason, found in _measured(raw, settings, result):
            if reason is failed:
                break
            made.append(Check(_NAMES[reason], found, passed=True))
    if isinstance(result, Rejected):
        if isinstance(raw, RawStructure):
            made.append(Check(_NAMES[_step_of(result.reason)], result.detail, passed=False))
        return Explanation(result.entry, result.reason, result.detail, tuple(made))
    table = result.patches
    orbits = len(set(table.orbit.tolist()))
    detail = f"{len(table)} neighbours in {orbits} contact orbits, {table.n_empty} without an edge in the cut"
    return Explanation(result.crystal.entry, None, detail, tuple(made))


def _step_of(reason: Reason) -> Reason:
    return Reason.METAL if reason is Reason.NO_CARBON else reason


def _failed_step(result: ProcessedEntry | Rejected) -> Reason | None:
    return _step_of(result.reason) if isinstance(result, Rejected) else None


def _measured(
    raw: RawStructure, settings: BuildSettings, result: ProcessedEntry | Rejected
) -> Iterator[tuple[Reason, str]]:
    """Measure one check after the other, until one cannot be."""
    try:
        vectors = checks.checked_cell(raw)
        volume, faces = cell_volume(vectors), plane_spacings(vectors).min()
        yield (
            Reason.PARSE_ERROR,
            f"cell of V {volume:.1f} Å³, faces {faces:.2f} Å apart (at least {checks.MIN_PLANE_SPACING})",
        )
        sites = find_sites(raw)
        yield Reason.NO_COORDINATES, f"{len(sites)} of {len(raw.labels)} atom rows are atoms with coordinates"
        if _failed_step(result) is Reason.TOO_LARGE:
            return  # what was too much for the judgement is too much here
        symmetry = resolve_symmetry(raw, vectors)
        partial = disorder.is_partial(sites, symmetry.operations, vectors)
        kept = disorder.majority(sites, partial) if settings.policies.disorder == "majority" else sites
        merged, content = fill_cell(kept, symmetry.operations, vectors)
        yield Reason.SYMMETRY_ERROR, _symmetry_found(raw, symmetry, content, vectors)
        present = ", ".join(SYMBOLS[z] for z in sorted(set(sites.atomic_numbers.tolist())))
        yield Reason.METAL, f"{present}: carbon, and nothing outside the organic set"
        yield Reason.TOO_LARGE, f"{len(content)} atoms in the cell (at most {settings.limits.cell_atoms})"
        yield Reason.DISORDER, _occupancy_found(sites, partial, settings)
        pairs = near_pairs(content.fractional, content.atomic_numbers, vectors)
        yield Reason.CLASH, _distances_found(pairs, content, merged)
        near = f"{bonding.BRIDGE_REACH} Å of two others that differ by less than {bonding.BRIDGE_DIFFERENCE} Å"
        yield Reason.BRIDGING_HYDROGEN, f"none within {near}"
        yield from _molecules_found(content, vectors, settings)
        if isinstance(result, ProcessedEntry):
            yield from _chemistry_found(raw, result, content)
    except EntryError:
        return


def _symmetry_found(raw: RawStructure, symmetry: Symmetry, content: CellContent, vectors: NDArray[np.float64]) -> str:
    count = len(symmetry.operations)
    origin = f"of {len(raw.operations)} listed" if symmetry.origin == "operations" else f"from the {symmetry.origin}"
    named = f"; {symmetry.space_group} has {symmetry.named_order}" if symmetry.named_order else ""
    heavy = int((content.atomic_numbers != 1).sum())
    low, high = checks.VOLUME_PER_HEAVY_ATOM
    volume = f"{cell_volume(vectors) / heavy:.1f} Å³" if heavy else "no volume"
    found = f"{checks.density(content, vectors):.3f} g/cm³"
    declared = f", {raw.density:.3f} declared" if raw.density > 0 else ""
    kind = f"{count} distinct operations {origin}{named}"
    return f"{kind}; {volume} a non-hydrogen atom (usual {low:g} to {high:g}); density {found}{declared}"


def _occupancy_found(sites: Sites, partial: NDArray[np.bool_], settings: BuildSettings) -> str:
    text = f"{int(partial.sum())} of {len(sites)} sites below {disorder.FULL} (lowest {sites.occupancies.min():g})"
    return text + (
        "; the majority component is kept" if partial.any() and settings.policies.disorder == "majority" else ""
    )


def _distances_found(pairs: Pairs, content: CellContent, sites: Sites) -> str:
    """Return the shortest distance of each kind beside the limit below which it would be a clash."""
    a, b = content.atomic_numbers[pairs.p], content.atomic_numbers[pairs.q]
    hydrogens = (a == 1).astype(int) + (b == 1)
    relative = pairs.distance / (COVALENT_RADII[a] + COVALENT_RADII[b])
    parts = []
    for kind, value, limit, unit in (
        (0, relative, bonding.CLASH_HEAVY, "of the radii"),
        (1, pairs.distance, bonding.CLASH_XH, "Å"),
        (2, pairs.distance, bonding.CLASH_HH, "Å"),
    ):
        rows = np.flatnonzero(hydrogens == kind)
        if len(rows):
            k = int(rows[value[rows].argmin()])
            one, other = (sites.labels[content.site[x]] for x in (pairs.p[k], pairs.q[k]))
            distance = f"{pairs.distance[k]:.2f} Å = " if kind == 0 else ""
            parts.append(f"{one}–{other} {distance}{value[k]:.2f} {unit} (at least {limit})")
    return "shortest " + "; ".join(parts) if parts else "no two atoms near each other"


def _molecules_found(
    content: CellContent, vectors: NDArray[np.float64], settings: BuildSettings
) -> Iterator[tuple[Reason, str]]:
    molecules = find_molecules(content, vectors)
    largest = int(np.bincount(molecules.molecule).max())
    text = f"{len(molecules)} molecules in the cell, the largest of {largest} atoms (at most {settings.limits.molecule_atoms})"
    yield Reason.POLYMERIC, f"{text}; none bonded to a translation of itself"
    formulas = Counter(formula(content.atomic_numbers[molecules.molecule == m]) for m in range(len(molecules)))
    yield Reason.SEVERAL_COMPONENTS, ", ".join(f"{count} × {name}" for name, count in sorted(formulas.items()))


def _chemistry_found(raw: RawStructure, entry: ProcessedEntry, content: CellContent) -> Iterator[tuple[Reason, str]]:
    hydrogens = int((content.atomic_numbers == 1).sum())
    declared = f"; the formula declared is {raw.formula_sum}" if raw.formula_sum else "; no formula is declared"
    yield Reason.HYDROGENS_MISSING, f"{hydrogens} in the cell{declared}; no carbon asks for one"
    parts: list[str] = []
    for molecule, perception in zip(entry.crystal.molecules, entry.perceptions, strict=True):
        radicals = int(perception.radicals.sum())
        state = f", {radicals} unpaired" if radicals else ""
        parts.append(f"{molecule.formula} {perception.charge:+d}{state} ({perception.smiles or perception.status})")
    yield Reason.NOT_NEUTRAL, "; ".join(parts)
