"""The device that somebody named, if it is there."""

import torch

from molinteract.core.errors import ConfigError


def checked_device(name: torch.device | str) -> torch.device:
    """Return the device of a name such as ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    ConfigError
        If PyTorch knows no such device, or sees none of that kind.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"the device {str(name)!r} cannot be used: {str(error).splitlines()[0]}",
            remedy="cpu; or a GPU that molinteract doctor sees, with the PyTorch build for it",
        ) from error
    return device
