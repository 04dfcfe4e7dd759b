"""Which residues and contacts carry a prediction: what pK becomes when each is taken away."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from molinteract.affinity.ablations import kept
from molinteract.affinity.complexes import Complex, make_complex
from molinteract.affinity.contacts import contact_pairs, count_pairs
from molinteract.affinity.items import ComplexItem
from molinteract.affinity.ligand import read_ligands
from molinteract.affinity.model import AffinityModel
from molinteract.affinity.predict import model_graph, predict_graphs
from molinteract.affinity.structure import read_structure
from molinteract.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part adds to the predicted pK.

    Attributes
    ----------
    kind : str
        ``residue`` (its atoms are removed) or ``contact`` (the edges between a residue and a ligand atom are).
    residue : str
        ``NAME/CHAIN/NUMBER``.
    ligand_atom : str
        Name of the ligand's atom; empty for a residue.
    distance : float
        Shortest, Å.
    delta : float
        pK with the part minus pK without it: positive where it speaks for binding.
    """

    kind: str
    residue: str
    ligand_atom: str
    distance: float
    delta: float


def contributions(model: AffinityModel, complex_: Complex) -> list[Contribution]:
    """Take away each residue, and each contact of a residue with a ligand atom, and predict again.

    A forest beside the networks loses the pairs of the residue, or those of the edges that are removed, from its counts; it
    alone sees the residues around the pocket, which are listed for such a model.

    The parts do not add up to the whole, and a network that reads the target from its pocket will say so here: a residue far
    from the ligand can carry much. Sorted by size, residues first.

    Raises
    ------
    ConfigError
        If the model sees one molecule alone: there is no contact to take away.
    """
    kind = model.card["recipe"]["graph"]
    if kind in ("ligand_only", "pocket_only"):
        raise ConfigError(
            f"the model sees one molecule alone (graph = {kind})", remedy="explain a model that sees the complex"
        )
    graph = model_graph(model, complex_)
    n_pocket = len(complex_.pocket)
    everything = np.ones(len(graph.positions), dtype=bool)
    residue = np.full(len(graph.positions), -1)
    residue[:n_pocket] = complex_.residue_index
    lengths = np.linalg.norm(
        graph.positions[graph.inter_edges[:, 0]] - graph.positions[graph.inter_edges[:, 1]], axis=1
    )
    edge_residue, edge_atom = residue[graph.inter_edges[:, 0]], graph.inter_edges[:, 1] - n_pocket
    pairs = sorted(set(zip(edge_residue.tolist(), edge_atom.tolist(), strict=True)))
    numbers = range(len(complex_.residues))
    changed = [kept(graph, residue != k) for k in numbers]
    hits = [(edge_residue == k) & (edge_atom == a) for k, a in pairs]
    changed += [kept(graph, everything, ~hit) for hit in hits]
    counts = None
    if model.forest is not None:
        changed += [graph] * len(complex_.around.residues)
        counts = _changed_counts(complex_, [graph.inter_edges[hit] - [0, n_pocket] for hit in hits])
    values = predict_graphs(model, [graph, *changed], counts).mean(0)
    deltas = values[0] - values[1:]
    rows = _residue_rows(complex_, deltas, around=deltas[len(numbers) + len(hits) :])
    contacts = [
        Contribution(
            "contact", str(complex_.residues[k]), complex_.ligand_names[a], float(lengths[hit].min()), float(d)
        )
        for (k, a), hit, d in zip(pairs, hits, deltas[len(numbers) :], strict=False)
    ]
    return [*sorted(rows, key=_size), *sorted(contacts, key=_size)]


def _changed_counts(complex_: Complex, edges: Sequence[NDArray[np.integer]]) -> NDArray[np.float64]:
    """Return the counts (1 + residues + contacts + residues around, 36) of the whole and with each part taken away.

    Parameters
    ----------
    complex_ : Complex
    edges : sequence of (n, 2) int
        Pairs (pocket atom, ligand atom) of each contact.
    """
    pairs = contact_pairs(complex_)
    n_residues, n_ligand = len(complex_.residues), len(complex_.ligand)
    residue = np.concatenate([complex_.residue_index, complex_.around.residue_index + n_residues])[pairs[:, 0]]
    code = pairs @ [n_ligand, 1]
    kept_pairs = [np.ones(len(pairs), dtype=bool)]
    kept_pairs += [residue != k for k in range(n_residues)]
    kept_pairs += [~np.isin(code, contact @ [n_ligand, 1]) for contact in edges]
    kept_pairs += [residue != n_residues + k for k in range(len(complex_.around.residues))]
    return np.array([count_pairs(complex_, pairs[chosen]) for chosen in kept_pairs])


def _residue_rows(complex_: Complex, deltas: NDArray[np.float64], *, around: NDArray[np.float64]) -> list[Contribution]:
    """Return the rows of the residues of the pocket, and of as many of those around it as there are values of."""
    tree = cKDTree(complex_.ligand_positions)
    found = []
    for residues, index, positions, values in (
        (complex_.residues, complex_.residue_index, complex_.pocket_positions, deltas),
        (complex_.around.residues, complex_.around.residue_index, complex_.around.positions, around),
    ):
        distance = tree.query(positions)[0] if len(positions) else np.empty(0)
        found += [
            Contribution("residue", str(name), "", float(distance[index == k].min()), float(delta))
            for k, (name, delta) in enumerate(zip(residues, values, strict=False))
        ]
    return found


def _size(row: Contribution) -> float:
    return -abs(row.delta)


def write_contributions(path: str | Path, rows: Sequence[Contribution]) -> None:
    """Write contributions as CSV."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f.name for f in fields(Contribution)])
        for row in rows:
            values = asdict(row)
            writer.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in values.values()])


def explain_first(
    model: AffinityModel, protein: str | Path, ligands: str | Path | None, items: Sequence[ComplexItem]
) -> tuple[str, list[Contribution]]:
    """Return the name and the contributions of the first ligand of a file, or of the first item.

    Raises
    ------
    ComplexError
        If that complex cannot be used.
    """
    if ligands is not None:
        structure, ligand = read_structure(protein, model=model.settings.model), read_ligands(ligands)[0]
        name = ligand.name or Path(ligands).name
    else:
        (structure, ligand), name = items[0].source.load(model.settings), items[0].id
    complex_ = make_complex(structure, ligand, id=name, settings=model.settings)
    return name, contributions(model, complex_)
