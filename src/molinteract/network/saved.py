"""Saved networks: a folder with ``weights.safetensors``, ``config.json`` and a card. Nothing is ever unpickled."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from molinteract.core.provenance import utc_now, versions
from molinteract.network.encoder import InteractNN
from molinteract.network.files import CONFIG, CONVENTION, FORMAT, WEIGHTS, read_description
from molinteract.network.pretrained import pretrained_folder

__all__ = ["CONVENTION", "FORMAT", "load_network", "read_description", "save_network"]


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
    scratch.replace(path / WEIGHTS)
    config = path / ".config.part"
    config.write_text(json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8")
    config.replace(path / CONFIG)


def load_network(path: str | Path, *, device: torch.device | str = "cpu") -> InteractNN:
    """Load a network from a folder, in evaluation mode.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, of another format or convention, or its tensors do not fit its configuration.
    """
    return InteractNN.from_folder(path, device=device)


def open_network(name: str | Path, *, device: torch.device | str = "cpu") -> InteractNN:
    """Load a network from a run folder, from a folder of its own, or by the name of a pre-trained one.

    Parameters
    ----------
    name : str or Path
        A folder that exists (``RUN`` stands for ``RUN/best``), else a name as ``InteractNN.from_pretrained`` takes it.

    Raises
    ------
    ModelFileError
        If there is no such folder and no pre-trained network of that name, or its files are damaged.
    """
    return load_network(network_folder(name), device=device)


def network_folder(name: str | Path) -> Path:
    """Return where the files of a network lie, named as for :func:`open_network`.

    Raises
    ------
    ModelFileError
        If there is no such folder and no pre-trained network of that name.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder / "best" if (folder / "best").is_dir() else folder
    return pretrained_folder(str(name))
