"""How far a displacement has changed the contacts of a patch: 0 for a real one."""

import numpy as np
from numpy.typing import NDArray

from molinteract.patches.patch import PatchArrays


def contact_changes(clean: PatchArrays, positions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return mean and root mean square change of the intermolecular edges' lengths, (patches, 2), Å.

    Over the edges of the clean patch, at other positions of its atoms (atoms, 3). The mean is above zero where molecules were
    pulled apart and below where they were pressed together; zeros for a patch without an edge.
    """
    a, b = clean.inter_edges.T
    before, after = (np.linalg.norm(x[a] - x[b], axis=1) for x in (clean.positions, positions))
    n, counts = len(clean), np.diff(clean.inter_offsets)
    patch = np.repeat(np.arange(n), counts)
    powers = [np.bincount(patch, (after - before) ** k, minlength=n) / np.maximum(counts, 1) for k in (1, 2)]
    return np.stack([powers[0], np.sqrt(powers[1])], axis=1)
