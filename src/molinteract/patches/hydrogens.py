"""Hydrogens as deposited, at neutron distances, or left out (SPEC 1.2)."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from molinteract.core.elements import COVALENT_RADII
from molinteract.crystals.crystal import QUANTUM, Crystal, Molecule

NEUTRON_DISTANCE: Final[dict[int, float]] = {
    5: 1.19,
    6: 1.089,
    7: 1.015,
    8: 0.993,
    14: 1.48,
    15: 1.42,
    16: 1.338,
}
"""X–H distance in Å by heavy atom.

C, N, O: means of neutron diffraction (Allen & Bruno, Acta Cryst. B 2010, 66, 380, https://doi.org/10.1107/S0108768110012048);
B, Si, P, S: usual gas-phase lengths; other elements get the sum of the covalent radii.
"""


def apply_hydrogen_policy(crystal: Crystal, policy: str) -> Crystal:
    """Return the crystal with its hydrogens treated; ``policy`` is a value of ``Policies.hydrogens``.

    Formula and graph hash stay those of the whole molecule: they are the identity of the compound. Coordinates that
    change are quantised again.
    """
    treatment = {"deposited": None, "normalised": _normalised, "none": _without}[policy]
    if treatment is None:
        return crystal
    return replace(crystal, molecules=tuple(treatment(molecule) for molecule in crystal.molecules))


def _normalised(molecule: Molecule) -> Molecule:
    positions = molecule.positions.copy()
    for a, b in molecule.bonds.tolist():
        for hydrogen, heavy in ((a, b), (b, a)):
            if molecule.atomic_numbers[hydrogen] == 1 and molecule.atomic_numbers[heavy] != 1:
                bond = molecule.positions[hydrogen] - molecule.positions[heavy]
                length = _neutron_distance(int(molecule.atomic_numbers[heavy]))
                positions[hydrogen] = molecule.positions[heavy] + bond * (length / np.linalg.norm(bond))
    return replace(molecule, positions=np.round(positions / QUANTUM) * QUANTUM)


def _neutron_distance(heavy: int) -> float:
    return NEUTRON_DISTANCE.get(heavy, float(COVALENT_RADII[heavy] + COVALENT_RADII[1]))


def _without(molecule: Molecule) -> Molecule:
    keep = np.flatnonzero(molecule.atomic_numbers != 1)
    place: NDArray[np.int32] = np.full(len(molecule.labels), -1, dtype=np.int32)
    place[keep] = np.arange(len(keep))
    bonds = place[molecule.bonds]
    return replace(
        molecule,
        labels=tuple(molecule.labels[k] for k in keep),
        atomic_numbers=molecule.atomic_numbers[keep],
        positions=molecule.positions[keep],
        bonds=bonds[(bonds >= 0).all(axis=1)],
    )
