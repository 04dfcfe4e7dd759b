"""Validation: every measure of SPEC 2.4 on the same displaced patches each time."""

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.network.encoder import InteractNN
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.measures import DenoisingMeasures, OpenMeasures, RigidMeasures, Values
from molinteract.training.noise import VALIDATION_EPOCH, Draw
from molinteract.training.objectives import predict
from molinteract.training.recipe import Recipe


def validate(model: InteractNN, patches: DisplacedPatches, batches: list[NDArray[np.int64]], *, clamp: float) -> Values:
    """Return all measures of a network in evaluation mode.

    Every patch is displaced three ways: its atoms, its fragments as rigid bodies, and both (suffix ``_both``); where the
    network has heads for it, it is also shown as it is and with hidden elements. The displacements depend on the patch alone,
    so that networks and runs can be compared.
    """
    atoms, rigid, both, more = DenoisingMeasures(), RigidMeasures(), RigidMeasures("_both"), OpenMeasures()
    with torch.no_grad():
        for rows in batches:
            draw = Draw(0, VALIDATION_EPOCH, np.zeros(len(rows), dtype=np.int64))
            batch, displaced = patches.batch(rows, kind="atoms", draw=draw)
            atoms.add(batch, predict(model, batch, clamp=clamp).delta, displaced.delta)
            batch, displaced = patches.batch(rows, kind="both", draw=draw)
            both.add(batch, predict(model, batch, clamp=clamp), displaced)
            batch, displaced = patches.batch(rows, kind="rigid", draw=draw)
            moved = predict(model, batch, clamp=clamp)
            rigid.add(batch, moved, displaced)
            if model.contact is not None:
                still = predict(model, patches.batch(rows, kind="still", draw=draw)[0], clamp=clamp)
                more.add_pair(still, moved, displaced)
            if model.element is not None:
                batch, displaced = patches.batch(rows, kind="still", draw=draw, hide=True)
                more.add_masked(predict(model, batch, clamp=clamp), batch.atomic_numbers, displaced)
    return atoms.values() | rigid.values() | both.values() | more.values()


def score(values: Values, recipe: Recipe) -> float:
    """Return what decides which network of a run is the best: ``ev``, and in ``joint`` mode ``ev`` + ``ev_rigid``."""
    return values["ev"] + (values["ev_rigid"] if recipe.mode == "joint" else 0.0)
