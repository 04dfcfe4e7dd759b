"""How well displacements are predicted, beside predicting zero (SPEC 2.4)."""

from collections import defaultdict

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.core.elements import SYMBOLS
from molinteract.training.fragments import relative_translation
from molinteract.training.noise import Displaced
from molinteract.training.objectives import Prediction

Values = dict[str, float]


class DenoisingMeasures:
    """Sums over batches of which only the atoms were displaced; ``values`` gives every measure with its predict-zero null.

    ``rmse`` is the root of the mean over atoms of |δ̂ − δ|², in Å; ``ev`` = 1 − Σ|δ̂ − δ|² / Σ|δ|²; ``ev_interface`` and
    ``ev_rest`` are ``ev`` over the atoms with and without an intermolecular edge; ``ev_C`` and so on by element;
    ``ev_rigid_nodes`` is ``ev`` of the difference of the two fragments' mean displacements. Predicting zero gives 0 for
    each ``ev``, and ``rmse_zero`` for ``rmse``.
    """

    def __init__(self) -> None:
        self._sums = _Sums()
        self._atoms = 0

    def add(self, batch: PatchBatch, predicted: Tensor, delta: Tensor) -> None:
        """Add one batch: predicted and true displacements (atoms, 3)."""
        predicted, delta = predicted.detach().double(), delta.detach().double()
        error, signal = (predicted - delta).square().sum(1), delta.square().sum(1)
        self._atoms += len(delta)
        self._sums.add("", error, signal)
        touched = torch.zeros(batch.n_nodes, dtype=torch.bool, device=delta.device)
        touched[batch.inter_edges[0]] = True
        self._sums.add("_interface", error[touched], signal[touched])
        self._sums.add("_rest", error[~touched], signal[~touched])
        for z in torch.unique(batch.atomic_numbers).tolist():
            ofz = batch.atomic_numbers == z
            self._sums.add(f"_{SYMBOLS[z]}" if z < len(SYMBOLS) else "_other", error[ofz], signal[ofz])
        shift, true = relative_translation(batch, predicted), relative_translation(batch, delta)
        self._sums.add("_rigid_nodes", (shift - true).square().sum(1), true.square().sum(1))

    def values(self) -> Values:
        """Return all measures; empty sums are left out."""
        if not self._atoms:
            return {}
        rmse = {
            "rmse": (self._sums.error[""] / self._atoms) ** 0.5,
            "rmse_zero": (self._sums.signal[""] / self._atoms) ** 0.5,
        }
        return rmse | self._sums.explained()


class RigidMeasures:
    """Sums over batches whose fragments were moved.

    ``ev_rigid`` and ``ev_rotation``: t̂ against t and ω̂ against ω, decoded through z; ``ev_rigid_distance``: ln |t| from z
    alone, against predicting its mean; ``ev_rigid_moved``: the relative translation by the atoms' head. A suffix tells
    batches apart, as of those whose atoms were displaced as well.
    """

    def __init__(self, suffix: str = "") -> None:
        self._suffix = suffix
        self._sums = _Sums()
        self._logs: list[Tensor] = []
        self._log_error = 0.0

    def add(self, batch: PatchBatch, prediction: Prediction, displaced: Displaced) -> None:
        """Add one batch."""
        true = displaced.translation.double()
        shift = relative_translation(batch, prediction.delta.detach().double())
        self._add("_rigid_moved", shift, true)
        motion = prediction.motion
        if motion is None:
            return
        self._add("_rigid", motion.translation.detach().double(), true)
        self._add("_rotation", motion.rotation.detach().double(), displaced.rotation.double())
        log = torch.linalg.vector_norm(true, dim=1).log()
        self._logs.append(log)
        self._log_error += float((motion.log_distance.detach().double() - log).square().sum())

    def values(self) -> Values:
        """Return all measures; those of heads that the network lacks are left out."""
        values = self._sums.explained()
        if self._logs:
            logs = torch.cat(self._logs)
            values["ev_rigid_distance"] = 1.0 - self._log_error / float((logs - logs.mean()).square().sum())
        return {name + self._suffix: value for name, value in values.items()}

    def _add(self, name: str, predicted: Tensor, true: Tensor) -> None:
        self._sums.add(name, (predicted - true).square().sum(1), true.square().sum(1))


class OpenMeasures:
    """What the opt-in heads know: hidden elements, and how far the contacts of a patch were moved.

    ``element_accuracy``: share of hidden atoms whose element is named, and ``element_accuracy_null``: share of the most common
    one. ``ev_stretch``, ``ev_strain``: mean and root mean square change of the contact distances from z alone, fragments
    moved, against predicting their mean. ``contrast_right``: share of patches that are taken for less strained than their
    moved copy; 0.5 by chance.
    """

    def __init__(self) -> None:
        self._elements: list[Tensor] = []
        self._contacts: list[Tensor] = []

    def add_masked(self, prediction: Prediction, shown: Tensor, displaced: Displaced) -> None:
        """Add a batch with hidden elements; ``shown`` are the atomic numbers that the network saw."""
        if prediction.elements is None or displaced.elements is None:
            return
        hidden = (shown == 0) & (displaced.elements > 0)
        named = prediction.elements[hidden].argmax(1)
        self._elements.append(torch.stack([named, displaced.elements[hidden]], dim=1))

    def add_pair(self, still: Prediction, moved: Prediction, displaced: Displaced) -> None:
        """Add the same patches as they are and with fragments moved."""
        if still.contacts is None or moved.contacts is None or displaced.contacts is None:
            return
        row = torch.cat([still.contacts[:, 1:], moved.contacts, displaced.contacts], dim=1)
        self._contacts.append(row.detach().double())

    def values(self) -> Values:
        """Return all measures; those of heads that the network lacks are left out."""
        values = {}
        if self._elements:
            named, true = torch.cat(self._elements).T
            values["element_accuracy"] = float((named == true).double().mean())
            values["element_accuracy_null"] = float(torch.bincount(true).max() / len(true))
        if self._contacts:
            still, stretch, strain, true_stretch, true_strain = torch.cat(self._contacts).T
            for name, predicted, true in (("stretch", stretch, true_stretch), ("strain", strain, true_strain)):
                spread = (true - true.mean()).square().sum()
                values[f"ev_{name}"] = float(1.0 - (predicted - true).square().sum() / spread)
            values["contrast_right"] = float((strain > still).double().mean())
        return values


class _Sums:
    """Squared errors and squared signals by name."""

    def __init__(self) -> None:
        self.error: dict[str, float] = defaultdict(float)
        self.signal: dict[str, float] = defaultdict(float)

    def add(self, name: str, error: Tensor, signal: Tensor) -> None:
        self.error[name] += float(error.sum())
        self.signal[name] += float(signal.sum())

    def explained(self) -> Values:
        return {f"ev{k}": 1.0 - self.error[k] / signal for k, signal in self.signal.items() if signal > 0}
