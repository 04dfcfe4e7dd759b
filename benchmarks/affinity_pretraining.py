"""What further pre-training is worth to affinities: frozen vectors read as in ``affinity_readers.py``, in the same folds.

    python benchmarks/affinity_pretraining.py SET.csv --root FOLDER --only split=train --folds FOLDS.csv -m small-heavy
        --store STORE --contacts POSES.csv --contacts-root FOLDER --dimers DIMERS.parquet

The network goes on with its objective for the same number of steps: on patches of crystals alone; on crystals and on pockets
with their ligands (structures alone, cut to the radius of patches; a quarter of each batch); on crystals, together with the
energies of dimers without their hydrogens. Beside these, a network that has not gone on, but whose norms have met the same
complexes: what the statistics alone do. ``--quick``: few complexes and steps; says that it runs, no more.
"""

import argparse
import copy
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch.nn import functional

from affinity_ideas import Table, Values, arguments, load
from affinity_readers import batches, read, vectors
from molinteract.affinity.ablations import kept
from molinteract.affinity.complexes import CONTACT
from molinteract.affinity.graphs import GraphSet, graph_of, joined
from molinteract.affinity.items import LoadedSet, load_complexes
from molinteract.affinity.member import reestimate
from molinteract.affinity.model import AffinityNetwork
from molinteract.affinity.prepare import load_measured
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.evidence.dimers import neutral_and_bound, read_dimers
from molinteract.evidence.finetuning import EnergyNetwork, Held
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import open_network
from molinteract.patches.patch import PatchArrays
from molinteract.store.dataset import PatchDataset, open_dataset
from molinteract.training.data import rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.ema import MovingAverage
from molinteract.training.noise import Draw
from molinteract.training.objectives import loss_sums, predict, total_loss
from molinteract.training.recipe import Recipe
from molinteract.training.schedule import learning_rate

BATCH = 32
COMPLEXES = 8
"""Complexes in a batch that holds some."""
ENERGY = 1.0
"""Weight of the smooth absolute error of the energies, kcal/mol."""
HELD = 500
KINDS = ("sums, touching", "near, pocket of 10 Å")
START = "as it is"
CRYSTALS = "crystals"
NORMS = "as it is, norms of complexes"


