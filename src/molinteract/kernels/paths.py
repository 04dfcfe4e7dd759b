"""Paths and weights of the tensor product: which input block, harmonic and output block belong together, and in what order."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import torch
from torch import Tensor

from molinteract.kernels.irreps import Irreps

Path = tuple[str, int, str]
"""Input block, l of the harmonic, output block."""

BLOCKS: Final = ("0e", "1o", "1e", "0o")
SCALAR_PATHS: Final[dict[str, tuple[Path, ...]]] = {
    "0e": (("0e", 0, "0e"), ("1o", 1, "0e")),
    "0o": (("0o", 0, "0o"), ("1e", 1, "0o")),
}
RADIAL_PATHS: Final[dict[str, Path]] = {"1o": ("0e", 1, "1o"), "1e": ("0o", 1, "1e")}
VECTOR_PATHS: Final[dict[str, tuple[Path, ...]]] = {
    "1o": (("1o", 0, "1o"), ("1o", 2, "1o"), ("1e", 1, "1o")),
    "1e": (("1e", 0, "1e"), ("1e", 2, "1e"), ("1o", 1, "1e")),
}


@dataclass(frozen=True)
class ProductSpec:
    """Paths and weights of one tensor product.

    Attributes
    ----------
    irreps_in, irreps_out : Irreps
        Of the node features and of the result.
    """

    irreps_in: Irreps
    irreps_out: Irreps

    def size_in(self, block: str) -> int:
        """Multiplicity of an input block."""
        return _size(self.irreps_in, block)

    def size_out(self, block: str) -> int:
        """Multiplicity of an output block."""
        return _size(self.irreps_out, block)

    def path_shape(self, path: Path) -> tuple[int, int]:
        """Return (multiplicity in, multiplicity out) of a path."""
        return self.size_in(path[0]), self.size_out(path[2])

    @cached_property
    def native_paths(self) -> tuple[Path, ...]:
        """Paths in the order of our weights: scalar outputs, radial paths, vector outputs."""
        ordered = [p for paths in SCALAR_PATHS.values() for p in paths]
        ordered += list(RADIAL_PATHS.values())
        ordered += [p for paths in VECTOR_PATHS.values() for p in paths]
        return tuple(p for p in ordered if math.prod(self.path_shape(p)))

    @cached_property
    def e3nn_paths(self) -> tuple[Path, ...]:
        """The same paths in the order of e3nn's ``FullyConnectedTensorProduct``: input, harmonic, output."""
        return tuple(sorted(self.native_paths, key=lambda p: (BLOCKS.index(p[0]), p[1], BLOCKS.index(p[2]))))

    @cached_property
    def weight_numel(self) -> int:
        """Weights of one edge."""
        return sum(math.prod(self.path_shape(path)) for path in self.native_paths)

    @cached_property
    def slices(self) -> dict[Path, slice]:
        """Where each path's weights, (in, out) row-major, lie in our order."""
        return _slices(self.native_paths, self)

    def present(self, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return those of some paths that have weights."""
        return tuple(path for path in paths if path in self.slices)

    def joint_slice(self, paths: tuple[Path, ...]) -> slice:
        """Return the range of weights of paths that follow one another."""
        return slice(self.slices[paths[0]].start, self.slices[paths[-1]].stop)

    def from_e3nn(self) -> Tensor:
        """Return the (weight_numel,) index that picks our weights from e3nn's: ``ours = theirs[index]``."""
        theirs = _slices(self.e3nn_paths, self)
        return torch.cat([torch.arange(theirs[p].start, theirs[p].stop) for p in self.native_paths])

    def scale(self, block: str) -> float:
        """Return √((2l + 1) / fan-in) of an output block."""
        fan_in = sum(self.path_shape(path)[0] for path in self.native_paths if path[2] == block)
        return math.sqrt((3.0 if block.startswith("1") else 1.0) / fan_in) if fan_in else 0.0

    def column_scale(self, like: Tensor) -> Tensor:
        """Return ``scale`` of every column of the result, (irreps_out.dim,), of the type and on the device of a tensor."""
        return _column_scale(self, like.dtype, like.device)


def _size(irreps: Irreps, block: str) -> int:
    return (irreps.n0e, irreps.n1o, irreps.n1e, irreps.n0o)[BLOCKS.index(block)]


def _slices(paths: tuple[Path, ...], spec: ProductSpec) -> dict[Path, slice]:
    out, start = {}, 0
    for path in paths:
        stop = start + math.prod(spec.path_shape(path))
        out[path] = slice(start, stop)
        start = stop
    return out


@lru_cache(maxsize=256)
def _column_scale(spec: ProductSpec, dtype: torch.dtype, device: torch.device) -> Tensor:
    scales = [[spec.scale(block)] * (where.stop - where.start) for block, where in spec.irreps_out.columns.items()]
    return torch.tensor([s for block in scales for s in block], dtype=dtype, device=device)


@lru_cache(maxsize=64)
def product_spec(irreps_in: Irreps, irreps_out: Irreps) -> ProductSpec:
    """Return the (cached) spec of a tensor product."""
    return ProductSpec(irreps_in, irreps_out)
