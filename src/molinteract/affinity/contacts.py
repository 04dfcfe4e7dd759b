"""Contacts by element: how many pairs of atoms within 10 Å, by the element of the protein's atom and of the ligand's.

The features of RF-Score (Ballester and Mitchell, Bioinformatics 2010, 26, 1169) at 10 Å instead of 12.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from molinteract.affinity.complexes import CONTACT, Complex

LIGAND_ELEMENTS: Final = (6, 7, 8, 9, 15, 16, 17, 35, 53)
POCKET_ELEMENTS: Final = (6, 7, 8, 16)


def contact_pairs(complex_: Complex) -> NDArray[np.int64]:
    """Return pairs (protein atom, ligand atom) within 10 Å, (pairs, 2).

    Atoms of the protein are numbered through the pocket, then through what is around it, so that the pairs do not depend on the
    radius of the pocket up to 10 Å.
    """
    positions = np.concatenate([complex_.pocket_positions, complex_.around.positions])
    return np.argwhere(cdist(positions, complex_.ligand_positions) <= CONTACT)


def count_pairs(complex_: Complex, pairs: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the number of pairs by element of the protein's atom and of the ligand's, (36,)."""
    protein = _numbers(np.concatenate([complex_.pocket, complex_.around.atomic_numbers]), POCKET_ELEMENTS)
    ligand = _numbers(complex_.ligand, LIGAND_ELEMENTS)
    a, b = protein[pairs[:, 0]], ligand[pairs[:, 1]]
    known = (a >= 0) & (b >= 0)
    width = len(LIGAND_ELEMENTS)
    code = a[known] * width + b[known]
    return np.bincount(code, minlength=len(POCKET_ELEMENTS) * width).astype(np.float64)


def contact_counts(complexes: Sequence[Complex]) -> NDArray[np.float64]:
    """Return the counts (complexes, 36) of all pairs of each complex."""
    found = [count_pairs(c, contact_pairs(c)) for c in complexes]
    return np.array(found).reshape(len(found), len(POCKET_ELEMENTS) * len(LIGAND_ELEMENTS))


def _numbers(atomic_numbers: NDArray[np.integer], elements: Sequence[int]) -> NDArray[np.int64]:
    """Return the place of each atom's element among some, −1 for the others."""
    table = np.full(119, -1)
    table[list(elements)] = np.arange(len(elements))
    return np.asarray(table[atomic_numbers])
