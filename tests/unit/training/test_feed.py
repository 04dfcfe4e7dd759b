"""Batches made ahead by other processes are those of a run that makes them itself."""

import itertools
import os

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


def test_precision_of_products_is_given_back(tmp_path):
    before = torch.get_float32_matmul_precision()
    seen = []
    chosen = recipe(max_steps=1, tf32=True)
    pretrain(
        SyntheticStore(), chosen, tmp_path / "run", progress=lambda _: seen.append(torch.get_float32_matmul_precision())
    )
    assert seen == ["high"]
    assert torch.get_float32_matmul_precision() == before
