"""Optional dependencies: import one, or say which extra brings it."""

import importlib
from types import ModuleType

from molinteract.core.errors import MissingExtraError


def require(module: str, *, purpose: str, extra: str = "", remedy: str = "") -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    module : str
        Name to import.
    purpose : str
        What it is needed for, for the message.
    extra : str
        Extra of this package that installs it.
    remedy : str
        How to get it where no extra does.

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{purpose} needs the package {module!r}, which is not installed",
            remedy=remedy or f"pip install 'molinteract[{extra}]'",
        ) from error
