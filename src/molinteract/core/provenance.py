"""What made a file: versions, machine, time."""

import os
import platform
from datetime import UTC, datetime
from importlib import metadata

_NOTED = ("molinteract", "csd-python-api", "gemmi", "numba", "numpy", "pyarrow", "rdkit", "spglib", "torch")


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that decide our results, without importing them."""
    found = {"python": platform.python_version()}
    for name in _NOTED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Return a short description of this machine."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
    }


def utc_now() -> str:
    """Return the present time as an ISO 8601 string in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
