"""A step on a prepared batch reads nothing back to the host: on a GPU every such read would wait for all that was launched."""

import numpy as np
import pytest
import torch
from tests.oracles.random_batches import random_batch
from tests.oracles.synthetic_store import SyntheticStore, recipe
from torch.utils._python_dispatch import TorchDispatchMode

from molinteract.kernels import tensor_product
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.noise import Draw
from molinteract.training.objectives import loss_sums, predict, total_loss

READS = {
    "aten._local_scalar_dense",
    "aten.item",
    "aten.nonzero",
    "aten.masked_select",
    "aten._unique2",
    "aten.unique_consecutive",
    "aten.unique_dim",
    "aten.bincount",
    "aten.repeat_interleave",  # with a tensor of counts
    "aten.equal",
    "aten.is_nonzero",
}


class NoReads(TorchDispatchMode):
    """Fails on operations whose result, or the size of it, must be known to the host."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = ".".join(function.name().replace("::", ".").split(".")[:2])
        if name in READS or (name == "aten.index" and any(t is not None and t.dtype == torch.bool for t in args[1])):
            raise AssertionError(f"{function.name()} reads back to the host")
        return function(*args, **(kwargs or {}))


def test_the_mode_sees_reads():
    x = torch.ones(3)
    for read in (lambda: x.sum().item(), lambda: x.nonzero(), lambda: x[x > 0], lambda: bool(x[0] > 0)):
        with NoReads(), pytest.raises(AssertionError, match="reads back"):
            read()


@pytest.mark.parametrize("formulation", ["hybrid", "per_edge"])
def test_training_step_and_readout_read_nothing(formulation, monkeypatch):
    monkeypatch.setattr(tensor_product, "formulation", lambda *_: formulation)
    model = InteractNN(NetworkConfig(ns=4, nv=2, n_layers=4, psi_hidden=6))
    batch = random_batch(0, patches=3, dtype=torch.float32)
    with NoReads():
        displacements, vectors = model(batch)
        (displacements.square().mean() + vectors.square().mean()).backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("mode", ["paper", "joint"])
def test_loss_reads_nothing(mode, monkeypatch):
    monkeypatch.setattr(tensor_product, "formulation", lambda *_: "per_edge")
    chosen = recipe(mode=mode)
    model, rows = InteractNN(chosen.network_config()), np.arange(12)
    patches = DisplacedPatches(SyntheticStore(), rows, noise=chosen.noise, d_inter=4.0)
    kind = "mixed" if mode == "joint" else "atoms"
    batch, displaced = patches.batch(rows, kind=kind, draw=Draw(0, 0, rows))
    with NoReads():
        loss = total_loss(loss_sums(predict(model, batch, clamp=1.0), displaced, batch), chosen)
        loss.backward()
    assert torch.isfinite(loss)


def test_autocast_leaves_the_tensor_product_in_float32():
    torch.manual_seed(0)
    model = InteractNN(NetworkConfig(ns=4, nv=2, n_layers=4, psi_hidden=6))
    batch = random_batch(0, patches=3, dtype=torch.float32)
    plain = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        displacements, vectors = model(batch)
        (displacements.square().mean() + vectors.square().mean()).backward()
    for found, expected in zip((displacements, vectors), plain, strict=True):
        assert found.dtype == torch.float32
        error, size = (found - expected).detach().abs().max(), expected.detach().abs().max()
        assert float(error) < 0.1 * float(size)
