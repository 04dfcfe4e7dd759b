"""Patches by brute force: every image in a block of cells, full distance matrices, no neighbour lists, no orbits, no cosets.

Two forms. ``from_molecules`` shares the independent molecules with the code under test. ``from_atoms`` shares only the cell, the
operations and the listed atoms: it makes every atom of the block and finds the molecules by flood fill over distances.
"""

import itertools
from dataclasses import dataclass

import numpy as np

RADII = {
    1: 0.31, 5: 0.84, 6: 0.76, 7: 0.71, 8: 0.66, 9: 0.57, 14: 1.11, 15: 1.07, 16: 1.05, 17: 1.02, 35: 1.20, 53: 1.39,
}  # fmt: skip


@dataclass
class ForcePatch:
    """One patch: where the other molecule is, nodes and edges in absolute coordinates."""

    i: int
    centroid: np.ndarray
    numbers: list
    positions: np.ndarray
    side: np.ndarray
    distances: np.ndarray  # full matrix
    minimum: float


def lattice_block(vectors, reach):
    counts = np.ceil(reach * np.linalg.norm(np.linalg.inv(vectors), axis=0)).astype(int) + 1
    return np.array(list(itertools.product(*[range(-n, n + 1) for n in counts])), dtype=float)


def cut(i, z_i, x_i, z_j, x_j, radius):
    centre = 0.5 * (x_i.mean(0) + x_j.mean(0))
    near_i = np.linalg.norm(x_i - centre, axis=1) <= radius
    near_j = np.linalg.norm(x_j - centre, axis=1) <= radius
    x = np.concatenate([x_i[near_i], x_j[near_j]])
    return ForcePatch(
        i,
        x_j.mean(0),
        [*z_i[near_i], *z_j[near_j]],
        x - centre,
        np.repeat([0, 1], [near_i.sum(), near_j.sum()]),
        np.linalg.norm(x[:, None] - x[None], axis=2),
        float(np.linalg.norm(x_i[:, None] - x_j[None], axis=2).min()),
    )


def from_molecules(crystal, *, radius=8.0, d_inter=4.0):
    inverse = np.linalg.inv(crystal.vectors)
    patches = []
    for i, own in enumerate(crystal.molecules):
        for other in crystal.molecules:
            size = [np.linalg.norm(m.positions - m.positions.mean(0), axis=1).max() for m in (own, other)]
            seen = []
            for w, t in zip(crystal.rotations, crystal.translations, strict=True):
                at_home = (other.positions @ inverse @ w.T.astype(float) + t) @ crystal.vectors
                gap = np.linalg.norm(at_home.mean(0) - own.positions.mean(0))
                for shift in lattice_block(crystal.vectors, gap + sum(size) + d_inter):
                    x = at_home + shift @ crystal.vectors
                    if other is own and np.abs(np.sort(x, axis=0) - np.sort(own.positions, axis=0)).max() < 0.02:
                        continue  # the molecule itself
                    if np.linalg.norm(x[:, None] - own.positions[None], axis=2).min() > d_inter:
                        continue
                    if any(np.abs(np.sort(x, axis=0) - y).max() < 0.02 for y in seen):
                        continue  # the same image by another operation
                    seen.append(np.sort(x, axis=0))
                    patches.append(cut(i, own.atomic_numbers, own.positions, other.atomic_numbers, x, radius))
    return patches


def bonded(z, x):
    """Bonds among explicit atoms: radii + 0.30 Å, never H–H, the shortest one for a hydrogen."""
    d = np.linalg.norm(x[:, None] - x[None], axis=2)
    r = np.array([RADII[int(k)] for k in z])
    bond = (d < r[:, None] + r[None] + 0.30) & (d > 1e-6)
    hydrogen = z == 1
    bond[np.ix_(hydrogen, hydrogen)] = False
    for h in np.flatnonzero(hydrogen):
        partners = np.flatnonzero(bond[h])
        if len(partners) > 1:
            keep = partners[np.argmin(d[h, partners])]
            bond[h], bond[:, h] = False, False
            bond[h, keep] = bond[keep, h] = True
    return bond


def flood(start, bond):
    found, stack = {start}, [start]
    while stack:
        for k in np.flatnonzero(bond[stack.pop()]):
            if k not in found:
                found.add(k)
                stack.append(int(k))
    return sorted(found)


def from_atoms(crystal, fractional, numbers, *, radius=8.0, d_inter=4.0):
    """Patches around the molecules of ``crystal``; of it only cell, operations and one atom of each molecule are used."""
    atoms, z = [], []
    for f, number in zip(fractional, numbers, strict=True):
        for w, t in zip(crystal.rotations, crystal.translations, strict=True):
            g = w.astype(float) @ f + t
            g -= np.floor(g)
            delta = [g - a - np.round(g - a) for a, k in zip(atoms, z, strict=True) if k == number]
            if not len(delta) or np.linalg.norm(np.array(delta) @ crystal.vectors, axis=1).min() > 0.15:
                atoms.append(g)
                z.append(number)
    patches = []
    for i, molecule in enumerate(crystal.molecules):
        centre = molecule.positions.mean(0)
        size = np.linalg.norm(molecule.positions - centre, axis=1).max()
        reach = 3 * size + 2 * d_inter
        shifts = lattice_block(crystal.vectors, reach + np.linalg.norm(centre))
        x = (np.array(atoms)[:, None] + shifts[None]).reshape(-1, 3) @ crystal.vectors
        number = np.repeat(z, len(shifts))
        inside = np.linalg.norm(x - centre, axis=1) <= reach
        x, number = x[inside], number[inside]
        bond = bonded(number, x)
        own = flood(int(np.linalg.norm(x - molecule.positions[0], axis=1).argmin()), bond)
        near = np.flatnonzero(np.linalg.norm(x[:, None] - x[own][None], axis=2).min(1) <= d_inter)
        done = set(own)
        for k in near:
            if int(k) not in done:
                other = flood(int(k), bond)
                done.update(other)
                patches.append(cut(i, number[own], x[own], number[other], x[other], radius))
    return patches


def edges_of(patch, d_inter, d_intra):
    """Sure edges and those within a hair of a cutoff: (inter, intra, doubtful) as sets of node pairs."""
    inter, intra, doubtful = set(), set(), set()
    for a in range(len(patch.numbers)):
        for b in range(a + 1, len(patch.numbers)):
            cutoff = d_inter if patch.side[a] != patch.side[b] else d_intra
            if abs(patch.distances[a, b] - cutoff) < 3e-3:
                doubtful.add((a, b))
            elif patch.distances[a, b] < cutoff:
                (inter if patch.side[a] != patch.side[b] else intra).add((a, b))
    return inter, intra, doubtful
