"""The two files of a saved network, read and checked: ``config.json`` and ``weights.safetensors``. Nothing is ever unpickled."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from molinteract.core.errors import ModelFileError
from molinteract.core.settings import parse_settings
from molinteract.network.config import NetworkConfig
from molinteract.network.upgrades import readable, upgraded

FORMAT: Final = 1
CONVENTION: Final = "e3nn-component-xyz-1"
"""Names what the numbers mean: component-normalised harmonics, l = 1 as x, y, z, blocks 0e 1o 1e 0o, paths in native order."""

CONFIG: Final = "config.json"
WEIGHTS: Final = "weights.safetensors"


def read_network(path: Path) -> tuple[NetworkConfig, dict[str, Tensor]]:
    """Return the sizes and the weights of a saved network, in the present format.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, or of another format or convention.
    ConfigError
        If a setting is unknown.
    """
    description, weights = read_description(path), path / WEIGHTS
    if not weights.is_file():
        raise ModelFileError("the weights are missing", entry=str(weights))
    if hashlib.sha256(weights.read_bytes()).hexdigest() != description.get("sha256"):
        raise ModelFileError("the weights differ from their checksum", entry=str(weights), remedy="fetch them again")
    try:
        description, tensors = upgraded(description, load_file(weights))
    except SafetensorError as error:
        raise ModelFileError(f"the weights cannot be read: {error}", entry=str(weights)) from error
    return parse_settings(NetworkConfig, description["network"], where=str(path / CONFIG)), tensors


def fill(model: nn.Module, tensors: dict[str, Tensor], *, where: str) -> None:
    """Put weights into a network.

    Raises
    ------
    ModelFileError
        If they do not fit.
    """
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).strip().split("\n")[0]
        raise ModelFileError(f"the weights do not fit the configuration: {first}", entry=where) from error


def read_description(path: str | Path) -> dict[str, Any]:
    """Return the configuration and card of a saved network.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, or of another format or convention.
    """
    file = Path(path) / "config.json"
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(
            "no saved network there", entry=str(path), remedy="name a folder such as RUN/best"
        ) from error
    except ValueError as error:
        raise ModelFileError(f"the configuration is damaged: {error}", entry=str(file)) from error
    if not readable(description, present=FORMAT, convention=CONVENTION):
        found = (description.get("format"), description.get("convention")) if isinstance(description, dict) else None
        raise ModelFileError(
            f"format and convention are {found}, this program reads {(FORMAT, CONVENTION)}",
            entry=str(file),
            remedy="update molinteract",
        )
    return dict(description)
