"""What frozen vectors tell of affinities, by a support vector regression, in the folds of ``tools/affinity_folds.py``.

    python benchmarks/affinity_readers.py SET.csv --root FOLDER --only split=train --folds FOLDS.csv -m small-heavy

Each line is one idea: other vectors of the same network, other graphs, the features of the contact forest beside them, an
average with it. The same for networks without any training, which say what the training was worth. Then learning curves.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from molinteract.affinity.complexes import CONTACT
from molinteract.affinity.contacts import contact_counts
from molinteract.affinity.controls import CONTROLS, cross_validated
from molinteract.affinity.experiments import fold_splits
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.items import LoadedSet
from molinteract.affinity.member import budget_batches, reestimate
from molinteract.affinity.metrics import rmse, rmse_difference
from molinteract.affinity.model import AffinityNetwork
from molinteract.affinity.near import near_counts
from molinteract.affinity.prepare import load_measured, target_clusters
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes, with_label
from molinteract.affinity.splits import read_folds
from molinteract.app.reports.affinity_figures import figure_learning
from molinteract.app.reports.figures import save_figure
from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import open_network

BUDGET = 20_000
FOREST = "contacts, forest"
SHARES = (0.125, 0.25, 0.5, 1.0)
LARGER = "pocket of 10 Å"
IDEAS = ("sums, touching", f"near, {LARGER}", f"pairs, {LARGER}")
"""Those that are averaged with the contact forest."""
CURVES = ("contacts", f"pre-trained: {IDEAS[0]}")
Values = NDArray[np.float64]
Rows = NDArray[np.int64]


def parser_of_set(description: str) -> argparse.ArgumentParser:
    """Return a parser of the set, its folds and the file for the figures."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--only", help="LABEL=VALUE,VALUE of the rows to use")
    parser.add_argument("--clusters", default="cluster30")
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    return parser


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = parser_of_set(__doc__.splitlines()[0])
    parser.add_argument("--model", "-m", required=True)
    parser.add_argument("--untrained", type=int, default=3, help="networks without training, by seed")
    parser.add_argument("--figure", type=Path, help="RMSE against the number of training complexes")
    return parser.parse_args()


def batches(graphs: GraphSet) -> list[PatchBatch]:
    """Return all graphs in batches."""
    parts = budget_batches(np.arange(len(graphs)), graphs.n_edges, BUDGET)
    return [collate(graphs.cut(rows), rows) for rows in parts]


def weights_of(batch: PatchBatch) -> dict[str, torch.Tensor]:
    """Return what each atom counts for in each kind of sum, (atoms,).

    ``touching``: atoms with an intermolecular edge; ``near``: with an atom of the other side within 10 Å; ``pairs``: the number
    of these, so that the sum runs over the pairs that the contact forest counts.
    """
    partners = near_counts(batch)
    return {
        "sums": torch.ones(len(partners)),
        "touching": torch.zeros(len(partners)).index_fill(0, batch.inter_edges[0], 1.0),
        "near": (partners > 0).float(),
        "pairs": partners,
    }


def vectors(network: InteractNN, parts: Sequence[PatchBatch]) -> dict[str, Values]:
    """Return z and the sums over pocket and ligand with all weights of :func:`weights_of`, each (complexes, width)."""
    found: dict[str, list[Values]] = {}
    network.eval()
    for batch in parts:
        with torch.no_grad():
            features = network.encode(batch)
            atoms = network.node_vectors(features)
            side = 2 * batch.patch_index + batch.molecule_index
            new = {"z": network.readout(batch, features)}
            for name, weights in weights_of(batch).items():
                sums = atoms.new_zeros(2 * batch.n_patches, atoms.shape[1])
                new[name] = sums.index_add(0, side, atoms * weights[:, None]).view(batch.n_patches, -1)
        for name, tensor in new.items():
            found.setdefault(name, []).append(tensor.double().numpy())
    return {name: np.concatenate(values) for name, values in found.items()}


def untrained(seed: int, parts: Sequence[PatchBatch]) -> InteractNN:
    """Return new weights whose norms hold the statistics of these complexes."""
    torch.manual_seed(seed)
    network = InteractNN(preset("small"))
    reestimate(AffinityNetwork(network), iter(parts))
    return network


def read(features: Values, values: Values, tests: Sequence[Rows], trains: Sequence[Rows]) -> Values:
    """Return out-of-fold predictions (n,) of a support vector regression on standardised features."""
    predicted = np.empty(len(values))
    for test, train in zip(tests, trains, strict=True):
        model = make_pipeline(StandardScaler(), SVR(C=1.0, epsilon=0.3))
        predicted[test] = model.fit(features[train], values[train]).predict(features[test])
    return predicted


