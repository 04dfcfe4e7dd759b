"""What rotation, reflection, translation, permutation, batching and exchange do to the network, in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.random_batches import random_arrays, random_batch

from molinteract.batches.collate import collate
from molinteract.network.config import NetworkConfig, preset
from molinteract.network.encoder import InteractNN

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}
seeds = st.integers(0, 10_000)


def network(dtype=torch.float64, config=None):
    torch.manual_seed(3)
    return InteractNN(config or NetworkConfig(ns=6, nv=4, n_layers=4, psi_hidden=12)).to(dtype).eval()


def orthogonal(seed: int, *, determinant: int, dtype=torch.float64) -> torch.Tensor:
    q = torch.linalg.qr(torch.from_numpy(np.random.default_rng(seed).normal(size=(3, 3))))[0]
    return (q * torch.linalg.det(q).sign() * determinant).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_rotation_turns_vectors_and_leaves_scalars(dtype, seed):
    model, batch = network(dtype), random_batch(seed % 7, dtype=dtype)
    rotation = orthogonal(seed, determinant=1, dtype=dtype)
    turned = batch.with_positions(batch.positions @ rotation.T)
    with torch.no_grad():
        before, after = model.encode(batch), model.encode(turned)
        split_before, split_after = (model.irreps.split(f) for f in (before, after))
        tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
        for k, (a, b) in enumerate(zip(split_before, split_after, strict=True)):
            torch.testing.assert_close(b, a @ rotation.T if k in (1, 2) else a, **tolerance)
        torch.testing.assert_close(model.denoise(turned, after), model.denoise(batch, before) @ rotation.T, **tolerance)
        torch.testing.assert_close(model.readout(turned, after), model.readout(batch, before), **tolerance)
        torch.testing.assert_close(model.node_vectors(after), model.node_vectors(before), **tolerance)


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_reflection_follows_parity(seed):
    model, batch = network(), random_batch(seed % 7)
    mirror = orthogonal(seed, determinant=-1)
    reflected = batch.with_positions(batch.positions @ mirror.T)
    with torch.no_grad():
        before, after = model.encode(batch), model.encode(reflected)
        a, b = model.irreps.split(before), model.irreps.split(after)
        for got, expected in zip(b, (a[0], a[1] @ mirror.T, -a[2] @ mirror.T, -a[3]), strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
        # z is made of true scalars, node vectors of norms: mirror images have the same
        torch.testing.assert_close(model.readout(reflected, after), model.readout(batch, before))
        torch.testing.assert_close(model.node_vectors(after), model.node_vectors(before))


def test_translation_changes_nothing():
    model, batch = network(), random_batch(1)
    moved = batch.with_positions(batch.positions + torch.tensor([5.0, -3.0, 2.0], dtype=torch.float64))
    with torch.no_grad():
        torch.testing.assert_close(model.encode(moved), model.encode(batch), rtol=1e-9, atol=1e-9)
        for a, b in zip(model(moved), model(batch), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_permutation_of_atoms_permutes_nodes(seed):
    model, batch = network(), random_batch(2, patches=1)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(batch.n_nodes))
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    permuted = replace(
        batch,
        atomic_numbers=batch.atomic_numbers[order],
        positions=batch.positions[order],
        molecule_index=batch.molecule_index[order],
        inter_edges=place[batch.inter_edges],
        intra_edges=place[batch.intra_edges],
    )
    with torch.no_grad():
        before, after = model.encode(batch), model.encode(permuted)
        torch.testing.assert_close(after, before[order], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(model.readout(permuted, after), model.readout(batch, before), rtol=1e-9, atol=1e-9)


def test_a_batch_is_its_patches():
    model, together = network(), random_batch(4, patches=4)
    with torch.no_grad():
        displacements, vectors = model(together)
        for k in range(4):
            nodes = together.patch_index == k
            first = int(torch.nonzero(nodes)[0])
            edges = [e[:, nodes[e[0]]] - first for e in (together.inter_edges, together.intra_edges)]
            alone = replace(
                together,
                atomic_numbers=together.atomic_numbers[nodes],
                positions=together.positions[nodes],
                molecule_index=together.molecule_index[nodes],
                patch_index=together.patch_index[nodes] - k,
                inter_edges=edges[0],
                intra_edges=edges[1],
                rows=together.rows[k : k + 1],
            )
            d, v = model(alone)
            torch.testing.assert_close(d, displacements[nodes], rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(v[0], vectors[k], rtol=1e-9, atol=1e-9)


def test_exchange_of_the_molecules_exchanges_the_halves():
    model, batch = network(), random_batch(5)
    exchanged = replace(batch, molecule_index=1 - batch.molecule_index)
    with torch.no_grad():
        features = model.encode(batch)
        torch.testing.assert_close(model.encode(exchanged), features)
        z, swapped = model.readout(batch, features), model.readout(exchanged, features)
    half = z.shape[1] // 2
    torch.testing.assert_close(swapped, torch.cat([z[:, half:], z[:, :half]], dim=1))


@pytest.mark.parametrize("name", ["inter_edges", "intra_edges", "both"])
def test_missing_edges_are_no_error(name):
    model, batch = network(), random_batch(6)
    none = torch.zeros((2, 0), dtype=torch.long)
    names = ["inter_edges", "intra_edges"] if name == "both" else [name]
    model.train()
    displacement, vectors = model(replace(batch, **dict.fromkeys(names, none)))
    (displacement.sum() + vectors.sum()).backward()
    assert torch.isfinite(displacement).all()
    assert torch.isfinite(vectors).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_coincident_atoms_give_no_nan():
    model, batch = network(), random_batch(6)
    positions = torch.zeros_like(batch.positions, requires_grad=True)
    displacement, vectors = model(batch.with_positions(positions))
    (displacement.sum() + vectors.sum()).backward()
    assert torch.isfinite(displacement).all()
    assert torch.isfinite(positions.grad).all()


def test_without_intermolecular_messages_the_other_molecule_is_not_seen():
    config = NetworkConfig(ns=4, nv=2, n_layers=3, psi_hidden=8, intermolecular_messages=False)
    model, batch = network(config=config), random_batch(7, patches=1)
    moved = batch.positions + 3.0 * batch.molecule_index.unsqueeze(1)
    with torch.no_grad():
        torch.testing.assert_close(model.encode(batch.with_positions(moved)), model.encode(batch), rtol=1e-9, atol=1e-9)


def test_float32_follows_float64():
    model, batch = network(), random_batch(8)
    with torch.no_grad():
        exact = model(batch)
        rough = model.float()(batch.to("cpu", dtype=torch.float32))
    for a, b in zip(exact, rough, strict=True):
        torch.testing.assert_close(b.double(), a, rtol=1e-3, atol=1e-3)


def test_sizes_are_the_papers():
    model = InteractNN(preset("paper"))
    assert str(model.irreps) == "32x0e + 16x1o + 16x1e + 32x0o"
    assert model.irreps.dim == 160
    assert max(c.spec.weight_numel for layer in model.layers for c in layer.convolutions.values()) == 5632
    batch = collate(random_arrays(0), np.arange(3))
    with torch.no_grad():
        features = model.eval().encode(batch)
        assert model.node_vectors(features).shape[1] == 96
        assert model.readout(batch, features).shape == (3, 64)
