"""Noise, measures, schedule, checkpoints, and runs that can be killed and resumed."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.oracles.random_batches import random_arrays, random_batch

from molinteract.batches.collate import collate
from molinteract.core.errors import ModelFileError, TrainingError
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import load_network
from molinteract.training.checkpoints import Progress, load_checkpoint, save_checkpoint
from molinteract.training.log import read_log
from molinteract.training.loop import pretrain
from molinteract.training.measures import DenoisingMeasures, relative_translation
from molinteract.training.noise import displacements
from molinteract.training.objectives import denoising_loss, predicted_displacements
from molinteract.training.recipe import DataRecipe, NoiseRecipe, OptimiserRecipe, Recipe
from molinteract.training.run_folder import to_toml
from molinteract.training.schedule import learning_rate

NETWORK = NetworkConfig(ns=4, nv=2, n_layers=2, psi_hidden=6)


class SyntheticStore:
    """Stands for a PatchDataset: rigid dimers, so that displacements can be learnt."""

    path = "synthetic"

    def __init__(self, patches=48):
        self.n = patches

    def rows(self, split, *, unique=False, per_compound=None):
        return {"train": np.arange(self.n), "validation": np.arange(self.n, self.n + 12)}[split]

    def fingerprint(self):
        return "synthetic"

    def cut(self, rows):
        many = random_arrays(0, 1)
        count, base = len(rows), len(many.atomic_numbers)
        shift = np.arange(count) * base
        tiled = lambda edges: np.concatenate([edges + s for s in shift]).astype(np.int32)  # noqa: E731
        return replace(
            many,
            node_offsets=np.arange(count + 1) * base,
            inter_offsets=np.arange(count + 1) * len(many.inter_edges),
            intra_offsets=np.arange(count + 1) * len(many.intra_edges),
            atomic_numbers=np.tile(many.atomic_numbers, count),
            positions=np.tile(many.positions, (count, 1)),
            molecule_index=np.tile(many.molecule_index, count),
            atom_index=np.tile(many.atom_index, count),
            inter_edges=tiled(many.inter_edges),
            intra_edges=tiled(many.intra_edges),
        )


def recipe(**changes):
    values = {
        "network": NETWORK,
        "max_steps": 12,
        "validate_every": 4,
        "seed": 5,
        "data": DataRecipe(batch_size=8),
        "optimiser": OptimiserRecipe(learning_rate=0.01, warmup_steps=2),
    }
    return Recipe(**(values | changes))


# noise


def test_noise_of_a_patch_does_not_depend_on_its_batch():
    noise = NoiseRecipe()
    together = random_batch(1, patches=3)
    delta = displacements(together, noise, seed=4, epoch=2)
    alone = collate(random_arrays(1, 3), np.array([0, 1, 2]), dtype=torch.float64)
    nodes = together.patch_index == 2
    single = replace(
        alone,
        atomic_numbers=alone.atomic_numbers[nodes],
        positions=alone.positions[nodes],
        patch_index=alone.patch_index[nodes] - 2,
        rows=torch.tensor([2]),
    )
    torch.testing.assert_close(displacements(single, noise, seed=4, epoch=2), delta[nodes], rtol=0, atol=0)


def test_noise_is_clamped_gaussian_and_changes_with_seed_and_epoch():
    batch = random_batch(0, patches=400)
    noise = NoiseRecipe(sigma=0.5, clamp=1.0)
    delta = displacements(batch, noise, seed=0, epoch=0)
    assert float(delta.abs().max()) == 1.0
    assert abs(float(delta.std()) - 0.4794) < 0.01  # sd of N(0, 0.5²) clamped at two sigma
    assert abs(float(delta.mean())) < 0.01
    for other in (displacements(batch, noise, seed=1, epoch=0), displacements(batch, noise, seed=0, epoch=1)):
        assert float((delta * other).mean()) < 0.01


# measures


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


def test_loss_is_the_root_of_the_mean_over_atoms():
    predicted, delta = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0]]), torch.zeros(2, 3)
    assert float(denoising_loss(predicted, delta)) == pytest.approx(np.sqrt(25 / 2))


def test_prediction_is_clamped_per_component():
    model = InteractNN(NETWORK).double().train()
    batch = random_batch(0)
    delta = torch.zeros_like(batch.positions)
    assert float(predicted_displacements(model, batch, delta, clamp=0.01).detach().abs().max()) <= 0.01


def test_schedule_warms_up_and_falls():
    optimiser = OptimiserRecipe(learning_rate=1.0, warmup_steps=10, final_share=0.1)
    assert learning_rate(optimiser, step=0, done=0.0) == pytest.approx(0.1)
    assert learning_rate(optimiser, step=9, done=0.0) == pytest.approx(1.0)
    assert learning_rate(optimiser, step=50, done=0.5) == pytest.approx(0.55)
    assert learning_rate(optimiser, step=99, done=1.0) == pytest.approx(0.1)


# runs


def test_run_learns_and_leaves_its_folder(tmp_path):
    seen = []
    result = pretrain(SyntheticStore(), recipe(max_steps=60), tmp_path / "run", progress=seen.append)
    assert result.validation["ev"] > 0.2
    assert result.validation["rmse"] < result.validation["rmse_zero"]
    assert len(seen) == 60
    assert seen[-1].share == 1.0
    assert seen[-1].patches_per_second > 0
    records = read_log(tmp_path / "run")
    assert [r["step"] for r in records] == [*range(4, 60, 4), 60]
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") == len(records) + 1
    assert set(json.loads((tmp_path / "run" / "provenance.json").read_text())) >= {"dataset", "versions", "patches"}
    assert Recipe.load(tmp_path / "run" / "config.toml") == recipe(max_steps=60)
    network = load_network(tmp_path / "run" / "best")
    assert network.config == NETWORK
    assert not torch.equal(network.pool.norm.running_var, torch.ones(4))  # calibrated before it is saved


def test_same_recipe_gives_the_same_run(tmp_path):
    runs = [pretrain(SyntheticStore(), recipe(), tmp_path / name).validation for name in "ab"]
    assert runs[0] == runs[1]


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("stop", [1, 5, 8, 11])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, stop):
    losses, resumed = {}, {}
    pretrain(
        SyntheticStore(), recipe(), tmp_path / "whole", progress=lambda s: losses.update({s.progress.step: s.loss})
    )

    def stopping(state):
        if state.progress.step == stop:
            raise StopHereError

    with pytest.raises(StopHereError):
        pretrain(SyntheticStore(), recipe(), tmp_path / "cut", progress=stopping)
    result = pretrain(
        SyntheticStore(),
        recipe(),
        tmp_path / "cut",
        resume=True,
        progress=lambda s: resumed.update({s.progress.step: s.loss}),
    )
    first = (stop - 1) // 4 * 4 + 1  # a step that was not checkpointed yet is taken again
    assert list(resumed) == list(range(first, 13))
    assert all(resumed[step] == losses[step] for step in resumed)  # bit for bit
    whole, again = (load_network(tmp_path / name / "best").state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], again[key]) for key in whole)
    assert [r["step"] for r in read_log(tmp_path / "cut")] == [4, 8, 12]
    assert result.progress.step == 12


def test_damaged_checkpoint_is_passed_over(tmp_path):
    pretrain(SyntheticStore(), recipe(), tmp_path / "run")
    newest = sorted((tmp_path / "run" / "checkpoints").glob("*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100] + b"\0" * 100)
    model = InteractNN(NETWORK)
    optimiser = torch.optim.AdamW(p for n, p in model.named_parameters() if not n.startswith("pool."))
    progress, damaged = load_checkpoint(tmp_path / "run" / "checkpoints", model, optimiser)
    assert damaged == [newest.name]
    assert progress.step == 8


def test_all_checkpoints_damaged_is_an_error(tmp_path):
    model = InteractNN(NETWORK)
    optimiser = torch.optim.AdamW(model.parameters())
    save_checkpoint(tmp_path, model, optimiser, Progress(step=3))
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"nonsense")
    with pytest.raises(ModelFileError, match="all checkpoints are damaged"):
        load_checkpoint(tmp_path, model, optimiser)


def test_checkpoint_of_another_network_is_refused(tmp_path):
    model = InteractNN(NETWORK)
    save_checkpoint(tmp_path, model, torch.optim.AdamW(model.parameters()), Progress(step=3))
    other = InteractNN(NETWORK.model_copy(update={"ns": 5}))
    with pytest.raises(ModelFileError, match="belongs to another network"):
        load_checkpoint(tmp_path, other, torch.optim.AdamW(other.parameters()))


def test_folder_is_never_overwritten(tmp_path):
    pretrain(SyntheticStore(), recipe(max_steps=1), tmp_path / "run")
    with pytest.raises(TrainingError, match="holds a run"):
        pretrain(SyntheticStore(), recipe(max_steps=1), tmp_path / "run")
    with pytest.raises(TrainingError, match="recipe differs"):
        pretrain(SyntheticStore(), recipe(max_steps=2), tmp_path / "run", resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match="not empty"):
        pretrain(SyntheticStore(), recipe(), tmp_path / "other")


def test_batch_that_is_not_finite_is_named_and_skipped(tmp_path, monkeypatch):
    def poisoned(model, batch, delta, *, clamp):
        if 7 in batch.rows.tolist() and model.training:
            delta = delta * float("nan")  # spoils the output and the running statistics of every norm
        return predicted_displacements(model, batch, delta, clamp=clamp)

    monkeypatch.setattr("molinteract.training.loop.predicted_displacements", poisoned)
    result = pretrain(SyntheticStore(), recipe(max_epochs=1, max_steps=None), tmp_path / "run")
    assert result.progress.skipped == 1
    named = [r for r in read_log(tmp_path / "run") if "not_finite" in r]
    assert 7 in named[0]["rows"]
    assert all(torch.isfinite(t).all() for t in load_network(tmp_path / "run" / "best").state_dict().values())


def test_toml_of_a_recipe_reads_back(tmp_path):
    file = tmp_path / "r.toml"
    for given in (recipe(), Recipe(network="paper", max_minutes=3.5)):
        file.write_text(to_toml(given.model_dump(mode="json")))
        assert Recipe.load(file) == given


@pytest.mark.parametrize("name", ["tiny", "small", "paper"])
def test_shipped_recipes_are_valid(name, request):
    path = request.config.rootpath / "configs" / f"pretrain-{name}.toml"
    assert Recipe.load(path).network == name
