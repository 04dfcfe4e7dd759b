"""Against e3nn's BatchNorm: outputs, gradients and running statistics, in both layouts of vectors."""

import pytest
import torch
from e3nn import o3
from e3nn.nn import BatchNorm

from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.kernels.irreps import Irreps, from_planes, pad, to_planes


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize("irreps", [Irreps(4, 3, 2, 5), Irreps(4), Irreps(0, 1, 1, 0), Irreps(3, 2)], ids=str)
def test_equals_e3nn(irreps, planes, training):
    torch.manual_seed(0)
    ours = EquivariantBatchNorm(irreps).double().train(training)
    theirs = BatchNorm(o3.Irreps(str(irreps))).double().train(training)
    for name in ("weight", "bias", "running_mean", "running_var"):
        value = torch.rand_like(getattr(ours, name)) + 0.5
        getattr(ours, name).data.copy_(value)
        getattr(theirs, name).data.copy_(value)
    x, along = torch.randn(2, 30, irreps.dim, dtype=torch.float64) + 0.3
    a, b = (x.clone().requires_grad_() for _ in range(2))
    out = from_planes(ours(to_planes(a, irreps), planes=True), irreps) if planes else ours(a)
    expected = theirs(b)
    torch.testing.assert_close(out, expected, rtol=1e-11, atol=1e-12)
    out.backward(along)
    expected.backward(along)
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-10, atol=1e-11)
    if irreps.n0e:
        torch.testing.assert_close(ours.bias.grad, theirs.bias.grad, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-11, atol=1e-12)


def test_planes_are_a_permutation_and_padding_keeps_blocks():
    small, large = Irreps(2, 3, 0, 1), Irreps(4, 5, 2, 3)
    x = torch.randn(7, small.dim)
    assert torch.equal(from_planes(to_planes(x, small), small), x)
    padded = from_planes(pad(to_planes(x, small), small, large), large)
    for part, whole in zip(small.split(x), large.split(padded), strict=True):
        assert torch.equal(whole[:, : part.shape[1]], part)
        assert not whole[:, part.shape[1] :].any()
