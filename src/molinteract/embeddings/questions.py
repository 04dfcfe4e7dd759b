"""The whole probing of a folder of vectors: maps, tests, probes (SPEC 3)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molinteract.embeddings.colourings import MapSet, node_maps, patch_maps, without_rare
from molinteract.embeddings.embed import COUNTED_ELEMENTS
from molinteract.embeddings.ks import KsTest, distances_by_label, ks_table
from molinteract.embeddings.probes import Probe, probe
from molinteract.embeddings.table import NODES, PATCHES, VectorTable


@dataclass(frozen=True, slots=True, eq=False)
class ProbeResult:
    """Everything that was asked of the vectors.

    Attributes
    ----------
    patch_maps, node_maps : MapSet
        Figures 3a and 3b, 4a–d, and the same maps coloured by what else may explain them.
    patch_tests, node_tests : tuple of KsTest
        Fig. 4e for patches by interaction and for nodes by element.
    probes : tuple of Probe
    patch_distances, node_distances : dict of (pairs,) float64
        Pairwise distances by label, trained, in units of the median of a random sample (Fig. 4e).
    n_patches, n_nodes : int
    """

    patch_maps: MapSet
    node_maps: MapSet
    patch_tests: tuple[KsTest, ...]
    node_tests: tuple[KsTest, ...]
    probes: tuple[Probe, ...]
    patch_distances: dict[str, NDArray[np.float64]]
    node_distances: dict[str, NDArray[np.float64]]
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
    tell("map of patches")
    of_patches = patch_maps(patches.trained, table.patches, seed=seed, max_points=max_points, stage=stage)
    tell("map of nodes")
    of_nodes = node_maps(nodes.trained, table.nodes, seed=seed, max_points=max_points, stage=stage)
    tell("Kolmogorov-Smirnov tests")
    interaction = _column(table.patches, "label")
    named = np.where(interaction == "none", "unlabelled", interaction).astype(object)
    element = without_rare(_column(table.nodes, "element"), "")
    tests = (
        ks_table(patches.trained, patches.untrained, named, patches.compounds, seed=seed),
        ks_table(nodes.trained, nodes.untrained, element, nodes.compounds, seed=seed),
    )
    tell("probes")
    return ProbeResult(
        patch_maps=of_patches,
        node_maps=of_nodes,
        patch_tests=tuple(tests[0]),
        node_tests=tuple(tests[1]),
        probes=tuple(_probes(table, patches, nodes, seed)),
        patch_distances=distances_by_label(patches.trained, named, patches.compounds, seed=seed),
        node_distances=distances_by_label(nodes.trained, element, nodes.compounds, seed=seed),
        n_patches=len(patches.trained),
        n_nodes=len(nodes.trained),
    )


class _Side:
    """Vectors of patches or of nodes, with what every question needs."""

    def __init__(self, table: VectorTable, kind: str) -> None:
        rows = table.patches if kind == PATCHES else table.nodes
        self.trained, self.untrained = table.comparable(kind), table.comparable(kind, untrained=True)
        self.compounds = _column(rows, "compound")
        self.held_out = _column(rows, "split") != "train"


def _column(table: pa.Table, name: str) -> NDArray[np.object_]:
    return np.asarray(table[name].to_pylist(), dtype=object)


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
