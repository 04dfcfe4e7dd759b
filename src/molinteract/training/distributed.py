"""Several processes as one: each takes a part of every batch, and sums, gradients and statistics are those of the whole.

Started by ``torchrun``; without it everything here does nothing. Gradients are added up in one flat vector after the backward
pass, and batch norm adds up its sums (differentiably), so that the losses are those of one process with the joint batch.
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from molinteract.kernels.batch_norm import EquivariantBatchNorm


class Processes:
    """The processes of a run.

    Attributes
    ----------
    rank, size : int
        Number of this process and of all; 0 and 1 without ``torchrun``.
    """

    def __init__(self, device: str) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.device = device
        if self.size == 1:
            return
        if device.startswith("cuda"):
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")

    @property
    def first(self) -> bool:
        """Whether this process writes the run folder and validates."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, with gradients."""
        if self.size == 1:
            return values
        added: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
        return added

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over the processes.

        Every process differentiates the loss of the joint batch, so the mean over processes of what arrives is its gradient.
        """
        if self.size == 1:
            return
        used = [p for p in parameters if p.grad is not None]
        flat = torch.cat([p.grad.flatten() for p in used if p.grad is not None])
        dist.all_reduce(flat)
        flat /= self.size
        for parameter, part in zip(used, torch.split(flat, [p.numel() for p in used]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def agreed(self, value: float) -> float:
        """Return the first process's value, so that all stop together."""
        if self.size == 1:
            return value
        held = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.broadcast(held, src=0)
        return float(held)

    def share_statistics(self, modules: Iterable[nn.Module]) -> None:
        """Let every batch norm among some modules use the statistics of the joint batch."""
        if self.size > 1:
            for module in modules:
                if isinstance(module, EquivariantBatchNorm):
                    module.total = self.total

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            dist.barrier()


class _Total(torch.autograd.Function):
    """Sum over processes; the gradient of a process's part is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        added = values.clone()
        dist.all_reduce(added)
        return added

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        added = gradients[0].clone()
        dist.all_reduce(added)
        return added
