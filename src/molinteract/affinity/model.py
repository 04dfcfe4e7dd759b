"""The affinity network: the encoder of the contacts, a vector of the complex, and a small perceptron on top (SPEC 4)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from molinteract.affinity.forest import Forest
from molinteract.affinity.near import near_counts
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.support import SupportVectors, fit_support_vectors
from molinteract.batches.batch import PatchBatch
from molinteract.core.errors import ModelFileError
from molinteract.core.provenance import utc_now, versions
from molinteract.core.settings import parse_settings
from molinteract.network.config import NetworkConfig
from molinteract.network.device import checked_device
from molinteract.network.encoder import InteractNN

LOWEST, HIGHEST = 0.0, 15.0
"""Range of a predicted pK."""
FORMAT: Final = 4
READABLE: Final = (2, 3, FORMAT)
"""Format 2 had no forest, format 3 no support vectors."""
ReadoutKind = Literal["sums", "near", "vector"]


class AffinityNetwork(nn.Module):
    """A vector of the complex → 64 → 32 → 1 (or support vectors → 1), clamped to [0, 15].

    Parameters
    ----------
    encoder : InteractNN
        Trained or not; its denoising head is not used.
    hidden : (int, int)
        Widths between the vector and the value.
    readout : str
        ``vector`` takes z (Eq. 2), which holds means over atoms and so does not know how many there are; ``sums`` takes the
        sums of the atoms' invariant vectors over the pocket and over the ligand, which do; ``near`` takes of these sums only
        the atoms that have an atom of the other side within 10 Å.
    dropout : float
        Share of the inputs of both hidden layers that is left out in training.
    support : int, optional
        Number of support vectors; with them there are no hidden layers.
    """

    centre: Tensor
    scale: Tensor
    value: Tensor

    def __init__(
        self,
        encoder: InteractNN,
        hidden: tuple[int, int] = (64, 32),
        *,
        readout: ReadoutKind = "sums",
        dropout: float = 0.0,
        support: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.hidden = hidden
        self.readout: ReadoutKind = readout
        per_atom = encoder.irreps.n0e + encoder.irreps.n1o + encoder.irreps.n1e + encoder.irreps.n0o
        width = 2 * (encoder.config.ns if readout == "vector" else per_atom)
        self.head: nn.Sequential | SupportVectors
        if support is not None:
            self.head = SupportVectors(support, width)
        else:
            self.head = nn.Sequential(
                nn.Dropout(dropout),
                nn.Linear(width, hidden[0]),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden[0], hidden[1]),
                nn.ReLU(),
                nn.Linear(hidden[1], 1),
            )
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("value", torch.tensor([0.0, 1.0]))

    def vectors(self, batch: PatchBatch) -> Tensor:
        """Return the vectors of complexes, [pocket ‖ ligand]: z, or the sums of the atoms."""
        features = self.encoder.encode(batch)
        if self.readout == "vector":
            return self.encoder.readout(batch, features)
        atoms = self.encoder.node_vectors(features)
        if self.readout == "near":
            atoms = atoms * (near_counts(batch) > 0)[:, None]
        sums = atoms.new_zeros(2 * batch.n_patches, atoms.shape[1])
        return sums.index_add(0, 2 * batch.patch_index + batch.molecule_index, atoms).view(batch.n_patches, -1)

    def values(self, vectors: Tensor) -> Tensor:
        """Return pK (complexes,) from vectors of complexes."""
        raw: Tensor = self.head(self._scaled(vectors))
        return (self.value[0] + self.value[1] * raw.squeeze(1)).clamp(LOWEST, HIGHEST)

    def forward(self, batch: PatchBatch) -> Tensor:
        """Return pK (complexes,)."""
        return self.values(self.vectors(batch))

    def start_from(self, vectors: Tensor, values: Tensor) -> None:
        """Bring the vectors and the values of the training complexes to unit size, and let the head begin near their mean.

        From 0, at the edge of the clamp, nothing would be learnt.

        Parameters
        ----------
        vectors : (complexes, width) float32
        values : (complexes,) float32
            pK.
        """
        assert isinstance(self.head, nn.Sequential)
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        self._scale_to(vectors)
        with torch.no_grad():
            self.value.copy_(torch.stack([values.mean(), values.std(correction=0).clamp(min=0.1)]))
            last.weight.mul_(0.1)
            last.bias.zero_()

    def fit_support_vectors(self, vectors: Tensor, values: Tensor) -> None:
        """Put support vectors that are fitted to the training complexes in the head's place.

        Parameters
        ----------
        vectors : (complexes, width) float32
        values : (complexes,) float32
            pK.
        """
        self._scale_to(vectors)
        with torch.no_grad():
            self.value.copy_(torch.tensor([0.0, 1.0]))
            self.head = fit_support_vectors(self._scaled(vectors), values)

    def _scaled(self, vectors: Tensor) -> Tensor:
        return (vectors - self.centre) / self.scale

    def _scale_to(self, vectors: Tensor) -> None:
        with torch.no_grad():
            spread = vectors.std(0, correction=0)
            self.centre.copy_(vectors.mean(0))
            # a channel that hardly moves in training must not shout in prediction
            self.scale.copy_(torch.where(spread > 0, spread.clamp(min=1e-3 * float(spread.max())), 1.0))


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
    vectors : (complexes, width) float32
        Vectors of the training complexes by the first network: the domain.
    forest : Forest, optional
        On counts of contacts, averaged with each network by half.
    """

    networks: tuple[AffinityNetwork, ...]
    settings: ComplexSettings
    card: dict[str, Any]
    vectors: Tensor
    forest: Forest | None = None


