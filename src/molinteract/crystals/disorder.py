"""Partial occupancy: refuse it, or keep the majority component (SPEC 1.1)."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.crystals.cell import site_orders
from molinteract.crystals.operations import Operations
from molinteract.crystals.sites import Sites

FULL = 0.99
"""Occupancy from which a site counts as full."""


def is_partial(sites: Sites, operations: Operations, vectors: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the (sites,) mask of partly occupied sites.

    Some programs write the occupancy of a special position divided by its multiplicity: an atom on a twofold axis with
    0.5 is full.

    Parameters
    ----------
    sites : Sites
    operations : Operations
    vectors : (3, 3) float64
        Cell vectors as rows, Å.
    """
    partial: NDArray[np.bool_] = sites.occupancies < FULL
    if partial.any():
        partial &= sites.occupancies * site_orders(sites, operations, vectors) < FULL
    return partial


def reject_disorder(sites: Sites, partial: NDArray[np.bool_], *, entry: str) -> None:
    """Raise ``disorder`` if a site is partly occupied.

    Raises
    ------
    EntryError
        With the number of partial sites and the first of them.
    """
    if partial.any():
        first = int(np.flatnonzero(partial)[0])
        raise EntryError(
            Reason.DISORDER,
            f"{int(partial.sum())} of {len(sites)} atom rows are partly occupied, the first is "
            f"{sites.labels[first]} with {sites.occupancies[first]:g}",
            entry=entry,
            remedy="keep the majority component with --set policies.disorder=majority",
        )


def majority(sites: Sites, partial: NDArray[np.bool_]) -> Sites:
    """Keep, of each assembly, the disorder group with the highest mean occupancy; ties go to the group named first.

    A partial site without a group is kept above one half. Groups are ``assembly/group`` where the file names assemblies;
    without them all groups of a file are taken as alternatives of one assembly.
    """
    members: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k in np.flatnonzero(partial):
        assembly, _, group = sites.groups[k].rpartition("/")
        members[assembly][group].append(int(k))
    keep = ~partial
    for groups in members.values():
        lone = groups.pop("", [])
        keep[[k for k in lone if sites.occupancies[k] > 0.5]] = True
        if groups:
            best = max(groups.values(), key=lambda rows: float(sites.occupancies[rows].mean()))
            keep[best] = True
    return sites.take(keep)
