"""The kind of contact a patch shows (SPEC 3)."""

from numba import njit

from molinteract.chemistry.flags import ACCEPTOR, AROMATIC, DONOR
from molinteract.patches.patch import Interaction

_NONE, _HYDROGEN_BOND, _AROMATIC = (
    int(kind) for kind in (Interaction.NONE, Interaction.HYDROGEN_BOND, Interaction.AROMATIC)
)


@njit(cache=True)
def contact_label(edges, first_i, first_j, flags):
    """Label a contact: aromatic if any edge joins two aromatic atoms, else hydrogen bond if any joins donor and acceptor.

    Parameters
    ----------
    edges : (edges, 2) int
        Atom of one molecule, atom of the other.
    first_i, first_j : int
        Where the flags of the two molecules begin.
    flags : (atoms,) uint8
        Bits of ``chemistry.flags``.

    Returns
    -------
    int
        A value of ``Interaction``.
    """
    label = _NONE
    for e in range(len(edges)):
        a, b = flags[first_i + edges[e, 0]], flags[first_j + edges[e, 1]]
        if a & b & AROMATIC:
            return _AROMATIC
        if (a & DONOR and b & ACCEPTOR) or (a & ACCEPTOR and b & DONOR):
            label = _HYDROGEN_BOND
    return label