def more(parser: argparse.ArgumentParser) -> None:
    """Add what pre-training needs to the command line."""
    parser.add_argument("--store", type=Path, required=True, help="patches without hydrogens")
    parser.add_argument("--contacts", type=Path, help="complexes that are trained on, without their values")
    parser.add_argument("--contacts-root", type=Path)
    parser.add_argument("--contacts-only", help="LABEL=VALUE,VALUE of the rows to use")
    parser.add_argument("--dimers", type=Path)
    parser.add_argument("--recipe", type=Path, default=Path("configs/pretrain-heavy.toml"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")


class Mixed:
    """Patches of a store and, numbered after them, graphs that are held in memory."""

    def __init__(self, store: PatchDataset, graphs: GraphSet, names: Sequence[str]) -> None:
        self.store, self.graphs, self.names = store, graphs, names
        self.first = len(store)

    def describe(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return the ids, from which the displacements are drawn."""
        own = self.store.describe(rows[rows < self.first])["patch_id"].to_pylist()
        others = [self.names[k - self.first] for k in rows[rows >= self.first]]  # rows are ascending
        return pa.table({"patch_id": own + [hashlib.sha256(name.encode()).hexdigest() for name in others]})

    def cut(self, rows: NDArray[np.int64]) -> PatchArrays:
        """Return the patches of some rows; those of the store must come first."""
        own, others = rows[rows < self.first], rows[rows >= self.first]
        found = self.store.cut(own)
        return joined([found, self.graphs.cut(others - self.first)]) if len(others) else found


def patches_of(given: argparse.Namespace, *, radius: float) -> tuple[GraphSet, list[str]]:
    """Return complexes cut to a sphere about their common centre, those that still touch, with their ids."""
    items = with_label(open_complexes(given.contacts, root=given.contacts_root), given.contacts_only)
    loaded = load_complexes(items[:: 20 if given.quick else 1])
    graphs, names = [], []
    for complex_ in loaded.complexes:
        graph = graph_of(complex_)
        graph = kept(graph, np.linalg.norm(graph.positions, axis=1) <= radius)
        if len(graph.inter_edges):
            graphs.append(graph)
            names.append(complex_.id)
    print(f"{len(graphs)} of {len(loaded)} complexes to go on with", file=sys.stderr)
    return GraphSet(graphs), names


@dataclass(frozen=True, slots=True, eq=False)
class Energies:
    """Neutral dimers of the training split without their hydrogens, those that still touch, and their energies, kcal/mol."""

    graphs: GraphSet
    values: Values

    def cut(self, rows: NDArray[np.int64]) -> PatchArrays:
        """Return some dimers as patches."""
        return self.graphs.cut(rows)


def energies_of(given: argparse.Namespace) -> Energies:
    """Read the dimers."""
    dimers = read_dimers(given.dimers)
    rows = neutral_and_bound(dimers)
    rows = rows[dimers.column("split")[rows] == "train"][:: 20 if given.quick else 1]
    graphs, chosen = [], []
    for row in rows.tolist():
        graph = dimers.cut(np.array([row]))
        graph = kept(graph, graph.atomic_numbers > 1)
        if len(graph.inter_edges):
            graphs.append(graph)
            chosen.append(row)
    print(f"{len(graphs)} of {len(rows)} dimers touch without hydrogens", file=sys.stderr)
    return Energies(GraphSet(graphs), dimers.energies[chosen])


def energy_network(body: InteractNN, energies: Energies, *, seed: int) -> EnergyNetwork:
    """Return a network with a head that begins as a ridge regression of the vectors of some dimers."""
    order = np.random.default_rng(seed).permutation(len(energies.values))
    held, train = order[:HELD], order[HELD : 9 * HELD]
    model = EnergyNetwork(body, kind="layers", hidden=64).eval()
    model.start(energies, train, energies.values[train], Held(held, energies.values[held]))
    return model


def go_on(
    start: InteractNN,
    store: PatchDataset,
    recipe: Recipe,
    *,
    complexes: tuple[GraphSet, list[str]] | None = None,
    energies: Energies | None = None,
) -> InteractNN:
    """Train a copy of a network for ``recipe.max_steps``, and return its averaged weights."""
    torch.manual_seed(recipe.seed)
    network, steps = copy.deepcopy(start), recipe.max_steps or 0
    graphs, names = complexes or (GraphSet([]), [])
    mixed = Mixed(store, graphs, names)
    crystals = rows_of_split(store, recipe, "train")
    others = mixed.first + np.arange(len(graphs))
    source = DisplacedPatches(
        mixed, np.concatenate([crystals, others]), noise=recipe.noise, d_inter=network.config.d_inter
    )
    model = network if energies is None else energy_network(network, energies, seed=recipe.seed)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=recipe.optimiser.weight_decay)
    average = MovingAverage(network, recipe.optimiser.ema)
    rng = np.random.default_rng(recipe.seed)
    share = COMPLEXES if len(graphs) else 0
    for step in range(steps):
        rows = np.concatenate([rng.choice(crystals, BATCH - share), rng.choice(others, share) if share else others])
        batch, displaced = source.batch(rows, kind="mixed", draw=Draw(recipe.seed, step, np.arange(BATCH)))
        network.train()
        loss = total_loss(loss_sums(predict(network, batch, clamp=recipe.noise.clamp), displaced, batch), recipe)
        if energies is not None:
            model.eval()  # the dimers are read by the norms as they stand, as when a network is fine-tuned on them
            chosen = rng.choice(len(energies.values), BATCH)
            wanted = torch.from_numpy(energies.values[chosen]).float()
            loss = loss + ENERGY * functional.smooth_l1_loss(model(energies, chosen), wanted)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe.optimiser, step=step, done=step / steps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.optimiser.clip_norm)
        optimiser.step()
        average.update(network, step=step + 1)
        if (step + 1) % 100 == 0:
            print(f"  step {step + 1}: loss {float(loss.detach()):.3f}", file=sys.stderr, flush=True)
    network.load_state_dict(average.state)
    return network.eval()


def with_norms_of(start: InteractNN, graphs: GraphSet) -> InteractNN:
    """Return a copy of a network whose norms hold the statistics of some graphs."""
    network = copy.deepcopy(start)
    reestimate(AffinityNetwork(network), iter(batches(graphs)))
    return network


class Reader:
    """Adds the rows of a network to a table."""

    def __init__(self, table: Table, loaded: LoadedSet) -> None:
        self.table = table
        wide = load_measured(loaded.items, ComplexSettings(pocket=CONTACT), inexact=True)
        self.parts = [batches(GraphSet([graph_of(c) for c in part.complexes])) for part in (loaded, wide)]

    def add(self, name: str, network: InteractNN, *beside: str) -> None:
        """Read the vectors of a network, frozen, and compare with other networks by the same vectors."""
        narrow, wide = (vectors(network, part) for part in self.parts)
        features = (np.concatenate([narrow["sums"], narrow["touching"]], axis=1), wide["near"])
        table = self.table
        for kind, x in zip(KINDS, features, strict=True):
            found = read(x, table.values, table.tests, table.trains)
            table.add(f"{name}: {kind}", found, *(f"{other}: {kind}" for other in beside))


def main() -> None:
    """Print rows for each network."""
    given = arguments(__doc__.splitlines()[0], more)
    loaded, clusters = load(given)
    recipe = Recipe.load(
        given.recipe,
        [
            f"max_steps={10 if given.quick else given.steps}",
            f"seed={given.seed}",
            f"optimiser.learning_rate={given.rate}",
        ],
    )
    start, store = open_network(given.model), open_dataset(given.store)
    reader = Reader(Table(loaded, clusters, given.folds), loaded)
    reader.add(START, start)
    reader.add(CRYSTALS, go_on(start, store, recipe), START)
    if given.contacts is not None:
        complexes = patches_of(given, radius=start.config.radius)
        reader.add(NORMS, with_norms_of(start, complexes[0]), START)
        reader.add("crystals and complexes", go_on(start, store, recipe, complexes=complexes), CRYSTALS, START, NORMS)
    if given.dimers is not None:
        energies = energies_of(given)
        reader.add("crystals and dimer energies", go_on(start, store, recipe, energies=energies), CRYSTALS, START)
    reader.table.write(given.json)


if __name__ == "__main__":
    main()
