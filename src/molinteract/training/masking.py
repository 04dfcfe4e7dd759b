"""Hidden elements: which atoms are asked for their element, and what the network is shown of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from molinteract.patches.patch import PatchArrays
from molinteract.training.noise import Draw, generator

HIDDEN: Final = 0.8
"""Share of the asked atoms that are shown as "anything else"; the others keep their element, so that the vectors of atoms
that are seen hold it too (as in masked language models, arXiv:1810.04805)."""
_STREAM = 1
"""Of the generator: displacements are drawn from stream 0, and do not change where elements are hidden."""


def hide_elements(
    arrays: PatchArrays, keys: NDArray[np.uint64], *, share: float, draw: Draw
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Return the atomic numbers that are shown (0 where hidden), and which atoms are asked, both (atoms,)."""
    lots = np.empty(len(arrays.atomic_numbers))
    for p in range(len(arrays)):
        rng = generator(draw, int(draw.places[p]), int(keys[p]), stream=_STREAM)
        part = slice(arrays.node_offsets[p], arrays.node_offsets[p + 1])
        lots[part] = rng.random(part.stop - part.start)
    hidden = lots < share * HIDDEN
    return np.where(hidden, 0, arrays.atomic_numbers).astype(np.int16), lots < share
