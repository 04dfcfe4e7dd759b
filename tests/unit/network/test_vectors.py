"""Vectors of every layer: plain sums, the same from both ends and in every orientation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.oracles.random_batches import random_batch

from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN
from molinteract.network.vectors import layer_sums, vector_widths, vectors_of

CONFIG = NetworkConfig(ns=4, nv=2, n_layers=3, psi_hidden=6)


def network():
    torch.manual_seed(0)
    return InteractNN(CONFIG).double().eval()


def made(model, batch, kind="layers", chosen=None):
    with torch.no_grad():
        return vectors_of(model, batch, kind=kind, chosen=chosen)


def test_layer_sums_equal_plain_loops_over_atoms_and_contacts():
    batch = random_batch(0)
    scalars = torch.randn(batch.n_nodes, 5, dtype=torch.float64)
    sums = layer_sums(scalars, batch)
    for p in range(batch.n_patches):
        atoms = [a for a in range(batch.n_nodes) if batch.patch_index[a] == p]
        contacts = [(a, b) for a, b in batch.inter_edges.T.tolist() if a < b and batch.patch_index[a] == p]
        expected = [sum(scalars[a] for a in atoms), sum(scalars[a] + scalars[b] for a, b in contacts)]
        torch.testing.assert_close(sums[p], torch.cat(expected))


def test_scalars_begin_with_the_element_and_end_with_the_last_layer():
    model, batch = network(), random_batch(1)
    with torch.no_grad():
        features, scalars = model.encode_all(batch)
        torch.testing.assert_close(features, model.encode(batch), rtol=0, atol=0)
        torch.testing.assert_close(scalars[:, : CONFIG.ns], model.elements(batch.atomic_numbers))
    torch.testing.assert_close(scalars[:, -CONFIG.ns :], features[:, : CONFIG.ns])


def test_vectors_of_layers_are_the_same_from_both_ends_and_in_every_orientation():
    model, batch = network(), random_batch(2)
    q = torch.linalg.qr(torch.from_numpy(np.random.default_rng(0).normal(size=(3, 3))))[0]
    turned = batch.with_positions(batch.positions @ q.T + 3.0)
    nodes = torch.arange(batch.n_nodes)
    for other in (replace(batch, molecule_index=1 - batch.molecule_index), turned):
        for before, after in zip(made(model, batch, chosen=nodes), made(model, other, chosen=nodes), strict=True):
            torch.testing.assert_close(after, before)


@pytest.mark.parametrize("kind", ["readout", "layers"])
def test_widths_are_those_of_the_vectors(kind):
    model, batch = network(), random_batch(0)
    patches, nodes = made(model, batch, kind, torch.tensor([0, 5]))
    assert (patches.shape[1], nodes.shape[1]) == vector_widths(CONFIG, kind)
    assert (len(patches), len(nodes)) == (batch.n_patches, 2)
    assert len(made(model, batch, kind)[1]) == 0


def test_readout_is_that_of_the_network():
    model, batch = network(), random_batch(0)
    patches, nodes = made(model, batch, "readout", torch.tensor([3]))
    with torch.no_grad():
        features = model.encode(batch)
        assert torch.equal(patches, model.readout(batch, features))
        assert torch.equal(nodes, model.node_vectors(features)[[3]])
