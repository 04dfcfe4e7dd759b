"""Kekulé bond orders by maximum-weight matching of valence copies.

Each atom offers as many copies as it can take additional bond orders; a matched pair of copies of two bonded atoms raises
their bond by one. Bond lengths break ties. A molecule that comes out charged is solved again with the heteroatoms' benefits
shifted, and the smallest charge is kept. Nitro groups, N-oxides, azides, diazo compounds, sulfones, phosphoryls, carboxylates
and ammonium ions need no rule of their own.
"""

from functools import cache

import numpy as np
import rustworkx
from numpy.typing import NDArray

from molinteract.chemistry.valence import NEUTRALISED, H, copies, formal_charge, length_bonus
from molinteract.crystals.crystal import Molecule

_SHIFTS = (0.0, 2.5, -2.5, 5.0, -5.0)
_SCALE = 1000
"""Weights are integers, so that the optimum does not depend on rounding."""


def bond_orders(molecule: Molecule) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return bond orders and formal charges.

    Parameters
    ----------
    molecule : Molecule

    Returns
    -------
    orders : (bonds,) int8
        1, 2 or 3.
    charges : (atoms,) int8
    """
    numbers = molecule.atomic_numbers.tolist()
    pairs = molecule.bonds.tolist()
    degrees = [0] * len(numbers)
    for a, b in pairs:
        degrees[a] += 1
        degrees[b] += 1
    bonuses = _bonuses(molecule, numbers)
    best: tuple[list[int], list[int]] | None = None
    for shift in _SHIFTS:
        orders = _match(numbers, degrees, pairs, bonuses=bonuses, shift=shift)
        charges = _charges(numbers, pairs, orders)
        if best is None or abs(sum(charges)) < abs(sum(best[1])):
            best = orders, charges
        if sum(best[1]) == 0:
            break
    assert best is not None
    return np.array(best[0], dtype=np.int8), np.array(best[1], dtype=np.int8)


def _bonuses(molecule: Molecule, numbers: list[int]) -> list[float]:
    """Return what the length of each bond says for a double bond; 0 for bonds to hydrogen, which are single."""
    ends = molecule.positions[molecule.bonds]
    lengths = np.sqrt(((ends[:, 0] - ends[:, 1]) ** 2).sum(axis=1)).tolist()
    return [
        0.0 if numbers[a] == H or numbers[b] == H else length_bonus(numbers[a], numbers[b], length)
        for (a, b), length in zip(molecule.bonds.tolist(), lengths, strict=True)
    ]


@cache
def _offers(atomic_number: int, degree: int, shift: float) -> tuple[float, ...]:
    """Return the benefits of the copies of an atom."""
    movable = atomic_number in NEUTRALISED
    return tuple(b - shift if optional or movable else b for b, optional in copies(atomic_number, degree))


def _match(
    numbers: list[int], degrees: list[int], pairs: list[list[int]], *, bonuses: list[float], shift: float
) -> list[int]:
    offers = [_offers(z, degree, shift) for z, degree in zip(numbers, degrees, strict=True)]
    first: list[int] = []  # node of the first copy of each atom
    owner: list[int] = []
    for atom, benefits in enumerate(offers):
        first.append(len(owner))
        owner += [atom] * len(benefits)
    edges: list[tuple[int, int, int]] = []
    index: dict[tuple[int, int], int] = {}
    for k, (a, b) in enumerate(pairs):
        if offers[a] and offers[b]:
            index[a, b] = k
            for node_a, benefit_a in enumerate(offers[a], first[a]):
                for node_b, benefit_b in enumerate(offers[b], first[b]):
                    weight = round(_SCALE * (benefit_a + benefit_b + bonuses[k]))
                    if weight > 0:
                        edges.append((node_a, node_b, weight))
    orders = [1] * len(pairs)
    if not edges:
        return orders
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(owner)
    graph.add_edges_from(edges)
    for node_a, node_b in rustworkx.max_weight_matching(graph, weight_fn=int):
        a, b = owner[node_a], owner[node_b]
        orders[index[(a, b) if a < b else (b, a)]] += 1
    return orders


def _charges(numbers: list[int], pairs: list[list[int]], orders: list[int]) -> list[int]:
    valences = [0] * len(numbers)
    for (a, b), order in zip(pairs, orders, strict=True):
        valences[a] += order
        valences[b] += order
    return [formal_charge(z, valence) for z, valence in zip(numbers, valences, strict=True)]
