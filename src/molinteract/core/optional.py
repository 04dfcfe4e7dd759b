"""Optional dependencies: import one, or say which extra brings it."""

import importlib
from types import ModuleType

from molinteract.core.errors import MissingExtraError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    module : str
        Name to import.
    extra : str
        Extra of this package that installs it.
    purpose : str
        What it is needed for, for the message.

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
            remedy=f"pip install 'molinteract[{extra}]'",
        ) from error
