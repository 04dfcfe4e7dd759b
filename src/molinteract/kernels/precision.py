"""Under autocast the kernels stay in the type they were given: hand-written passes do not mix types."""

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor

_HALF = (torch.float16, torch.bfloat16)


def keeps_precision(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Run a function of tensors with autocast off; half-precision arguments that autocast made become float32 again."""

    @wraps(function)
    def kept(*arguments: object, **settings: object) -> Tensor:
        device = next(a.device.type for a in arguments if isinstance(a, Tensor))
        if not torch.is_autocast_enabled(device):
            return function(*arguments, **settings)
        with torch.autocast(device, enabled=False):
            full = [a.float() if isinstance(a, Tensor) and a.dtype in _HALF else a for a in arguments]
            return function(*full, **settings)

    return kept
