"""Floating-point operations and bytes of the formulations, counted from the edges.

Operations are those of matrix products, 2 for a multiply and add. Bytes are those of what is made of the weights and of node
matrices (w, A, z and their gradients), each counted where it is written and where it is read, in float32.
"""

from dataclasses import dataclass

from molinteract.batches.batch import PatchBatch
from molinteract.kernels.layout import EdgeLayout
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, Path, ProductSpec
from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution


@dataclass(frozen=True, slots=True)
class Work:
    """Operations and bytes moved."""

    operations: float
    moved: float

    def __add__(self, other: "Work") -> "Work":
        """Add both."""
        return Work(self.operations + other.operations, self.moved + other.moved)


def of_network(model: InteractNN, batch: PatchBatch, *, training: bool, per_edge: bool = False) -> Work:
    """Count encoder and denoising head: forward, or forward and backward with what is made again.

    ``per_edge`` counts the stock formulation: weights of all edges, kept for the backward pass.
    """
    total = Work(0.0, 0.0)
    for layer in (*model.layers, model.head.layer):
        for name, convolution in layer.convolutions.items():
            assert isinstance(convolution, EdgeConvolution)
            layout = batch.layout(name)
            hidden, inputs = convolution.first.weight.shape
            total += Work((3.0 if training else 1.0) * 2.0 * layout.n_edges * hidden * inputs, 0.0)
            count = _per_edge if per_edge else _hybrid
            total += count(convolution.spec, layout, hidden + 1, training=training)
    return total


def _hybrid(spec: ProductSpec, layout: EdgeLayout, k: int, *, training: bool) -> Work:
    edges, receivers, senders = layout.n_edges, len(layout.receiving.nodes), len(layout.sending.nodes)
    scalar, radial, vector = (_weights(spec, paths) for paths in (_SCALAR, _RADIAL, _VECTOR))
    made = (3.0, 4.0, 4.0) if training else (1.0, 1.0, 1.0)  # forward, two backward, and made again for z and w
    large = k * (made[0] * scalar * receivers + made[1] * radial * senders + made[2] * vector * edges)
    inputs = sum(spec.size_in(path[0]) for path in spec.present(_SCALAR))
    outputs = sum(spec.size_out(path[2]) for path in spec.present(_RADIAL))
    small = edges * k * ((4.0 if training else 1.0) * inputs + (3.0 if training else 1.0) * outputs)
    small += edges * 3.0 * vector * (3.0 if training else 1.0)
    # A, z and w are written and read; going back they are made again and read, and their gradients written and read twice
    passes = 7.0 if training else 2.0
    moved = 4.0 * passes * (k * (inputs * receivers + outputs * senders) + vector * edges)
    return Work(2.0 * (large + small), moved)


def _per_edge(spec: ProductSpec, layout: EdgeLayout, k: int, *, training: bool) -> Work:
    weights = layout.n_edges * float(spec.weight_numel)
    contraction = weights + 2.0 * layout.n_edges * _weights(spec, _VECTOR)
    operations = 2.0 * (3.0 if training else 1.0) * (k * weights + contraction)
    return Work(operations, 4.0 * (6.0 if training else 2.0) * weights)


_SCALAR: tuple[Path, ...] = tuple(path for paths in SCALAR_PATHS.values() for path in paths)
_RADIAL: tuple[Path, ...] = tuple(RADIAL_PATHS.values())
_VECTOR: tuple[Path, ...] = tuple(path for paths in VECTOR_PATHS.values() for path in paths)


def _weights(spec: ProductSpec, paths: tuple[Path, ...]) -> int:
    return sum(spec.slices[path].stop - spec.slices[path].start for path in spec.present(paths))
