"""Maps and what they are coloured by: the paper's figures 3a, 3b, 4a–d, and what else might explain a map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.embeddings.maps import umap_map
from molinteract.embeddings.sampling import sample_by_compound

RARE = 0.005
"""Labels of a smaller share of the nodes are drawn as ``other``."""
NAMED = 7
"""Compounds and space groups that have a colour of their own: the most frequent ones."""

Stage = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledMap:
    """A map coloured by labels: one figure.

    Attributes
    ----------
    name, title : str
    points : (n, 2) float32
    labels : (n,) str
        Points with an empty label are not drawn.
    """

    name: str
    title: str
    points: NDArray[np.float32]
    labels: NDArray[np.object_]

    def to_dict(self) -> dict[str, Any]:
        """Return names, counts and the code of each point, -1 where it is not drawn."""
        names, codes, counts = np.unique(self.labels.astype(str), return_inverse=True, return_counts=True)
        shown = [str(name) for name in names if name]
        return {
            "name": self.name,
            "title": self.title,
            "labels": shown,
            "counts": counts[names != ""].tolist(),
            "codes": (codes - (len(names) - len(shown))).tolist(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ValuedMap:
    """A map coloured by a number.

    Attributes
    ----------
    name, title : str
    points : (n, 2) float32
    values : (n,) float64
    unit : str
        Of the values, for the colour bar.
    """

    name: str
    title: str
    points: NDArray[np.float32]
    values: NDArray[np.float64]
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Return name, unit and the value of each point."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "values": np.round(self.values, 3).tolist(),
        }


ColouredMap = LabelledMap | ValuedMap


@dataclass(frozen=True, slots=True, eq=False)
class MapSet:
    """All colourings of one map.

    Attributes
    ----------
    kind : str
        ``patches`` or ``nodes``.
    rows : (n,) int64
        Rows of the table of vectors that are drawn.
    points : (n, 2) float32
    maps : tuple of LabelledMap or ValuedMap
    """

    kind: str
    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    maps: tuple[ColouredMap, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the points and every colouring as plain values."""
        x, y = np.round(self.points.astype(np.float64), 3).T.tolist()
        return {
            "kind": self.kind,
            "rows": self.rows.tolist(),
            "x": x,
            "y": y,
            "maps": [m.to_dict() for m in self.maps],
        }


def patch_maps(
    vectors: NDArray[np.float32], table: pa.Table, *, seed: int, max_points: int, stage: Stage | None = None
) -> MapSet:
    """Map patches and colour the map by kind of contact (Fig. 3a), compound, space group, size and distance.

    Parameters
    ----------
    vectors : (n, d) float32
        Order-free patch vectors.
    table : pyarrow.Table
        ``patches.parquet`` of a vector table.
    seed, max_points : int
        More points are sampled by compound.
    stage : callable, optional
        Told how far the search for neighbours is.
    """
    rows, points = _map(vectors, table, seed, max_points, stage)
    part = table.take(pa.array(rows))
    sizes = 0.5 * (_numbers(part, "atoms_i") + _numbers(part, "atoms_j"))
    maps = (
        LabelledMap("figure_3a", "Patches by kind of contact", points, _strings(part, "label")),
        *_common(part, points, "patches", "Patches"),
        ValuedMap("patches_by_size", "Patches by size of their molecules", points, sizes, "atoms a molecule"),
        ValuedMap(
            "patches_by_distance", "Patches by shortest contact", points, _numbers(part, "minimum_distance"), "Å"
        ),
    )
    return MapSet("patches", rows, points, maps)


def node_maps(
    vectors: NDArray[np.float32], table: pa.Table, *, seed: int, max_points: int, stage: Stage | None = None
) -> MapSet:
    """Map nodes and colour the map by element (Fig. 3b), hydrogens (4a, 4b), carbons (4c, 4d) and what else may explain it.

    Parameters as ``patch_maps``, of ``nodes.parquet``.
    """
    rows, points = _map(vectors, table, seed, max_points, stage)
    part = table.take(pa.array(rows))
    element = _strings(part, "element")
    on = _where(_strings(part, "hydrogen_on"), "H on {}")
    bond, partners = _strings(part, "carbon_bond"), _strings(part, "carbon_partners")
    carbon = np.array([f"{b}, C–{p}" if b else "" for b, p in zip(bond, partners, strict=True)], dtype=object)
    is_h = np.where(element == "H", "H", "rest").astype(object)
    is_c = np.where(element == "C", "C", "rest").astype(object)
    maps = (
        LabelledMap("figure_3b", "Nodes by element", points, without_rare(element, "other")),
        LabelledMap("figure_4a", "Hydrogen against the rest", points, is_h),
        LabelledMap("figure_4b", "Hydrogen by what it is bonded to", points, without_rare(on, "other")),
        LabelledMap("figure_4c", "Carbon against the rest", points, is_c),
        LabelledMap("figure_4d", "Carbon by its bonds", points, without_rare(carbon, "other", share=0.03)),
        *_common(part, points, "nodes", "Nodes"),
        ValuedMap("nodes_by_size", "Nodes by size of their molecule", points, _numbers(part, "atoms"), "atoms"),
        ValuedMap(
            "nodes_by_distance", "Nodes by shortest contact of their patch", points,
            _numbers(part, "minimum_distance"), "Å",
        ),
    )  # fmt: skip
    return MapSet("nodes", rows, points, maps)


def without_rare(labels: NDArray[np.object_], other: str, *, share: float = RARE) -> NDArray[np.object_]:
    """Return labels in which those of a smaller share (of the labelled) are replaced; empty ones stay empty."""
    names, counts = np.unique(labels[labels != ""].astype(str), return_counts=True)
    rare = {str(name) for name, count in zip(names, counts, strict=True) if count < share * counts.sum()}
    return np.array([other if label in rare else label for label in labels], dtype=object)


def _map(
    vectors: NDArray[np.float32], table: pa.Table, seed: int, max_points: int, stage: Stage | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = sample_by_compound(_strings(table, "compound"), max_points, rng=np.random.default_rng(seed))
    told = [-1]

    def progress(done: int, total: int) -> None:
        tenth = 10 * done // total
        if stage is not None and total > 20_000 and tenth > told[0]:
            told[0] = tenth
            stage(f"nearest neighbours of {done:,} of {total:,} vectors")

    return rows, umap_map(np.asarray(vectors[rows]), seed=seed, progress=progress)


def _common(part: pa.Table, points: NDArray[np.float32], kind: str, title: str) -> tuple[LabelledMap, LabelledMap]:
    compound, group = _strings(part, "compound"), _strings(part, "space_group")
    formula = np.array([name.split("|")[0] for name in compound], dtype=object)
    return (
        LabelledMap(f"{kind}_by_compound", f"{title} by compound (formula)", points, _most_frequent(formula)),
        LabelledMap(f"{kind}_by_space_group", f"{title} by space group", points, _most_frequent(group)),
    )


def _most_frequent(labels: NDArray[np.object_]) -> NDArray[np.object_]:
    names, counts = np.unique(labels.astype(str), return_counts=True)
    kept = {str(names[k]) for k in np.argsort(-counts, kind="stable")[:NAMED]}
    return np.array([label if label in kept else "other" for label in labels], dtype=object)


def _where(labels: NDArray[np.object_], form: str) -> NDArray[np.object_]:
    return np.array([form.format(label) if label else "" for label in labels], dtype=object)


def _strings(table: pa.Table, name: str) -> NDArray[np.object_]:
    return np.asarray(table[name].to_pylist(), dtype=object)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)
