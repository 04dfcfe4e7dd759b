"""Equivariant batch normalisation, by e3nn's rules.

0e channels are centred and scaled; all others are scaled only, by the root of the mean square of their components. Scale
and, for 0e, shift are learnt.
"""

import torch
from torch import Tensor, nn

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
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, irreps: Irreps, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.irreps = irreps
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(irreps.channels))
        self.bias = nn.Parameter(torch.zeros(irreps.n0e))
        self.register_buffer("running_mean", torch.zeros(irreps.n0e))
        self.register_buffer("running_var", torch.ones(irreps.channels))

    def forward(self, features: Tensor) -> Tensor:
        """Normalise; in training mode with the statistics of the batch, which also move the running ones."""
        even, odd_vector, even_vector, odd = self.irreps.split(features)
        if self.training:
            mean = even.mean(0)
            self._move(self.running_mean, mean)
        else:
            mean = self.running_mean
        even = even - mean
        variance = self.running_var
        if self.training:
            variance = torch.cat(
                [
                    even.square().mean(0),
                    odd_vector.square().mean((0, 2)),
                    even_vector.square().mean((0, 2)),
                    odd.square().mean(0),
                ]
            )
            self._move(self.running_var, variance)
        scale = self.weight * (variance + self.eps).rsqrt()
        sizes = [self.irreps.n0e, self.irreps.n1o, self.irreps.n1e, self.irreps.n0o]
        s_even, s_odd_vector, s_even_vector, s_odd = torch.split(scale, sizes)
        return self.irreps.join(
            even * s_even + self.bias,
            odd_vector * s_odd_vector.unsqueeze(1),
            even_vector * s_even_vector.unsqueeze(1),
            odd * s_odd,
        )

    def _move(self, running: Tensor, now: Tensor) -> None:
        with torch.no_grad():
            running.mul_(1.0 - self.momentum).add_(now, alpha=self.momentum)
