"""What probing will take, before it is begun."""

from dataclasses import dataclass

from molinteract.embeddings.table import NODES, PATCHES, VectorTable

_PER_PRODUCT = 8e-11
_PER_POINT = 6e-4
"""Seconds on one core: the search for neighbours goes with n² d, the layout with n (``docs/probing.md``)."""
_BASE_BYTES = 700e6
_BYTES_PER_NUMBER = 20.0
_BYTES_PER_POINT = 1000.0


@dataclass(frozen=True, slots=True)
class ProbeEstimate:
    """Points of both maps, seconds on one core, and the largest memory in bytes."""

    patches: int
    nodes: int
    seconds: float
    memory: float

    def text(self) -> str:
        """Return the estimate in words."""
        return (
            f"maps of {self.patches:,} patches and {self.nodes:,} nodes: about {self.seconds / 60:,.0f} min on one core "
            f"and {self.memory / 1e9:.1f} GB of memory"
        )


def estimate_probe(table: VectorTable, *, max_points: int) -> ProbeEstimate:
    """Return what the maps of a folder of vectors would take; tests and probes take a minute more."""
    sizes = []
    for kind in (PATCHES, NODES):
        n, d = table.vectors(kind).shape
        sizes.append((min(n, max_points), 2 * d if kind == PATCHES else d))  # the order-free vector is twice as long
    seconds = sum(_PER_PRODUCT * n * n * d + _PER_POINT * n for n, d in sizes)
    memory = _BASE_BYTES + max(n * (_BYTES_PER_NUMBER * d + _BYTES_PER_POINT) for n, d in sizes)
    return ProbeEstimate(sizes[0][0], sizes[1][0], seconds, memory)
