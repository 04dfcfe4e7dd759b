"""What is minimised: displacements of atoms, and in ``joint`` mode the fragments' motion decoded through z (SPEC 2.4)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.network.encoder import InteractNN
from molinteract.network.heads import RigidMotion
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
    """

    delta: Tensor
    motion: RigidMotion | None


def predict(model: InteractNN, batch: PatchBatch, *, clamp: float) -> Prediction:
    """Return the predictions of a network for a displaced batch."""
    features = model.encode(batch)
    motion = None if model.rigid is None else model.rigid_motion(batch, features)
    return Prediction(model.denoise(batch, features).clamp(-clamp, clamp), motion)


def loss_sums(prediction: Prediction, displaced: Displaced) -> Tensor:
    """Return squared errors and how many they are of, (4, 2): atoms, translation, rotation, log distance.

    Sums rather than means, so that those of several processes add up to the joint batch's.
    """
    error = (prediction.delta - displaced.delta).square().sum()
    rows = [torch.stack([error, error.new_tensor(float(len(displaced.delta)))])]
    if prediction.motion is not None:
        moved = displaced.moved
        count = moved.sum().to(error)
        distance = torch.linalg.vector_norm(displaced.translation[moved], dim=1).clamp(min=1e-3)
        for predicted, true in (
            (prediction.motion.translation[moved], displaced.translation[moved]),
            (prediction.motion.rotation[moved], displaced.rotation[moved]),
            (prediction.motion.log_distance[moved], distance.log()),
        ):
            rows.append(torch.stack([(predicted - true).square().sum(), count]))
    return torch.stack(rows)


def total_loss(sums: Tensor, recipe: Recipe) -> Tensor:
    """Return the loss of a batch from its sums.

    ``paper`` mode: the root of the mean over atoms of |δ̂ − δ|², a mean over nodes so that large patches do not dominate.
    ``joint`` mode adds the mean squared errors of t and ω in units of their variance, and of ln |t|; each is about 1 for a
    network that predicts nothing.
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
    )
