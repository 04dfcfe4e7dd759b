"""Labels of atoms for probing, from the bonds the store holds (SPEC 3)."""

from dataclasses import dataclass

import numpy as np

from molinteract.core.elements import SYMBOLS
from molinteract.store.dataset import MoleculeRow

BOND_TYPES = ("single", "double", "triple", "aromatic")


@dataclass(frozen=True, slots=True)
class NodeLabels:
    """Labels of the atoms of one molecule, one string each; empty where a label does not apply.

    Attributes
    ----------
    element : list of str
    hydrogen_on : list of str
        For hydrogen: the element it is bonded to.
    carbon_bond : list of str
        For carbon: the highest type among its bonds, aromatic before triple before double before single.
    carbon_partners : list of str
        For carbon: the elements other than carbon and hydrogen around it, or ``C`` where there are none.
    """

    element: list[str]
    hydrogen_on: list[str]
    carbon_bond: list[str]
    carbon_partners: list[str]


def node_labels(molecule: MoleculeRow) -> NodeLabels:
    """Label the atoms of a molecule."""
    symbols = [SYMBOLS[z] for z in molecule.atomic_numbers.tolist()]
    neighbours: list[list[int]] = [[] for _ in symbols]
    highest = np.zeros(len(symbols), dtype=np.int64)
    ranks = np.where(molecule.aromatic_bonds, 4, molecule.bond_orders)
    for (a, b), rank in zip(molecule.bonds.tolist(), ranks.tolist(), strict=True):
        neighbours[a].append(b)
        neighbours[b].append(a)
        highest[a], highest[b] = max(highest[a], rank), max(highest[b], rank)
    labels = NodeLabels(symbols, [], [], [])
    for atom, symbol in enumerate(symbols):
        around = [symbols[k] for k in neighbours[atom]]
        labels.hydrogen_on.append(around[0] if symbol == "H" and around else "")
        is_carbon = symbol == "C" and highest[atom] > 0
        labels.carbon_bond.append(BOND_TYPES[highest[atom] - 1] if is_carbon else "")
        others = sorted({s for s in around if s not in ("C", "H")})
        labels.carbon_partners.append(("+".join(others) or "C") if is_carbon else "")
    return labels
