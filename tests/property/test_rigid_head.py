"""The rigid head: rotation, reflection, translation and exchange of the molecules, in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.random_batches import random_batch

from molinteract.core.errors import ConfigError
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

seeds = st.integers(0, 10_000)


def network():
    torch.manual_seed(3)
    model = InteractNN(NetworkConfig(ns=6, nv=4, n_layers=4, psi_hidden=12, rigid_head=True)).double()
    for seed in range(3):  # running statistics that are not those of birth
        batch = random_batch(seed)
        model.train().rigid_motion(batch, model.encode(batch))
    return model.eval()


def motion(model, batch):
    with torch.no_grad():
        return model.rigid_motion(batch, model.encode(batch))


def orthogonal(seed, determinant):
    q = torch.linalg.qr(torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 3))))[0]
    return q * torch.linalg.det(q).sign() * determinant


@settings(max_examples=10, deadline=None)
@given(seed=seeds, determinant=st.sampled_from([1, -1]))
def test_translation_is_polar_and_rotation_axial(seed, determinant):
    model, batch = network(), random_batch(seed % 7)
    q = orthogonal(seed, determinant)
    before, after = motion(model, batch), motion(model, batch.with_positions(batch.positions @ q.T))
    assert float(before.translation.norm()) > 1e-3
    assert float(before.rotation.norm()) > 1e-3
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(after.translation, before.translation @ q.T, **close)
    torch.testing.assert_close(after.rotation, determinant * before.rotation @ q.T, **close)
    torch.testing.assert_close(after.log_distance, before.log_distance, **close)


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_exchange_of_the_molecules_changes_the_sign(seed):
    model, batch = network(), random_batch(seed % 7)
    before, after = motion(model, batch), motion(model, replace(batch, molecule_index=1 - batch.molecule_index))
    torch.testing.assert_close(after.translation, -before.translation, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(after.rotation, -before.rotation, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(after.log_distance, before.log_distance, rtol=1e-9, atol=1e-9)


def test_shift_of_the_whole_patch_changes_nothing():
    model, batch = network(), random_batch(1)
    moved = batch.with_positions(batch.positions + torch.tensor([5.0, -3.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(motion(model, moved).translation, motion(model, batch).translation)


def test_readout_of_a_network_with_the_head_has_the_same_size():
    model, batch = network(), random_batch(0)
    with torch.no_grad():
        assert model.readout(batch, model.encode(batch)).shape == (3, 12)


def test_network_without_the_head_says_so():
    model, batch = InteractNN(NetworkConfig(ns=6, nv=4, n_layers=2)).double(), random_batch(0)
    with pytest.raises(ConfigError, match="no rigid head"):
        model.rigid_motion(batch, model.encode(batch))
