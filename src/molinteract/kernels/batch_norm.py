"""Equivariant batch normalisation, by e3nn's rules.

0e channels are centred and scaled; all others are scaled only, by the root of the mean square of their components. Scale
and, for 0e, shift are learnt.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from molinteract.kernels.irreps import Irreps


class EquivariantBatchNorm(nn.Module):
    """Batch normalisation of features (nodes, irreps.dim) over all nodes.

    Parameters
    ----------
    irreps : Irreps
    eps : float
        Added to the variance.
    momentum : float
        Weight of the present batch in the running statistics.

    Attributes
    ----------
    total : callable, optional
        Adds up sums, differentiably, over the processes that share a batch.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, irreps: Irreps, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.irreps = irreps
        self.eps = eps
        self.momentum = momentum
        self.total: Callable[[Tensor], Tensor] | None = None
        self.weight = nn.Parameter(torch.ones(irreps.channels))
        self.bias = nn.Parameter(torch.zeros(irreps.n0e))
        self.register_buffer("running_mean", torch.zeros(irreps.n0e))
        self.register_buffer("running_var", torch.ones(irreps.channels))

    def forward(self, features: Tensor, *, planes: bool = False) -> Tensor:
        """Normalise; in training mode with the statistics of the batch, which also move the running ones.

        ``planes`` tells how the components of vectors lie (:func:`molinteract.kernels.irreps.to_planes`).
        """
        columns = _columns(self.irreps, planes, features.dtype, features.device)
        if self.training and self.total is not None:
            return self._shared(features, columns, self.total)
        if self.training:
            mean, variance = columns.statistics(features.detach())
            self._move(mean, variance)
        else:
            mean, variance = self.running_mean, self.running_var
        inverse = (variance + self.eps).rsqrt()
        normed: Tensor = _Normalise.apply(features, self.weight, self.bias, mean, inverse, columns, self.training)  # type: ignore[no-untyped-call]
        return normed

    def _shared(self, features: Tensor, columns: "_Columns", total: Callable[[Tensor], Tensor]) -> Tensor:
        """Normalise with the statistics of a batch that several processes share; plain operations, ordinary autograd."""
        n0e, count = self.irreps.n0e, features.new_tensor([float(len(features))])
        sums = total(torch.cat([features[:, :n0e].sum(0), count]))
        mean = sums[:-1] / sums[-1]
        centred = torch.cat([features[:, :n0e] - mean, features[:, n0e:]], dim=1)
        variance = columns.mean(total(centred.square().sum(0)) / sums[-1])
        self._move(mean, variance)
        scaled = centred * columns.spread(self.weight * (variance + self.eps).rsqrt())
        return torch.cat([scaled[:, :n0e] + self.bias, scaled[:, n0e:]], dim=1)

    @torch.no_grad()
    def _move(self, mean: Tensor, variance: Tensor) -> None:
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


class _Columns:
    """Between numbers per column (dim,) and numbers per channel (channels,).

    Attributes
    ----------
    channel : (dim,) int64
        Channel of each column.
    components : (channels,)
        1 or 3.
    """

    def __init__(self, irreps: Irreps, planes: bool, dtype: torch.dtype, device: torch.device) -> None:
        self.n0e = irreps.n0e
        channel, first = [], 0
        for size, components in ((irreps.n0e, 1), (irreps.n1o, 3), (irreps.n1e, 3), (irreps.n0o, 1)):
            block = list(range(first, first + size))
            channel += block * components if planes else [c for c in block for _ in range(components)]
            first += size
        self.channel = torch.tensor(channel, dtype=torch.int64, device=device)
        belongs = torch.zeros(len(channel), first, dtype=dtype)
        belongs[torch.arange(len(channel)), channel] = 1.0
        self._sum = belongs.to(device)
        self.components = self._sum.sum(0)
        self._mean = self._sum / self.components

    def statistics(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of 0e (n0e,) and the mean squares of all channels, those of 0e centred."""
        even, rest = features[:, : self.n0e], features[:, self.n0e :]
        mean = even.mean(0)  # var_mean would be one operation, but takes a CPU twenty times as long
        squares = torch.cat([(even - mean).square().mean(0), rest.square().mean(0)])
        return mean, self.mean(squares)

    def mean(self, columns: Tensor) -> Tensor:
        """Mean over the components of each channel."""
        return (columns.unsqueeze(1) * self._mean).sum(
            0
        )  # a matrix product would lose precision under autocast or TF32

    def sum(self, columns: Tensor) -> Tensor:
        """Sum over the components of each channel."""
        return (columns.unsqueeze(1) * self._sum).sum(0)

    def spread(self, channels: Tensor) -> Tensor:
        """Give every component the number of its channel."""
        return channels.index_select(0, self.channel)

    def padded(self, even: Tensor) -> Tensor:
        """Return numbers of the 0e columns (n0e,) with zeros for all others, (dim,)."""
        return torch.nn.functional.pad(even, (0, self.channel.shape[0] - self.n0e))


@lru_cache(maxsize=256)
def _columns(irreps: Irreps, planes: bool, dtype: torch.dtype, device: torch.device) -> _Columns:
    return _Columns(irreps, planes, dtype, device)


class _Normalise(torch.autograd.Function):
    """(x − mean) · inverse · weight + bias; keeps x alone.

    ``mean`` and ``inverse`` are functions of x where ``of_batch``; their part of the gradient is in the backward pass.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        inverse: Tensor,
        columns: _Columns,
        of_batch: bool,
    ) -> Tensor:
        ctx.save_for_backward(features, weight, mean, inverse)
        ctx.columns, ctx.of_batch = columns, of_batch
        scale = columns.spread(weight * inverse)
        shift = columns.padded(torch.addcmul(bias, mean, scale[: columns.n0e], value=-1.0))
        return torch.addcmul(shift, features, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        features, weight, mean, inverse = ctx.saved_tensors
        columns: _Columns = ctx.columns
        of_bias = grad.sum(0)[: columns.n0e].clone()
        along = (grad * features).sum(0) - columns.padded(mean * of_bias)
        of_weight = columns.sum(along) * inverse
        channels = weight * inverse
        scale = columns.spread(channels)
        if not ctx.of_batch:
            return grad * scale, of_weight, of_bias, None, None, None, None
        # the batch's own mean and mean square take out what they would follow
        n = max(1, features.shape[0])
        followed = columns.spread(channels * inverse * of_weight / (n * columns.components))
        n0e = columns.n0e
        constant = columns.padded(mean * followed[:n0e] - scale[:n0e] * of_bias / n)
        of_features = torch.addcmul(constant, features, followed, value=-1.0).addcmul_(grad, scale)
        return of_features, of_weight, of_bias, None, None, None, None
