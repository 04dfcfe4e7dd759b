"""Does the rigid head push stretched dimers together and compressed ones apart, without having seen an energy?"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.collate import collate
from molinteract.evidence.dimers import Dimers
from molinteract.network.encoder import InteractNN
from molinteract.patches.patch import PatchArrays


@dataclass(frozen=True, slots=True)
class PushScore:
    """How a network does along dissociation curves, beside a rule that knows the shortest distance only.

    A point counts as right where the sign of t̂ along the centre–centre axis is that of (scale − 1). Chance is 0.5 in each
    share.

    Attributes
    ----------
    curves, points : int
    compressed, stretched : float
        Share right of points below and above scale 1.
    balanced : float
        Mean of the two.
    rule_compressed, rule_stretched, rule_balanced : float
        The same for: stretched where the shortest distance is above the median of that at scale 1 of all other pairs.
    blind : float
        Share of points without an intermolecular edge, about which the network can say nothing.
    crossing : tuple of float
        Quartiles (25, 50, 75 %) of the scale at which t̂ changes from compressed to stretched, of the curves where it does.
    crossed : float
        Share of the curves where it does.
    minimum : tuple of float
        Quartiles of the scale of lowest reference energy, by a parabola through the three lowest points.
    """

    curves: int
    points: int
    compressed: float
    stretched: float
    balanced: float
    rule_compressed: float
    rule_stretched: float
    rule_balanced: float
    blind: float
    crossing: tuple[float, float, float]
    crossed: float
    minimum: tuple[float, float, float]


def push_along_curves(model: InteractNN, dimers: Dimers, *, name: str = "S66x8") -> PushScore:
    """Judge the rigid head of a network on the dissociation curves of a set.

    Parameters
    ----------
    model : InteractNN
        With a rigid head, in evaluation mode.
    dimers : Dimers
        With ``scale`` (1 = equilibrium) and an ``id`` that ends in ``_SCALE`` on each curve.
    name : str
        Of the set.

    Raises
    ------
    ConfigError
        If the network has no rigid head.
    """
    rows = np.flatnonzero(dimers.column("set") == name)
    scale = dimers.column("scale")[rows].astype(np.float64).round(4)
    curve = np.array([text.rsplit("_", 1)[0] for text in dimers.column("id")[rows]], dtype=object)
    arrays = dimers.cut(rows)
    push = predicted_push(model, arrays, rows)
    says = np.sign(push)
    rule = np.sign(_distance_rule(dimers.column("d_min")[rows], scale, dimers.column("pair")[rows]))
    below, above = scale < 1, scale > 1
    shares = [float((sign[part] == side).mean()) for sign in (says, rule) for part, side in ((below, -1), (above, 1))]
    names = sorted(set(curve))
    crossings = [_crossing(scale[curve == c], push[curve == c]) for c in names]
    minima = [_minimum(scale[curve == c], dimers.energies[rows][curve == c]) for c in names]
    found = [value for value in crossings if value is not None]
    return PushScore(
        curves=len(names),
        points=int((below | above).sum()),
        compressed=shares[0],
        stretched=shares[1],
        balanced=(shares[0] + shares[1]) / 2,
        rule_compressed=shares[2],
        rule_stretched=shares[3],
        rule_balanced=(shares[2] + shares[3]) / 2,
        blind=float((np.diff(arrays.inter_offsets) == 0)[below | above].mean()),
        crossing=_quartiles(found),
        crossed=len(found) / len(names),
        minimum=_quartiles(minima),
    )


def predicted_push(model: InteractNN, arrays: PatchArrays, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return t̂ along the axis from the centre of i to that of j, (patches,), Å: above zero where they seem pulled apart."""
    batch = collate(arrays, rows)
    with torch.no_grad():
        translation = model.rigid_motion(batch, model.encode(batch)).translation.double().cpu().numpy()
    side = 2 * batch.patch_index.numpy() + arrays.molecule_index
    count = np.bincount(side, minlength=2 * len(rows))[:, None]
    sums = [np.bincount(side, arrays.positions[:, k], minlength=2 * len(rows)) for k in range(3)]
    centre = np.stack(sums, axis=1) / count
    axis = centre[1::2] - centre[::2]
    along: NDArray[np.float64] = (translation * axis).sum(1) / np.linalg.norm(axis, axis=1)
    return along


def _distance_rule(
    shortest: NDArray[np.float64], scale: NDArray[np.float64], pair: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return the shortest distance beyond the median of that at equilibrium of all other pairs."""
    at_rest = scale == 1.0
    return np.array([d - np.median(shortest[at_rest & (pair != own)]) for d, own in zip(shortest, pair, strict=True)])


def _crossing(scale: NDArray[np.float64], push: NDArray[np.float64]) -> float | None:
    """Return the scale at which the push first rises through zero, between two points."""
    order = np.argsort(scale)
    x, y = scale[order], push[order]
    for k in range(len(x) - 1):
        if y[k] < 0 <= y[k + 1]:
            return float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))
    return None


def _minimum(scale: NDArray[np.float64], energy: NDArray[np.float64]) -> float:
    order = np.argsort(scale)
    x, y = scale[order], energy[order]
    k = int(np.clip(np.argmin(y), 1, len(x) - 2))
    a, b, _ = np.polyfit(x[k - 1 : k + 2], y[k - 1 : k + 2], 2)
    return float(-b / (2 * a))


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if not values:
        return (float("nan"),) * 3
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float(low), float(middle), float(high)
