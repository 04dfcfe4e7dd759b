"""A run on a CUDA device is the run on a CPU, to the precision of float32."""

import pytest
import torch
from tests.oracles.synthetic_store import SyntheticStore, recipe

from molinteract.training.loop import pretrain
from molinteract.training.recipe import DataRecipe

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("mode", ["paper", "joint"])
@pytest.mark.parametrize("workers", [0, 2])
def test_run_is_that_of_a_cpu_and_resumes(tmp_path, mode, workers):
    common = {"mode": mode, "noise": {"rebuild_inter": "moved"}, "max_steps": 8}
    on_cpu, on_gpu = {}, {}
    pretrain(
        SyntheticStore(),
        recipe(**common),
        tmp_path / "cpu",
        progress=lambda s: on_cpu.update({s.progress.step: s.loss}),
    )
    chosen = recipe(**common, device="cuda", data=DataRecipe(batch_size=8, workers=workers))

    def stopping(state):
        on_gpu[state.progress.step] = state.loss
        if state.progress.step == 6:
            raise StopHereError

    with pytest.raises(StopHereError):
        pretrain(SyntheticStore(), chosen, tmp_path / "gpu", progress=stopping)
    pretrain(
        SyntheticStore(),
        chosen,
        tmp_path / "gpu",
        resume=True,
        progress=lambda s: on_gpu.update({s.progress.step: s.loss}),
    )
    assert on_gpu == pytest.approx(on_cpu, rel=2e-3)
