"""Saved networks: a folder with ``weights.safetensors``, ``config.json`` and a card. Nothing is ever unpickled."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from molinteract.core.errors import ModelFileError
from molinteract.core.provenance import utc_now, versions
from molinteract.core.settings import parse_settings
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.upgrades import readable, upgraded

FORMAT: Final = 1
CONVENTION: Final = "e3nn-component-xyz-1"
"""Names what the numbers mean: component-normalised harmonics, l = 1 as x, y, z, blocks 0e 1o 1e 0o, paths in native order."""


def save_network(path: str | Path, model: InteractNN, *, card: Mapping[str, Any] | None = None) -> None:
    """Write a network to a folder.

    Parameters
    ----------
    path : str or Path
    model : InteractNN
    card : mapping, optional
        What it was trained on and how it does.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    scratch = path / ".weights.part"
    save_file(tensors, scratch)
    description = {
        "format": FORMAT,
        "convention": CONVENTION,
        "network": model.config.model_dump(mode="json"),
        "sha256": hashlib.sha256(scratch.read_bytes()).hexdigest(),
        "versions": versions(),
        "written": utc_now(),
        "card": dict(card or {}),
    }
    scratch.replace(path / "weights.safetensors")
    config = path / ".config.part"
    config.write_text(json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8")
    config.replace(path / "config.json")


def load_network(path: str | Path, *, device: torch.device | str = "cpu") -> InteractNN:
    """Load a network, in evaluation mode.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, of another format or convention, or its tensors do not fit its configuration.
    """
    path = Path(path)
    description = read_description(path)
    weights = path / "weights.safetensors"
    if not weights.is_file():
        raise ModelFileError("the weights are missing", entry=str(weights))
    if hashlib.sha256(weights.read_bytes()).hexdigest() != description.get("sha256"):
        raise ModelFileError("the weights differ from their checksum", entry=str(weights), remedy="fetch them again")
    try:
        description, tensors = upgraded(description, load_file(weights))
        model = InteractNN(parse_settings(NetworkConfig, description["network"], where=str(path / "config.json")))
        model.load_state_dict(tensors)
    except (RuntimeError, SafetensorError) as error:
        first = str(error).strip().split("\n")[0]
        raise ModelFileError(f"the weights do not fit the configuration: {first}", entry=str(weights)) from error
    return model.to(device).eval()


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
