"""Support vector regression with a Gaussian kernel: fitted by scikit-learn, evaluated without it."""

from typing import Final

import torch
from torch import Tensor, nn

COST: Final = 1.0
"""What an error above the tolerance costs, C."""
TOLERANCE: Final = 0.3
"""pK within which an error costs nothing, ε."""


class SupportVectors(nn.Module):
    """Σ_k a_k exp(−γ |x − s_k|²) + b.

    Parameters
    ----------
    n : int
        Support vectors s.
    width : int
        Of a vector.
    """

    vectors: Tensor
    weights: Tensor
    gamma: Tensor
    bias: Tensor

    def __init__(self, n: int, width: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(n, width))
        self.register_buffer("weights", torch.zeros(n))
        self.register_buffer("gamma", torch.tensor(1.0))
        self.register_buffer("bias", torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Return values (rows, 1) of vectors (rows, width)."""
        kernel = torch.exp(-self.gamma * torch.cdist(x, self.vectors).square())
        return (kernel @ self.weights + self.bias)[:, None]


def fit_support_vectors(x: Tensor, values: Tensor) -> SupportVectors:
    """Fit standardised vectors x (n, width) to values (n,): C = 1, ε = 0.3, γ = 1 / (width · variance of x)."""
    from sklearn.svm import SVR

    features = x.detach().double().cpu().numpy()
    variance = float(features.var())
    gamma = 1.0 / (features.shape[1] * variance) if variance > 0 else 1.0
    model = SVR(C=COST, epsilon=TOLERANCE, gamma=gamma).fit(features, values.double().cpu().numpy())
    found = SupportVectors(len(model.support_), features.shape[1]).to(x)
    for buffer, fitted in (
        (found.vectors, model.support_vectors_),
        (found.weights, model.dual_coef_[0]),
        (found.gamma, gamma),
        (found.bias, model.intercept_[0]),
    ):
        buffer.copy_(torch.as_tensor(fitted))
    return found
