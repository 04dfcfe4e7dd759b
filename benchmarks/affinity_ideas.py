"""Ideas that train on affinities, each beside its plain counterpart, in the folds of ``tools/affinity_folds.py``.

    python benchmarks/affinity_ideas.py SET.csv --root FOLDER --only split=train --folds FOLDS.csv -m small-heavy

``residues``: the head of a frozen network reads a sum over residues of a small perceptron of each residue's summed atoms.
``roles``: everything is trained, and the network is told which side each atom is on. ``denoising``: everything is trained, and
every second step denoises displaced positions as well. ``--quick``: few complexes, one epoch; says that it runs, no more.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from affinity_readers import parser_of_set
from molinteract.affinity.complexes import Complex
from molinteract.affinity.experiments import fold_splits
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.member import Member, TrainingData, budget_batches
from molinteract.affinity.metrics import rmse, rmse_difference
from molinteract.affinity.model import AffinityNetwork
from molinteract.affinity.prepare import load_measured, target_clusters
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.affinity.splits import read_folds
from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import open_network
from molinteract.training.noise import Draw, displace
from molinteract.training.recipe import NoiseRecipe

IDEAS = ("residues", "roles", "denoising")
FROZEN, FULL = "frozen, sums", "everything trained"
NOISE = NoiseRecipe(sigma=0.5)
WEIGHT, EVERY = 0.3, 2
"""Of the loss of denoising, and the steps from one to the next."""
QUICK = 12
"""One in so many complexes is used."""
Values = NDArray[np.float64]
MakeMember = Callable[[TrainingData], Member]


def arguments(description: str, more: Callable[[argparse.ArgumentParser], object]) -> argparse.Namespace:
    """Parse the command line: the set, its folds, the network, and what ``more`` adds."""
    parser = parser_of_set(description)
    parser.add_argument("--model", "-m", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few complexes, few steps: for correctness")
    more(parser)
    return parser.parse_args()


def load(given: argparse.Namespace) -> tuple[LoadedSet, list[str]]:
    """Return the complexes and their target clusters."""
    items = with_label(open_complexes(given.data, root=given.root), given.only)
    loaded = load_measured(items[:: QUICK if given.quick else 1], ComplexSettings(), inexact=True)
    return loaded, target_clusters(loaded, given.clusters)


def measured_values(loaded: LoadedSet) -> Values:
    """Return pK (complexes,)."""
    return np.array([item.affinity.pk for item in loaded.items if item.affinity])


class RoleEncoder(InteractNN):
    """The network with a learnt vector of each side added to that of the element; zero to begin with."""

    def __init__(self, trained: InteractNN) -> None:
        super().__init__(trained.config)
        self.load_state_dict(trained.state_dict())
        self.roles = nn.Embedding(2, self.config.ns)
        nn.init.zeros_(self.roles.weight)

    def _planes(self, batch: PatchBatch) -> Any:
        planes = self.elements(batch.atomic_numbers) + self.roles(batch.molecule_index)
        edges = self._edges(batch)
        yield planes
        for layer in self.layers:
            planes = layer(planes, edges)
            yield planes


class RoleMember(Member):
    """Trains the vectors of the sides at the rate of the head: they are as new."""

    def _groups(self) -> list[dict[str, Any]]:
        head, encoder = super()._groups()
        roles = self.network.encoder.roles.weight
        encoder["params"] = [p for p in encoder["params"] if p is not roles]
        return [head, encoder, head | {"params": [roles]}]


class DenoisingMember(Member):
    """Adds the loss of pre-training, on displaced positions and the edges of the true ones, in every second step."""

    def _groups(self) -> list[dict[str, Any]]:
        head, encoder = super()._groups()
        return [head, encoder, encoder | {"params": list(self.network.encoder.head.parameters())}]

    def _loss(self, rows: NDArray[np.integer], number: int) -> Tensor:
        loss = super()._loss(rows, number)
        if number % EVERY:
            return loss
        clean = self.data.graphs.cut(rows)
        draw = Draw(self.seed, self.progress.epoch, rows.astype(np.int64))
        positions, displaced = displace(clean, rows.astype(np.uint64), NOISE, kind="atoms", draw=draw)
        batch = collate(clean, rows)
        batch = batch.with_positions(torch.from_numpy(positions).to(batch.positions))
        encoder = self.network.encoder
        error = encoder.denoise(batch, encoder.encode(batch)).clamp(-NOISE.clamp, NOISE.clamp) - displaced.delta
        return loss + WEIGHT * error.square().sum(1).mean().sqrt()


class ResidueNetwork(AffinityNetwork):
    """Reads groups of atoms: perceptrons of residues, summed, beside one of the ligand.

    Its vectors are (complexes, groups, width + 1): sums of atoms, the ligand first, and whether there is a group at all.
    """

    def __init__(self, encoder: InteractNN, hidden: tuple[int, int], *, dropout: float) -> None:
        super().__init__(encoder, hidden, dropout=dropout)
        width = len(self.centre) // 2
        self.sides = nn.ModuleList(
            nn.Sequential(nn.Dropout(dropout), nn.Linear(width, width), nn.ReLU()) for _ in range(2)
        )
        self.register_buffer("centres", torch.zeros(2, width))
        self.register_buffer("scales", torch.ones(2, width))

    def pooled(self, groups: Tensor) -> Tensor:
        """Return the sum over residues and the ligand, (complexes, 2 width)."""
        parts = (groups[:, 1:], groups[:, :1])
        found = []
        for part, layers, centre, scale in zip(parts, self.sides, self.centres, self.scales, strict=True):
            found.append((layers((part[..., :-1] - centre) / scale) * part[..., -1:]).sum(1))
        return torch.cat(found, dim=1)

    def values(self, vectors: Tensor) -> Tensor:
        """Return pK (complexes,) from groups."""
        return super().values(self.pooled(vectors))

    def start_from(self, vectors: Tensor, values: Tensor) -> None:
        """Bring the groups to unit size, then what is made of them."""
        for side, part in enumerate((vectors[:, 1:], vectors[:, :1])):
            present = part[part[..., -1] > 0][:, :-1]
            spread = present.std(0, correction=0)
            self.centres[side] = present.mean(0)
            self.scales[side] = torch.where(spread > 0, spread.clamp(min=1e-3 * float(spread.max())), 1.0)
        self.eval()
        with torch.no_grad():
            super().start_from(self.pooled(vectors), values)


class ResidueMember(Member):
    """Trains a :class:`ResidueNetwork` on groups given as ``vectors``."""

    def _start(self) -> None:
        self.network = ResidueNetwork(self.network.encoder, self.recipe.hidden, dropout=self.recipe.dropout)
        super()._start()

    def _groups(self) -> list[dict[str, Any]]:
        (head,) = super()._groups()
        return [head, head | {"params": list(self.network.sides.parameters())}]


def residue_sums(encoder: InteractNN, complexes: Sequence[Complex], graphs: GraphSet, *, budget: int) -> Tensor:
    """Return sums of atom vectors over the ligand and over each residue, (complexes, groups, width + 1)."""
    n_groups = 1 + max(len(c.residues) for c in complexes)
    found = []
    encoder.eval()
    for rows in budget_batches(np.arange(len(graphs)), graphs.n_edges, budget):
        batch = collate(graphs.cut(rows), rows)
        group = [np.r_[complexes[k].residue_index + 1, np.zeros(len(complexes[k].ligand), int)] for k in rows]
        place = torch.from_numpy(np.concatenate([g + n_groups * k for k, g in enumerate(group)]).astype(np.int64))
        with torch.no_grad():
            atoms = encoder.node_vectors(encoder.encode(batch))
        sums = atoms.new_zeros(len(rows) * n_groups, atoms.shape[1]).index_add(0, place, atoms)
        there = torch.zeros(len(sums), 1).index_fill(0, place, 1.0)
        found.append(torch.cat([sums, there], dim=1).view(len(rows), n_groups, -1))
    return torch.cat(found)


def out_of_fold(loaded: LoadedSet, clusters: Sequence[str], given: argparse.Namespace, make: MakeMember) -> Values:
    """Train a network for each fold and return the predictions of all complexes, (n,)."""
    graphs, values = GraphSet([graph_of(c) for c in loaded.complexes]), measured_values(loaded)
    row = {item.id: k for k, item in enumerate(loaded.items)}
    predicted = np.full(len(values), np.nan)
    for split in fold_splits(loaded, read_folds(given.folds), clusters):
        train, val, test = (np.array([row[i] for i in split.part(p) if i in row]) for p in ("train", "val", "test"))
        member = make(TrainingData(graphs, values, train, val))
        while not member.over:
            member.epoch()
        predicted[test] = member.predict(member.result(), test)
        print(f"  {split.name}: best epoch {member.progress.best_epoch}", file=sys.stderr, flush=True)
    return predicted


def made(given: argparse.Namespace, network: InteractNN, loaded: LoadedSet) -> dict[str, tuple[MakeMember, str]]:
    """Return how the network of each arm is made, and what each is compared to."""
    seed = given.seed
    settings = {"beside": "none", "edge_budget": FinetuneRecipe().edge_budget}
    frozen = FinetuneRecipe(mode="frozen", max_epochs=2 if given.quick else 30, patience=10, **settings)
    full = FinetuneRecipe(mode="full", max_epochs=1 if given.quick else 8, patience=3, **settings)
    found: dict[str, tuple[MakeMember, str]] = {}
    if "residues" in given.ideas:
        graphs = GraphSet([graph_of(c) for c in loaded.complexes])
        groups = residue_sums(network, loaded.complexes, graphs, budget=frozen.edge_budget)
        sums = torch.cat([groups[:, 1:, :-1].sum(1), groups[:, 0, :-1]], dim=1)
        found[FROZEN] = (lambda data: Member(data, frozen, seed=seed, encoder=network, vectors=sums)), ""
        found["frozen, perceptron of residues"] = (
            (lambda data: ResidueMember(data, frozen, seed=seed, encoder=network, vectors=groups)),
            FROZEN,
        )
    if {"roles", "denoising"} & set(given.ideas):
        found[FULL] = (lambda data: Member(data, full, seed=seed, encoder=network)), ""
    if "roles" in given.ideas:
        roles = RoleEncoder(network)
        found[f"{FULL}, sides told"] = (lambda data: RoleMember(data, full, seed=seed, encoder=roles)), FULL
    if "denoising" in given.ideas:
        found[f"{FULL}, with denoising"] = (lambda data: DenoisingMember(data, full, seed=seed, encoder=network)), FULL
    return found


class Table:
    """Rows as they come: RMSE, its share of the constant mean's, and the paired difference to another arm."""

    def __init__(self, loaded: LoadedSet, clusters: Sequence[str], folds: Path) -> None:
        self.values, self.clusters = measured_values(loaded), clusters
        fold_of = read_folds(folds)
        fold = np.array([fold_of[item.id] for item in loaded.items])
        self.tests = [np.flatnonzero(fold == k) for k in np.unique(fold)]
        self.trains = [np.flatnonzero(fold != k) for k in np.unique(fold)]
        self.constant = rmse(self.values, np.array([self.values[fold != k].mean() for k in fold]))
        self.predicted: dict[str, Values] = {}
        self.rows: list[dict[str, Any]] = []
        print(f"{len(fold)} complexes, {len(set(clusters))} target clusters, constant mean {self.constant:.3f}")

    def add(self, name: str, predicted: Values, *beside: str) -> None:
        """Print the row of an arm, with its differences to others."""
        self.predicted[name] = predicted
        score = rmse(self.values, predicted)
        line = f"{name:<60} {score:.3f}  {score / self.constant:.3f}"
        differences = {
            other: rmse_difference(self.values, predicted, self.predicted[other], self.clusters) for other in beside
        }
        for other, (d, low, high) in differences.items():
            line += f"  {d:+.3f} [{low:+.3f}, {high:+.3f}] ({other})"
        self.rows.append({"arm": name, "rmse": score, "minus": differences})
        print(line, flush=True)

    def write(self, path: Path | None) -> None:
        """Write the rows as JSON."""
        if path is not None:
            path.write_text(json.dumps({"constant": self.constant, "rows": self.rows}, indent=1), encoding="utf-8")


def main() -> None:
    """Print a row for each arm."""
    given = arguments(
        __doc__.splitlines()[0], lambda p: p.add_argument("--ideas", nargs="+", choices=IDEAS, default=IDEAS)
    )
    loaded, clusters = load(given)
    table = Table(loaded, clusters, given.folds)
    for name, (make, other) in made(given, open_network(given.model), loaded).items():
        table.add(name, out_of_fold(loaded, clusters, given, make), *([other] if other else []))
        table.write(given.json)


if __name__ == "__main__":
    main()
