"""How the patches of an epoch are divided into batches: by number, and by budgets of atoms and edges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one batch; None means no limit. A patch that is beyond a limit alone makes its own batch."""

    patches: int
    nodes: int | None = None
    edges: int | None = None


def divide(nodes: NDArray[np.integer], edges: NDArray[np.integer], *, budget: Budget) -> list[slice]:
    """Divide patches, in the order given, into the fewest consecutive batches within the budget.

    Parameters
    ----------
    nodes, edges : (patches,) int
        Sizes of the patches.
    budget : Budget

    Returns
    -------
    list of slice
        Of the patches.
    """
    batches, start, n, e = [], 0, 0, 0
    for k, (more_nodes, more_edges) in enumerate(zip(nodes.tolist(), edges.tolist(), strict=True)):
        full = (
            k - start == budget.patches
            or (budget.nodes is not None and n + more_nodes > budget.nodes)
            or (budget.edges is not None and e + more_edges > budget.edges)
        )
        if full and k > start:
            batches.append(slice(start, k))
            start, n, e = k, 0, 0
        n, e = n + more_nodes, e + more_edges
    if start < len(nodes):
        batches.append(slice(start, len(nodes)))
    return batches
