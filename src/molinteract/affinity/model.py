"""The affinity network: the encoder of the contacts, its patch vector, and a small perceptron on top (SPEC 4)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from molinteract.affinity.settings import ComplexSettings
from molinteract.batches.batch import PatchBatch
from molinteract.core.errors import ModelFileError
from molinteract.core.provenance import utc_now, versions
from molinteract.core.settings import parse_settings
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

LOWEST, HIGHEST = 0.0, 15.0
"""Range of a predicted pK."""
FORMAT: Final = 1


class AffinityNetwork(nn.Module):
    """z → d_patch → 64 → 32 → 1, clamped to [0, 15].

    Parameters
    ----------
    encoder : InteractNN
        Trained or not; its denoising head is not used.
    hidden : (int, int)
        Widths between the vector and the value.
    """

    def __init__(self, encoder: InteractNN, hidden: tuple[int, int] = (64, 32)) -> None:
        super().__init__()
        self.encoder = encoder
        self.hidden = hidden
        widths = (2 * encoder.config.ns, *hidden)
        self.head = nn.Sequential(
            nn.Linear(widths[0], widths[1]),
            nn.ReLU(),
            nn.Linear(widths[1], widths[2]),
            nn.ReLU(),
            nn.Linear(widths[2], 1),
        )

    def vectors(self, batch: PatchBatch) -> Tensor:
        """Return patch vectors z (complexes, 2 ns) = [pocket ‖ ligand]."""
        return self.encoder.readout(batch, self.encoder.encode(batch))

    def values(self, vectors: Tensor) -> Tensor:
        """Return pK (complexes,) from patch vectors."""
        raw: Tensor = self.head(vectors)
        return raw.squeeze(1).clamp(LOWEST, HIGHEST)

    def forward(self, batch: PatchBatch) -> Tensor:
        """Return pK (complexes,)."""
        return self.values(self.vectors(batch))

    def start_from(self, mean: float) -> None:
        """Let the untrained head predict the mean: from 0, at the edge of the clamp, nothing would be learnt."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.fill_(mean)


@dataclass(frozen=True, slots=True, eq=False)
class AffinityModel:
    """An ensemble of affinity networks and what is needed to use it.

    Attributes
    ----------
    networks : tuple of AffinityNetwork
        One for each seed, in evaluation mode.
    settings : ComplexSettings
        How complexes were cut in training; prediction must do the same.
    card : dict
        What it was trained on and how it does.
    vectors : (complexes, 2 ns) float32
        Patch vectors of the training complexes by the first network: the domain.
    """

    networks: tuple[AffinityNetwork, ...]
    settings: ComplexSettings
    card: dict[str, Any]
    vectors: Tensor


def save_model(path: str | Path, model: AffinityModel) -> None:
    """Write an ensemble to a folder: ``model.json``, ``vectors.safetensors``, ``network-K.safetensors``."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / "model.json").unlink(missing_ok=True)  # a model exists when this file does
    sums = {}
    parts = {f"network-{k}": network.state_dict() for k, network in enumerate(model.networks)}
    for name, tensors in [*parts.items(), ("vectors", {"vectors": model.vectors})]:
        file = path / f"{name}.safetensors"
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, file)
        sums[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    first = model.networks[0]
    description = {
        "format": FORMAT,
        "network": first.encoder.config.model_dump(mode="json"),
        "hidden": list(first.hidden),
        "complexes": model.settings.model_dump(mode="json"),
        "sha256": sums,
        "card": model.card,
        "versions": versions(),
        "written": utc_now(),
    }
    scratch = path / ".model.part"
    scratch.write_text(json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8")
    scratch.replace(path / "model.json")


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> AffinityModel:
    """Load an ensemble, in evaluation mode.

    Raises
    ------
    ModelFileError
        If it is missing, damaged or of another format.
    """
    path = Path(path)
    path = path / "model" if (path / "model" / "model.json").is_file() else path
    try:
        description = json.loads((path / "model.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(
            "no affinity model there", entry=str(path), remedy="name the folder that `finetune` wrote"
        ) from error
    except ValueError as error:
        raise ModelFileError(f"model.json is damaged: {error}", entry=str(path)) from error
    if not isinstance(description, Mapping) or description.get("format") != FORMAT:
        raise ModelFileError("model.json is of another format", entry=str(path), remedy="update molinteract")
    tensors = {name: _load(path / name, digest) for name, digest in description["sha256"].items()}
    config = parse_settings(NetworkConfig, description["network"], where=str(path))
    hidden = (int(description["hidden"][0]), int(description["hidden"][1]))
    networks = []
    for name in sorted(tensors, key=lambda n: (len(n), n)):
        if name.startswith("network-"):
            network = AffinityNetwork(InteractNN(config), hidden)
            network.load_state_dict(tensors[name])
            networks.append(network.to(device).eval())
    return AffinityModel(
        tuple(networks),
        parse_settings(ComplexSettings, description["complexes"], where=str(path)),
        dict(description["card"]),
        tensors["vectors.safetensors"]["vectors"],
    )


def _load(file: Path, digest: str) -> dict[str, Tensor]:
    try:
        whole = hashlib.sha256(file.read_bytes()).hexdigest() == digest
        tensors = load_file(file) if whole else None
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"cannot be read: {error}", entry=str(file)) from error
    if tensors is None:
        raise ModelFileError("the weights differ from their checksum", entry=str(file), remedy="fetch them again")
    return tensors


def predict_batches(networks: Sequence[AffinityNetwork], batch: PatchBatch) -> Tensor:
    """Return pK (networks, complexes) of one batch, without gradients."""
    with torch.no_grad():
        return torch.stack([network.eval()(batch) for network in networks])
