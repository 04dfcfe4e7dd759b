"""Features of patches and nodes: a network's vectors, and what can be had without one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from molinteract.batches.collate import collate
from molinteract.batches.loader import CutsPatches
from molinteract.core.elements import SYMBOLS
from molinteract.core.optional import require
from molinteract.embeddings.embed import COUNTED_ELEMENTS
from molinteract.embeddings.table import order_free
from molinteract.network.calibrate import calibrate_all
from molinteract.network.encoder import InteractNN
from molinteract.network.vectors import VectorKind, vectors_of
from molinteract.patches.patch import PatchArrays

BATCH = 128
CALIBRATION_BATCHES = 30
SHELLS: Final = np.linspace(1.0, 4.0, 13)
"""Å; bounds of the histogram of intermolecular distances."""
BOND_SHELLS: Final = np.linspace(0.8, 2.0, 13)
"""Å; bounds of the histogram of an atom's distances to its neighbours in the molecule."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of patches and of one chosen node of each.

    Attributes
    ----------
    patches : (patches, d) float
    nodes : (chosen, e) float
        Empty where no nodes were asked for.
    """

    patches: NDArray[np.floating]
    nodes: NDArray[np.floating]


def network_features(
    model: InteractNN,
    source: CutsPatches,
    rows: NDArray[np.int64],
    *,
    nodes: NDArray[np.int64] | None = None,
    kind: VectorKind = "readout",
) -> Features:
    """Return patch vectors that do not depend on which molecule is first (SPEC 2.3), and node vectors of a network.

    Parameters
    ----------
    model : InteractNN
    source : CutsPatches
        A store, dimers, or anything with ``cut``.
    rows : (patches,) int
    nodes : (patches,) int, optional
        One node of each patch, -1 for none.
    kind : {"readout", "layers"}
    """
    model.eval()
    found, chosen = [], []
    with torch.no_grad():
        for part, wanted in _parts(rows, nodes):
            arrays = source.cut(part)
            batch = collate(arrays, part)
            here = arrays.node_offsets[:-1][wanted >= 0] + wanted[wanted >= 0]
            patches, picked = vectors_of(model, batch, kind=kind, chosen=torch.from_numpy(here))
            found.append(patches.numpy())
            chosen.append(picked.numpy())
    vectors = np.concatenate(found)
    return Features(order_free(vectors) if kind == "readout" else vectors, np.concatenate(chosen))


def untrained_like(model: InteractNN, source: CutsPatches, rows: NDArray[np.int64], *, seed: int) -> InteractNN:
    """Return the same network as initialised with a seed, the statistics of its norms set on the patches of ``rows``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = InteractNN(model.config)
    order = np.random.default_rng(seed).permutation(rows)[: BATCH * CALIBRATION_BATCHES]
    calibrate_all(fresh, (collate(source.cut(part), part) for part, _ in _parts(order, None)))
    return fresh


def composition_features(
    source: CutsPatches, rows: NDArray[np.int64], *, nodes: NDArray[np.int64] | None = None
) -> Features:
    """Return counts of elements with a histogram of intermolecular distances, and an atom's elements and bond lengths.

    What is known of a contact without any learning; the same from both ends.
    """
    found, chosen = [], []
    for part, wanted in _parts(rows, nodes):
        arrays = source.cut(part)
        found.append(_composition(arrays))
        chosen.append(_surroundings(arrays, arrays.node_offsets[:-1][wanted >= 0] + wanted[wanted >= 0]))
    return Features(np.concatenate(found), np.concatenate(chosen))


def soap_features(source: CutsPatches, rows: NDArray[np.int64]) -> Features:
    """Return the SOAP vectors of DScribe (10.1016/j.cpc.2019.106949), averaged over the atoms of a patch.

    Cut-off 5 Å, n_max 6, l_max 4, compressed to one channel for each element (``mu1nu1``), outer average.

    Raises
    ------
    MissingExtraError
        If DScribe is not installed.
    """
    dscribe = require("dscribe.descriptors", purpose="SOAP baselines", extra="dev")
    ase = require("ase", purpose="SOAP baselines", extra="dev")
    elements = sorted({int(z) for part, _ in _parts(rows, None) for z in source.cut(part).atomic_numbers})
    soap = dscribe.SOAP(
        species=elements, r_cut=5.0, n_max=6, l_max=4, average="outer", compression={"mode": "mu1nu1"}, sparse=False
    )
    found = []
    for part, _ in _parts(rows, None):
        arrays = source.cut(part)
        bounds = zip(arrays.node_offsets[:-1].tolist(), arrays.node_offsets[1:].tolist(), strict=True)
        atoms = [ase.Atoms(arrays.atomic_numbers[a:b], arrays.positions[a:b]) for a, b in bounds]
        found.append(np.atleast_2d(soap.create(atoms)))
    return Features(np.concatenate(found), np.zeros((0, 0)))


def _parts(
    rows: NDArray[np.int64], nodes: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    wanted = np.full(len(rows), -1) if nodes is None else nodes
    for k in range(0, len(rows), BATCH):
        yield rows[k : k + BATCH], wanted[k : k + BATCH]


def _composition(arrays: PatchArrays) -> NDArray[np.float64]:
    n = len(arrays)
    patch = np.repeat(np.arange(n), np.diff(arrays.node_offsets))
    columns = [np.diff(arrays.node_offsets)]
    for symbol in COUNTED_ELEMENTS:
        here = arrays.atomic_numbers == SYMBOLS.index(symbol)
        sides = np.stack([np.bincount(patch[here & (arrays.molecule_index == s)], minlength=n) for s in (0, 1)])
        columns += [sides.sum(0), np.abs(sides[0] - sides[1])]
    lengths = _lengths(arrays, arrays.inter_edges)
    edge_patch = np.repeat(np.arange(n), np.diff(arrays.inter_offsets))
    histogram, _, _ = np.histogram2d(
        edge_patch, np.clip(lengths, SHELLS[0], None), bins=(np.arange(n + 1) - 0.5, SHELLS)
    )
    return np.concatenate([np.stack(columns, axis=1), histogram], axis=1).astype(np.float64)


def _surroundings(arrays: PatchArrays, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Count an atom's neighbours by element, with a histogram of their distances and its own element."""
    place = np.full(len(arrays.atomic_numbers), -1)
    place[nodes] = np.arange(len(nodes))
    edges = np.concatenate([arrays.intra_edges, arrays.intra_edges[:, ::-1]])
    edges = edges[place[edges[:, 0]] >= 0]
    row = place[edges[:, 0]]
    partner = arrays.atomic_numbers[edges[:, 1]]
    numbers = [SYMBOLS.index(symbol) for symbol in COUNTED_ELEMENTS]
    counts = [np.bincount(row[partner == z], minlength=len(nodes)) for z in numbers]
    own = [arrays.atomic_numbers[nodes] == z for z in numbers]
    lengths = np.clip(_lengths(arrays, edges), BOND_SHELLS[0], BOND_SHELLS[-1])
    histogram, _, _ = np.histogram2d(row, lengths, bins=(np.arange(len(nodes) + 1) - 0.5, BOND_SHELLS))
    return np.concatenate([np.stack([*counts, *own], axis=1), histogram], axis=1).astype(np.float64)


def _lengths(arrays: PatchArrays, edges: NDArray[np.int32]) -> NDArray[np.float64]:
    vectors = arrays.positions[edges[:, 0]] - arrays.positions[edges[:, 1]]
    return np.asarray(np.linalg.norm(vectors, axis=1))
