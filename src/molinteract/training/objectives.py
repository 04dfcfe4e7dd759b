"""What is minimised: displacements of atoms, and in ``joint`` mode the fragments' motion decoded through z (SPEC 2.4)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from molinteract.batches.batch import PatchBatch
from molinteract.network.encoder import InteractNN
from molinteract.network.heads import RigidMotion
from molinteract.training.fragments import relative_translation, translation_variance
from molinteract.training.noise import Displaced
from molinteract.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the network says of a displaced batch.

    Attributes
    ----------
    delta : (atoms, 3)
        δ̂, clamped per component; the network is equivariant exactly before the clamp.
    motion : RigidMotion or None
        None for a network without a rigid head.
    elements : (atoms, 119), optional
        Scores of the elements; None for a network without the head.
    contacts : (patches, 2), optional
        Mean and root mean square change of the contact distances, Å; None for a network without the head.
    """

    delta: Tensor
    motion: RigidMotion | None
    elements: Tensor | None = None
    contacts: Tensor | None = None


def predict(model: InteractNN, batch: PatchBatch, *, clamp: float) -> Prediction:
    """Return the predictions of a network for a displaced batch."""
    edges = model.edges(batch)
    features = model.encode(batch, edges)
    return Prediction(
        delta=model.denoise(batch, features, edges).clamp(-clamp, clamp),
        motion=None if model.rigid is None else model.rigid_motion(batch, features),
        elements=None if model.element is None else model.element(model.node_vectors(features)),
        contacts=None if model.contact is None else model.contact(model.readout(batch, features)),
    )


def loss_sums(prediction: Prediction, displaced: Displaced, batch: PatchBatch) -> Tensor:
    """Return errors and how many they are of, (7, 2); zeros for what is not predicted.

    Squared errors of atoms, translation, rotation and log distance, nats of the elements, squared errors of the contact
    distances, and of the drift of displaced atoms: the difference of the fragments' mean displacements over its spread. Sums
    rather than means, so that those of several processes add up to the joint batch's.
    """
    nothing = prediction.delta.new_zeros(2)
    atoms = torch.ones_like(prediction.delta[:, 0], dtype=torch.bool)
    rows = [_squared(prediction.delta, displaced.delta, atoms), *[nothing] * 6]
    if prediction.motion is not None:
        moved, motion = displaced.moved, prediction.motion
        distance = torch.linalg.vector_norm(displaced.translation, dim=1).clamp(min=1e-3)
        rows[1] = _squared(motion.translation, displaced.translation, moved)
        rows[2] = _squared(motion.rotation, displaced.rotation, moved)
        rows[3] = _squared(motion.log_distance.unsqueeze(1), distance.log().unsqueeze(1), moved)
    if prediction.elements is not None and displaced.asked is not None and displaced.elements is not None:
        asked = displaced.asked
        nats = functional.cross_entropy(prediction.elements[asked], displaced.elements[asked], reduction="sum")
        rows[4] = torch.stack([nats, asked.sum().to(nats)])
    if prediction.contacts is not None and displaced.contacts is not None:
        rows[5] = _squared(prediction.contacts, displaced.contacts, displaced.whole)
    drifting = ~(displaced.moved | displaced.whole)
    spread = translation_variance(batch).sqrt().unsqueeze(1)
    error = relative_translation(batch, prediction.delta - displaced.delta) / spread
    rows[6] = _squared(error, torch.zeros_like(error), drifting)
    return torch.stack(rows)


def _squared(predicted: Tensor, true: Tensor, counted: Tensor) -> Tensor:
    """Return the sum of the squared errors of the rows that count, and how many they are; a GPU need not wait for that."""
    errors = torch.where(counted.unsqueeze(1), predicted - true, 0.0).square().sum()
    return torch.stack([errors, counted.sum().to(errors)])


def total_loss(sums: Tensor, recipe: Recipe) -> Tensor:
    """Return the loss of a batch from its sums.

    ``paper`` mode: the root of the mean over atoms of |δ̂ − δ|², a mean over nodes so that large patches do not dominate.
    ``joint`` mode adds the mean squared errors of t and ω in units of their variance, and of ln |t|; each is about 1 for a
    network that predicts nothing. Opt-in: the mean cross-entropy of hidden elements, the mean squared errors of both changes
    of the contact distances in units of σ_t², and that of the drift in units of 3 σ² (1/n_i + 1/n_j).
    """
    means = sums[:, 0] / sums[:, 1].clamp(min=1)
    atoms = torch.sqrt(means[0])
    if recipe.mode == "paper":
        return atoms
    noise, weights = recipe.noise, recipe.loss
    translation = means[1] / (6 * noise.translation**2)  # two fragments, three components
    rotation = means[2] / (6 * noise.rotation**2)
    return (
        weights.atoms * atoms
        + weights.translation * translation
        + weights.rotation * rotation
        + weights.distance * means[3]
        + weights.elements * means[4]
        + weights.contrast * means[5] / noise.translation**2
        + weights.drift * means[6] / (3 * noise.sigma**2)
    )
