"""The whole probing of a folder of vectors: maps, tests, probes (SPEC 3)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.embeddings.embed import COUNTED_ELEMENTS
from molinteract.embeddings.ks import KsTest, distances_by_label, ks_table
from molinteract.embeddings.maps import umap_map
from molinteract.embeddings.probes import Probe, probe
from molinteract.embeddings.sampling import sample_by_compound
from molinteract.embeddings.table import NODES, PATCHES, VectorTable, order_free

RARE = 0.005
"""Labels of a smaller share of the nodes are drawn as ``other`` in a map."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledMap:
    """A map and its labels: one figure.

    Attributes
    ----------
    name, title : str
    points : (n, 2) float32
    labels : (n,) str
    """

    name: str
    title: str
    points: NDArray[np.float32]
    labels: NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeResult:
    """Everything that was asked of the vectors.

    Attributes
    ----------
    maps : tuple of LabelledMap
        Figures 3a, 3b, 4a–d.
    patch_tests, node_tests : tuple of KsTest
        Fig. 4e for patches by interaction and for nodes by element.
    probes : tuple of Probe
    distances : dict of (pairs,) float64
        Pairwise distances of patches by label, trained, in units of the median of a random sample (Fig. 4e).
    n_patches, n_nodes : int
    """

    maps: tuple[LabelledMap, ...]
    patch_tests: tuple[KsTest, ...]
    node_tests: tuple[KsTest, ...]
    probes: tuple[Probe, ...]
    distances: dict[str, NDArray[np.float64]]
    n_patches: int
    n_nodes: int

    def to_dict(self) -> dict[str, Any]:
        """Return tests and probes as plain values (maps and distances are arrays)."""
        return {
            "n_patches": self.n_patches,
            "n_nodes": self.n_nodes,
            "patch_tests": [asdict(test) for test in self.patch_tests],
            "node_tests": [asdict(test) for test in self.node_tests],
            "probes": [asdict(p) for p in self.probes],
        }


def ask(
    table: VectorTable, *, seed: int = 0, max_points: int = 10_000, stage: Callable[[str], None] | None = None
) -> ProbeResult:
    """Make the maps, tests and probes of a folder of vectors.

    Parameters
    ----------
    table : VectorTable
    seed : int
    max_points : int
        Points of a map; more are sampled by compound.
    stage : callable, optional
        Told what is being done.
    """
    tell = stage or (lambda _text: None)
    patches, nodes = _Side(table, PATCHES), _Side(table, NODES)
    interaction = _column(table.patches, "label")
    element = _column(table.nodes, "element")
    tell("maps of patches")
    maps = [_patch_map(patches, interaction, seed, max_points)]
    tell("maps of nodes")
    maps += _node_maps(nodes, table.nodes, seed, max_points)
    tell("Kolmogorov-Smirnov tests")
    named = np.where(interaction == "none", "unlabelled", interaction).astype(object)
    tests = (
        ks_table(patches.trained, patches.untrained, named, patches.compounds, seed=seed),
        ks_table(
            nodes.trained,
            nodes.untrained,
            _without_rare(element, "").astype(object),
            nodes.compounds,
            seed=seed,
        ),
    )
    tell("probes")
    return ProbeResult(
        maps=tuple(maps),
        patch_tests=tuple(tests[0]),
        node_tests=tuple(tests[1]),
        probes=tuple(_probes(table, patches, nodes, seed)),
        distances=distances_by_label(patches.trained, named, patches.compounds, seed=seed),
        n_patches=len(patches.trained),
        n_nodes=len(nodes.trained),
    )


class _Side:
    """Vectors of patches or of nodes, with what every question needs."""

    def __init__(self, table: VectorTable, kind: str) -> None:
        rows = table.patches if kind == PATCHES else table.nodes
        trained, untrained = table.vectors(kind), table.vectors(kind, untrained=True)
        # patches come from both ends: the order-free vector has no first molecule
        self.trained = order_free(trained) if kind == PATCHES else np.asarray(trained)
        self.untrained = order_free(untrained) if kind == PATCHES else np.asarray(untrained)
        self.compounds = _column(rows, "compound")
        self.held_out = _column(rows, "split") != "train"


def _column(table: pa.Table, name: str) -> NDArray[np.object_]:
    return np.asarray(table[name].to_pylist(), dtype=object)


def _patch_map(side: _Side, labels: NDArray[np.object_], seed: int, max_points: int) -> LabelledMap:
    rows = sample_by_compound(side.compounds, max_points, rng=np.random.default_rng(seed))
    points = umap_map(side.trained[rows], seed=seed)
    return LabelledMap("figure_3a", "Patches by kind of contact", points, labels[rows])


def _node_maps(side: _Side, nodes: pa.Table, seed: int, max_points: int) -> list[LabelledMap]:
    rows = sample_by_compound(side.compounds, max_points, rng=np.random.default_rng(seed))
    points = umap_map(side.trained[rows], seed=seed)
    element = _column(nodes, "element")[rows]
    hydrogen_on = _column(nodes, "hydrogen_on")[rows]
    bond, partners = _column(nodes, "carbon_bond")[rows], _column(nodes, "carbon_partners")[rows]
    carbon = np.array([f"{b}, C–{p}" if b else "" for b, p in zip(bond, partners, strict=True)], dtype=object)
    is_h, is_c = element == "H", element == "C"
    on = np.array([f"H on {x}" if x else "" for x in hydrogen_on], dtype=object)
    return [
        LabelledMap("figure_3b", "Nodes by element", points, _without_rare(element, "other")),
        LabelledMap("figure_4a", "Hydrogen against the rest", points, np.where(is_h, "H", "rest").astype(object)),
        LabelledMap("figure_4b", "Hydrogen by what it is bonded to", points[is_h], _without_rare(on[is_h], "other")),
        LabelledMap("figure_4c", "Carbon against the rest", points, np.where(is_c, "C", "rest").astype(object)),
        LabelledMap("figure_4d", "Carbon by its bonds", points[is_c], _without_rare(carbon[is_c], "other", share=0.03)),
    ]


def _without_rare(labels: NDArray[np.object_], other: str, *, share: float = RARE) -> NDArray[np.object_]:
    names, counts = np.unique(labels.astype(str), return_counts=True)
    rare = {str(name) for name, count in zip(names, counts, strict=True) if count < share * len(labels)}
    return np.array([other if label in rare else label for label in labels], dtype=object)


def _probes(table: VectorTable, patches: _Side, nodes: _Side, seed: int) -> list[Probe]:
    counts = [table.patches[f"count_{symbol}"].to_numpy() for symbol in COUNTED_ELEMENTS]
    composition = np.stack([*counts, table.patches["n_nodes"].to_numpy()], axis=1)
    of_patches = {"trained": patches.trained, "untrained": patches.untrained, "composition": composition}
    of_nodes = {"trained": nodes.trained, "untrained": nodes.untrained}
    asked = [
        probe(
            "kind of contact (patches)", of_patches, _column(table.patches, "label"), patches.compounds,
            patches.held_out, seed=seed,
        ),
        *(
            probe(title, of_nodes, _column(table.nodes, column), nodes.compounds, nodes.held_out, seed=seed)
            for title, column in (
                ("element (nodes)", "element"),
                ("what hydrogen is bonded to (nodes)", "hydrogen_on"),
                ("highest bond of carbon (nodes)", "carbon_bond"),
            )
        ),
    ]  # fmt: skip
    return [p for p in asked if p is not None]
