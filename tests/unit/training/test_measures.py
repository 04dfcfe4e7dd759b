"""Measures against plain computations, and the null of the rigid measure."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.network.heads import RigidMotion
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.fragments import relative_translation
from molinteract.training.measures import DenoisingMeasures, OpenMeasures, RigidMeasures
from molinteract.training.noise import Displaced
from molinteract.training.objectives import Prediction
from molinteract.training.recipe import NoiseRecipe
from molinteract.training.rigid_null import rigid_null


def test_measures_equal_a_plain_computation():
    measures = DenoisingMeasures()
    rng = np.random.default_rng(0)
    everything = []
    for seed in range(3):
        batch = random_batch(seed)
        delta, predicted = (torch.from_numpy(rng.normal(size=(batch.n_nodes, 3))) for _ in range(2))
        measures.add(batch, predicted, delta)
        touched = np.isin(np.arange(batch.n_nodes), batch.inter_edges.numpy())
        everything.append((batch.atomic_numbers.numpy(), touched, predicted.numpy(), delta.numpy()))
    z, touched, p, d = (np.concatenate(part) for part in zip(*everything, strict=True))

    def ev(mask):
        return 1 - ((p - d)[mask] ** 2).sum() / (d[mask] ** 2).sum()

    values = measures.values()
    assert values["rmse"] == pytest.approx(np.sqrt(((p - d) ** 2).sum(1).mean()))
    assert values["rmse_zero"] == pytest.approx(np.sqrt((d**2).sum(1).mean()))
    assert values["ev"] == pytest.approx(ev(np.ones(len(z), bool)))
    assert values["ev_interface"] == pytest.approx(ev(touched))
    assert values["ev_rest"] == pytest.approx(ev(~touched))
    assert values["ev_C"] == pytest.approx(ev(z == 6))


def test_predicting_zero_and_the_truth_are_the_ends_of_the_scale():
    batch = random_batch(1)
    delta = torch.randn_like(batch.positions)
    for predicted, expected in ((torch.zeros_like(delta), 0.0), (delta, 1.0)):
        measures = DenoisingMeasures()
        measures.add(batch, predicted, delta)
        values = measures.values()
        assert all(v == pytest.approx(expected) for k, v in values.items() if k.startswith("ev"))
    assert DenoisingMeasures().values() == {}


def test_relative_translation_sees_only_rigid_shifts_of_one_molecule():
    batch = random_batch(2)
    shift = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
    moved = shift * batch.molecule_index.unsqueeze(1)
    torch.testing.assert_close(relative_translation(batch, moved), shift.expand(3, 3))
    both = shift.expand(batch.n_nodes, 3)
    torch.testing.assert_close(relative_translation(batch, both), torch.zeros(3, 3, dtype=torch.float64))


def test_rigid_measures_equal_a_plain_computation():
    rng = np.random.default_rng(1)
    batch = random_batch(4)
    t, t_hat, w, w_hat = (torch.from_numpy(rng.normal(size=(3, 3))) for _ in range(4))
    log_hat = torch.from_numpy(rng.normal(size=3))
    delta = t_hat[batch.patch_index] * batch.molecule_index.unsqueeze(1)  # the atoms' head says the same of t
    measures = RigidMeasures("_both")
    displaced = Displaced(delta, t, w, torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool))
    measures.add(batch, Prediction(delta, RigidMotion(t_hat, w_hat, log_hat)), displaced)
    values = measures.values()
    ev = lambda a, b: float(1 - (a - b).square().sum() / b.square().sum())  # noqa: E731
    assert values["ev_rigid_both"] == pytest.approx(ev(t_hat, t))
    assert values["ev_rigid_moved_both"] == pytest.approx(ev(t_hat, t))
    assert values["ev_rotation_both"] == pytest.approx(ev(w_hat, w))
    log = t.norm(dim=1).log()
    expected = float(1 - (log_hat - log).square().sum() / (log - log.mean()).square().sum())
    assert values["ev_rigid_distance_both"] == pytest.approx(expected)


def test_network_without_a_rigid_head_is_measured_by_its_atoms_alone():
    batch = random_batch(0)
    measures = RigidMeasures()
    displaced = Displaced(
        batch.positions,
        torch.ones(3, 3),
        torch.ones(3, 3),
        torch.ones(3, dtype=torch.bool),
        torch.zeros(3, dtype=torch.bool),
    )
    measures.add(batch, Prediction(torch.zeros_like(batch.positions), None), displaced)
    assert measures.values() == {"ev_rigid_moved": 0.0}


class Spheres:
    """Two clusters at a distance that their sizes tell exactly (or not at all), random otherwise."""

    def __init__(self, *, sizes_tell):
        self.sizes_tell = sizes_tell

    def describe(self, rows):
        return pa.table({"patch_id": [f"{k:016x}{0:016x}" for k in rows]})

    def cut(self, rows):
        from molinteract.patches.patch import PatchArrays

        z, x, side, offsets = [], [], [], [0]
        for row in rows:
            rng = np.random.default_rng(int(row))
            counts = rng.integers(3, 7, size=2)
            apart = 3.0 + 0.5 * counts.sum() if self.sizes_tell else rng.uniform(3, 30)
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            for k, n in enumerate(counts):
                cluster = rng.normal(0, 0.5, (n, 3))
                x.append(cluster - cluster.mean(0) + k * apart * direction)
                side.append(np.full(n, k))
            z.append(np.full(counts.sum(), 6))
            offsets.append(offsets[-1] + counts.sum())
        none = np.zeros((0, 2), np.int32)
        nodes = np.concatenate(side).astype(np.int8)
        empty = np.zeros(len(rows) + 1, np.int64)
        return PatchArrays(
            np.array(offsets), empty, empty, np.concatenate(z).astype(np.int16), np.concatenate(x), nodes,
            np.zeros(len(nodes), np.int32), none, none,
        )  # fmt: skip


def test_rigid_null_finds_what_the_centre_distance_tells_and_nothing_else():
    for sizes_tell, low, high in ((True, 0.25, 0.42), (False, -0.1, 0.05)):
        patches = DisplacedPatches(Spheres(sizes_tell=sizes_tell), np.arange(600), noise=NoiseRecipe(), d_inter=4.0)
        value = rigid_null(patches, np.arange(500), np.arange(500, 600), seed=0)
        assert low < value < high  # one component of three can be told; 100 patches


def test_measures_of_hidden_elements_and_of_strain():
    measures = OpenMeasures()
    rng = np.random.default_rng(0)
    true, shown = torch.tensor([1, 1, 6, 8]), torch.tensor([0, 1, 0, 0])
    scores = torch.zeros(4, 119)
    scores[[0, 2, 3], [1, 6, 7]] = 1.0  # two of three hidden atoms are named
    nothing = torch.zeros(4, 3)
    displaced = Displaced(nothing, nothing, nothing, shown > 0, shown > 0, elements=true)
    measures.add_masked(Prediction(nothing, None, scores), shown, displaced)
    still, moved, contacts = (torch.from_numpy(rng.normal(size=(4, 2))) for _ in range(3))
    rigid = Displaced(nothing, nothing, nothing, shown > 0, shown > 0, contacts=contacts)
    measures.add_pair(Prediction(nothing, None, None, still), Prediction(nothing, None, None, moved), rigid)
    values = measures.values()
    assert values["element_accuracy"] == pytest.approx(2 / 3)
    assert values["element_accuracy_null"] == pytest.approx(1 / 3)
    for k, name in enumerate(("stretch", "strain")):
        x, y = moved[:, k].numpy(), contacts[:, k].numpy()
        assert values[f"ev_{name}"] == pytest.approx(1 - ((x - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    assert values["contrast_right"] == pytest.approx(float((moved[:, 1] > still[:, 1]).double().mean()))


def test_networks_without_the_heads_have_no_such_measures():
    measures = OpenMeasures()
    nothing = torch.zeros(2, 3)
    displaced = Displaced(nothing, nothing, nothing, torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.bool))
    measures.add_masked(Prediction(nothing, None), torch.zeros(2), displaced)
    measures.add_pair(Prediction(nothing, None), Prediction(nothing, None), displaced)
    assert measures.values() == {}
