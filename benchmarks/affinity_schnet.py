"""A distance-only network of a library as a control: SchNet of PyTorch Geometric on the folds of affinities.

    pip install torch_geometric
    python benchmarks/affinity_schnet.py SET.csv --root FOLDER --only split=train --folds benchmarks/affinity_folds.csv

Atoms of the ligand count as elements of their own, so that the network is told the two molecules apart; edges are all pairs up to
4 Å within and between them; atoms are summed. The epoch of the lowest validation RMSE is kept, as for our networks.
"""

import argparse
import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from molinteract.affinity.experiments import fold_splits
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.metrics import evaluate
from molinteract.affinity.prepare import load_measured, target_clusters
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import Split, read_folds

CUTOFF = 4.0
BATCH = 12


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--only", help="LABEL=VALUE of the rows to use")
    parser.add_argument("--clusters", default="cluster30")
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def graph(loaded: LoadedSet, row: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return atom types (n,), positions (n, 3) and directed edges (2, edges) of a complex."""
    complex_ = loaded.complexes[row]
    positions = np.concatenate([complex_.pocket_positions, complex_.ligand_positions])
    types = np.concatenate([complex_.pocket, complex_.ligand.astype(np.int64) + 100])
    pairs = cKDTree(positions).query_pairs(CUTOFF, output_type="ndarray")
    edges = np.concatenate([pairs, pairs[:, ::-1]]).T
    return torch.from_numpy(types.astype(np.int64)), torch.from_numpy(positions).float(), torch.from_numpy(edges.copy())


class Control:
    """One SchNet with the mean and the spread of its training values."""

    def __init__(self, graphs: list[tuple[Tensor, Tensor, Tensor]], values: Tensor, width: int) -> None:
        from torch_geometric.nn.models import SchNet

        self.graphs, self.values, self.edges = graphs, values, torch.empty(0)
        self.network: Any = SchNet(
            width, width, 3, 32, CUTOFF, readout="add", interaction_graph=lambda positions, _: self._lengths(positions)
        )
        # elements of the pocket, then those of the ligand
        self.network.embedding = torch.nn.Embedding(220, width)
        with torch.no_grad():
            self.network.lin2.weight.mul_(0.1)

    def _lengths(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.edges
        return self.edges, (positions[a] - positions[b]).norm(dim=1)

    def predict(self, network: Any, rows: np.ndarray) -> Tensor:
        """Return values in units of the training spread, (rows,)."""
        parts = [self.graphs[k] for k in rows]
        sizes = [len(types) for types, _, _ in parts]
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.edges = torch.cat([edges + int(k) for (_, _, edges), k in zip(parts, first, strict=True)], dim=1)
        batch = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor(sizes))
        # atoms are summed: a hundredth of each brings a complex to about one
        return 0.01 * network(torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), batch).squeeze(1)

    def fit(self, split: dict[str, np.ndarray], *, epochs: int, rate: float, seed: int) -> np.ndarray:
        """Train, keep the best epoch, and return predictions of the test rows."""
        known = self.values[split["train"]]
        mean, spread = known.mean(), known.std()
        network = self.network
        optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs, eta_min=0.05 * rate)
        rng, best, kept = np.random.default_rng(seed), np.inf, copy.deepcopy(network)
        for _ in range(epochs):
            order = rng.permutation(split["train"])
            for rows in np.array_split(order, max(1, len(order) // BATCH)):
                error = mean + spread * self.predict(network, rows) - self.values[rows]
                optimiser.zero_grad()
                error.square().mean().sqrt().backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimiser.step()
            schedule.step()
            error = self.tested(network, split["val"], mean, spread) - self.values[split["val"]].numpy()
            if float(np.sqrt(np.mean(error**2))) < best:
                best, kept = float(np.sqrt(np.mean(error**2))), copy.deepcopy(network)
        return self.tested(kept, split["test"], mean, spread)

    def tested(self, network: Any, rows: np.ndarray, mean: Tensor, spread: Tensor) -> np.ndarray:
        """Return pK (rows,) without gradients."""
        with torch.no_grad():
            parts = [self.predict(network, part) for part in np.array_split(rows, max(1, len(rows) // BATCH))]
        return (mean + spread * torch.cat(parts)).clamp(0, 15).double().numpy()


def rows_of(loaded: LoadedSet, split: Split) -> dict[str, np.ndarray]:
    """Return the rows of each part."""
    row = {item.id: k for k, item in enumerate(loaded.items)}
    return {part: np.array([row[i] for i in split.part(part)]) for part in ("train", "val", "test")}


def main() -> None:
    """Cross-validate and print the scores."""
    given = arguments()
    items = open_complexes(given.data, root=given.root)
    if given.only:
        label, _, value = given.only.partition("=")
        items = [item for item in items if item.labels.get(label) == value]
    loaded = load_measured(items, ComplexSettings(), inexact=True)
    clusters = target_clusters(loaded, given.clusters)
    values = torch.tensor([item.affinity.pk for item in loaded.items if item.affinity], dtype=torch.float32)
    graphs = [graph(loaded, k) for k in range(len(loaded))]
    predicted = np.empty(len(values))
    for number, split in enumerate(fold_splits(loaded, read_folds(given.folds), clusters)):
        torch.manual_seed(number)
        rows = rows_of(loaded, split)
        control = Control(graphs, values, given.width)
        predicted[rows["test"]] = control.fit(rows, epochs=given.epochs, rate=given.rate, seed=number)
        print(
            f"fold {number}: {evaluate(values[rows['test']].double().numpy(), predicted[rows['test']]).text()}",
            flush=True,
        )
    scores = evaluate(values.double().numpy(), predicted, clusters=clusters)
    print(f"SchNet: {scores.text()}")
    if given.json:
        found = {item.id: float(p) for item, p in zip(loaded.items, predicted, strict=True)}
        given.json.write_text(json.dumps({"scores": asdict(scores), "predicted": found}), encoding="utf-8")


if __name__ == "__main__":
    main()
