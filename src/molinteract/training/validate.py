"""Validation: every measure of SPEC 2.4 on the same displaced patches each time."""

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.network.encoder import InteractNN
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.measures import DenoisingMeasures, RigidMeasures, Values
from molinteract.training.noise import VALIDATION_EPOCH, Draw, Kind
from molinteract.training.objectives import predict
from molinteract.training.recipe import Recipe


def validate(model: InteractNN, patches: DisplacedPatches, batches: list[NDArray[np.int64]], *, clamp: float) -> Values:
    """Return all measures of a network in evaluation mode.

    Every patch is displaced three ways: its atoms, its fragments as rigid bodies, and both (suffix ``_both``). The
    displacements depend on the patch alone, so that networks and runs can be compared.
    """
    atoms, rigid, both = DenoisingMeasures(), RigidMeasures(), RigidMeasures("_both")
    with torch.no_grad():
        for rows in batches:
            draw = Draw(0, VALIDATION_EPOCH, np.zeros(len(rows), dtype=np.int64))
            batch, displaced = patches.batch(rows, kind="atoms", draw=draw)
            atoms.add(batch, predict(model, batch, clamp=clamp).delta, displaced.delta)
            moved: tuple[tuple[Kind, RigidMeasures], ...] = (("rigid", rigid), ("both", both))
            for kind, measures in moved:
                batch, displaced = patches.batch(rows, kind=kind, draw=draw)
                measures.add(batch, predict(model, batch, clamp=clamp), displaced)
    return atoms.values() | rigid.values() | both.values()


def score(values: Values, recipe: Recipe) -> float:
    """Return what decides which network of a run is the best: ``ev``, and in ``joint`` mode ``ev`` + ``ev_rigid``."""
    return values["ev"] + (values["ev_rigid"] if recipe.mode == "joint" else 0.0)
