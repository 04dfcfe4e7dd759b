"""Which irreps a feature vector holds: scalars and vectors of both parities, in one fixed order.

A feature vector is ``n0e x 0e + n1o x 1o + n1e x 1e + n0o x 0o`` in e3nn's layout: blocks one after another, within a
vector block the three components of one channel side by side, in the order x, y, z.
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Irreps:
    """Multiplicities of the four kinds of features; order and layout as above."""

    n0e: int
    n1o: int = 0
    n1e: int = 0
    n0o: int = 0

    @property
    def dim(self) -> int:
        """Numbers of one feature vector."""
        return self.n0e + 3 * self.n1o + 3 * self.n1e + self.n0o

    @property
    def channels(self) -> int:
        """Number of irreps, each scalar or vector counted once."""
        return self.n0e + self.n1o + self.n1e + self.n0o

    def __str__(self) -> str:
        """Return the irreps as e3nn writes them."""
        parts = zip(astuple(self), ("0e", "1o", "1e", "0o"), strict=True)
        return " + ".join(f"{n}x{name}" for n, name in parts if n) or "0x0e"

    def split(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Split features (..., dim) into 0e (..., n0e), 1o (..., n1o, 3), 1e (..., n1e, 3), 0o (..., n0o)."""
        sizes = [self.n0e, 3 * self.n1o, 3 * self.n1e, self.n0o]
        even, odd_vector, even_vector, odd = torch.split(features, sizes, dim=-1)
        return (
            even,
            odd_vector.reshape(*features.shape[:-1], self.n1o, 3),
            even_vector.reshape(*features.shape[:-1], self.n1e, 3),
            odd,
        )

    def join(self, even: Tensor, odd_vector: Tensor, even_vector: Tensor, odd: Tensor) -> Tensor:
        """Join what ``split`` returns."""
        return torch.cat([even, odd_vector.flatten(-2), even_vector.flatten(-2), odd], dim=-1)


def pad(features: Tensor, old: Irreps, new: Irreps) -> Tensor:
    """Zero-pad features (nodes, old.dim) to larger irreps (nodes, new.dim), block by block."""
    if old == new:
        return features
    parts = old.split(features)
    sizes = (new.n0e, new.n1o, new.n1e, new.n0o)
    padded = []
    for part, size in zip(parts, sizes, strict=True):
        missing = list(part.shape)
        missing[1] = size - part.shape[1]
        padded.append(torch.cat([part, part.new_zeros(missing)], dim=1))
    return new.join(*padded)
