"""An exponential moving average of the weights: what is validated and saved."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """Average of a network's weights and running statistics.

    Parameters
    ----------
    model : nn.Module
    decay : float
        Share of the average that a step keeps; the first steps keep less, so that the start is soon forgotten.
        With 0 the average is the network itself.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()} if decay else {}

    @torch.no_grad()
    def update(self, model: nn.Module, *, step: int) -> None:
        """Take in the weights after a step."""
        weight = 1.0 - min(self.decay, (1.0 + step) / (10.0 + step))
        current = model.state_dict()
        if self.state:  # all at once: a GPU would wait for a launch for each
            torch._foreach_lerp_(list(self.state.values()), [current[name] for name in self.state], weight)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Put the average into the network for a while."""
        if not self.decay:
            yield
            return
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(self.state)
        try:
            yield
        finally:
            model.load_state_dict(own)

    def load(self, state: dict[str, Tensor]) -> None:
        """Take the average of a checkpoint."""
        for name, average in self.state.items():
            average.copy_(state[name])
