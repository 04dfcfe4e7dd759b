"""Which residues and contacts carry a prediction: what pK becomes when each is taken away."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from molinteract.affinity.ablations import kept
from molinteract.affinity.complexes import Complex, make_complex
from molinteract.affinity.items import ComplexItem
from molinteract.affinity.ligand import read_ligands
from molinteract.affinity.model import AffinityModel
from molinteract.affinity.predict import model_graph, predict_graphs
from molinteract.affinity.structure import read_structure


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

    The parts do not add up to the whole, and a network that reads the target from its pocket will say so here: a residue far
    from the ligand can carry much. Sorted by size, residues first.
    """
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
    values = predict_graphs(model, [graph, *changed]).mean(0)
    deltas = values[0] - values[1:]
    nearest = [
        float(
            np.linalg.norm(
                complex_.pocket_positions[complex_.residue_index == k][:, None] - complex_.ligand_positions, axis=2
            ).min()
        )
        for k in numbers
    ]
    rows = [Contribution("residue", str(complex_.residues[k]), "", nearest[k], float(deltas[k])) for k in numbers]
    contacts = [
        Contribution(
            "contact", str(complex_.residues[k]), complex_.ligand_names[a], float(lengths[hit].min()), float(d)
        )
        for (k, a), hit, d in zip(pairs, hits, deltas[len(rows) :], strict=True)
    ]
    return [*sorted(rows, key=_size), *sorted(contacts, key=_size)]


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
