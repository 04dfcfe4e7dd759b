"""Are pre-trained vectors worth having? Every task, every baseline, one table (``molinteract benchmark-representation``)."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from molinteract.batches.loader import CutsPatches
from molinteract.evidence.compare import OURS, SHOTS, FeaturesOfSeed, Score, compare
from molinteract.evidence.dimers import Dimers
from molinteract.evidence.features import (
    Features,
    composition_features,
    network_features,
    soap_features,
    untrained_like,
)
from molinteract.evidence.task import Task
from molinteract.evidence.tasks import dimer_tasks, store_tasks
from molinteract.network.encoder import InteractNN
from molinteract.network.vectors import VectorKind
from molinteract.store.dataset import PatchDataset

UNTRAINED = "untrained"
COMPOSITION = "composition + distances"
SOAP = "SOAP (DScribe)"

Stage = Callable[[str], None]


def benchmark_representation(
    model: InteractNN,
    *,
    dataset: PatchDataset | None = None,
    dimers: Dimers | None = None,
    rivals: Mapping[str, InteractNN] | None = None,
    patches: int = 6000,
    seeds: int = 5,
    shots: Sequence[int] = SHOTS,
    soap: bool = True,
    kind: VectorKind = "readout",
    stage: Stage | None = None,
) -> list[Score]:
    """Judge a network's frozen vectors on crystals and dimers, beside an untrained network, composition, SOAP and rivals.

    Parameters
    ----------
    model : InteractNN
    dataset : PatchDataset, optional
        Kind of contact and bonds of carbon are asked of its patches.
    dimers : Dimers, optional
        Interaction energies are asked of them.
    rivals : mapping of str to InteractNN, optional
        Other networks, by name.
    patches : int
        Patches of the store to ask.
    seeds, shots
        As in ``compare``.
    soap : bool
        Take SOAP as a baseline too; needs DScribe.
    kind : {"readout", "layers"}
        Vectors of the networks, the trained, the untrained and the rivals alike.
    stage : callable, optional
        Told what is being done.

    Returns
    -------
    list of Score
    """
    tell = stage or (lambda _text: None)
    networks = {OURS: model, **(rivals or {})}
    scores: list[Score] = []

    def ask(
        tasks: Sequence[Task], source: CutsPatches, rows: NDArray[np.int64], nodes: NDArray[np.int64] | None
    ) -> None:
        made = _all_features(networks, source, rows, nodes=nodes, soap=soap and nodes is None, kind=kind, stage=tell)
        for task in tasks:
            tell(task.name)
            side = "patches" if nodes is None else "nodes"
            scores.extend(compare(task, _of_side(made, side), seeds=seeds, shots=shots))

    if dataset is not None:
        asked = store_tasks(dataset, patches=patches)
        ask(asked.of_patches, dataset, asked.rows, None)
        ask(asked.of_nodes, dataset, asked.rows, asked.nodes)
    if dimers is not None:
        rows, tasks = dimer_tasks(dimers)
        ask(tasks, dimers, rows, None)
    return scores


def _all_features(
    networks: Mapping[str, InteractNN],
    source: CutsPatches,
    rows: NDArray[np.int64],
    *,
    nodes: NDArray[np.int64] | None,
    soap: bool,
    kind: VectorKind,
    stage: Stage,
) -> dict[str, Callable[[int], Features]]:
    """Return each set of features as a function of the seed; what does not depend on it is made once."""
    first = next(iter(networks.values()))
    made: dict[str, Callable[[int], Features]] = {}
    for name, network in networks.items():
        stage(f"vectors of {len(rows):,} patches: {name}")
        made[name] = _constant(network_features(network, source, rows, nodes=nodes, kind=kind))

    @cache
    def untrained(seed: int) -> Features:
        stage(f"vectors of {len(rows):,} patches: untrained, seed {seed}")
        fresh = untrained_like(first, source, rows, seed=seed)
        return network_features(fresh, source, rows, nodes=nodes, kind=kind)

    made[UNTRAINED] = untrained
    stage(f"composition and distances of {len(rows):,} patches")
    made[COMPOSITION] = _constant(composition_features(source, rows, nodes=nodes))
    if soap:
        stage(f"SOAP of {len(rows):,} patches")
        made[SOAP] = _constant(soap_features(source, rows))
    return made


def _constant(features: Features) -> Callable[[int], Features]:
    return lambda _seed: features


def _of_side(made: Mapping[str, Callable[[int], Features]], side: str) -> dict[str, FeaturesOfSeed]:
    def pick(make: Callable[[int], Features]) -> FeaturesOfSeed:
        return lambda seed: np.asarray(getattr(make(seed), side))

    return {name: pick(make) for name, make in made.items()}
