"""Scratch memory of one call: each name has one buffer, which chunk after chunk is used again."""

import math

from torch import Tensor


class Workspace:
    """Named buffers of the type and device of a tensor; what it hands out is overwritten by the next call of that name."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Return an uninitialised tensor of a shape."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape[0] < size:
            buffer = self._buffers[name] = self._like.new_empty(size)
        return buffer[:size].view(shape)
