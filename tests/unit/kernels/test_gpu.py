"""On a CUDA device: the same numbers as on a CPU, the same every time, and no waiting for the device in a step."""

import pytest
import torch
from tests.oracles.random_batches import random_batch
from tests.oracles.random_edges import STAGES, random_arguments, random_geometry

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.paths import product_spec
from molinteract.kernels.reference import reference_convolution
from molinteract.kernels.tensor_product import edge_convolution
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("edges", [0, 110])
def test_equals_the_reference_on_the_cpu(stage, edges):
    torch.manual_seed(0)
    spec = product_spec(*STAGES[stage])
    geometry = random_geometry(40, edges)
    there = EdgeGeometry(geometry.layout.to("cuda"), geometry.directions.cuda())
    arguments = random_arguments(spec, geometry)
    along = torch.randn(40, spec.irreps_out.dim, dtype=torch.float64)
    results = []
    for convolution, place, device in ((edge_convolution, there, "cuda"), (reference_convolution, geometry, "cpu")):
        leaves = [a.detach().to(device).requires_grad_() for a in arguments]
        out = convolution(leaves[0], place, *leaves[1:], spec=spec)
        out.backward(along.to(device))
        results.append([out.detach().cpu(), *(leaf.grad.cpu() for leaf in leaves)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_step_waits_for_nothing_and_repeats():
    torch.manual_seed(0)
    model = InteractNN(NetworkConfig(ns=8, nv=4, n_layers=4, psi_hidden=12)).cuda()
    batch = random_batch(0, patches=5, dtype=torch.float32).to("cuda")
    gradients = []
    for _ in range(3):  # the first run warms up: libraries may wait while they start
        model.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error" if gradients else "default")
        try:
            displacements, vectors = model(batch)
            (displacements.square().mean() + vectors.square().mean()).backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        gradients.append([p.grad.clone() for p in model.parameters()])
    # element embeddings are summed by PyTorch itself, which uses atomics; everything of ours repeats
    for (name, _), a, b in zip(model.named_parameters(), *gradients[1:], strict=True):
        assert name.startswith("elements") or torch.equal(a, b), name
