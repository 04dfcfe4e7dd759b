"""The push along dissociation curves, judged on curves whose answer is known."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import torch

from molinteract.core.errors import ConfigError
from molinteract.core.settings import PatchParameters
from molinteract.evidence.dimers import Dimers, pack_pairs
from molinteract.evidence.push import predicted_push, push_along_curves
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.heads import RigidMotion

SCALES = (0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0)
REST = (2.4, 2.8, 3.2, 3.6)
"""Equilibrium distance of each curve: no one threshold on the distance serves all of them."""


def curves():
    scale, position, rows = [], [], []
    for c, rest in enumerate(REST):
        for s in SCALES:
            position += [[0, 0, 0], [0, 0.7, 0], [rest * s, 0, 0], [rest * s, 0.7, 0]]
            scale.append(s)
            rows.append((f"S66x8:C{c}_{s:.2f}", f"P{c}", rest * s, (s - 1.02) ** 2))
    ids, pairs, shortest, energies = zip(*rows, strict=True)
    n = len(scale)
    table = pa.table(
        {"id": ids, "set": ["S66x8"] * n, "scale": scale, "pair": pairs, "d_min": shortest, "e_ref_kcal": energies}
    )
    packed = pack_pairs(np.full((n, 2), 2), np.tile([8, 1], 2 * n), np.array(position))
    return Dimers(table, packed, PatchParameters())


@dataclass
class Knowing:
    """Says that molecule j was moved by ``share`` of its distance from rest, along the axis."""

    share: float

    def encode(self, batch):
        return batch.positions

    def rigid_motion(self, batch, features):
        first = features.view(-1, 4, 3)
        rest = torch.tensor(np.repeat(REST, len(SCALES)), dtype=torch.float32)
        along = first[:, 2] - first[:, 0]
        moved = along * (1 - rest.unsqueeze(1) / along.norm(dim=1, keepdim=True))
        return RigidMotion(self.share * moved, moved, rest)


def test_network_that_knows_is_right_everywhere_and_crosses_at_rest():
    score = push_along_curves(Knowing(0.5), curves())
    assert (score.compressed, score.stretched, score.balanced, score.crossed) == (1.0, 1.0, 1.0, 1.0)
    assert score.crossing[1] == pytest.approx(1.0, abs=1e-3)
    assert score.minimum[1] == pytest.approx(1.02, abs=1e-6)
    assert (score.curves, score.points) == (4, 28)
    assert score.blind == pytest.approx(np.mean([r * s > 4.0 for r in REST for s in SCALES if s != 1]))


def test_network_with_the_sign_wrong_is_wrong_everywhere():
    score = push_along_curves(Knowing(-0.5), curves())
    assert (score.compressed, score.stretched, score.crossed) == (0.0, 0.0, 0.0)


def test_distance_rule_equals_a_plain_computation():
    score = push_along_curves(Knowing(1.0), curves())
    right = {side: [] for side in (-1, 1)}
    for c, rest in enumerate(REST):
        threshold = np.median([r for k, r in enumerate(REST) if k != c])
        for s in SCALES:
            if s != 1:
                side = int(np.sign(s - 1))
                right[side].append(np.sign(rest * s - threshold) == side)
    assert score.rule_compressed == pytest.approx(np.mean(right[-1]))
    assert score.rule_stretched == pytest.approx(np.mean(right[1]))
    assert score.rule_balanced < 1


def test_exchange_of_the_molecules_leaves_the_push():
    torch.manual_seed(0)
    model = InteractNN(NetworkConfig(ns=6, nv=4, n_layers=3, psi_hidden=12, rigid_head=True)).eval()
    dimers = curves()
    rows = np.arange(8)
    packed = dimers.molecules
    order = np.arange(len(packed.positions)).reshape(-1, 2, 2)[:, ::-1].ravel()
    counts = np.full((len(dimers), 2), 2)
    swapped = Dimers(
        dimers.table,
        pack_pairs(counts, packed.atomic_numbers[order], packed.positions[order] * 1e-4),
        dimers.parameters,
    )
    push = [predicted_push(model, d.cut(rows), rows) for d in (dimers, swapped)]
    assert np.abs(push[0]).max() > 0
    np.testing.assert_allclose(push[1], push[0], atol=1e-5)


def test_network_without_a_rigid_head_says_so():
    with pytest.raises(ConfigError, match="no rigid head"):
        push_along_curves(InteractNN(NetworkConfig(ns=4, nv=2, n_layers=2)).eval(), curves())
