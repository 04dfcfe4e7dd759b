import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from molinteract.kernels.layout import _layout_on_device, edge_layout
from molinteract.kernels.segments import inverse_degrees, mean_at_nodes, spread, sum_by_bucket, sum_by_offsets

graphs = st.integers(1, 12).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60))
)


def layout_of(graph):
    nodes, pairs = graph
    ends = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return edge_layout(ends[:, 0], ends[:, 1], n_receivers=nodes, n_senders=nodes)


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_edges_are_kept_and_grouped(graph):
    layout = layout_of(graph)
    assert sorted(zip(layout.receivers.tolist(), layout.senders.tolist(), strict=True)) == sorted(graph[1])
    assert torch.equal(layout.by_sender[layout.from_sender], torch.arange(layout.n_edges))
    ends = {layout.receiving: layout.receivers, layout.sending: layout.senders[layout.by_sender]}
    for side, order in ends.items():
        assert [bucket.degree for bucket in side.buckets] == sorted({bucket.degree for bucket in side.buckets})
        for bucket in side.buckets:
            expected = side.nodes[bucket.node_slice].repeat_interleave(bucket.degree)
            assert torch.equal(order[bucket.edge_slice], expected)
        active = torch.unique(order)
        assert sorted(side.nodes.tolist()) == active.tolist()
        assert torch.equal(side.nodes[side.slots[active]], active)


@settings(max_examples=60, deadline=None)
@given(graphs, st.integers(0, 3))
def test_counting_and_tensor_operations_give_the_same_layout(graph, more_senders):
    nodes, pairs = graph
    receivers, senders = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
    found = edge_layout(receivers, senders, n_receivers=nodes, n_senders=nodes + more_senders)
    expected = _layout_on_device(receivers, senders, nodes, nodes + more_senders)
    for name in ("receivers", "senders", "by_sender", "from_sender"):
        assert torch.equal(getattr(found, name), getattr(expected, name))
    for one, other in ((found.receiving, expected.receiving), (found.sending, expected.sending)):
        assert torch.equal(one.nodes, other.nodes)
        assert torch.equal(one.slots, other.slots)
        assert torch.equal(one.offsets, other.offsets)
        assert one.buckets == other.buckets


@settings(max_examples=60, deadline=None)
@given(graphs, st.integers(1, 5), st.integers(1, 5))
def test_chunks_cover_every_bucket_once(graph, max_nodes, max_edges):
    side = layout_of(graph).receiving
    chunks = list(side.chunks(max_nodes=max_nodes, max_edges=max_edges))
    assert all(c.nodes <= max_nodes and (c.nodes == 1 or c.nodes * c.degree <= max_edges) for c in chunks)
    covered = [n for c in chunks for n in range(c.first_node, c.first_node + c.nodes)]
    assert covered == list(range(len(side.nodes)))
    edges = [e for c in chunks for e in range(c.first_edge, c.first_edge + c.nodes * c.degree)]
    assert edges == list(range(sum(b.nodes * b.degree for b in side.buckets)))


@settings(max_examples=60, deadline=None)
@given(graphs)
def test_both_kinds_of_sums_are_sums_at_nodes(graph):
    layout = layout_of(graph)
    values = torch.arange(2 * layout.n_edges, dtype=torch.float64).view(-1, 2)
    plain = torch.zeros(graph[0], 2, dtype=torch.float64)
    received = plain.index_add(0, layout.receivers, values)
    sent = plain.index_add(0, layout.senders, values)
    for total in (sum_by_bucket, sum_by_offsets):
        assert torch.equal(spread(total(values, layout.receiving), layout.receiving), received)
        assert torch.equal(spread(total(values[layout.by_sender], layout.sending), layout.sending), sent)
    degree = torch.bincount(layout.receivers, minlength=graph[0])
    share = inverse_degrees(layout.receiving, like=values).squeeze(1)
    assert torch.allclose(share * degree[layout.receiving.nodes], torch.ones(()).double())
    means = mean_at_nodes(values.requires_grad_(), layout.receiving)
    torch.testing.assert_close(means, received / degree.clamp(min=1).unsqueeze(1))
    (gradient,) = torch.autograd.grad(means.sum(), values)
    torch.testing.assert_close(gradient, (1.0 / degree[layout.receivers]).unsqueeze(1).expand(-1, 2).double())