def features_of(loaded: LoadedSet, wide: LoadedSet, given: argparse.Namespace) -> dict[str, Values]:
    """Return the features of every idea, (complexes, width)."""
    narrow = batches(GraphSet([graph_of(c) for c in loaded.complexes]))
    network = open_network(given.model)
    own = vectors(network, narrow)
    found = {"contacts": contact_counts(wide.complexes)}
    found |= {f"pre-trained: {name}": own[name] for name in ("z", "sums", "touching")}
    found["pre-trained: sums, touching"] = np.concatenate([own["sums"], own["touching"]], axis=1)
    found["pre-trained: sums, touching, contacts"] = np.concatenate(
        [own["sums"], own["touching"], found["contacts"]], axis=1
    )
    longer = batches(GraphSet([graph_of(c, ComplexSettings(d_inter=6.0)) for c in loaded.complexes]))
    larger = batches(GraphSet([graph_of(c) for c in wide.complexes]))
    for title, parts in (("edges up to 6 Å", longer), (LARGER, larger)):
        other = vectors(network, parts)
        found[f"pre-trained: sums, touching, {title}"] = np.concatenate([other["sums"], other["touching"]], axis=1)
    found |= {f"pre-trained: {name}, {LARGER}": other[name] for name in ("near", "pairs")}
    for seed in range(given.untrained):
        new, other = (vectors(untrained(seed, parts), parts) for parts in (narrow, larger))
        found[f"untrained {seed}: z"] = new["z"]
        found[f"untrained {seed}: sums, touching"] = np.concatenate([new["sums"], new["touching"]], axis=1)
        found |= {f"untrained {seed}: {name}, {LARGER}": other[name] for name in ("near", "pairs")}
    return found


def mean_of_untrained(predicted: dict[str, Values], idea: str) -> Values:
    """Return the mean over the networks without training."""
    return np.mean([p for name, p in predicted.items() if re.fullmatch(rf"untrained \d+: {idea}", name)], axis=0)


def learning_curves(
    features: dict[str, Values], values: Values, loaded: LoadedSet, folds: dict[str, int], clusters: Sequence[str]
) -> dict[str, list[tuple[int, float]]]:
    """Return (training complexes, RMSE) at several shares of the training clusters."""
    row = {item.id: k for k, item in enumerate(loaded.items)}
    curves: dict[str, list[tuple[int, float]]] = {}
    for share in SHARES:
        splits = fold_splits(loaded, folds, clusters, share=share)
        tests, trains = (
            [np.array([row[i] for i in split.part(part)]) for split in splits] for part in ("test", "train")
        )
        predicted = {name: read(x, values, tests, trains) for name, x in features.items() if name in CURVES}
        new = {name: x for name, x in features.items() if re.fullmatch(rf"untrained \d+: {IDEAS[0]}", name)}
        predicted[f"untrained: {IDEAS[0]}"] = mean_of_untrained(
            {name: read(x, values, tests, trains) for name, x in new.items()}, IDEAS[0]
        )
        size = round(float(np.mean([len(train) for train in trains])))
        for name, found in predicted.items():
            curves.setdefault(name, []).append((size, rmse(values, found)))
    return curves


def with_forest(predicted: dict[str, Values]) -> dict[str, Values]:
    """Return the mean of the networks without training, and all averaged with the contact forest, for each of ``IDEAS``."""
    found = {f"untrained, mean of all: {idea}": mean_of_untrained(predicted, idea) for idea in IDEAS}
    single = [n for n in predicted for idea in IDEAS if re.fullmatch(rf"(pre-trained|untrained \d+): {idea}", n)]
    alone = {name: predicted[name] for name in single} | found
    return found | {f"mean of {FOREST} and {name}": 0.5 * (predicted[FOREST] + p) for name, p in alone.items()}


def main() -> None:
    """Print a line for each idea: RMSE, its share of the constant mean's, and the paired difference to the contact forest."""
    given = arguments()
    items = with_label(open_complexes(given.data, root=given.root), given.only)
    loaded = load_measured(items, ComplexSettings(), inexact=True)
    wide = load_measured(loaded.items, ComplexSettings(pocket=CONTACT), inexact=True)
    fold_of = read_folds(given.folds)
    folds = np.array([fold_of[item.id] for item in loaded.items])
    values = np.array([item.affinity.pk for item in loaded.items if item.affinity])
    clusters = target_clusters(loaded, given.clusters)
    tests = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    trains = [np.flatnonzero(folds != fold) for fold in np.unique(folds)]
    features = features_of(loaded, wide, given)
    forest = next(control for control in CONTROLS if control.name == "contacts")
    predicted = {FOREST: cross_validated(forest, wide.complexes, values, folds)}
    predicted |= {name: read(x, values, tests, trains) for name, x in features.items()}
    predicted |= with_forest(predicted)
    mean = np.array([values[folds != fold].mean() for fold in folds])
    constant = rmse(values, mean)
    rows = []
    print(f"{len(values)} complexes, {len(set(clusters))} target clusters, constant mean {constant:.3f}")
    for name, found in predicted.items():
        score, difference = rmse(values, found), rmse_difference(values, found, predicted[FOREST], clusters)
        rows.append({"idea": name, "rmse": score, "difference": difference})
        d, low, high = difference
        print(f"{name:<72} {score:.3f}  {score / constant:.3f}  {d:+.3f} [{low:+.3f}, {high:+.3f}]", flush=True)
    curves = learning_curves(features, values, loaded, fold_of, clusters)
    for name, points in curves.items():
        print(f"{name:<40} " + "  ".join(f"{size}: {score:.3f}" for size, score in points))
    if given.figure:
        save_figure(figure_learning(curves, constant=constant), given.figure.parent, given.figure.stem)
    if given.json:
        given.json.write_text(
            json.dumps({"constant": constant, "rows": rows, "curves": curves}, indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
