"""Kekulé bond orders by maximum-weight matching of valence copies.

Each atom offers as many copies as it can take additional bond orders; a matched pair of copies of two bonded atoms raises
their bond by one. Bond lengths break ties. A molecule that comes out charged is solved again with the heteroatoms' benefits
shifted, and the smallest charge is kept. Nitro groups, N-oxides, azides, diazo compounds, sulfones, phosphoryls, carboxylates
and ammonium ions need no rule of their own.
"""

import numpy as np
import rustworkx
from numpy.typing import NDArray

from molinteract.chemistry.valence import NEUTRALISED, copies, formal_charge, length_bonus
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
    lengths = np.linalg.norm(
        molecule.positions[molecule.bonds[:, 0]] - molecule.positions[molecule.bonds[:, 1]], axis=1
    )
    best: tuple[NDArray[np.int8], NDArray[np.int8]] | None = None
    for shift in _SHIFTS:
        orders = _match(molecule, lengths, shift)
        charges = _charges(molecule, orders)
        if best is None or abs(int(charges.sum())) < abs(int(best[1].sum())):
            best = orders, charges
        if int(best[1].sum()) == 0:
            break
    assert best is not None
    return best


def _match(molecule: Molecule, lengths: NDArray[np.float64], shift: float) -> NDArray[np.int8]:
    numbers = molecule.atomic_numbers.tolist()
    pairs = molecule.bonds.tolist()
    degrees = np.bincount(molecule.bonds.ravel(), minlength=len(numbers)).tolist()
    graph = rustworkx.PyGraph()
    nodes: list[list[tuple[int, float]]] = []
    owner: dict[int, int] = {}
    for atom, (z, degree) in enumerate(zip(numbers, degrees, strict=True)):
        shifted = [b - shift if optional or z in NEUTRALISED else b for b, optional in copies(z, degree)]
        nodes.append([(graph.add_node(None), benefit) for benefit in shifted])
        owner.update({node: atom for node, _ in nodes[-1]})
    for (a, b), length in zip(pairs, lengths.tolist(), strict=True):
        bonus = length_bonus(numbers[a], numbers[b], length)
        for node_a, benefit_a in nodes[a]:
            for node_b, benefit_b in nodes[b]:
                weight = round(_SCALE * (benefit_a + benefit_b + bonus))
                if weight > 0:
                    graph.add_edge(node_a, node_b, weight)
    matched = rustworkx.max_weight_matching(graph, weight_fn=int)
    index = {(a, b): k for k, (a, b) in enumerate(pairs)}
    orders = np.ones(len(pairs), dtype=np.int8)
    for node_a, node_b in matched:
        a, b = sorted((owner[node_a], owner[node_b]))
        orders[index[a, b]] += 1
    return orders


def _charges(molecule: Molecule, orders: NDArray[np.int8]) -> NDArray[np.int8]:
    valence = np.zeros(len(molecule.atomic_numbers), dtype=np.int64)
    np.add.at(valence, molecule.bonds[:, 0], orders)
    np.add.at(valence, molecule.bonds[:, 1], orders)
    return np.array(
        [formal_charge(z, v) for z, v in zip(molecule.atomic_numbers.tolist(), valence.tolist(), strict=True)],
        dtype=np.int8,
    )
