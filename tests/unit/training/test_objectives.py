"""Losses, and what they train: the readout in joint mode, never in paper mode."""

import numpy as np
import pytest
import torch
from tests.oracles.random_batches import random_batch
from tests.oracles.synthetic_store import NETWORK, SyntheticStore, recipe

from molinteract.network.encoder import InteractNN
from molinteract.network.heads import RigidMotion
from molinteract.network.saved import load_network
from molinteract.training.checkpoints import Trained, load_checkpoint
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.ema import MovingAverage
from molinteract.training.loop import pretrain
from molinteract.training.noise import Displaced, Draw
from molinteract.training.objectives import Prediction, loss_sums, predict, total_loss
from molinteract.training.recipe import LossRecipe, NoiseRecipe


def test_paper_loss_is_the_root_of_the_mean_over_atoms():
    batch = random_batch(0, patches=2)
    predicted = torch.zeros_like(batch.positions)
    predicted[0, :2] = torch.tensor([3.0, 4.0])
    displaced = atoms_displaced(torch.zeros_like(predicted), batch)
    sums = loss_sums(Prediction(predicted, None), displaced, batch)
    assert float(total_loss(sums, recipe())) == pytest.approx(np.sqrt(25 / batch.n_nodes))


def atoms_displaced(delta, batch):
    """Targets of a batch whose atoms alone were displaced."""
    still, none = torch.zeros(batch.n_patches, 3).to(delta), torch.zeros(batch.n_patches, dtype=torch.bool)
    return Displaced(delta, still, still, none, none)


def test_drift_equals_a_plain_computation_and_is_one_for_a_network_that_predicts_nothing():
    chosen = recipe(mode="joint", loss=LossRecipe(atoms=0, translation=0, rotation=0, distance=0, drift=2.0))
    batch, rng = random_batch(3, patches=40), np.random.default_rng(0)
    delta, predicted = (torch.from_numpy(chosen.noise.sigma * rng.normal(size=(batch.n_nodes, 3))) for _ in range(2))
    side, patch = batch.molecule_index.numpy(), batch.patch_index.numpy()
    expected = []
    for p in range(batch.n_patches):
        of = [(patch == p) & (side == k) for k in range(2)]
        error = (predicted - delta).numpy()
        shift = error[of[1]].mean(0) - error[of[0]].mean(0)
        expected.append((shift**2).sum() / (3 * chosen.noise.sigma**2 * sum(1 / m.sum() for m in of)))
    sums = loss_sums(Prediction(predicted, None), atoms_displaced(delta, batch), batch)
    assert float(total_loss(sums, chosen)) == pytest.approx(2 * np.mean(expected))
    sums = loss_sums(Prediction(torch.zeros_like(delta), None), atoms_displaced(delta, batch), batch)
    assert float(total_loss(sums, chosen)) == pytest.approx(2.0, rel=0.3)


def test_moved_fragments_and_patches_left_as_they_are_do_not_drift():
    batch = random_batch(0, patches=3)
    zeros = torch.zeros(3, 3, dtype=torch.float64)
    moved = torch.tensor([True, True, False])
    displaced = Displaced(torch.zeros_like(batch.positions), zeros, zeros, moved, torch.tensor([True, False, True]))
    sums = loss_sums(Prediction(torch.ones_like(batch.positions), None), displaced, batch)
    assert sums[6].tolist() == [0.0, 0.0]


