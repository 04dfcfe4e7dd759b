"""What each element may do: extra bonds it takes, at what benefit, and the charge that is left.

A *copy* is one additional bond order that an atom can take beyond its single bonds; its benefit says how much the atom wants
it. The numbers are relative: carbon must be satisfied before oxygen, a charged or hypervalent atom only where it pays.
"""

from functools import cache
from typing import Final

from molinteract.core.elements import ATOMIC_NUMBERS

H, B, C, N, O, SI, P, S, SE, TE, AS, GE = (  # noqa: E741 oxygen is O
    ATOMIC_NUMBERS[symbol] for symbol in ("H", "B", "C", "N", "O", "Si", "P", "S", "Se", "Te", "As", "Ge")
)
HALOGENS: Final = frozenset(ATOMIC_NUMBERS[symbol] for symbol in ("F", "Cl", "Br", "I"))
CHALCOGENS: Final = frozenset((S, SE, TE))
PNICTOGENS: Final = frozenset((P, AS))
NEUTRALISED: Final = frozenset((N, O, S, SE))
"""Elements whose benefits are shifted when a molecule comes out charged."""

_DOUBLE_BOND: Final[dict[frozenset[int], tuple[float, float]]] = {
    frozenset((C,)): (1.54, 1.33), frozenset((C, N)): (1.47, 1.27), frozenset((C, O)): (1.43, 1.21),
    frozenset((N,)): (1.45, 1.24), frozenset((N, O)): (1.42, 1.21), frozenset((C, S)): (1.82, 1.63),
    frozenset((N, S)): (1.68, 1.54), frozenset((O, S)): (1.58, 1.43), frozenset((O, P)): (1.60, 1.48),
}  # fmt: skip
"""Usual single and double bond lengths in Å."""


def copies(atomic_number: int, degree: int) -> list[tuple[float, bool]]:
    """Return (benefit, optional) of each additional bond order an atom with so many neighbours can take.

    An optional copy leaves the atom charged or hypervalent.
    """
    z, d = atomic_number, degree
    if z in (C, SI, GE):
        return [(10.0 if k < 2 else 4.0, False) for k in range(max(0, 4 - d))]
    if z == N:
        usual = [(8.0 if k == 0 else 3.5, False) for k in range(max(0, 3 - d))]
        return usual + ([(-3.0, True)] if d <= 3 else [])
    if z == O:
        charged = {1: [(-7.0, True)], 2: [(-6.0, True)]}.get(d, [])
        return [(4.0, False)] * max(0, 2 - d) + charged
    if z in CHALCOGENS:
        return {1: [(4.0, False)], 2: [(-4.0, True)] * 2, 3: [(3.0, False)], 4: [(3.0, False)] * 2}.get(d, [])
    if z in PNICTOGENS:
        return {2: [(6.0, False)], 3: [(-2.5, True)] * 2, 4: [(3.0, False)]}.get(d, [])
    if z in HALOGENS and d >= 3:
        return {3: [(2.0, False)] * 2, 4: [(3.0, False)] * 3}.get(d, [])
    if z == B:
        return [(2.0, False)] * max(0, 3 - d)
    return []


def length_bonus(z_a: int, z_b: int, length: float) -> float:
    """Return how much a bond length speaks for a double bond, in the units of the benefits."""
    single, double = _usual_lengths(z_a, z_b)
    if not single:
        return 0.0
    return 0.8 * min(2.0, max(-1.0, (single - length) / (single - double)))


@cache
def _usual_lengths(z_a: int, z_b: int) -> tuple[float, float]:
    return _DOUBLE_BOND.get(frozenset((z_a, z_b)), (0.0, 0.0))


@cache
def formal_charge(atomic_number: int, valence: int) -> int:
    """Return the formal charge of an atom whose bond orders add up to ``valence``."""
    z, v = atomic_number, valence
    if z == N:
        return v - 3
    if z == O:
        return v - 2
    if z == B:
        return 3 - v
    if z in (C, SI, GE):
        return v - 4 if v < 4 else 4 - v
    if z in CHALCOGENS:
        return {0: -2, 1: -1, 3: 1}.get(v, 0)
    if z in PNICTOGENS:
        return {2: -1, 4: 1, 6: -1}.get(v, 0)
    if z in HALOGENS:
        return {0: -1, 2: 1}.get(v, 0)
    if z == H:
        return 1 - v
    return 0
