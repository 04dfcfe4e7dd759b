"""How well displacements are predicted, beside predicting zero (SPEC 2.4)."""

from collections import defaultdict

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.core.elements import SYMBOLS

Values = dict[str, float]


class DenoisingMeasures:
    """Sums over batches; ``values`` gives every measure with its predict-zero null.

    ``rmse`` is the root of the mean over atoms of |δ̂ − δ|², in Å; ``ev`` = 1 − Σ|δ̂ − δ|² / Σ|δ|²; ``ev_interface`` and
    ``ev_rest`` are ``ev`` over the atoms with and without an intermolecular edge; ``ev_C`` and so on by element;
    ``ev_rigid_nodes`` is ``ev`` of the difference of the two fragments' mean displacements. Predicting zero gives 0 for
    each ``ev``, and ``rmse_zero`` for ``rmse``.
    """

    def __init__(self) -> None:
        self._error: dict[str, float] = defaultdict(float)
        self._signal: dict[str, float] = defaultdict(float)
        self._atoms = 0

    def add(self, batch: PatchBatch, predicted: Tensor, delta: Tensor) -> None:
        """Add one batch: predicted and true displacements (atoms, 3)."""
        predicted, delta = predicted.detach().double(), delta.detach().double()
        error, signal = (predicted - delta).square().sum(1), delta.square().sum(1)
        at_interface = torch.zeros(batch.n_nodes, dtype=torch.bool, device=error.device)
        at_interface[batch.inter_edges[0]] = True
        self._atoms += batch.n_nodes
        self._sum("", error, signal)
        self._sum("_interface", error[at_interface], signal[at_interface])
        self._sum("_rest", error[~at_interface], signal[~at_interface])
        for z in torch.unique(batch.atomic_numbers).tolist():
            chosen = batch.atomic_numbers == z
            self._sum(f"_{SYMBOLS[z]}", error[chosen], signal[chosen])
        relative, relative_true = relative_translation(batch, predicted), relative_translation(batch, delta)
        self._sum("_rigid_nodes", (relative - relative_true).square().sum(1), relative_true.square().sum(1))

    def values(self) -> Values:
        """Return all measures; empty sums are left out."""
        if not self._atoms:
            return {}
        values = {
            "rmse": (self._error[""] / self._atoms) ** 0.5,
            "rmse_zero": (self._signal[""] / self._atoms) ** 0.5,
        }
        for name, signal in self._signal.items():
            if signal > 0:
                values[f"ev{name}"] = 1.0 - self._error[name] / signal
        return values

    def _sum(self, name: str, error: Tensor, signal: Tensor) -> None:
        self._error[name] += float(error.sum())
        self._signal[name] += float(signal.sum())


def relative_translation(batch: PatchBatch, displacement: Tensor) -> Tensor:
    """Return mean displacement of molecule j minus that of molecule i, (patches, 3), for displacements (atoms, 3)."""
    side = 2 * batch.patch_index + batch.molecule_index
    total = displacement.new_zeros((2 * batch.n_patches, 3)).index_add(0, side, displacement)
    count = torch.bincount(side, minlength=2 * batch.n_patches).clamp(min=1).to(displacement)
    means = (total / count.unsqueeze(1)).view(-1, 2, 3)
    return means[:, 1] - means[:, 0]