def test_joint_loss_equals_a_plain_computation_over_the_moved_patches():
    rng, batch = np.random.default_rng(0), random_batch(0, patches=5)
    delta, delta_hat = (torch.from_numpy(rng.normal(size=(batch.n_nodes, 3))) for _ in range(2))
    t, w, t_hat, w_hat = (torch.from_numpy(rng.normal(size=(5, 3))) for _ in range(4))
    log_hat = torch.from_numpy(rng.normal(size=5))
    moved = torch.tensor([True, False, True, True, False])
    chosen = recipe(mode="joint", loss=LossRecipe(atoms=0.7, translation=2.0, rotation=0.4, distance=0.3))
    displaced = Displaced(delta, t, w, moved, ~moved)
    sums = loss_sums(Prediction(delta_hat, RigidMotion(t_hat, w_hat, log_hat)), displaced, batch)
    m = moved.numpy()
    squared = lambda a, b: ((a - b).numpy()[m] ** 2).sum(1).mean()  # noqa: E731
    expected = 0.7 * np.sqrt(((delta - delta_hat).numpy() ** 2).sum(1).mean())
    expected += 2.0 * squared(t, t_hat) / (6 * 0.5**2) + 0.4 * squared(w, w_hat) / (6 * 0.15**2)
    expected += 0.3 * ((log_hat.numpy() - np.log(np.linalg.norm(t.numpy(), axis=1)))[m] ** 2).mean()
    assert float(total_loss(sums, chosen)) == pytest.approx(expected)


def test_predicting_nothing_costs_about_one_for_translation_and_rotation():
    chosen = recipe(mode="joint", loss=LossRecipe(atoms=0.0, translation=1.0, rotation=1.0, distance=0.0))
    rng = np.random.default_rng(0)
    batch = random_batch(0, patches=1000)
    n = batch.n_patches
    t, w = (torch.from_numpy(np.sqrt(2) * s * rng.normal(size=(n, 3))) for s in (0.5, 0.15))
    zero, still = torch.zeros(n, 3, dtype=torch.float64), torch.zeros_like(batch.positions)
    moved = torch.ones(n, dtype=torch.bool)
    prediction = Prediction(still, RigidMotion(zero, zero, zero[:, 0]))
    sums = loss_sums(prediction, Displaced(still, t, w, moved, ~moved), batch)
    assert float(total_loss(sums, chosen)) == pytest.approx(2.0, rel=0.05)


def test_prediction_is_clamped_per_component():
    model = InteractNN(NETWORK).double().train()
    predicted = predict(model, random_batch(0), clamp=0.01)
    assert float(predicted.delta.detach().abs().max()) <= 0.01
    assert predicted.motion is None


def weights_of_z(model):
    """Rows of Γ's last layer that make the scalars of the patch vector."""
    pool = model.pool
    rows = [torch.arange(s.start, s.stop) for path, s in pool.spec.slices.items() if path[2] == "0e"]
    return pool.second.weight[torch.cat(rows)]


def test_joint_mode_trains_the_readout_through_z(tmp_path):
    chosen = recipe(mode="joint", loss=LossRecipe(atoms=0.0, translation=1.0, rotation=1.0, distance=1.0))
    torch.manual_seed(chosen.seed)
    model = InteractNN(chosen.network_config())
    before = weights_of_z(model).detach().clone()
    pretrain(SyntheticStore(), chosen, tmp_path / "run")
    trained = Trained(model, torch.optim.AdamW(model.parameters()), MovingAverage(model, 0.0))
    load_checkpoint(tmp_path / "run" / "checkpoints", trained)
    moved = (weights_of_z(model).detach() - before).abs()
    assert float(moved.max()) > 1e-3
    assert float((moved > 0).float().mean()) > 0.5


@pytest.mark.parametrize("term", ["translation", "rotation", "distance"])
def test_every_rigid_term_sends_gradients_into_z(term):
    chosen = recipe(
        mode="joint", loss=LossRecipe(**({"atoms": 0, "translation": 0, "rotation": 0, "distance": 0} | {term: 1}))
    )
    torch.manual_seed(0)
    model, batch = InteractNN(chosen.network_config()).double().train(), random_batch(1, patches=6)
    n = batch.n_patches
    displaced = Displaced(
        torch.zeros_like(batch.positions),
        torch.randn(n, 3).double(),
        torch.randn(n, 3).double(),
        torch.ones(n, dtype=torch.bool),
        torch.zeros(n, dtype=torch.bool),
    )
    total_loss(loss_sums(predict(model, batch, clamp=1.0), displaced, batch), chosen).backward()
    rows = torch.cat([torch.arange(s.start, s.stop) for p, s in model.pool.spec.slices.items() if p[2] == "0e"])
    assert float(model.pool.second.weight.grad[rows].abs().max()) > 0


