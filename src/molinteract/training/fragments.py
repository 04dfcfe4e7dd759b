"""The two fragments of a patch: what displaced atoms do to them as a whole."""

from torch import Tensor

from molinteract.batches.batch import POOL, PatchBatch
from molinteract.kernels.segments import mean_at_nodes, shares_of_nodes


def relative_translation(batch: PatchBatch, displacement: Tensor) -> Tensor:
    """Return mean displacement of molecule j minus that of molecule i, (patches, 3), for displacements (atoms, 3)."""
    layout = batch.layout(POOL)
    means = mean_at_nodes(displacement.index_select(0, layout.senders), layout.receiving).view(-1, 2, 3)
    return means[:, 1] - means[:, 0]


def translation_variance(batch: PatchBatch) -> Tensor:
    """Return 1/n_i + 1/n_j, (patches,).

    The variance of each component of the relative translation where every atom moves on its own with variance 1.
    """
    return shares_of_nodes(batch.layout(POOL).receiving, like=batch.positions).view(-1, 2).sum(1)
