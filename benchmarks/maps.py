"""What a map of many vectors takes: exact neighbours and UMAP, CPU time and largest memory of one process.

The vectors are made up: 2,000 clusters of 64 numbers. ``--quick`` maps 3,000 of them.
"""

import argparse
import resource

import numpy as np

from harness import Figure, arguments, cpu_seconds, report
from molinteract.embeddings.maps import NEIGHBOURS, umap_map
from molinteract.embeddings.neighbours import nearest

CLUSTERS, WIDTH = 2000, 64


def main() -> None:
    """Print the cost of one map."""
    options = arguments(__doc__ or "", _more)
    n = 3000 if options.quick else options.vectors
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLUSTERS, WIDTH))
    vectors = (centres[rng.integers(0, CLUSTERS, n)] + 0.3 * rng.normal(size=(n, WIDTH))).astype(np.float32)
    umap_map(vectors[:500])  # compiles
    neighbours = cpu_seconds(lambda: nearest(vectors, NEIGHBOURS - 1))
    whole = cpu_seconds(lambda: umap_map(vectors))
    figures = [
        Figure(f"search for neighbours, {n:,} vectors", neighbours, "s"),
        Figure(f"map, search included, {n:,} vectors", whole, "s"),
        Figure("largest memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "GB"),
    ]
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vectors", type=int, default=100_000)


if __name__ == "__main__":
    main()
