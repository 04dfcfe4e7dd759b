"""A distance-only graph network of a library as a control on affinities: SchNet of PyTorch Geometric, in the same folds.

    python benchmarks/affinity_gnn.py SET.csv --root FOLDER --only split=train --folds benchmarks/affinity_folds.csv

It sees the heavy atoms of ligand and pocket (6 Å): the element of each and its side, and the distances of pairs within 5 Å.
An eighth of the training clusters chooses the epoch, as for the networks of ``tools/affinity_folds.py``; weights are averaged
likewise. ``pip install torch_geometric`` is needed.
"""

import argparse
import copy
import json
import time
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from affinity_readers import parser_of_set
from molinteract.affinity.complexes import CONTACT, Complex
from molinteract.affinity.experiments import Arm, add_controls, fold_splits, start_experiment
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.member import budget_batches
from molinteract.affinity.metrics import rmse
from molinteract.affinity.prepare import load_measured, target_clusters
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.affinity.splits import Split, read_folds

try:
    from torch_geometric.nn import SchNet
except ImportError:
    raise SystemExit("PyTorch Geometric is not installed: pip install torch_geometric") from None

CUTOFF = 5.0
"""Å; longest edge."""
GAUSSIANS, DECAY, AVERAGE = 32, 1e-2, 0.98
EDGES = 30_000
"""Directed edges in a batch, about."""
NAME = "SchNet"
Values = NDArray[np.float64]


