"""Predictions for complexes, poses and ligands: value, spread of the ensemble, and whether it is in the model's domain."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molinteract.affinity.ablations import graph_kind
from molinteract.affinity.complexes import Complex, make_complex
from molinteract.affinity.contacts import contact_counts
from molinteract.affinity.forest import averaged
from molinteract.affinity.graphs import GraphSet, graph_of
from molinteract.affinity.items import ComplexItem, failure_of
from molinteract.affinity.ligand import read_ligands
from molinteract.affinity.member import budget_batches
from molinteract.affinity.model import AffinityModel, predict_batch
from molinteract.affinity.structure import read_structure
from molinteract.batches.collate import collate
from molinteract.core.errors import ComplexError
from molinteract.patches.patch import PatchArrays

EDGE_BUDGET: Final = 20_000
DOMAIN_SHARE: Final = 0.99
"""A patch vector farther from the training set than this share of the training set itself is out of the domain."""
_CHUNK: Final = 256


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row of the answer.

    Attributes
    ----------
    id : str
    pk : float
        Mean of the ensemble; nan where the complex could not be used.
    sd : float
        Standard deviation over the members; 0 for one. A forest beside the networks is the same for all members, so that
        this is half the spread of the networks. It is not an error bar of the prediction.
    domain_distance : float
        Distance of the patch vector to its nearest training complex, over the distance that 99 % of the training set keep to
        theirs: above 1 is out of the domain.
    flags : tuple of str
        ``far_from_training``, ``unseen_element``, ``ligand_size``, ``covalent``.
    reason, detail : str
        Why there is no value.
    notes : str
        What was passed over in the files, such as ``waters_dropped=22``.
    """

    id: str
    pk: float
    sd: float = 0.0
    domain_distance: float = float("nan")
    flags: tuple[str, ...] = ()
    reason: str = ""
    detail: str = ""
    notes: str = ""


def predict_items(
    model: AffinityModel, items: Sequence[ComplexItem], *, progress: Callable[[int, int], None] | None = None
) -> list[Prediction]:
    """Predict every item, in order; what cannot be used is a row with its reason. Memory does not grow with their number."""
    found: list[Prediction] = []
    for first in range(0, len(items), _CHUNK):
        complexes: list[Complex | Prediction] = []
        for item in items[first : first + _CHUNK]:
            try:
                structure, ligand = item.source.load(model.settings)
                complexes.append(make_complex(structure, ligand, id=item.id, settings=model.settings))
            except ComplexError as error:
                complexes.append(_failed(item.id, error))
        found += _filled(model, complexes)
        if progress is not None:
            progress(len(found), len(items))
    return found


def predict_poses(model: AffinityModel, protein: str | Path, ligands: str | Path) -> list[Prediction]:
    """Predict every record of a ligand file in one protein, which is read once; ids are ``number title``.

    Raises
    ------
    ComplexError
        If the protein or the whole ligand file cannot be read.
    """
    structure = read_structure(protein, model=model.settings.model)
    complexes: list[Complex | Prediction] = []
    for number, ligand in enumerate(read_ligands(ligands), start=1):
        name = f"{number} {ligand.name}".strip()
        try:
            complexes.append(make_complex(structure, ligand, id=name, settings=model.settings))
        except ComplexError as error:
            complexes.append(_failed(name, error))
    return _filled(model, complexes)


def predict_complexes(model: AffinityModel, complexes: Sequence[Complex]) -> list[Prediction]:
    """Predict complexes that were cut with the model's settings."""
    return _filled(model, list(complexes))


def complex_values(model: AffinityModel, complexes: Sequence[Complex]) -> NDArray[np.float64]:
    """Return pK (networks, complexes) of complexes that were cut with the model's settings."""
    return predict_graphs(model, [model_graph(model, c) for c in complexes], model_counts(model, complexes))


