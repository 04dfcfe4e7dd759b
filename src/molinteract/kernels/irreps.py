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

    @property
    def columns(self) -> dict[str, slice]:
        """Columns of each block in a feature vector."""
        out, start = {}, 0
        for name, size in zip(("0e", "1o", "1e", "0o"), (self.n0e, 3 * self.n1o, 3 * self.n1e, self.n0o), strict=True):
            out[name] = slice(start, start + size)
            start += size
        return out

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


def pad(planes: Tensor, old: Irreps, new: Irreps) -> Tensor:
    """Zero-pad planes (nodes, old.dim) to larger irreps (nodes, new.dim), block by block."""
    if old == new:
        return planes
    padded = planes.new_zeros(planes.shape[0], new.dim)
    for name, where in old.columns.items():
        components = 3 if name.startswith("1") else 1
        source = split_columns(planes[:, where], components)
        target = split_columns(padded[:, new.columns[name]], components)
        target[:, :, : source.shape[2]] = source
    return padded


def split_columns(values: Tensor, rows: int) -> Tensor:
    """View (nodes, rows · c) as (nodes, rows, c)."""
    return values.view(values.shape[0], rows, values.shape[1] // rows)


def to_planes(features: Tensor, irreps: Irreps) -> Tensor:
    """Return features (nodes, dim) with the components of vectors outermost: (3, channels) in place of (channels, 3)."""
    if not irreps.n1o and not irreps.n1e:
        return features
    even, odd_vector, even_vector, odd = irreps.split(features)
    return irreps.join(even, odd_vector.transpose(1, 2), even_vector.transpose(1, 2), odd)


def from_planes(planes: Tensor, irreps: Irreps) -> Tensor:
    """Undo :func:`to_planes`."""
    if not irreps.n1o and not irreps.n1e:
        return planes
    sizes = [irreps.n0e, 3 * irreps.n1o, 3 * irreps.n1e, irreps.n0o]
    even, odd_vector, even_vector, odd = torch.split(planes, sizes, dim=-1)
    swapped = [split_columns(v, 3).transpose(1, 2) for v in (odd_vector, even_vector)]
    return irreps.join(even, swapped[0], swapped[1], odd)
