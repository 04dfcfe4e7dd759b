"""The questions: kind of contact and bonds of carbon in crystals, interaction energies of dimers."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.embeddings.colourings import without_rare
from molinteract.embeddings.node_labels import NodeLabels, node_labels
from molinteract.embeddings.sampling import sample_by_compound
from molinteract.evidence.dimers import Dimers, neutral_and_bound
from molinteract.evidence.task import Task
from molinteract.store.dataset import PatchDataset

PER_COMPOUND = 4
"""Entries of one compound: computed packings would otherwise be most of the patches."""
_CARBON = 6


@dataclass(frozen=True, slots=True, eq=False)
class AskedPatches:
    """Patches of a store with the tasks on them.

    Attributes
    ----------
    rows : (patches,) int64
        Rows of the store.
    nodes : (patches,) int64
        A carbon atom of each patch, as number of its node; -1 where there is none.
    of_patches, of_nodes : tuple of Task
        Targets of ``rows``, and of those with a node.
    """

    rows: NDArray[np.int64]
    nodes: NDArray[np.int64]
    of_patches: tuple[Task, ...]
    of_nodes: tuple[Task, ...]


def store_tasks(dataset: PatchDataset, *, patches: int, seed: int = 0) -> AskedPatches:
    """Return tasks on patches of a store, one of each contact orbit, drawn compound by compound.

    Parameters
    ----------
    dataset : PatchDataset
        Its training split is fitted on; the others are judged by.
    patches : int
        To draw, about.
    """
    rng = np.random.default_rng(seed)
    all_rows = dataset.rows(unique=True, per_compound=PER_COMPOUND)
    compounds = dataset.compounds[dataset.crystal_rows]
    rows = all_rows[sample_by_compound(compounds[all_rows], patches, rng=rng)]
    groups = compounds[rows]
    train = dataset.split_names[dataset.crystal_rows[rows]] == "train"
    kind = np.asarray(dataset.patches["label"].take(pa.array(rows)).to_pylist(), dtype=object)
    nodes, environment = _carbons(dataset, rows, rng)
    known = nodes >= 0
    named = without_rare(environment[known], "", share=0.02)
    contact = Task("kind of contact (patches)", "label", "", kind, groups, train, ~train)
    carbon = Task(
        "bonds and partners of carbon (nodes)", "label", "", named, groups[known],
        train[known] & (named != ""), ~train[known] & (named != ""),
    )  # fmt: skip
    return AskedPatches(rows, nodes, (contact,), (carbon,))


def dimer_tasks(dimers: Dimers) -> tuple[NDArray[np.int64], tuple[Task, ...]]:
    """Return the rows of the neutral dimers, and the tasks on them: unseen pairs, and unseen monomers (SPEC 5)."""
    rows = neutral_and_bound(dimers)
    energies, groups = dimers.energies[rows], dimers.column("pair")[rows]
    tasks = []
    for name, column in (("unseen pairs", "split"), ("unseen monomers", "split_monomer")):
        side = dimers.column(column)[rows]
        tasks.append(
            Task(f"dimer energy, {name}", "value", "kcal/mol", energies, groups, side == "train", side == "val")
        )
    return rows, tuple(tasks)


def _carbons(
    dataset: PatchDataset, rows: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Choose a carbon atom of each patch; return its node in the patch, and its bonds and partners."""
    labels = lru_cache(maxsize=4096)(lambda number: node_labels(dataset.molecule(number)))
    nodes = np.full(len(rows), -1, dtype=np.int64)
    found = np.full(len(rows), "", dtype=object)
    for k, row in enumerate(rows.tolist()):
        arrays = dataset.cut(np.array([row]))
        carbons = np.flatnonzero(arrays.atomic_numbers == _CARBON)
        if not len(carbons):
            continue
        node = int(rng.choice(carbons))
        molecule: NodeLabels = labels(dataset.molecule_rows(row)[int(arrays.molecule_index[node])])
        atom = int(arrays.atom_index[node])
        if molecule.carbon_bond[atom]:
            nodes[k] = node
            found[k] = f"{molecule.carbon_bond[atom]}, C–{molecule.carbon_partners[atom]}"
    return nodes, found