def test_paper_mode_leaves_the_readout_as_it_was_born(tmp_path):
    torch.manual_seed(recipe().seed)
    model = InteractNN(recipe().network_config())
    before = weights_of_z(model).detach().clone()
    pretrain(SyntheticStore(), recipe(), tmp_path / "run")
    parameters = [p for n, p in model.named_parameters() if not n.startswith("pool.")]
    load_checkpoint(
        tmp_path / "run" / "checkpoints", Trained(model, torch.optim.AdamW(parameters), MovingAverage(model, 0.0))
    )
    assert torch.equal(weights_of_z(model), before)


OPEN = {"loss": LossRecipe(atoms=0.0, translation=0.0, rotation=0.0, distance=0.0, elements=1.0, contrast=1.0)}


def test_elements_and_contrast_equal_a_plain_computation():
    rng = np.random.default_rng(1)
    scores, true = torch.from_numpy(rng.normal(size=(6, 119))), torch.tensor([1, 6, 7, 8, 1, 6])
    asked, whole = torch.tensor([True, False, True, True, False, False]), torch.tensor([True, True, False])
    predicted, changes = (torch.from_numpy(rng.normal(size=(3, 2))) for _ in range(2))
    zeros, batch = torch.zeros(3, 3, dtype=torch.float64), random_batch(0, patches=3)
    still = torch.zeros_like(batch.positions)
    displaced = Displaced(still, zeros, zeros, ~whole, whole, changes, asked, true)
    sums = loss_sums(Prediction(still, None, scores, predicted), displaced, batch)
    p = np.exp(scores.numpy())
    p /= p.sum(1, keepdims=True)
    nats = -np.log(p[np.arange(6), true.numpy()])[asked.numpy()].mean()
    squared = ((predicted - changes).numpy()[:2] ** 2).sum(1).mean() / 0.5**2
    chosen = recipe(mode="joint", noise=NoiseRecipe(mask=0.2), **OPEN)
    assert float(total_loss(sums, chosen)) == pytest.approx(nats + squared)


def test_elements_and_contrast_send_gradients_into_nodes_and_into_z():
    chosen = recipe(mode="joint", noise=NoiseRecipe(mask=0.3, share_still=0.3), **OPEN)
    torch.manual_seed(0)
    model = InteractNN(chosen.network_config()).train()
    patches = DisplacedPatches(SyntheticStore(), np.arange(12), noise=chosen.noise, d_inter=4.0)
    batch, displaced = patches.batch(np.arange(12), kind="mixed", draw=Draw(0, 0, np.arange(12)), hide=True)
    total_loss(loss_sums(predict(model, batch, clamp=1.0), displaced, batch), chosen).backward()
    rows = torch.cat([torch.arange(s.start, s.stop) for p, s in model.pool.spec.slices.items() if p[2] == "0e"])
    assert float(model.pool.second.weight.grad[rows].abs().max()) > 0
    assert float(model.layers[-1].convolutions["intra"].second.weight.grad.abs().max()) > 0
    assert float(model.elements.weight.grad[0].abs().max()) > 0  # "anything else" stands for a hidden element


def test_heads_of_a_recipe_are_those_of_its_losses(tmp_path):
    plain = recipe(mode="joint").network_config()
    assert (plain.element_head, plain.contact_head) == (False, False)
    chosen = recipe(mode="joint", noise=NoiseRecipe(mask=0.3, share_still=0.3), **OPEN)
    assert (chosen.network_config().element_head, chosen.network_config().contact_head) == (True, True)
    with pytest.raises(ValueError, match=r"noise\.mask"):
        recipe(mode="joint", **OPEN)
    values = pretrain(SyntheticStore(), chosen, tmp_path / "run").validation
    assert {"element_accuracy", "element_accuracy_null", "ev_stretch", "ev_strain", "contrast_right"} <= set(values)
    assert load_network(tmp_path / "run" / "best").element is not None
