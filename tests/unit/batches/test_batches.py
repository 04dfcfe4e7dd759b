from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.random_batches import random_arrays

from molinteract.batches.collate import collate
from molinteract.batches.edges import both_directions
from molinteract.batches.loader import PatchLoader
from molinteract.batches.sampler import Budget, divide
from molinteract.patches.patch import PatchArrays


class FakeDataset:
    """Patches of one atom pair each; the row is written into the positions."""

    def cut(self, rows):
        n = len(rows)
        positions = np.zeros((2 * n, 3))
        positions[:, 0] = np.repeat(rows, 2)
        return PatchArrays(
            np.arange(0, 2 * n + 1, 2),
            np.arange(n + 1),
            np.zeros(n + 1, dtype=np.int64),
            np.full(2 * n, 6, dtype=np.int16),
            positions,
            np.tile([0, 1], n).astype(np.int8),
            np.zeros(2 * n, dtype=np.int32),
            np.arange(2 * n, dtype=np.int32).reshape(-1, 2),
            np.zeros((0, 2), dtype=np.int32),
        )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6))
def test_collate_keeps_every_pair_in_both_directions(seed, patches):
    arrays = random_arrays(seed, patches)
    batch = collate(arrays, np.arange(patches))
    for edges, pairs in ((batch.inter_edges, arrays.inter_edges), (batch.intra_edges, arrays.intra_edges)):
        found = {tuple(e) for e in edges.T.tolist()}
        assert found == {(a, b) for a, b in pairs.tolist()} | {(b, a) for a, b in pairs.tolist()}
        assert edges.shape[1] == 2 * len(pairs)
        assert (edges[0].diff() >= 0).all()
        assert (batch.patch_index[edges[0]] == batch.patch_index[edges[1]]).all()
    sides = batch.molecule_index
    assert (sides[batch.inter_edges[0]] != sides[batch.inter_edges[1]]).all()
    assert (sides[batch.intra_edges[0]] == sides[batch.intra_edges[1]]).all()
    assert batch.n_patches == patches
    assert batch.n_nodes == len(arrays.atomic_numbers)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40))
def test_both_directions_are_a_stable_sort_by_receiver(pairs):
    pairs = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    edges = np.concatenate([pairs, pairs[:, ::-1]]).T
    expected = edges[:, np.argsort(edges[0], kind="stable")]
    np.testing.assert_array_equal(both_directions(pairs, 9), expected)


def test_layouts_are_prepared_and_follow_the_edges():
    batch = collate(random_arrays(0), np.arange(3))
    for name in ("inter", "intra", "pool"):
        assert batch.layout(name) is getattr(batch.layouts, name)
    edges = batch.inter_edges
    layout = batch.layout("inter")
    pairs = sorted(zip(layout.receivers.tolist(), layout.senders.tolist(), strict=True))
    assert pairs == sorted(map(tuple, edges.T.tolist()))
    pool = batch.layout("pool")
    assert sorted(pool.senders.tolist()) == list(range(batch.n_nodes))
    assert torch.equal(pool.receivers, (2 * batch.patch_index + batch.molecule_index)[pool.senders])
    assert batch.with_positions(batch.positions + 1).layout("inter") is layout
    fewer = replace(batch, inter_edges=edges[:, :4], molecule_index=1 - batch.molecule_index)
    assert fewer.layout("inter").n_edges == 4
    assert fewer.layout("intra") is batch.layouts.intra
    assert torch.equal(
        fewer.layout("pool").receivers ^ 1, (2 * batch.patch_index + batch.molecule_index)[fewer.layout("pool").senders]
    )
    moved = batch.to("cpu", dtype=torch.float64)
    assert moved.layout("inter") is moved.layouts.inter


def test_batch_moves_and_changes_type_of_positions_only():
    batch = collate(random_arrays(0), np.arange(3)).to("cpu", dtype=torch.float64)
    assert batch.positions.dtype == torch.float64
    assert batch.atomic_numbers.dtype == torch.int64


def drawn(loader, epoch, start=0):
    return [batch.rows.tolist() for batch in loader.epoch(epoch, start=start)]


def test_order_is_a_function_of_seed_and_epoch():
    make = lambda seed: PatchLoader(FakeDataset(), np.arange(100, 130), batch_size=8, seed=seed)  # noqa: E731
    assert drawn(make(1), 5) == drawn(make(1), 5)
    assert drawn(make(1), 5) != drawn(make(1), 6)
    assert drawn(make(1), 5) != drawn(make(2), 5)
    assert sorted(row for batch in drawn(make(1), 5) for row in batch) == list(range(100, 130))
    assert len(make(1)) == 4


def test_epoch_can_be_entered_in_the_middle():
    loader = PatchLoader(FakeDataset(), np.arange(30), batch_size=8, seed=1)
    assert drawn(loader, 3, start=2) == drawn(loader, 3)[2:]


def test_rows_come_with_their_patches():
    loader = PatchLoader(FakeDataset(), np.arange(30), batch_size=7, seed=1)
    for batch in loader.epoch(0):
        assert batch.positions[batch.patch_index == 0][0, 0] == batch.rows[0]
    assert loader.in_order()[0].tolist() == list(range(7))


def test_weights_decide_how_often_a_row_is_drawn():
    weights = np.r_[np.full(10, 0.09), np.full(10, 0.01)]
    loader = PatchLoader(FakeDataset(), np.arange(20), batch_size=20, seed=0, weights=weights)
    rows = np.concatenate([rows for epoch in range(100) for rows, _ in loader.batches(epoch)])
    assert 0.86 < (rows < 10).mean() < 0.94


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 200)), max_size=40),
    patches=st.integers(1, 10),
    nodes=st.none() | st.integers(1, 100),
    edges=st.none() | st.integers(1, 300),
)
def test_batches_keep_within_the_budget_and_lose_nothing(sizes, patches, nodes, edges):
    n, e = np.array(sizes, dtype=int).reshape(-1, 2).T
    parts = divide(n, e, budget=Budget(patches, nodes, edges))
    assert [k for part in parts for k in range(part.start, part.stop)] == list(range(len(sizes)))

    def fits(a, b):
        within = (nodes is None or n[a:b].sum() <= nodes) and (edges is None or e[a:b].sum() <= edges)
        return within and b - a <= patches

    for part in parts:
        assert fits(part.start, part.stop) or part.stop - part.start == 1
        assert part.stop == len(sizes) or not fits(part.start, part.stop + 1)  # none could hold one more


def test_order_of_edges_is_made_when_it_is_needed():
    arrays = random_arrays(3, 4)
    now, later = collate(arrays, np.arange(4)), collate(arrays, np.arange(4), prepare=False)
    assert later.layouts is None
    for name in ("inter", "intra", "pool"):
        torch.testing.assert_close(now.layout(name).receivers, later.layout(name).receivers, rtol=0, atol=0)
        torch.testing.assert_close(now.layout(name).senders, later.layout(name).senders, rtol=0, atol=0)
