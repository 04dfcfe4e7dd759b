"""Reasons to reject that only bond orders show: missing hydrogens and net charge (SPEC 1.1)."""

from collections.abc import Sequence

import numpy as np

from molinteract.chemistry.perception import Perception
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.crystal import Crystal


def check_chemistry(crystal: Crystal, perceptions: Sequence[Perception]) -> None:
    """Judge the charges of the molecules of a crystal.

    Carbon left with an open valence is the mark of a missing hydrogen; any other net charge of the cell is a charge. Ions
    that balance each other (kept with ``policies.components=any``) are neutral together.

    Parameters
    ----------
    crystal : Crystal
    perceptions : sequence of Perception
        One for each independent molecule.

    Raises
    ------
    EntryError
        ``hydrogens_missing`` or ``not_neutral``.
    """
    total = sum(p.charge * len(m.images) for m, p in zip(crystal.molecules, perceptions, strict=True))
    if total == 0:
        return
    for molecule, perception in zip(crystal.molecules, perceptions, strict=True):
        open_carbons = np.flatnonzero((molecule.atomic_numbers == 6) & (perception.formal_charges != 0))
        if perception.charge and len(open_carbons):
            raise EntryError(
                Reason.HYDROGENS_MISSING,
                f"{molecule.labels[int(open_carbons[0])]} of {molecule.formula} is left with an open valence",
                entry=crystal.entry,
            )
    charged = next(m for m, p in zip(crystal.molecules, perceptions, strict=True) if p.charge)
    charge = total / crystal.molecules_in_cell
    raise EntryError(
        Reason.NOT_NEUTRAL,
        f"{charged.formula} carries a net charge of {charge:+.3g} a molecule",
        entry=crystal.entry,
    )
