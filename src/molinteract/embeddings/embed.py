"""A network and a store become vectors on disk, batch by batch; needs no chemistry package."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.core.elements import SYMBOLS
from molinteract.core.errors import ConfigError, StoreError
from molinteract.core.provenance import utc_now, versions
from molinteract.embeddings.node_labels import NodeLabels, node_labels
from molinteract.embeddings.table import FORMAT, NODES, PATCHES, UNTRAINED, VectorTable, open_vectors
from molinteract.network.calibrate import calibrate_all
from molinteract.network.device import checked_device
from molinteract.network.encoder import InteractNN
from molinteract.network.vectors import VectorKind, vector_widths, vectors_of
from molinteract.patches.patch import PatchArrays
from molinteract.store.dataset import PatchDataset
from molinteract.training.noise import Draw, displace, patch_keys
from molinteract.training.recipe import NoiseRecipe

COUNTED_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
"""Elements whose counts stand in the table: the composition-only baseline."""

_CALIBRATION_BATCHES = 30
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """How to embed.

    Attributes
    ----------
    nodes : int
        Atoms to keep vectors of, about, the same number from each patch.
    batch_size : int
        Patches at a time.
    seed : int
        Of the sample of atoms and of the untrained network.
    device : str
    copies : int
        How often each patch is embedded; more than once makes sense with a displacement only.
    displacement : float
        σ of a random displacement of each atom, Å, as in pre-training; 0 embeds the structures as they are.
    features : {"readout", "layers"}
        Which vectors: :data:`molinteract.network.vectors.VectorKind`.
    """

    nodes: int = 20_000
    batch_size: int = 128
    seed: int = 0
    device: str = "cpu"
    copies: int = 1
    displacement: float = 0.0
    features: VectorKind = "readout"


def embed(
    model: InteractNN,
    dataset: PatchDataset,
    rows: NDArray[np.int64],
    out: str | Path,
    *,
    settings: EmbedSettings | None = None,
    progress: Progress | None = None,
) -> VectorTable:
    """Write patch vectors and node vectors of a network, and of the same network untrained.

    Parameters
    ----------
    model : InteractNN
    dataset : PatchDataset
    rows : (patches,) int
        Patches to embed, of the clean structures.
    out : str or Path
        Folder: ``patches.npy``, ``patches.parquet``, ``nodes.npy``, ``nodes.parquet``, the ``untrained_`` ones, ``vectors.json``.
    settings : EmbedSettings, optional
    progress : callable, optional
        Called with (patches done, patches in all).

    Raises
    ------
    StoreError
        If there is nothing to embed, or the folder holds something else.
    ConfigError
        If the device cannot be used.
    """
    settings = settings or EmbedSettings()
    out, device = Path(out), checked_device(settings.device)
    if not len(rows):
        raise StoreError("no patch is chosen", entry=str(dataset.path))
    if settings.copies > 1 and not settings.displacement:
        raise ConfigError("copies of a patch without displacement are equal", remedy="give a displacement too")
    if out.exists() and any(out.iterdir()) and not (out / "vectors.json").is_file():
        raise StoreError("the folder is not empty and holds no vectors", entry=str(out), remedy="choose another")
    out.mkdir(parents=True, exist_ok=True)
    (out / "vectors.json").unlink(missing_ok=True)  # vectors exist when this file does
    models = {"": model.to(device).eval(), UNTRAINED: _untrained(model, dataset, rows, settings)}
    per_patch = max(1, round(settings.nodes / (len(rows) * settings.copies)))
    writer = _Writer(out, dataset, rows, per_patch, settings)
    writer.run(models, progress)
    meta = {
        "format": FORMAT,
        "network": model.config.model_dump(mode="json"),
        "network_hash": network_hash(model),
        "store": dataset.fingerprint(),
        "patches": len(writer.rows),
        "nodes": writer.n_nodes,
        "settings": {name: getattr(settings, name) for name in ("nodes", "seed", "copies", "displacement")},
        "features": settings.features,
        "versions": versions(),
        "written": utc_now(),
    }
    (out / "vectors.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    return open_vectors(out)


def network_hash(model: InteractNN) -> str:
    """Return a hash of all weights and statistics."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _untrained(
    model: InteractNN, dataset: PatchDataset, rows: NDArray[np.int64], settings: EmbedSettings
) -> InteractNN:
    """Return the same network as initialised, its norms set on patches: else it would differ by scale alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        fresh = InteractNN(model.config)
    fresh = fresh.to(settings.device)
    order = np.random.default_rng(settings.seed).permutation(rows)
    parts = (order[k : k + settings.batch_size] for k in range(0, len(order), settings.batch_size))
    batches = (
        collate(dataset.cut(part), part).to(settings.device)
        for part in itertools.islice(itertools.cycle(list(parts)), _CALIBRATION_BATCHES)
    )
    calibrate_all(fresh, batches)
    return fresh


class _Writer:
    """Vectors and tables of one embedding."""

    def __init__(
        self,
        out: Path,
        dataset: PatchDataset,
        rows: NDArray[np.int64],
        per_patch: int,
        settings: EmbedSettings,
    ) -> None:
        self.out = out
        self.dataset = dataset
        self.rows = np.tile(np.asarray(rows, dtype=np.int64), settings.copies)
        self.copy = np.repeat(np.arange(settings.copies), len(rows))
        self.settings = settings
        sizes = dataset.column("n_nodes")[self.rows]
        self.node_counts = np.minimum(sizes, per_patch)
        self.n_nodes = int(self.node_counts.sum())
        self.labels = lru_cache(maxsize=4096)(self._labels)
        self.counts = np.zeros((len(self.rows), len(COUNTED_ELEMENTS)), dtype=np.int32)
        self.node_rows: dict[str, list[Any]] = {
            name: []
            for name in (
                "row", "molecule_index", "atom_index", "element", "hydrogen_on", "carbon_bond", "carbon_partners",
                "patch",
            )
        }  # fmt: skip

    def run(self, models: dict[str, InteractNN], progress: Progress | None) -> None:
        """Fill every file."""
        files = {prefix: self._files(prefix, model) for prefix, model in models.items()}
        done, done_nodes = 0, 0
        for part in self._parts():
            arrays = self.dataset.cut(part)
            chosen = self._chosen(arrays, done)
            self._describe(arrays, part, chosen, done)
            batch = collate(self._displaced(arrays, part, int(self.copy[done])), part).to(self.settings.device)
            for prefix, model in models.items():
                patches, nodes = self._vectors(model, batch, chosen)
                files[prefix][0][done : done + len(part)] = patches
                files[prefix][1][done_nodes : done_nodes + len(chosen)] = nodes
            done += len(part)
            done_nodes += len(chosen)
            if progress is not None:
                progress(done, len(self.rows))
        for pair in files.values():
            for file in pair:
                file.flush()
        self._write_tables()

    def _files(self, prefix: str, model: InteractNN) -> tuple[np.memmap[Any, Any], np.memmap[Any, Any]]:
        patches, nodes = vector_widths(model.config, self.settings.features)
        return (
            open_memmap(self.out / f"{prefix}{PATCHES}.npy", "w+", np.float32, (len(self.rows), patches)),
            open_memmap(self.out / f"{prefix}{NODES}.npy", "w+", np.float32, (self.n_nodes, nodes)),
        )

    def _parts(self) -> Iterator[NDArray[np.int64]]:
        for rows in np.split(self.rows, self.settings.copies):  # a batch holds one copy of a patch at most
            for k in range(0, len(rows), self.settings.batch_size):
                yield rows[k : k + self.settings.batch_size]

    def _displaced(self, arrays: PatchArrays, part: NDArray[np.int64], copy: int) -> PatchArrays:
        """Return the patches with displaced atoms; edges stay those of the clean patches."""
        if not self.settings.displacement:
            return arrays
        noise = NoiseRecipe(sigma=self.settings.displacement)
        keys = patch_keys(self.dataset.describe(part)["patch_id"].to_pylist())
        draw = Draw(self.settings.seed, copy, np.zeros(len(part), dtype=np.int64))
        return replace(arrays, positions=displace(arrays, keys, noise, kind="atoms", draw=draw)[0])

    def _chosen(self, arrays: PatchArrays, done: int) -> NDArray[np.int64]:
        """Return the nodes of the batch whose vectors are kept: a seeded choice in each patch."""
        chosen = []
        for k in range(len(arrays)):
            rng = np.random.default_rng([self.settings.seed, int(self.rows[done + k]), int(self.copy[done + k])])
            first, last = arrays.node_offsets[k], arrays.node_offsets[k + 1]
            picked = rng.choice(last - first, size=self.node_counts[done + k], replace=False)
            chosen.append(first + np.sort(picked))
        return np.concatenate(chosen)

    def _vectors(
        self, model: InteractNN, batch: PatchBatch, chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.no_grad():
            here = torch.from_numpy(chosen).to(batch.positions.device)
            patches, nodes = vectors_of(model, batch, kind=self.settings.features, chosen=here)
        return patches.float().cpu().numpy(), nodes.float().cpu().numpy()

    def _labels(self, molecule: int) -> NodeLabels:
        return node_labels(self.dataset.molecule(molecule))

    def _describe(self, arrays: PatchArrays, part: NDArray[np.int64], chosen: NDArray[np.int64], done: int) -> None:
        patch_of = np.repeat(np.arange(len(part)), np.diff(arrays.node_offsets))
        for column, symbol in enumerate(COUNTED_ELEMENTS):
            hits = patch_of[arrays.atomic_numbers == SYMBOLS.index(symbol)]
            self.counts[done : done + len(part), column] = np.bincount(hits, minlength=len(part))
        table = self.node_rows
        for node in chosen.tolist():
            row = int(part[patch_of[node]])
            side, atom = int(arrays.molecule_index[node]), int(arrays.atom_index[node])
            labels = self.labels(self.dataset.molecule_rows(row)[side])
            table["row"].append(row)
            table["patch"].append(done + int(patch_of[node]))
            table["molecule_index"].append(side)
            table["atom_index"].append(atom)
            table["element"].append(labels.element[atom])
            table["hydrogen_on"].append(labels.hydrogen_on[atom])
            table["carbon_bond"].append(labels.carbon_bond[atom])
            table["carbon_partners"].append(labels.carbon_partners[atom])

    def _write_tables(self) -> None:
        dataset, rows = self.dataset, self.rows
        taken = dataset.describe(rows)
        columns: dict[str, Any] = {"row": rows, "patch_id": taken["patch_id"]}
        columns |= self._of_crystals(rows)
        columns["atoms_i"], columns["atoms_j"] = (self._molecule_sizes(rows, side) for side in "ij")
        for name in (
            "i", "j", "symmetry", "orbit", "multiplicity", "minimum_distance", "n_nodes", "n_inter", "n_intra", "label",
        ):  # fmt: skip
            columns[name] = taken[name]
        for k, symbol in enumerate(COUNTED_ELEMENTS):
            columns[f"count_{symbol}"] = self.counts[:, k]
        pq.write_table(pa.table(columns), self.out / "patches.parquet", compression="zstd")
        node_rows = np.array(self.node_rows["row"], dtype=np.int64)
        nodes = self._of_crystals(node_rows) | self.node_rows
        sizes = np.stack([self._molecule_sizes(node_rows, side) for side in "ij"], axis=1)
        nodes["atoms"] = sizes[np.arange(len(sizes)), self.node_rows["molecule_index"]]
        nodes["minimum_distance"] = dataset.patches["minimum_distance"].take(pa.array(node_rows))
        pq.write_table(pa.table(nodes), self.out / "nodes.parquet", compression="zstd")

    def _molecule_sizes(self, rows: NDArray[np.int64], side: str) -> NDArray[np.int64]:
        """Return the atoms of the whole molecule on one side (i or j) of some patches."""
        packed = self.dataset.packed
        first = packed.molecule_offsets[self.dataset.crystal_rows[rows]]
        molecule = first + self.dataset.patches[side].to_numpy()[rows]
        return np.asarray(np.diff(packed.atom_offsets)[molecule], dtype=np.int64)

    def _of_crystals(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        crystal = self.dataset.crystal_rows[rows]
        table = self.dataset.crystals.take(pa.array(crystal))
        return {
            "entry": table["entry"],
            "compound": table["compound"],
            "space_group": table["space_group"],
            "split": self.dataset.split_names[crystal].astype(str),
        }
