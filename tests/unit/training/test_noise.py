"""Displacements: what they depend on, how they are distributed, and what they leave alone."""

import numpy as np
import pytest
import torch
from tests.oracles.random_batches import random_arrays
from tests.oracles.synthetic_store import SyntheticStore

from molinteract.training.contacts import contact_changes
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.noise import Draw, displace, patch_keys, rebuild_inter_edges
from molinteract.training.recipe import NoiseRecipe

NOISE = NoiseRecipe()


def draw(n, *, seed=0, epoch=0, first=0):
    return Draw(seed, epoch, np.arange(first, first + n))


def keys(n):
    return patch_keys([f"{7 * k + 3:016x}{k:016x}" for k in range(n)])


@pytest.mark.parametrize("kind", ["atoms", "rigid", "both", "mixed"])
def test_displacement_of_a_patch_does_not_depend_on_its_batch(kind):
    patches = DisplacedPatches(SyntheticStore(), np.arange(12), noise=NOISE, d_inter=4.0)
    together, of_all = patches.batch(np.array([5, 9, 2]), kind=kind, draw=Draw(4, 2, np.array([10, 11, 12])))
    alone, of_one = patches.batch(np.array([9]), kind=kind, draw=Draw(4, 2, np.array([11])))
    nodes = together.patch_index == 1
    assert torch.equal(alone.positions, together.positions[nodes])
    assert torch.equal(of_one.delta, of_all.delta[nodes])
    assert torch.equal(of_one.translation[0], of_all.translation[1])


def test_atoms_move_by_a_clamped_gaussian_that_changes_with_seed_epoch_place_and_patch():
    arrays = random_arrays(0, 400)
    _, first = displace(arrays, keys(400), NOISE, kind="atoms", draw=draw(400))
    delta = first.delta
    assert float(delta.abs().max()) == 1.0
    assert abs(float(delta.std()) - 0.4794) < 0.01  # sd of N(0, 0.5²) clamped at two sigma
    assert abs(float(delta.mean())) < 0.01
    assert not first.moved.any()
    others = [draw(400, seed=1), draw(400, epoch=1), draw(400, first=1)]
    for changed in [displace(arrays, keys(400), NOISE, kind="atoms", draw=other)[1].delta for other in others] + [
        displace(arrays, keys(400)[::-1], NOISE, kind="atoms", draw=draw(400))[1].delta
    ]:
        assert abs(float((delta * changed).mean())) < 0.01


def test_fragments_move_as_rigid_bodies():
    arrays = random_arrays(3, 6)
    positions, displaced = displace(arrays, keys(6), NOISE, kind="rigid", draw=draw(6))
    np.testing.assert_allclose(positions - arrays.positions, displaced.delta.numpy(), atol=1e-6)
    for p in range(6):
        part = slice(arrays.node_offsets[p], arrays.node_offsets[p + 1])
        side = arrays.molecule_index[part]
        before, after = arrays.positions[part], positions[part]
        for k in range(2):
            inside = [np.linalg.norm(x[side == k][:, None] - x[side == k][None], axis=2) for x in (before, after)]
            np.testing.assert_allclose(inside[1], inside[0], atol=1e-9)
        shift = (after - before)[side == 1].mean(0) - (after - before)[side == 0].mean(0)
        np.testing.assert_allclose(shift, displaced.translation[p].numpy(), atol=1e-6)
    assert displaced.moved.all()


def test_relative_motion_has_the_variance_of_two_fragments():
    arrays = random_arrays(1, 800)
    _, displaced = displace(arrays, keys(800), NOISE, kind="rigid", draw=draw(800))
    assert float(displaced.translation.square().mean()) == pytest.approx(2 * NOISE.translation**2, rel=0.1)
    assert float(displaced.rotation.square().mean()) == pytest.approx(2 * NOISE.rotation**2, rel=0.1)


def test_mixed_draws_each_kind_by_its_share():
    arrays = random_arrays(1, 600)
    noise = NoiseRecipe(share_atoms=0.2, share_rigid=0.5, share_both=0.3)
    _, displaced = displace(arrays, keys(600), noise, kind="mixed", draw=draw(600))
    assert float(displaced.moved.float().mean()) == pytest.approx(0.8, abs=0.06)
    rigid = []
    for p in range(600):
        part = slice(arrays.node_offsets[p], arrays.node_offsets[p + 1])
        x = arrays.positions[part][arrays.molecule_index[part] == 0]
        y = x + displaced.delta[part][arrays.molecule_index[part] == 0].double().numpy()
        rigid.append(np.allclose(np.linalg.norm(x[0] - x[1:], axis=1), np.linalg.norm(y[0] - y[1:], axis=1), atol=1e-4))
    assert np.mean(rigid) == pytest.approx(0.5, abs=0.07)


def test_rebuilt_edges_are_those_within_reach_of_the_perturbed_positions():
    arrays = random_arrays(2, 5)
    positions, _ = displace(arrays, keys(5), NOISE, kind="both", draw=draw(5))
    edges, offsets = rebuild_inter_edges(positions, arrays, np.ones(5, dtype=bool), d_inter=3.5)
    patch = np.repeat(np.arange(5), np.diff(arrays.node_offsets))
    expected = [
        (a, b)
        for a in range(len(patch))
        for b in range(len(patch))
        if patch[a] == patch[b]
        and arrays.molecule_index[a] < arrays.molecule_index[b]
        and np.linalg.norm(positions[a] - positions[b]) <= 3.5
    ]
    assert sorted(map(tuple, edges.tolist())) == sorted(expected)
    assert np.bincount(patch[edges[:, 0]], minlength=5).tolist() == np.diff(offsets).tolist()


