"""What a ligand is made of, from elements and coordinates alone: connectivity, fingerprint, similarity.

Bond orders play no part, so that SDF, mol2, PDBQT and PDB ligands, sanitisable or not, are all treated alike.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from molinteract.core.elements import COVALENT_RADII, ORGANIC

FINGERPRINT_SIZE: Final = 2048
_TOLERANCE: Final = 0.30
"""Å beyond the sum of the covalent radii (SPEC 1.1)."""
_LONGEST: Final = 3.2
"""Å; the longest bond these radii allow, I–I with the tolerance, is 3.1."""


def bonds(atomic_numbers: NDArray[np.integer], positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return pairs (bonds, 2) of atoms nearer than the sum of their covalent radii + 0.30 Å; never H–H, never a metal."""
    pairs = cKDTree(positions).query_pairs(_LONGEST, output_type="ndarray").astype(np.int64)
    a, b = pairs[:, 0], pairs[:, 1]
    length = np.linalg.norm(positions[a] - positions[b], axis=1)
    reach = COVALENT_RADII[atomic_numbers[a]] + COVALENT_RADII[atomic_numbers[b]] + _TOLERANCE
    hydrogens = (atomic_numbers[a] == 1) & (atomic_numbers[b] == 1)
    metals = ~np.isin(atomic_numbers, sorted(ORGANIC))
    bonded: NDArray[np.int64] = pairs[(length < reach) & ~hydrogens & ~metals[a] & ~metals[b]]
    return bonded


def fingerprint(atomic_numbers: NDArray[np.integer], positions: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return counts (2048,) of the atom environments of radius 0 to 2 of the heavy-atom skeleton.

    Morgan's algorithm (ECFP4: Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742) on elements and connectivity.
    """
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator

    heavy = atomic_numbers > 1
    numbers, xyz = atomic_numbers[heavy], positions[heavy]
    molecule: Any = Chem.RWMol()
    for z in numbers.tolist():
        atom = Chem.Atom(z)
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
    for a, b in bonds(numbers, xyz).tolist():
        molecule.AddBond(a, b, Chem.BondType.SINGLE)
    molecule = molecule.GetMol()
    molecule.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(molecule)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT_SIZE)
    counts: NDArray[np.int32] = generator.GetCountFingerprintAsNumPy(molecule).astype(np.int32)
    return counts


def tanimoto(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return Tanimoto similarities (n, m) of counts (n, bits) and (m, bits): Σ min / Σ max; 0 for two empty ones."""
    smaller = np.array([np.minimum(row, second).sum(1) for row in first], dtype=np.float64).reshape(len(first), -1)
    larger = first.sum(1)[:, None] + second.sum(1)[None] - smaller
    np.divide(smaller, larger, out=smaller, where=larger > 0)
    return smaller
