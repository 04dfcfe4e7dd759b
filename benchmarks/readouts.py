"""Other ways to read a frozen network, each beside the same network untrained and read in the same way.

Node scalars (0e) of every layer are summed over the atoms, over the ends of the contacts, as products and differences of both
ends; Ψ's hidden layer is summed over the contacts; predicted displacements are read along the contacts. ``--quick``: small sizes.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.app.reports.tables import evidence_table
from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.embeddings.table import order_free
from molinteract.evidence.compare import OURS, compare
from molinteract.evidence.dimers import read_dimers
from molinteract.evidence.features import untrained_like
from molinteract.evidence.task import Task
from molinteract.evidence.tasks import dimer_tasks, store_tasks
from molinteract.kernels.psi import pair_hidden
from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution
from molinteract.network.saved import open_network
from molinteract.store.dataset import open_dataset

BATCH = 128
SHELLS = torch.tensor([0.0, 2.2, 2.7, 3.2, 3.6])
READOUTS = {
    "z": ("z",),
    "atoms": ("atoms",),
    "atoms, contacts (layers)": ("atoms", "contacts"),
    "layers, z": ("atoms", "contacts", "z"),
    "hidden of psi": ("hidden",),
    "layers, products": ("atoms", "contacts", "products"),
    "layers, products, differences": ("atoms", "contacts", "products", "differences"),
    "layers, products, hidden of psi": ("atoms", "contacts", "products", "hidden"),
    "pulls along contacts": ("pulls",),
}


def main() -> None:
    """Print the scores of every readout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dimers", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--model", default="small")
    parser.add_argument("--rows", type=int, default=5000, help="dimers")
    parser.add_argument("--patches", type=int, default=6000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.rows, options.patches, options.seeds = 300, 200, 1
    network, scores = open_network(options.model), []
    for source, rows, task in asked(options):
        trained = blocks(network, source, rows)
        untrained = [blocks(untrained_like(network, source, rows, seed=k), source, rows) for k in range(options.seeds)]
        for name, chosen in READOUTS.items():
            ours, others = joined(trained, chosen), [joined(made, chosen) for made in untrained]
            made = {OURS: lambda _seed, ours=ours: ours, "untrained": others.__getitem__}
            judged = compare(task, made, seeds=options.seeds, shots=(1000,), readers=("linear",))
            scores += [replace(score, task=f"{task.name}: {name}") for score in judged]
    print(evidence_table(scores).text())
    if options.json is not None:
        options.json.write_text(
            json.dumps([asdict(s) | {"verdict": s.verdict} for s in scores], indent=1, ensure_ascii=False),
            encoding="utf-8",
        )


def asked(options: argparse.Namespace) -> Iterator[tuple[object, NDArray[np.int64], Task]]:
    """Give each source with its rows and task: dimer energies of unseen pairs, and kinds of contact."""
    dimers = read_dimers(options.dimers)
    rows, (task, *_) = dimer_tasks(dimers)
    some = np.sort(np.random.default_rng(0).choice(len(rows), min(options.rows, len(rows)), replace=False))
    columns = {name: getattr(task, name)[some] for name in ("target", "groups", "train", "test")}
    yield dimers, rows[some], replace(task, **columns)
    if options.store is not None:
        dataset = open_dataset(options.store)
        patches = store_tasks(dataset, patches=options.patches)
        yield dataset, patches.rows, patches.of_patches[0]


def joined(made: dict[str, NDArray[np.float32]], chosen: tuple[str, ...]) -> NDArray[np.float32]:
    """Return some blocks side by side."""
    return np.concatenate([made[name] for name in chosen], axis=1)


@torch.no_grad()
def blocks(model: InteractNN, source, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Return every readout of some rows by name, (rows, width)."""
    model.eval()
    found: dict[str, list[NDArray[np.float32]]] = {}
    for k in range(0, len(rows), BATCH):
        part = rows[k : k + BATCH]
        for name, values in of_batch(model, collate(source.cut(part), part)).items():
            found.setdefault(name, []).append(values.numpy())
    made = {name: np.concatenate(values) for name, values in found.items()}
    return made | {"z": order_free(made["z"])}


def of_batch(model: InteractNN, batch: PatchBatch) -> dict[str, torch.Tensor]:
    """Return every readout of a batch; z as it is."""
    ns, n = model.config.ns, batch.n_patches
    edges = model._edges(batch)
    layout = edges["inter"].geometry.layout
    patch = batch.patch_index[layout.receivers]
    over_contacts = lambda values: torch.zeros(n, values.shape[1]).index_add(0, patch, values)  # noqa: E731
    steps = list(model._planes(batch))
    scalars = torch.cat([planes[:, :ns] for planes in steps], dim=1)
    own, other = scalars[layout.receivers], scalars[layout.senders]
    features = model.encode(batch)
    moved = model.denoise(batch, features)
    directions = edges["inter"].geometry.directions
    pull = ((moved[layout.senders] - moved[layout.receivers]) * directions).sum(1)
    length = torch.linalg.vector_norm(batch.positions[layout.senders] - batch.positions[layout.receivers], dim=1)
    shell = torch.nn.functional.one_hot((length.unsqueeze(1) > SHELLS).sum(1) - 1, len(SHELLS)).float()
    powers = torch.stack([pull, pull.abs(), pull.square(), torch.ones_like(pull)], dim=1)
    convolutions: list[EdgeConvolution] = [layer.convolutions["inter"] for layer in [*model.layers, model.head.layer]]
    hidden = [
        pair_hidden(edges["inter"].embedding, planes[:, : c.irreps_in.n0e], c.first.weight, c.first.bias, layout)
        for planes, c in zip(steps, convolutions, strict=True)
    ]
    return {
        "z": model.readout(batch, features),
        "atoms": torch.zeros(n, scalars.shape[1]).index_add(0, batch.patch_index, scalars),
        "contacts": over_contacts(own),
        "products": over_contacts(own * other),
        "differences": over_contacts((own - other).abs()),
        "hidden": over_contacts(torch.cat(hidden, dim=1)),
        "pulls": over_contacts((shell.unsqueeze(2) * powers.unsqueeze(1)).flatten(1)),
    }


if __name__ == "__main__":
    main()
