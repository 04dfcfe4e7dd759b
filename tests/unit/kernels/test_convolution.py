"""The fast convolution equals e3nn's, forward and backward, on every kind of layer and graph."""

import pytest
import torch
from e3nn import o3
from tests.oracles.random_edges import STAGES, random_arguments, random_geometry

from molinteract.kernels import choice, per_edge, tensor_product
from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import Irreps
from molinteract.kernels.layout import edge_layout
from molinteract.kernels.paths import product_spec
from molinteract.kernels.reference import reference_convolution
from molinteract.kernels.tensor_product import edge_convolution

HARMONICS = o3.Irreps("1x0e + 1x1o + 1x2e")
TOLERANCE = {torch.float64: (1e-11, 1e-10), torch.float32: (2e-5, 1e-4)}
"""Of outputs and of gradients, relative to the largest."""


@pytest.fixture(autouse=True)
def double_by_default():
    """e3nn makes its coefficient tables in the default type; in float32 they are exact to 1e-8 only."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def e3nn_convolution(features, geometry, hidden, weight, bias, *, spec):
    layout = geometry.layout
    product = o3.FullyConnectedTensorProduct(
        o3.Irreps(str(spec.irreps_in)), HARMONICS, o3.Irreps(str(spec.irreps_out)), shared_weights=False
    ).to(features.dtype)
    place = torch.argsort(spec.from_e3nn())
    harmonics = o3.spherical_harmonics(HARMONICS, geometry.directions, normalize=False, normalization="component")
    weights = torch.nn.functional.linear(hidden, weight[place], bias[place])
    messages = product(features[layout.senders], harmonics, weights)
    total = messages.new_zeros(layout.n_receivers, messages.shape[1]).index_add(0, layout.receivers, messages)
    degree = torch.bincount(layout.receivers, minlength=layout.n_receivers).clamp(min=1)
    return total / degree.unsqueeze(1)


def results(convolution, arguments, geometry, spec, along):
    leaves = [a.detach().clone().requires_grad_() for a in arguments]
    out = convolution(leaves[0], geometry, *leaves[1:], spec=spec)
    out.backward(along)
    return [out.detach(), *(leaf.grad for leaf in leaves)]


def assert_close(ours, theirs, dtype):
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        bound = TOLERANCE[dtype][min(k, 1)] * float(b.abs().max()) if b.numel() else 0.0
        assert a.shape == b.shape
        assert not b.numel() or float((a - b).abs().max()) <= bound


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("stage", [name for name in STAGES if name != "unequal vectors"])
def test_equals_e3nn(stage, dtype):
    spec = product_spec(*STAGES[stage])
    assert choice.formulation(torch.zeros(1), random_geometry(2, 2), spec) == "hybrid"
    geometry = random_geometry(40, 110, dtype=dtype)
    arguments = random_arguments(spec, geometry, dtype=dtype)
    along = torch.randn(40, spec.irreps_out.dim, dtype=dtype)
    ours = results(edge_convolution, arguments, geometry, spec, along)
    assert_close(ours, results(e3nn_convolution, arguments, geometry, spec, along), dtype)


@pytest.mark.parametrize("stage", STAGES)
def test_reference_equals_e3nn(stage):
    spec = product_spec(*STAGES[stage])
    geometry = random_geometry(20, 50)
    arguments = random_arguments(spec, geometry)
    along = torch.randn(20, spec.irreps_out.dim)
    ours = results(reference_convolution, arguments, geometry, spec, along)
    assert_close(ours, results(e3nn_convolution, arguments, geometry, spec, along), torch.float64)


@pytest.mark.parametrize(
    ("nodes", "edges", "receivers"),
    [(1, 0, 1), (1, 1, 1), (5, 0, 5), (2, 1, 2), (3, 700, 2), (900, 1200, 900), (600, 600, 3), (4, 40, 50)],
    ids=["one atom", "a loop", "no edges", "one edge", "huge degrees", "many chunks", "readout", "few senders"],
)
def test_graphs_of_every_shape(nodes, edges, receivers):
    spec = product_spec(*STAGES["full"])
    geometry = random_geometry(nodes, edges, receivers=receivers)
    arguments = random_arguments(spec, geometry, hidden=3)
    along = torch.randn(receivers, spec.irreps_out.dim)
    ours = results(edge_convolution, arguments, geometry, spec, along)
    assert_close(ours, results(reference_convolution, arguments, geometry, spec, along), torch.float64)


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "unequal vectors"])
@pytest.mark.parametrize("degree", [1, 3, 10**6], ids=["aggregated", "mixed", "edge by edge"])
def test_vector_paths_are_the_same_in_both_forms(stage, degree, monkeypatch):
    monkeypatch.setattr(choice, "vectors_aggregated", lambda d, _: d >= degree)
    spec = product_spec(*STAGES[stage])
    geometry = random_geometry(25, 80)
    arguments = random_arguments(spec, geometry)
    along = torch.randn(25, spec.irreps_out.dim)
    ours = results(edge_convolution, arguments, geometry, spec, along)
    assert_close(ours, results(reference_convolution, arguments, geometry, spec, along), torch.float64)


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "unequal vectors"])
@pytest.mark.parametrize("edges", [0, 20, 70])
def test_per_edge_formulation_equals_the_reference(stage, edges, monkeypatch):
    monkeypatch.setattr(per_edge, "CHUNK", 32)
    monkeypatch.setattr(tensor_product, "formulation", lambda *_: "per_edge")
    spec = product_spec(*STAGES[stage])
    geometry = random_geometry(25, edges)
    arguments = random_arguments(spec, geometry)
    along = torch.randn(25, spec.irreps_out.dim)
    ours = results(edge_convolution, arguments, geometry, spec, along)
    assert_close(ours, results(reference_convolution, arguments, geometry, spec, along), torch.float64)


def test_unequal_vectors_are_served_by_the_reference():
    spec = product_spec(*STAGES["unequal vectors"])
    geometry = random_geometry(9, 20)
    assert choice.formulation(torch.zeros(1), geometry, spec) == "reference"
    arguments = random_arguments(spec, geometry)
    torch.testing.assert_close(
        edge_convolution(arguments[0], geometry, *arguments[1:], spec=spec),
        reference_convolution(arguments[0], geometry, *arguments[1:], spec=spec),
    )


def test_second_derivative_is_refused_in_words():
    spec = product_spec(*STAGES["full"])
    geometry = random_geometry(9, 20)
    features, *rest = random_arguments(spec, geometry)
    out = edge_convolution(features, geometry, *rest, spec=spec)
    (first,) = torch.autograd.grad(out.square().sum(), features, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_directions_get_gradients_of_any_order():
    spec = product_spec(Irreps(2, 1), Irreps(2, 1))
    geometry = random_geometry(4, 6)
    arguments = [a.detach() for a in random_arguments(spec, geometry, hidden=2)]

    def of_directions(directions):
        moved = EdgeGeometry(geometry.layout, directions)
        return edge_convolution(arguments[0], moved, *arguments[1:], spec=spec)

    directions = geometry.directions.clone().requires_grad_()
    assert torch.autograd.gradcheck(of_directions, (directions,))
    assert torch.autograd.gradgradcheck(of_directions, (directions,))


def test_order_of_given_edges_does_not_matter():
    spec = product_spec(*STAGES["full"])
    receivers, senders = torch.randint(9, (2, 30))
    unit = torch.nn.functional.normalize(torch.randn(9, 9, 3))
    features = torch.randn(9, spec.irreps_in.dim)
    hidden = torch.randn(9, 9, 4)
    weight, bias = torch.randn(spec.weight_numel, 4), torch.randn(spec.weight_numel)

    def outcome(order):
        layout = edge_layout(receivers[order], senders[order], n_receivers=9, n_senders=9)
        pairs = (layout.receivers, layout.senders)
        return edge_convolution(features, EdgeGeometry(layout, unit[pairs]), hidden[pairs], weight, bias, spec=spec)

    torch.testing.assert_close(outcome(torch.randperm(30)), outcome(torch.arange(30)))


def test_same_numbers_every_time():
    spec = product_spec(*STAGES["full"])
    geometry = random_geometry(300, 900)
    arguments = random_arguments(spec, geometry)
    along = torch.randn(300, spec.irreps_out.dim)
    first, second = (results(edge_convolution, arguments, geometry, spec, along) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
