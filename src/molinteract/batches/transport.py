"""Objects full of tensors as one block of memory: one message between processes, one copy to a GPU."""

import io
import pickle
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ALIGNED: Final = 16
"""Bytes to whose multiple each tensor's place is rounded up: a view as any type needs that."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """An object whose tensors lie one after another in one array of bytes.

    Attributes
    ----------
    skeleton : bytes
        The pickled object, with numbers in the tensors' place. Made and read by processes of one run only.
    places : tuple of (start, shape, dtype)
        Of each tensor in ``memory``.
    memory : (bytes,) uint8
    """

    skeleton: bytes
    places: tuple[tuple[int, tuple[int, ...], torch.dtype], ...]
    memory: NDArray[np.uint8]


def pack(value: Any) -> Block:
    """Put the tensors of an object, on the CPU, into one block; one that occurs twice is stored once."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    places, end = [], 0
    for tensor in pickler.tensors:
        places.append((end, tuple(tensor.shape), tensor.dtype))
        end += -(-tensor.nbytes // _ALIGNED) * _ALIGNED
    memory = np.empty(end, dtype=np.uint8)
    for (start, _, _), tensor in zip(places, pickler.tensors, strict=True):
        memory[start : start + tensor.nbytes] = tensor.contiguous().view(-1).view(torch.uint8).numpy()
    return Block(file.getvalue(), tuple(places), memory)


def unpack(block: Block, device: torch.device | str = "cpu") -> Any:
    """Return the object with its tensors on a device: views of one piece of memory; one that occurred twice is one again."""
    memory = torch.from_numpy(block.memory).to(device)
    tensors = []
    for start, shape, dtype in block.places:
        numbers = int(np.prod(shape, dtype=np.int64))
        tensors.append(memory[start : start + numbers * dtype.itemsize].view(dtype).view(shape))
    return _Unpickler(io.BytesIO(block.skeleton), tensors).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.tensors: list[Tensor] = []
        self.numbers: dict[int, int] = {}

    def persistent_id(self, value: Any) -> int | None:
        if not isinstance(value, Tensor):
            return None
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.tensors)
            self.tensors.append(value)
        return self.numbers[id(value)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, tensors: list[Tensor]) -> None:
        super().__init__(file)
        self.tensors = tensors

    def persistent_load(self, number: int) -> Tensor:
        return self.tensors[number]
