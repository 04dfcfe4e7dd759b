"""Batches made ahead by other processes are those of a run that makes them itself."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.oracles.synthetic_store import SyntheticStore, recipe

from molinteract.batches.loader import PatchLoader
from molinteract.core.errors import TrainingError
from molinteract.training.feed import plan
from molinteract.training.loop import pretrain
from molinteract.training.recipe import DataRecipe


def loader(patches=20, size=6):
    return PatchLoader(SyntheticStore(), np.arange(patches), batch_size=size)


def test_plan_goes_on_from_any_batch():
    whole = list(itertools.islice(plan(loader(), epoch=0, batch=0), 9))
    assert [(p.epoch, p.batch, p.last) for p in whole[:5]] == [
        (0, 0, False),
        (0, 1, False),
        (0, 2, False),
        (0, 3, True),
        (1, 0, False),
    ]
    for k, start in enumerate(whole):
        again = next(plan(loader(), epoch=start.epoch, batch=start.batch))
        assert np.array_equal(again.rows, whole[k].rows)
        assert np.array_equal(again.places, whole[k].places)


def test_small_batches_are_left_out_and_an_empty_epoch_is_an_error():
    assert [len(p.rows) for p in itertools.islice(plan(loader(), epoch=0, batch=0, at_least=3), 6)] == [6] * 6
    with pytest.raises(TrainingError, match="no batch has 7 patches"):
        next(plan(loader(), epoch=0, batch=0, at_least=7))


@pytest.mark.parametrize("mode", ["paper", "joint"])
def test_workers_change_nothing(tmp_path, mode):
    losses = {}
    for workers in (0, 2):
        chosen = recipe(mode=mode, noise={"rebuild_inter": "moved"}, data=DataRecipe(batch_size=8, workers=workers))
        seen = losses.setdefault(workers, [])
        pretrain(SyntheticStore(), chosen, tmp_path / str(workers), progress=lambda s, seen=seen: seen.append(s.loss))
    assert losses[0] == losses[2]
    assert len(losses[0]) == 12


class DyingStore(SyntheticStore):
    def cut(self, rows):
        os._exit(1)


def test_worker_that_ends_is_an_error_in_words(tmp_path):
    with pytest.raises(TrainingError, match="a process that makes batches has ended"):
        pretrain(DyingStore(), recipe(data=DataRecipe(batch_size=8, workers=1)), tmp_path / "run")


class FailingStore(SyntheticStore):
    def cut(self, rows):
        raise OSError("the disk is gone")


def test_what_a_worker_raises_arrives(tmp_path):
    with pytest.raises(OSError, match="the disk is gone"):
        pretrain(FailingStore(), recipe(data=DataRecipe(batch_size=8, workers=1)), tmp_path / "run")


def children(pid):
    return [int(p) for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are counted through /proc")
def test_workers_end_with_a_run_that_is_killed(tmp_path, request):
    code = (
        "from tests.oracles.synthetic_store import SyntheticStore, recipe\n"
        "from molinteract.training.loop import pretrain\n"
        "from molinteract.training.recipe import DataRecipe\n"
        "if __name__ == '__main__':\n"
        "    data = DataRecipe(batch_size=8, workers=2)\n"
        f"    pretrain(SyntheticStore(), recipe(max_steps=10**6, data=data), {str(tmp_path / 'run')!r})\n"
    )
    (tmp_path / "train.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(request.config.rootpath), *sys.path])}
    run = subprocess.Popen([sys.executable, tmp_path / "train.py"], env=environment)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run" / "checkpoints").glob("*.sha256")) and time.monotonic() < deadline:
        time.sleep(0.2)
    workers = children(run.pid)
    assert len(workers) >= 2
    run.kill()
    run.wait()
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def test_precision_of_products_is_given_back(tmp_path):
    before = torch.get_float32_matmul_precision()
    seen = []
    chosen = recipe(max_steps=1, tf32=True)
    pretrain(
        SyntheticStore(), chosen, tmp_path / "run", progress=lambda _: seen.append(torch.get_float32_matmul_precision())
    )
    assert seen == ["high"]
    assert torch.get_float32_matmul_precision() == before
