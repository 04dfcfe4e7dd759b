"""Schedule, checkpoints, and runs that can be interrupted and resumed."""

import json

import pytest
import torch
from tests.oracles.synthetic_store import NETWORK, SyntheticStore, recipe

from molinteract.core.errors import ModelFileError, TrainingError
from molinteract.network.config import PRESETS, NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import load_network
from molinteract.training.checkpoints import Progress, Trained, load_checkpoint, save_checkpoint
from molinteract.training.ema import MovingAverage
from molinteract.training.log import read_log
from molinteract.training.loop import pretrain
from molinteract.training.objectives import predict
from molinteract.training.recipe import DataRecipe, OptimiserRecipe, Recipe
from molinteract.training.run_folder import to_toml
from molinteract.training.schedule import learning_rate


def trained(config: NetworkConfig = NETWORK, *, decay: float = 0.0) -> Trained:
    model = InteractNN(config)
    idle = "nothing" if config.rigid_head else "pool."
    parameters = [p for n, p in model.named_parameters() if not n.startswith(idle)]
    return Trained(model, torch.optim.AdamW(parameters), MovingAverage(model, decay))


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
    splits = json.loads((tmp_path / "run" / "splits.json").read_text())
    assert len(splits["train"]) == 12
    assert not set(splits["train"]) & set(splits["validation"])


def test_same_recipe_gives_the_same_run(tmp_path):
    runs = [pretrain(SyntheticStore(), recipe(), tmp_path / name).validation for name in "ab"]
    assert runs[0] == runs[1]


class StopHereError(Exception):
    pass


MODES = {
    "paper": recipe(),
    "joint": recipe(
        mode="joint",
        noise={"rebuild_inter": "moved"},
        optimiser=OptimiserRecipe(learning_rate=0.01, warmup_steps=2, ema=0.9),
        data=DataRecipe(batch_size=8, batch_nodes=80, balance_compounds=True),
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stop", [1, 5, 8, 11])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, stop, mode):
    chosen = MODES[mode]
    losses, resumed = {}, {}
    pretrain(SyntheticStore(), chosen, tmp_path / "whole", progress=lambda s: losses.update({s.progress.step: s.loss}))

    def stopping(state):
        if state.progress.step == stop:
            raise StopHereError

    with pytest.raises(StopHereError):
        pretrain(SyntheticStore(), chosen, tmp_path / "cut", progress=stopping)
    result = pretrain(
        SyntheticStore(),
        chosen,
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
    progress, damaged = load_checkpoint(tmp_path / "run" / "checkpoints", trained())
    assert damaged == [newest.name]
    assert progress.step == 8


def test_all_checkpoints_damaged_is_an_error(tmp_path):
    save_checkpoint(tmp_path, trained(), Progress(step=3))
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"nonsense")
    with pytest.raises(ModelFileError, match="all checkpoints are damaged"):
        load_checkpoint(tmp_path, trained())


def test_checkpoint_of_another_network_is_refused(tmp_path):
    save_checkpoint(tmp_path, trained(), Progress(step=3))
    with pytest.raises(ModelFileError, match="belongs to another network"):
        load_checkpoint(tmp_path, trained(NETWORK.model_copy(update={"ns": 5})))


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


def test_a_resumed_run_may_go_another_way_but_not_elsewhere(tmp_path):
    def stopping(state):
        if state.progress.step == 6:
            raise StopHereError

    with pytest.raises(StopHereError):
        pretrain(SyntheticStore(), recipe(threads=1), tmp_path, progress=stopping)
    other = recipe(optimiser=OptimiserRecipe(learning_rate=0.02, warmup_steps=2))
    with pytest.raises(TrainingError, match=r"optimiser.learning_rate = 0.02 instead of 0.01"):
        pretrain(SyntheticStore(), other, tmp_path, resume=True)
    file = tmp_path / "config.toml"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if "tf32" not in line))
    chosen = recipe(threads=1, tf32=True, data=DataRecipe(batch_size=8, workers=1))
    assert pretrain(SyntheticStore(), chosen, tmp_path, resume=True).progress.step == 12


def test_batch_that_is_not_finite_is_named_and_skipped(tmp_path, monkeypatch):
    def poisoned(model, batch, *, clamp):
        if 7 in batch.rows.tolist() and model.training:
            # spoils the output and the running statistics of every norm
            batch = batch.with_positions(batch.positions * float("nan"))
        return predict(model, batch, clamp=clamp)

    monkeypatch.setattr("molinteract.training.loop.predict", poisoned)
    result = pretrain(SyntheticStore(), recipe(max_epochs=1, max_steps=None), tmp_path / "run")
    assert result.progress.skipped == 1
    named = [r for r in read_log(tmp_path / "run") if "not_finite" in r]
    assert 7 in named[0]["rows"]
    assert all(torch.isfinite(t).all() for t in load_network(tmp_path / "run" / "best").state_dict().values())


def test_run_stops_when_it_no_longer_gets_better(tmp_path):
    idle = recipe(max_steps=200, patience=2, optimiser=OptimiserRecipe(learning_rate=1e-12, warmup_steps=0))
    result = pretrain(SyntheticStore(), idle.model_copy(update={"validate_every": 2}), tmp_path / "run")
    assert result.progress.stale >= 2
    assert result.progress.step < 100


def test_tensorboard_files_hold_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    pretrain(SyntheticStore(), recipe(max_steps=4, tensorboard=True), tmp_path / "run")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert events.Scalars("rmse")[0].value == pytest.approx(read_log(tmp_path / "run")[0]["rmse"], rel=1e-6)


def test_average_follows_the_weights_and_is_given_back():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    average = MovingAverage(model, 0.9)
    for step in range(1, 200):
        torch.nn.init.constant_(model.weight, 3.0)
        average.update(model, step=step)
    torch.nn.init.constant_(model.weight, 5.0)
    with average.applied(model):
        assert float(model.weight.detach()) == pytest.approx(3.0, abs=1e-4)
    assert float(model.weight.detach()) == 5.0


def test_saved_network_is_the_average(tmp_path):
    optimiser = OptimiserRecipe(learning_rate=0.01, warmup_steps=2, ema=0.95)
    pretrain(SyntheticStore(), recipe(optimiser=optimiser), tmp_path / "run")
    restored = trained(decay=0.95)
    load_checkpoint(tmp_path / "run" / "checkpoints", restored)
    saved = load_network(tmp_path / "run" / "best").state_dict()
    assert any(not torch.equal(saved[k], v) for k, v in restored.model.state_dict().items())
    layers = [k for k in saved if k.startswith("layers")]
    assert all(torch.equal(saved[k], restored.average.state[k]) for k in layers)


def test_toml_of_a_recipe_reads_back(tmp_path):
    file = tmp_path / "r.toml"
    for given in (recipe(), Recipe(network="paper", max_minutes=3.5)):
        file.write_text(to_toml(given.model_dump(mode="json")))
        assert Recipe.load(file) == given


def test_shipped_recipes_are_valid(request):
    paths = sorted((request.config.rootpath / "configs").glob("pretrain-*.toml"))
    assert len(paths) == 6
    for path in paths:
        size = path.stem.removeprefix("pretrain-")
        assert size not in PRESETS or Recipe.load(path).network == size
