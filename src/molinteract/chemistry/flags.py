"""What an atom is, in one byte: stored with every molecule, so that labels need no chemistry package."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from molinteract.chemistry.perception import Perception

AROMATIC = 1
"""Member of an aromatic system."""
DONOR = 2
"""Heavy atom that can give a hydrogen bond."""
ACCEPTOR = 4
"""Heavy atom that can accept one."""


def atom_flags(perception: "Perception") -> NDArray[np.uint8]:
    """Return the (atoms,) flags of a molecule: bits ``AROMATIC``, ``DONOR``, ``ACCEPTOR``."""
    if not perception.smiles:  # not perceived, or refused: nothing is known
        return np.zeros(len(perception.aromatic), dtype=np.uint8)
    flags = (
        AROMATIC * perception.aromatic.astype(np.uint8)
        + DONOR * perception.donors.astype(np.uint8)
        + ACCEPTOR * perception.acceptors.astype(np.uint8)
    )
    return flags.astype(np.uint8)
