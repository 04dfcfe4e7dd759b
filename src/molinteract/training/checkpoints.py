"""Checkpoints: whole or absent, checked on loading, never unpickled.

One safetensors file holds the network, its moving average, the optimiser's moments and, as metadata, everything else; its
checksum stands in a file beside it. The last two are kept: a damaged one is passed over for the one before.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from molinteract.core.errors import ModelFileError
from molinteract.training.ema import MovingAverage

KEEP = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    step : int
        Optimiser steps done.
    epoch, batch : int
        Next batch to take.
    seconds : float
        Training time so far.
    patches : int
        Patches seen.
    best : float
        Best validation score so far.
    stale : int
        Validations since then.
    skipped, clipped : int
        Batches skipped because they were not finite, and steps clipped.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    patches: int = 0
    best: float = float("-inf")
    stale: int = 0
    skipped: int = 0
    clipped: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """What a checkpoint holds and restores in place: network, optimiser and moving average."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage


def save_checkpoint(folder: Path, trained: Trained, progress: Progress) -> None:
    """Write a checkpoint and remove all but the last two."""
    folder.mkdir(parents=True, exist_ok=True)
    model, optimiser = trained.model, trained.optimiser
    tensors = {f"model.{name}": tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    # shared memory is not allowed in the file, so the average is copied
    tensors |= {f"average.{name}": tensor.detach().cpu().clone() for name, tensor in trained.average.state.items()}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).cpu().contiguous()
    metadata = {name: json.dumps(getattr(progress, name)) for name in Progress.__dataclass_fields__}
    path = folder / f"step-{progress.step:09d}.safetensors"
    scratch = folder / ".checkpoint.part"
    save_file(tensors, scratch, metadata=metadata)
    with scratch.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    scratch.replace(path)
    path.with_suffix(".sha256").write_text(digest, encoding="utf-8")
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEEP]:
        old.unlink()
        old.with_suffix(".sha256").unlink(missing_ok=True)


def load_checkpoint(folder: Path, trained: Trained) -> tuple[Progress, list[str]]:
    """Load the newest whole checkpoint into network, optimiser and average.

    Returns
    -------
    progress : Progress
        A fresh one where there is no checkpoint.
    damaged : list of str
        Names of newer ones that were passed over.

    Raises
    ------
    ModelFileError
        If there are checkpoints and all are damaged, or they belong to another network.
    """
    damaged: list[str] = []
    paths = sorted(folder.glob("step-*.safetensors"), reverse=True)
    for path in paths:
        if not _is_whole(path):
            damaged.append(path.name)
            continue
        tensors, metadata = _read(path)
        _restore(tensors, trained, where=str(path))
        return Progress(**{name: json.loads(value) for name, value in metadata.items()}), damaged
    if damaged:
        raise ModelFileError(
            f"all checkpoints are damaged: {', '.join(damaged)}",
            entry=str(folder),
            remedy="start again in a new folder",
        )
    return Progress(), damaged


def _is_whole(path: Path) -> bool:
    digest = path.with_suffix(".sha256")
    if not digest.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest.read_text(encoding="utf-8").strip()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelFileError(f"cannot be read: {error}", entry=str(path)) from error


def _restore(tensors: dict[str, Tensor], trained: Trained, *, where: str) -> None:
    try:
        trained.model.load_state_dict(_part(tensors, "model."))
        trained.average.load(_part(tensors, "average."))
    except (KeyError, RuntimeError) as error:
        raise ModelFileError(
            "the checkpoint belongs to another network",
            entry=where,
            remedy="resume with the recipe of the run, or start in a new folder",
        ) from error
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in _part(tensors, "optimiser.").items():
        index, part = name.split(".", 1)
        state.setdefault(int(index), {})[part] = tensor
    groups = trained.optimiser.state_dict()["param_groups"]
    trained.optimiser.load_state_dict({"state": state, "param_groups": groups})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
