"""Element symbols, covalent radii and the organic set.

Radii: Cordero et al., Dalton Trans. 2008, 2832, https://doi.org/10.1039/b801115j.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SYMBOLS: Final[tuple[str, ...]] = tuple(
    (
        "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
        "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
        "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
        "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
    ).split()
)
"""Symbol of each atomic number; index 0 is the unknown element ``X``."""

ATOMIC_NUMBERS: Final[dict[str, int]] = {symbol: z for z, symbol in enumerate(SYMBOLS)} | {"D": 1, "T": 1}
"""Atomic number of each symbol; deuterium and tritium are hydrogen for chemistry."""

_RADII: Final[dict[str, float]] = {
    "H": 0.31, "He": 0.28, "B": 0.84, "C": 0.76, "N": 0.71, "O": 0.66, "F": 0.57, "Ne": 0.58, "Si": 1.11,
    "P": 1.07, "S": 1.05, "Cl": 1.02, "Ar": 1.06, "Ge": 1.20, "As": 1.19, "Se": 1.20, "Br": 1.20, "Kr": 1.16,
    "Te": 1.38, "I": 1.39, "Xe": 1.40, "Rn": 1.50,
}  # fmt: skip

ORGANIC: Final[frozenset[int]] = frozenset(ATOMIC_NUMBERS[symbol] for symbol in _RADII)
"""Atomic numbers an entry may contain; any other element is the reason ``metal`` (SPEC 1.1)."""


def _radius_table() -> NDArray[np.float64]:
    table = np.full(len(SYMBOLS), np.nan)
    for symbol, radius in _RADII.items():
        table[ATOMIC_NUMBERS[symbol]] = radius
    table.setflags(write=False)
    return table


COVALENT_RADII: Final[NDArray[np.float64]] = _radius_table()
"""(119,) covalent radii in angstrom by atomic number; nan outside the organic set."""


def formula(atomic_numbers: NDArray[np.integer]) -> str:
    """Return the formula in Hill order (C, H, then alphabetical; all alphabetical without carbon).

    Parameters
    ----------
    atomic_numbers : (atoms,) int
        Atomic numbers.

    Returns
    -------
    str
        For example ``C8H9NO2``.
    """
    by_symbol = {SYMBOLS[z]: n for z, n in enumerate(np.bincount(atomic_numbers).tolist()) if n}
    first = [s for s in ("C", "H") if s in by_symbol] if "C" in by_symbol else []
    order = first + sorted(set(by_symbol) - set(first))
    return "".join(f"{s}{by_symbol[s] if by_symbol[s] > 1 else ''}" for s in order)