def test_edges_of_patches_that_are_not_chosen_stay():
    arrays = random_arrays(2, 5)
    positions, _ = displace(arrays, keys(5), NOISE, kind="both", draw=draw(5))
    chosen = np.array([True, False, True, False, False])
    mixed, offsets = rebuild_inter_edges(positions, arrays, chosen, d_inter=3.5)
    everywhere, all_offsets = rebuild_inter_edges(positions, arrays, np.ones(5, dtype=bool), d_inter=3.5)
    for p in range(5):
        expected = (everywhere, all_offsets) if chosen[p] else (arrays.inter_edges, arrays.inter_offsets)
        np.testing.assert_array_equal(
            mixed[offsets[p] : offsets[p + 1]], expected[0][expected[1][p] : expected[1][p + 1]]
        )


def test_edges_stay_those_of_the_clean_patch_unless_rebuilt():
    store, rows = SyntheticStore(), np.arange(6)
    batches = {}
    for rebuild in ("none", "moved"):
        patches = DisplacedPatches(store, rows, noise=NoiseRecipe(rebuild_inter=rebuild), d_inter=4.0)
        batches[rebuild], _ = patches.batch(rows, kind="rigid", draw=draw(6))
    assert torch.equal(batches["none"].positions, batches["moved"].positions)
    clean = 2 * len(random_arrays(0, 1).inter_edges) * 6
    assert batches["none"].inter_edges.shape[1] == clean
    lengths = [b.positions[b.inter_edges[0]] - b.positions[b.inter_edges[1]] for b in batches.values()]
    assert float(lengths[0].norm(dim=1).max()) > 4.0 >= float(lengths[1].norm(dim=1).max())


def test_patches_left_as_they_are_change_nothing_of_the_others_draws():
    arrays = random_arrays(0, 400)
    with_still = NoiseRecipe(share_still=1.0)
    positions, displaced = displace(arrays, keys(400), with_still, kind="mixed", draw=draw(400))
    patch = np.repeat(np.arange(400), np.diff(arrays.node_offsets))
    moves = np.bincount(patch, np.abs(positions - arrays.positions).sum(1))
    assert abs((moves == 0).mean() - 0.5) < 0.1  # weight 1 of 2
    assert np.array_equal(moves == 0, displaced.whole.numpy() & ~displaced.moved.numpy())
    atoms = displace(arrays, keys(400), NOISE, kind="still", draw=draw(400))
    np.testing.assert_array_equal(atoms[0], arrays.positions)


def test_contact_changes_are_those_of_the_edges():
    clean = random_arrays(2, 5)
    positions, displaced = displace(clean, keys(5), NOISE, kind="rigid", draw=draw(5))
    changes = contact_changes(clean, positions)
    for p in range(5):
        edges = clean.inter_edges[clean.inter_offsets[p] : clean.inter_offsets[p + 1]]
        lengths = [np.array([np.linalg.norm(x[a] - x[b]) for a, b in edges]) for x in (clean.positions, positions)]
        shift = lengths[1] - lengths[0]
        np.testing.assert_allclose(changes[p], [shift.mean(), np.sqrt((shift**2).mean())])
    np.testing.assert_array_equal(contact_changes(clean, clean.positions), np.zeros((5, 2)))
    assert displaced.whole.all()


def test_elements_are_hidden_by_patch_alone_and_four_in_five_of_those_asked():
    patches = DisplacedPatches(SyntheticStore(60), np.arange(60), noise=NoiseRecipe(mask=0.3), d_inter=4.0)
    places = Draw(4, 2, np.arange(60))
    together, of_all = patches.batch(np.arange(60), kind="still", draw=places, hide=True)
    alone, of_one = patches.batch(np.array([9]), kind="still", draw=Draw(4, 2, np.array([9])), hide=True)
    nodes = together.patch_index == 9
    assert torch.equal(alone.atomic_numbers, together.atomic_numbers[nodes])
    assert torch.equal(of_one.asked, of_all.asked[nodes])
    hidden = together.atomic_numbers == 0
    assert not (hidden & ~of_all.asked).any()
    assert abs(float(of_all.asked.float().mean()) - 0.3) < 0.05
    assert abs(float(hidden.sum() / of_all.asked.sum()) - 0.8) < 0.08
    shown, untouched = patches.batch(np.arange(60), kind="still", draw=places)
    assert torch.equal(shown.atomic_numbers, of_all.elements)
    assert untouched.asked is None


def test_hiding_elements_does_not_change_the_displacements():
    plain, hiding = (
        DisplacedPatches(SyntheticStore(), np.arange(12), noise=NoiseRecipe(mask=mask), d_inter=4.0)
        for mask in (0.0, 0.3)
    )
    batches = [p.batch(np.arange(12), kind="mixed", draw=draw(12), hide=True)[0] for p in (plain, hiding)]
    assert torch.equal(batches[0].positions, batches[1].positions)
    assert not torch.equal(batches[0].atomic_numbers, batches[1].atomic_numbers)
