"""Floating-point operations of the formulations, counted from the edges: matrix products only, 2 for a multiply and add."""

from molinteract.batches.batch import PatchBatch
from molinteract.kernels.layout import EdgeLayout
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, ProductSpec
from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution


def of_network(model: InteractNN, batch: PatchBatch, *, training: bool) -> float:
    """Return the operations of encoder and denoising head, forward or forward and backward with what is made again."""
    total = 0.0
    for layer in (*model.layers, model.head.layer):
        for name, convolution in layer.convolutions.items():
            assert isinstance(convolution, EdgeConvolution)
            layout = batch.layout(name)
            hidden, inputs = convolution.first.weight.shape
            total += (3.0 if training else 1.0) * 2.0 * layout.n_edges * hidden * inputs
            total += of_convolution(convolution.spec, layout, hidden, training=training)
    return total


def of_convolution(spec: ProductSpec, layout: EdgeLayout, hidden: int, *, training: bool) -> float:
    """Return the operations of one convolution in the hybrid formulation, products with the weights and small products."""
    k = hidden + 1
    edges, receivers, senders = layout.n_edges, len(layout.receiving.nodes), len(layout.sending.nodes)
    scalar, radial, vector = (_weights(spec, paths) for paths in (SCALAR_PATHS, RADIAL_PATHS, VECTOR_PATHS))
    made = (3.0, 4.0, 4.0) if training else (1.0, 1.0, 1.0)  # forward, two backward, and made again for z and w
    large = k * (made[0] * scalar * receivers + made[1] * radial * senders + made[2] * vector * edges)
    inputs = sum(spec.size_in(p[0]) for paths in SCALAR_PATHS.values() for p in spec.present(paths))
    outputs = sum(spec.size_out(p[2]) for p in spec.present(tuple(RADIAL_PATHS.values())))
    small = edges * (k * ((4.0 if training else 1.0) * inputs + (3.0 if training else 1.0) * outputs))
    small += edges * 3.0 * vector * (3.0 if training else 1.0)
    return 2.0 * (large + small)


def _weights(spec: ProductSpec, paths: dict) -> int:
    flat = [p for value in paths.values() for p in (value if isinstance(value[0], tuple) else (value,))]
    return sum(spec.slices[p].stop - spec.slices[p].start for p in spec.present(tuple(flat)))
