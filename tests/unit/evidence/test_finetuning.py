"""Fine-tuning on energies: where it begins, what it leaves alone, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from tests.oracles.random_batches import random_arrays

from molinteract.evidence.compare import OURS
from molinteract.evidence.finetuning import Held, TuningSettings, fine_tune, learning_curve
from molinteract.evidence.task import Task
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

QUICK = TuningSettings(learning_rates=(1e-2,), steps=40, batch_size=8, check_every=5, hidden=8)


class Contacts:
    """Random patches whose energy is −0.1 for every intermolecular edge shorter than 3 Å."""

    def __init__(self, n=80):
        self.each = [random_arrays(k, 1) for k in range(n)]
        lengths = [
            np.linalg.norm(a.positions[a.inter_edges[:, 0]] - a.positions[a.inter_edges[:, 1]], axis=1)
            for a in self.each
        ]
        self.energies = np.array([-0.1 * (length < 3.0).sum() for length in lengths])

    def cut(self, rows):
        return joined([self.each[k] for k in rows])


def joined(arrays):
    offset = lambda name: np.concatenate([[0], np.cumsum([getattr(a, name)[-1] for a in arrays])])  # noqa: E731
    first = offset("node_offsets")
    shifted = lambda name: np.concatenate([getattr(a, name) + s for a, s in zip(arrays, first, strict=False)])  # noqa: E731
    same = lambda name: np.concatenate([getattr(a, name) for a in arrays])  # noqa: E731
    return type(arrays[0])(
        first, offset("inter_offsets"), offset("intra_offsets"), same("atomic_numbers"), same("positions"),
        same("molecule_index"), same("atom_index"), shifted("inter_edges").astype(np.int32),
        shifted("intra_edges").astype(np.int32),
    )  # fmt: skip


def network(seed=0):
    torch.manual_seed(seed)
    return InteractNN(NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=6)).eval()


def tuned(source, rows, *, kind="layers", rate=1e-2, steps=40):
    settings = TuningSettings(kind=kind, steps=steps, batch_size=8, check_every=5, hidden=8)
    held = Held(np.arange(60, 80), source.energies[60:80])
    return fine_tune(
        network(), source, rows, source.energies[rows], held=held, learning_rate=rate, settings=settings, seed=1
    )


@pytest.mark.parametrize("kind", ["layers", "readout"])
def test_training_begins_at_the_ridge_regression_of_frozen_vectors(kind):
    source, rows = Contacts(), np.arange(60)
    model, error = tuned(source, rows, kind=kind, rate=0.0, steps=5)
    with torch.no_grad():
        vectors = model.vectors(source, np.arange(80)).double().numpy()
        predicted = model(source, np.arange(80)).numpy()
    x = (vectors - vectors[:60].mean(0)) / np.maximum(vectors[:60].std(0, ddof=1), 1e-6)
    ridges = [Ridge(alpha=a).fit(x[:60], source.energies[:60]).predict(x) for a in (1e-1, 1.0, 10.0, 1e2, 1e3, 1e4)]
    errors = [np.abs(p - source.energies)[60:].mean() for p in ridges]
    np.testing.assert_allclose(predicted, ridges[int(np.argmin(errors))], atol=1e-4)
    assert error == pytest.approx(min(errors), abs=1e-4)


def test_training_lowers_the_error_of_rows_it_never_saw_and_leaves_the_network_given_alone():
    source, body = Contacts(), network()
    before = {name: value.clone() for name, value in body.state_dict().items()}
    start = tuned(source, np.arange(60), kind="readout", rate=0.0, steps=5)[1]
    assert tuned(source, np.arange(60), kind="readout")[1] < 0.9 * start
    assert all(torch.equal(value, before[name]) for name, value in body.state_dict().items())


def test_curve_judges_every_network_on_the_same_rows_and_repeats():
    source = Contacts(120)
    groups = np.array([f"g{k // 2}" for k in range(120)], dtype=object)
    train = np.arange(120) < 90
    task = Task("energy", "value", "kcal/mol", source.energies, groups, train, ~train)
    networks = {OURS: lambda _seed: network(7), "from scratch": network}
    settings = replace(QUICK, steps=4, check_every=2)
    curve = [
        learning_curve(task, source, np.arange(120), networks, sizes=(20, 40), seeds=2, settings=settings)
        for _ in range(2)
    ]
    assert curve[0] == curve[1]
    assert [(s.labels, s.features) for s in curve[0]] == [(n, name) for n in (20, 40) for name in networks]
    assert {s.test_rows for s in curve[0]} == {30}
    null = np.abs(source.energies[~train] - source.energies[train].mean()).mean()
    assert all(s.mean < 1.1 * null for s in curve[0])