def save_model(path: str | Path, model: AffinityModel) -> None:
    """Write an ensemble to a folder: ``model.json`` and ``vectors``, ``network-K``, ``forest`` as safetensors.

    Of the networks after the first only what differs from it is written: members with a frozen encoder share it.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / "model.json").unlink(missing_ok=True)  # a model exists when this file does
    sums = {}
    first = model.networks[0]
    shared = first.state_dict()
    parts = {"network-0": shared}
    for k, network in enumerate(model.networks[1:], start=1):
        own = {name: tensor for name, tensor in network.state_dict().items() if not torch.equal(tensor, shared[name])}
        parts[f"network-{k}"] = own
    parts["vectors"] = {"vectors": model.vectors}
    if model.forest is not None:
        forest = model.forest
        parts["forest"] = {f.name: torch.from_numpy(getattr(forest, f.name)) for f in fields(forest)}
    for name, tensors in parts.items():
        file = path / f"{name}.safetensors"
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, file)
        sums[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    description = {
        "format": FORMAT,
        "network": first.encoder.config.model_dump(mode="json"),
        "hidden": list(first.hidden),
        "readout": first.readout,
        "support": [_support(network) for network in model.networks],
        "complexes": model.settings.model_dump(mode="json"),
        "sha256": sums,
        "card": model.card,
        "versions": versions(),
        "written": utc_now(),
    }
    scratch = path / ".model.part"
    scratch.write_text(json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8")
    scratch.replace(path / "model.json")


def shipped_models() -> dict[str, Path]:
    """Return the folders of the affinity models in the package, by name."""
    folder = Path(str(resources.files("molinteract"))) / "weights"
    found = sorted(folder.glob("*/model.json"))
    return {file.parent.name: file.parent for file in found}


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> AffinityModel:
    """Load an ensemble, in evaluation mode.

    Parameters
    ----------
    path : str or Path
        A folder that ``finetune`` wrote, or the ``model`` folder in it; else the name of a model in the package.
    device : torch.device or str

    Raises
    ------
    ModelFileError
        If it is missing, damaged or of another format.
    """
    path = shipped_models().get(str(path), Path(path)) if not Path(path).exists() else Path(path)
    path = path / "model" if (path / "model" / "model.json").is_file() else path
    try:
        description = json.loads((path / "model.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(
            "no affinity model there",
            entry=str(path),
            remedy=f"name the folder that `finetune` wrote, or a model in the package ({', '.join(shipped_models())})",
        ) from error
    except ValueError as error:
        raise ModelFileError(f"model.json is damaged: {error}", entry=str(path)) from error
    if not isinstance(description, Mapping) or description.get("format") not in READABLE:
        raise ModelFileError("model.json is of another format", entry=str(path), remedy="update molinteract")
    tensors = {name: _load(path / name, digest) for name, digest in description["sha256"].items()}
    config = parse_settings(NetworkConfig, description["network"], where=str(path))
    hidden = (int(description["hidden"][0]), int(description["hidden"][1]))
    names = sorted((n for n in tensors if n.startswith("network-")), key=lambda n: (len(n), n))
    supports = description.get("support", [None] * len(names))
    networks: list[AffinityNetwork] = []
    there = checked_device(device)
    for name, support in zip(names, supports, strict=True):
        own = tensors[name]
        shared = bool(networks) and not any(key.startswith("encoder.") for key in own)
        encoder = networks[0].encoder if shared else InteractNN(config)
        network = AffinityNetwork(encoder, hidden, readout=description["readout"], support=support)
        network.load_state_dict(tensors["network-0.safetensors"] | own)
        networks.append(network.to(there).eval())
    forest = tensors.get("forest.safetensors")
    return AffinityModel(
        tuple(networks),
        parse_settings(ComplexSettings, description["complexes"], where=str(path)),
        dict(description["card"]),
        tensors["vectors.safetensors"]["vectors"],
        Forest(**{key: tensor.numpy() for key, tensor in forest.items()}) if forest else None,
    )


def _support(network: AffinityNetwork) -> int | None:
    """Return the number of support vectors; None for a perceptron."""
    return len(network.head.weights) if isinstance(network.head, SupportVectors) else None


def _load(file: Path, digest: str) -> dict[str, Tensor]:
    try:
        whole = hashlib.sha256(file.read_bytes()).hexdigest() == digest
        tensors = load_file(file) if whole else None
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"cannot be read: {error}", entry=str(file)) from error
    if tensors is None:
        raise ModelFileError("the weights differ from their checksum", entry=str(file), remedy="fetch them again")
    return tensors


def predict_batch(networks: Sequence[AffinityNetwork], batch: PatchBatch) -> tuple[Tensor, Tensor]:
    """Return pK (networks, complexes) of one batch and the vectors (complexes, width) of the first network.

    Networks that share their encoder (:func:`load_model`) run it once.
    """
    seen: dict[int, Tensor] = {}
    values = []
    with torch.no_grad():
        for network in networks:
            network.eval()
            key = id(network.encoder)
            if key not in seen:
                seen[key] = network.vectors(batch)
            values.append(network.values(seen[key]))
    return torch.stack(values), seen[id(networks[0].encoder)]
