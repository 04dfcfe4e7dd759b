"""Pre-trained networks by name: those in the package, and those of others on the Hugging Face hub."""

from importlib import resources
from pathlib import Path

from molinteract.core.errors import ModelFileError
from molinteract.core.optional import require
from molinteract.network.files import CONFIG, WEIGHTS


def shipped() -> tuple[str, ...]:
    """Return the names of the networks in the package."""
    folder = _weights()
    return tuple(sorted(p.name for p in folder.iterdir() if (p / CONFIG).is_file())) if folder.is_dir() else ()


def pretrained_folder(name: str) -> Path:
    """Return the folder of a pre-trained network.

    Parameters
    ----------
    name : str
        ``small`` and the like for a network in the package (no connection is made), ``org/name`` for a repository of the
        hub, which is fetched once.

    Raises
    ------
    ModelFileError
        If there is none of that name, or the hub cannot be reached.
    MissingExtraError
        If the hub is asked and its client is not installed.
    """
    if "/" not in name:
        if name not in shipped():
            raise ModelFileError(
                f"no pre-trained network {name!r} in the package",
                remedy=f"one of {', '.join(shipped())}; org/name for one on the hub; load_network for a folder",
            )
        return _weights() / name
    hub = require("huggingface_hub", extra="hub", purpose=f"fetching {name}")
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hub.snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS, "README.md"]))
    except HFValidationError as error:
        raise ModelFileError(f"{name!r} is no name of a repository", remedy="write it as org/name") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelFileError(
            f"cannot be fetched from the hub: {reason}",
            entry=name,
            remedy="check the name and the connection, or use one in the package: " + ", ".join(shipped()),
        ) from error


def _weights() -> Path:
    return Path(str(resources.files("molinteract"))) / "weights"
