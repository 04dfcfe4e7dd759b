"""Equivariant batch normalisation, by e3nn's rules.

0e channels are centred and scaled; all others are scaled only, by the root of the mean square of their components. Scale
and, for 0e, shift are learnt.
"""

from collections.abc import Callable
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
        columns = _Columns(self.irreps, planes)
        if self.training and self.total is not None:
            return self._shared(features, columns, self.total)
        if self.training:
            mean, variance = columns.statistics(features.detach())
            self._move(self.running_mean, mean)
            self._move(self.running_var, variance)
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
        self._move(self.running_mean, mean)
        self._move(self.running_var, variance)
        scaled = centred * columns.spread(self.weight * (variance + self.eps).rsqrt())
        return torch.cat([scaled[:, :n0e] + self.bias, scaled[:, n0e:]], dim=1)

    def _move(self, running: Tensor, now: Tensor) -> None:
        with torch.no_grad():
            running.mul_(1.0 - self.momentum).add_(now, alpha=self.momentum)


class _Columns:
    """Between numbers per column (dim,) and numbers per channel (channels,)."""

    def __init__(self, irreps: Irreps, planes: bool) -> None:
        self.irreps = irreps
        self.planes = planes

    def statistics(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of 0e (n0e,) and the mean squares of all channels, those of 0e centred."""
        even, rest = features[:, : self.irreps.n0e], features[:, self.irreps.n0e :]
        mean = even.mean(0)
        squares = torch.cat([(even - mean).square().mean(0), rest.square().mean(0)])
        return mean, self.mean(squares)

    def mean(self, columns: Tensor) -> Tensor:
        """Mean over the components of each vector."""
        i = self.irreps
        even, odd_vector, even_vector, odd = torch.split(columns, [i.n0e, 3 * i.n1o, 3 * i.n1e, i.n0o])
        means = [
            v.view(3, n).mean(0) if self.planes else v.view(n, 3).mean(1)
            for v, n in ((odd_vector, i.n1o), (even_vector, i.n1e))
        ]
        return torch.cat([even, *means, odd])

    def components(self, like: Tensor) -> Tensor:
        """Return the components of each channel: 1 or 3."""
        i = self.irreps
        sizes = [like.new_full((n,), size) for n, size in ((i.n0e, 1), (i.n1o, 3), (i.n1e, 3), (i.n0o, 1))]
        return torch.cat(sizes)

    def spread(self, channels: Tensor) -> Tensor:
        """Give every component the number of its channel."""
        i = self.irreps
        even, odd_vector, even_vector, odd = torch.split(channels, [i.n0e, i.n1o, i.n1e, i.n0o])
        vectors = [v.repeat(3) if self.planes else v.repeat_interleave(3) for v in (odd_vector, even_vector)]
        return torch.cat([even, *vectors, odd])


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
        shift = torch.zeros_like(scale)
        n0e = bias.shape[0]
        shift[:n0e] = bias - mean * scale[:n0e]
        return torch.addcmul(shift, features, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        features, weight, mean, inverse = ctx.saved_tensors
        columns: _Columns = ctx.columns
        n0e = mean.shape[0]
        of_shift = grad.sum(0)
        of_bias = of_shift[:n0e].clone()
        along = (grad * features).sum(0)
        along[:n0e] -= mean * of_bias
        components = columns.components(along)
        of_weight = columns.mean(along) * components * inverse
        scale = weight * inverse
        if not ctx.of_batch:
            return grad * columns.spread(scale), of_weight, of_bias, None, None, None, None
        # the batch's own mean and mean square take out what they would follow
        n = max(1, features.shape[0])
        followed = columns.spread(scale * inverse * of_weight / (n * components))
        constant = torch.zeros_like(of_shift)
        constant[:n0e] = mean * followed[:n0e] - columns.spread(scale)[:n0e] * of_bias / n
        of_features = torch.addcmul(constant, features, -followed).addcmul_(grad, columns.spread(scale))
        return of_features, of_weight, of_bias, None, None, None, None
