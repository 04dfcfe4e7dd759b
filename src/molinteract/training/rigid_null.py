"""The null of ``ev_rigid``: what distance, sizes and compositions alone tell of a shift along the centre–centre axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molinteract.patches.patch import PatchArrays
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.noise import VALIDATION_EPOCH, Draw

_ELEMENTS = (1, 6, 7, 8, 9, 16, 17)
_TRAINING_DRAWS = 4


@dataclass(frozen=True, slots=True)
class _Sample:
    """Features (patches, k) of both fragments, the axis (patches, 3) from i to j, and t (patches, 3)."""

    features: NDArray[np.float64]
    axis: NDArray[np.float64]
    translation: NDArray[np.float64]


def rigid_null(
    patches: DisplacedPatches,
    training: NDArray[np.int64],
    validation: NDArray[np.int64],
    *,
    seed: int,
    most: int = 8192,
) -> float:
    """Return ``ev_rigid_null``: ``ev`` of t̂ = f(x) n, with n the perturbed centre–centre axis.

    f is gradient-boosted regression on the perturbed centre distance and, of each fragment, its number of atoms, radius of
    gyration and composition; fitted on training compounds (both orders of the molecules, several displacements each) and
    measured on the same moved validation patches as ``ev_rigid``.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(seed)
    chosen = rng.permutation(training)[:most]
    parts = [_sample(patches, chosen, seed=seed, epoch=k) for k in range(_TRAINING_DRAWS)]
    parts += [_exchanged(part) for part in parts]
    features = np.concatenate([part.features for part in parts])
    target = np.concatenate([(part.translation * part.axis).sum(1) for part in parts])
    model = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.05, l2_regularization=1.0, random_state=0)
    model.fit(features, target)
    held_out = _sample(patches, validation, seed=0, epoch=VALIDATION_EPOCH)
    predicted = model.predict(held_out.features)[:, None] * held_out.axis
    error = ((predicted - held_out.translation) ** 2).sum()
    return float(1.0 - error / (held_out.translation**2).sum())


def _sample(patches: DisplacedPatches, rows: NDArray[np.int64], *, seed: int, epoch: int) -> _Sample:
    features, axes, translations = [], [], []
    for k in range(0, len(rows), 256):
        part = rows[k : k + 256]
        # places lie beyond those of any epoch, so that training never sees these displacements
        places = np.zeros(len(part), np.int64) if epoch == VALIDATION_EPOCH else np.arange(k, k + len(part)) + 2**40
        arrays, displaced = patches.arrays(part, kind="rigid", draw=Draw(seed, epoch, places))
        x, axis = _describe(arrays)
        features.append(x)
        axes.append(axis)
        translations.append(displaced.translation.cpu().double().numpy())
    return _Sample(np.concatenate(features), np.concatenate(axes), np.concatenate(translations))


def _describe(arrays: PatchArrays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the features (patches, 1 + 2 k): distance, then those of fragment i and of j; and the axis (patches, 3)."""
    n = len(arrays)
    side = 2 * np.repeat(np.arange(n), np.diff(arrays.node_offsets)) + arrays.molecule_index
    count = np.maximum(np.bincount(side, minlength=2 * n), 1)
    sums = np.stack([np.bincount(side, arrays.positions[:, k], minlength=2 * n) for k in range(3)], axis=1)
    centre = sums / count[:, None]
    squared = ((arrays.positions - centre[side]) ** 2).sum(1)
    gyration = np.sqrt(np.bincount(side, squared, minlength=2 * n) / count)
    elements = [np.bincount(side, arrays.atomic_numbers == z, minlength=2 * n) for z in _ELEMENTS]
    of_fragment = np.stack([count, gyration, *elements], axis=1).reshape(n, -1)
    apart = centre[1::2] - centre[::2]
    distance = np.linalg.norm(apart, axis=1, keepdims=True)
    return np.concatenate([distance, of_fragment], axis=1), apart / np.maximum(distance, 1e-9)


def _exchanged(sample: _Sample) -> _Sample:
    """Return the same patches with their molecules exchanged: t and the axis both change sign."""
    k = (sample.features.shape[1] - 1) // 2
    features = np.concatenate(
        [sample.features[:, :1], sample.features[:, 1 + k :], sample.features[:, 1 : 1 + k]], axis=1
    )
    return _Sample(features, -sample.axis, -sample.translation)