def predict_graphs(
    model: AffinityModel, graphs: Sequence[PatchArrays], counts: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return pK (networks, graphs), with a forest beside the networks averaged with it.

    Parameters
    ----------
    model : AffinityModel
    graphs : sequence of PatchArrays
        As :func:`model_graph` makes them.
    counts : (graphs, 36) float64, optional
        As :func:`model_counts` makes them: needed where there is a forest.
    """
    return averaged(_values_and_vectors(model, graphs)[0], model.forest, counts)


def _values_and_vectors(model: AffinityModel, graphs: Sequence[PatchArrays]) -> tuple[NDArray[np.float64], Tensor]:
    """Return pK (networks, graphs) and the first network's vectors (graphs, width)."""
    data = GraphSet(graphs)
    device = next(model.networks[0].parameters()).device
    values, vectors = [torch.empty(len(model.networks), 0)], [model.vectors[:0]]
    for rows in budget_batches(np.arange(len(data)), data.n_edges, EDGE_BUDGET):
        found = predict_batch(model.networks, collate(data.cut(rows), rows).to(device))
        values.append(found[0].cpu())
        vectors.append(found[1].cpu())
    return torch.cat(values, dim=1).double().numpy(), torch.cat(vectors)


def model_counts(model: AffinityModel, complexes: Sequence[Complex]) -> NDArray[np.float64] | None:
    """Return the counts of contacts (complexes, 36) that the model's forest reads; None without one."""
    return None if model.forest is None else contact_counts(complexes)


def model_graph(model: AffinityModel, complex_: Complex) -> PatchArrays:
    """Return the graph of a complex as the model was trained on it."""
    return graph_kind(graph_of(complex_, model.settings), model.card["recipe"]["graph"])


def _filled(model: AffinityModel, rows: Sequence[Complex | Prediction]) -> list[Prediction]:
    complexes = [row for row in rows if isinstance(row, Complex)]
    graphs = [model_graph(model, c) for c in complexes]
    values, vectors = _values_and_vectors(model, graphs)
    values = averaged(values, model.forest, model_counts(model, complexes))
    distance = domain_distances(model, vectors) if graphs else np.empty(0)
    done = iter(
        Prediction(
            c.id, float(values[:, k].mean()), float(values[:, k].std()), float(distance[k]), _flags(model, c, distance[k]),
            notes=" ".join(f"{name}={count}" for name, count in c.notes.items()),
        )
        for k, c in enumerate(complexes)
    )  # fmt: skip
    return [next(done) if isinstance(row, Complex) else row for row in rows]


def domain_distances(model: AffinityModel, vectors: Tensor) -> NDArray[np.float64]:
    """Return distances (n,) of vectors (n, d) to the training set, over what 99 % of it keep to their own nearest."""
    scale = model.vectors.std(0).clamp(min=1e-6)
    training = model.vectors / scale
    within = torch.cdist(training, training)
    within.fill_diagonal_(torch.inf)
    unit = torch.quantile(within.min(1).values, DOMAIN_SHARE) if len(training) > 1 else torch.tensor(1.0)
    nearest = torch.cdist(vectors / scale, training).min(1).values
    return np.asarray((nearest / unit.clamp(min=1e-6)).double().numpy())


def _flags(model: AffinityModel, complex_: Complex, distance: float) -> tuple[str, ...]:
    low, high = model.card["ligand_atoms"]
    seen = set(model.card["elements"])
    found = {
        "far_from_training": distance > 1.0,
        "unseen_element": not set(np.concatenate([complex_.pocket, complex_.ligand]).tolist()) <= seen,
        "ligand_size": not low <= len(complex_.ligand) <= high,
        "covalent": len(complex_.bonded) > 0,
    }
    return tuple(name for name, hit in found.items() if hit)


def _failed(id: str, error: ComplexError) -> Prediction:
    failure = failure_of(id, error)
    return Prediction(id, float("nan"), reason=failure.reason, detail=failure.detail)


def write_predictions(path: str | Path, predictions: Sequence[Prediction]) -> None:
    """Write predictions as CSV, one row for each complex asked for."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "predicted", "sd", "domain_distance", "flags", "reason", "detail", "notes"])
        for p in predictions:
            numbers = ["" if p.reason else f"{value:.4f}" for value in (p.pk, p.sd, p.domain_distance)]
            writer.writerow([p.id, *numbers, " ".join(p.flags), p.reason, p.detail, p.notes])


def predictions_text(predictions: Sequence[Prediction]) -> str:
    """Return a line a row: the best first, then those without a value and why."""
    done = sorted((p for p in predictions if not p.reason), key=lambda p: -p.pk)
    lines = [f"{p.pk:6.2f} ± {p.sd:.2f}  {p.id}{'  ' + ' '.join(p.flags) if p.flags else ''}" for p in done]
    lines += [f"     –         {p.id}  {p.reason}: {p.detail}" for p in predictions if p.reason]
    return "\n".join([f"{len(done):,} predicted of {len(predictions):,} (pK ± spread of the ensemble)", *lines])