class Atoms(NamedTuple):
    """One complex: kinds of its atoms, directed edges and their lengths."""

    kinds: Tensor
    edges: Tensor
    lengths: Tensor


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = parser_of_set(__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def atoms_of(complexes: list[Complex]) -> list[Atoms]:
    """Return the complexes as SchNet takes them; a kind is an element on one side, numbered from 1."""
    sides = [np.repeat([0, 200], [len(c.pocket), len(c.ligand)]) for c in complexes]
    codes = [np.concatenate([c.pocket, c.ligand]) + side for c, side in zip(complexes, sides, strict=True)]
    kinds = np.unique(np.concatenate(codes))
    found = []
    for c, code in zip(complexes, codes, strict=True):
        positions = np.concatenate([c.pocket_positions, c.ligand_positions])
        pairs = cKDTree(positions).query_pairs(CUTOFF, output_type="ndarray")
        edges = np.concatenate([pairs, pairs[:, ::-1]]).T.copy()
        lengths = np.linalg.norm(positions[edges[0]] - positions[edges[1]], axis=1)
        place = np.searchsorted(kinds, code) + 1
        found.append(Atoms(torch.from_numpy(place), torch.from_numpy(edges), torch.from_numpy(lengths).float()))
    return found


class GivenEdges(nn.Module):
    """Edges that were found beforehand, where SchNet would look for them in each batch."""

    edges: tuple[Tensor, Tensor]

    def forward(self, positions: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return the edges and their lengths."""
        return self.edges


class Network(nn.Module):
    """SchNet; its sum over atoms is divided by the root of their mean number, so that it begins near the mean of the values."""

    def __init__(self, train: list[Atoms], values: Values, *, width: int, layers: int) -> None:
        super().__init__()
        self.schnet = SchNet(
            hidden_channels=width, num_filters=width, num_interactions=layers, num_gaussians=GAUSSIANS, cutoff=CUTOFF,
            interaction_graph=GivenEdges(),
        )  # fmt: skip
        self.scale = float(values.std() / np.sqrt(np.mean([len(a.kinds) for a in train])))
        self.centre = float(values.mean())

    def forward(self, complexes: list[Atoms]) -> Tensor:
        """Return pK (complexes,)."""
        sizes = torch.tensor([len(a.kinds) for a in complexes])
        first = torch.cumsum(sizes, 0) - sizes
        edges = torch.cat([a.edges + int(k) for a, k in zip(complexes, first, strict=True)], dim=1)
        self.schnet.interaction_graph.edges = edges, torch.cat([a.lengths for a in complexes])
        kinds = torch.cat([a.kinds for a in complexes])
        batch = torch.repeat_interleave(torch.arange(len(complexes)), sizes)
        raw: Tensor = self.schnet(kinds, torch.zeros(len(kinds), 3), batch)
        return self.centre + self.scale * raw[:, 0]


def predict(network: Network, atoms: list[Atoms], rows: list[int]) -> Values:
    """Return pK (rows,)."""
    network.eval()
    with torch.no_grad():
        parts = [network([atoms[k] for k in rows[i : i + 8]]).double().numpy() for i in range(0, len(rows), 8)]
    return np.concatenate(parts)


def fitted(atoms: list[Atoms], values: Values, train: list[int], val: list[int], given: argparse.Namespace) -> Network:
    """Train on some rows and return the averaged network of the epoch with the lowest RMSE on others."""
    torch.manual_seed(given.seed)
    network = Network([atoms[k] for k in train], values[train], width=given.width, layers=given.layers)
    average, best, kept = copy.deepcopy(network), float("inf"), network.state_dict()
    optimiser = torch.optim.AdamW(network.parameters(), lr=given.rate, weight_decay=DECAY)
    sizes = np.array([a.edges.shape[1] for a in atoms])
    step = 0
    for epoch in range(given.epochs):
        order = np.random.default_rng([given.seed, epoch]).permutation(train)
        network.train()
        for rows in budget_batches(order, sizes, EDGES):
            loss = (network([atoms[k] for k in rows]) - torch.from_numpy(values[rows]).float()).square().mean().sqrt()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            step += 1
            decay = min(AVERAGE, (1 + step) / (10 + step))
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
                    slow.lerp_(fast, 1.0 - decay)
        score = rmse(values[val], predict(average, atoms, val))
        print(f"  epoch {epoch + 1}: validation RMSE {score:.3f}  ({time.process_time():.0f} s)", flush=True)
        if score < best:
            best, kept = score, copy.deepcopy(average.state_dict())
    average.load_state_dict(kept)
    return average


def out_of_fold(loaded: LoadedSet, splits: list[Split], given: argparse.Namespace) -> dict[str, float]:
    """Return the prediction of every test complex by its id."""
    atoms = atoms_of(list(loaded.complexes))
    values = np.array([item.affinity.pk for item in loaded.items if item.affinity])
    row = {item.id: k for k, item in enumerate(loaded.items)}
    found: dict[str, float] = {}
    for split in splits:
        train, val, test = ([row[i] for i in split.part(part) if i in row] for part in ("train", "val", "test"))
        predicted = predict(fitted(atoms, values, train, val, given), atoms, test)
        print(f"{split.name}: RMSE {rmse(values[test], predicted):.3f}", flush=True)
        found |= dict(zip([loaded.items[k].id for k in test], predicted.tolist(), strict=True))
    return found


def main() -> None:
    """Print the row of SchNet, with its paired differences to controls."""
    given = arguments()
    items = with_label(open_complexes(given.data, root=given.root), given.only)
    loaded = load_measured(items, ComplexSettings(), inexact=True)
    clusters = target_clusters(loaded, given.clusters)
    splits = fold_splits(loaded, read_folds(given.folds), clusters)
    experiment = start_experiment(loaded, splits, clusters)
    found = out_of_fold(loaded, splits, given)
    add_controls(experiment, load_measured(items, ComplexSettings(pocket=CONTACT), inexact=True), splits)
    experiment.arms.append(Arm(NAME, np.array([[found[i] for i in experiment.ids]])))
    rows = [row for row in experiment.rows() if row["arm"] in (NAME, "constant mean", "additive null", "contacts")]
    for row in rows:
        low, high = row["rmse_interval"]
        print(f"{row['arm']:<16} RMSE {row['rmse']:.3f} [{low:.3f}, {high:.3f}]  r {row['pearson']:.3f}")
    for other in ("additive null", "contacts"):
        d, low, high = rows[-1][f"minus {other}"]
        print(f"{NAME} minus {other}: {d:+.3f} [{low:+.3f}, {high:+.3f}]")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
