"""Runs in processes of their own: killed with -9 and resumed, and two processes that share each batch."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from molinteract.training.log import read_log


def command(folder, *, mode="joint", steps, batch=8):
    return ["-m", "tests.oracles.training_process", str(folder), mode, str(steps), str(batch)]


@pytest.fixture
def start(request):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def popen(words, **options):
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=request.config.rootpath,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return popen


def losses(text):
    records = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return {record["step"]: record["loss"] for record in records}


def finished(process):
    try:
        out, err = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.terminate()
        raise
    assert process.returncode == 0, err
    return losses(out)


@pytest.mark.slow
def test_killed_with_nine_and_resumed_goes_on_bit_for_bit(tmp_path, start):
    whole = finished(start(command(tmp_path / "whole", steps=90)))
    stop = random.randrange(11, 39)
    victim = start(command(tmp_path / "cut", steps=90))
    seen = {}
    for line in victim.stdout:
        seen |= losses(line)
        if stop in seen:
            victim.send_signal(signal.SIGKILL)
            break
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    resumed = finished(start([*command(tmp_path / "cut", steps=90), "--resume"]))
    first = min(resumed)
    assert 1 < first <= max(seen) + 1
    assert list(resumed) == list(range(first, 91))
    assert len(resumed) >= 50
    assert all(resumed[step] == whole[step] for step in resumed), f"killed after step {stop}"
    last = "checkpoints/step-000000090.safetensors"  # weights, moments and moving average alike
    a, b = (load_file(tmp_path / name / last) for name in ("whole", "cut"))
    assert any(name.startswith("average.") for name in a)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["paper", "joint"])
def test_two_processes_give_the_losses_of_one_with_the_joint_batch(tmp_path, start, mode):
    one = finished(start(command(tmp_path / "one", mode=mode, steps=24)))
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    two = finished(start([*words, *command(tmp_path / "two", mode=mode, steps=24)]))
    assert list(two) == list(one) == list(range(1, 25))
    for step in one:
        # float32 sums in another order; the difference grows with the steps
        assert float.fromhex(two[step]) == pytest.approx(float.fromhex(one[step]), rel=1e-5 if step < 4 else 2e-3)
    ends = [read_log(tmp_path / name)[-1] for name in ("one", "two")]
    assert ends[0]["step"] == ends[1]["step"]
    assert ends[1]["ev"] == pytest.approx(ends[0]["ev"], abs=0.01)
