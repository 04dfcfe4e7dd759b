"""Displacements of patches: a function of (seed, epoch, place in the epoch, patch id), whatever shares the batch (SPEC 2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from molinteract.patches.patch import PatchArrays
from molinteract.training.recipe import NoiseRecipe

VALIDATION_EPOCH = 2**31 - 1
"""Epoch number whose noise validation uses: the same each time, and never that of training."""

Kind = Literal["atoms", "rigid", "both", "still", "mixed"]
"""Which displacement patches get, ``still`` none; ``mixed`` draws one of the others for each patch by the recipe's shares."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What a displacement depends on beside the patch: seed, epoch, and the place of each patch in the epoch."""

    seed: int
    epoch: int
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Displaced:
    """What was done to the patches of a batch: the targets of training.

    Attributes
    ----------
    delta : (atoms, 3)
        Displacement of each atom, Å, without the part that both fragments share, which nothing can tell.
    translation, rotation : (patches, 3)
        t = t_j − t_i in Å and ω = ω_j − ω_i in radians; zero where the fragments were not moved.
    moved : (patches,) bool
        Whether the fragments were moved.
    whole : (patches,) bool
        Whether the molecules kept their shape: atoms were not displaced on their own.
    contacts : (patches, 2), optional
        Mean and root mean square change of the contact distances, Å.
    asked : (atoms,) bool, optional
        Atoms whose element is asked; None where none are.
    elements : (atoms,) int64, optional
        True atomic numbers.
    """

    delta: Tensor
    translation: Tensor
    rotation: Tensor
    moved: Tensor
    whole: Tensor
    contacts: Tensor | None = None
    asked: Tensor | None = None
    elements: Tensor | None = None

    def to(self, device: torch.device | str) -> Self:
        """Return the targets on another device."""
        present = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(self, **{name: tensor.to(device, non_blocking=True) for name, tensor in present.items()})


def patch_keys(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return a number for each patch id, for the generators: the same in every store that has the patch."""
    return np.array([int(value[:16], 16) for value in ids], dtype=np.uint64)


def displace(
    arrays: PatchArrays, keys: NDArray[np.uint64], noise: NoiseRecipe, *, kind: Kind, draw: Draw
) -> tuple[NDArray[np.float64], Displaced]:
    """Displace patches.

    Atoms: δ = clamp(ε, ±clamp) per component, ε ~ N(0, σ² I). Fragments: t_i, t_j ~ N(0, σ_t² I), and rotations
    ω_i, ω_j ~ N(0, σ_r² I) about the mean position of the fragment's nodes.

    Returns
    -------
    positions : (atoms, 3) float64
        Perturbed positions.
    displaced : Displaced
        In float32.
    """
    n = len(arrays)
    total = np.zeros_like(arrays.positions)
    t, omega = np.zeros((n, 2, 3)), np.zeros((n, 2, 3))
    moved, whole = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    for p in range(n):
        part = slice(arrays.node_offsets[p], arrays.node_offsets[p + 1])
        rng = generator(draw, int(draw.places[p]), int(keys[p]))
        atoms, moved[p] = _of_kind(kind, noise, rng)
        epsilon = rng.standard_normal((part.stop - part.start, 3))
        whole[p] = not atoms
        if atoms:
            total[part] = np.clip(noise.sigma * epsilon, -noise.clamp, noise.clamp)
        if moved[p]:
            t[p], omega[p] = (
                noise.translation * rng.standard_normal((2, 3)),
                noise.rotation * rng.standard_normal((2, 3)),
            )
    if moved.any():
        total += _shifts(arrays, t, omega)
    values = (total, t[:, 1] - t[:, 0], omega[:, 1] - omega[:, 0])
    delta, translation, rotation = (torch.from_numpy(value.astype(np.float32)) for value in values)
    flags = torch.from_numpy(moved), torch.from_numpy(whole)
    return arrays.positions + total, Displaced(delta, translation, rotation, *flags)


def generator(draw: Draw, place: int, key: int, *, stream: int = 0) -> np.random.Generator:
    """Return the generator of one patch; streams never overlap."""
    # the low word of the counter is Philox's own
    return np.random.Generator(np.random.Philox(key=[draw.seed, key], counter=[0, stream, draw.epoch, place]))


def _of_kind(kind: Kind, noise: NoiseRecipe, rng: np.random.Generator) -> tuple[bool, bool]:
    """Return whether atoms are displaced, and whether fragments are moved."""
    if kind != "mixed":
        return kind in ("atoms", "both"), kind in ("rigid", "both")
    shares = np.cumsum([noise.share_atoms, noise.share_rigid, noise.share_both, noise.share_still])
    place = rng.random() * shares[-1]
    if place >= shares[2]:
        return False, False
    return bool(place < shares[0] or place >= shares[1]), bool(place >= shares[0])


def _shifts(arrays: PatchArrays, t: NDArray[np.float64], omega: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what moves fragments by t and turns them by ω, (patches, 2, 3) each, does to the atoms: (atoms, 3).

    The translation that both fragments of a patch share is left out.
    """
    patch = np.repeat(np.arange(len(arrays)), np.diff(arrays.node_offsets))
    fragment = 2 * patch + arrays.molecule_index
    count = np.maximum(np.bincount(fragment, minlength=2 * len(arrays)), 1)
    sums = [np.bincount(fragment, arrays.positions[:, k], minlength=2 * len(arrays)) for k in range(3)]
    offsets = arrays.positions - (np.stack(sums, axis=1) / count[:, None])[fragment]
    turns: NDArray[np.float64] = Rotation.from_rotvec(omega.reshape(-1, 3)).as_matrix() - np.eye(3)
    apart = (t - t.mean(1, keepdims=True)).reshape(-1, 3)
    shifts: NDArray[np.float64] = np.einsum("akl,al->ak", turns[fragment], offsets) + apart[fragment]
    return shifts


def rebuild_inter_edges(
    positions: NDArray[np.float64], arrays: PatchArrays, chosen: NDArray[np.bool_], *, d_inter: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the intermolecular edges (edges, 2), those of chosen patches at other positions, and (patches + 1,) offsets."""
    edges, counts = [], []
    for p in range(len(arrays)):
        if not chosen[p]:
            edges.append(arrays.inter_edges[arrays.inter_offsets[p] : arrays.inter_offsets[p + 1]])
            counts.append(len(edges[-1]))
            continue
        first, last = arrays.node_offsets[p], arrays.node_offsets[p + 1]
        split = first + np.count_nonzero(arrays.molecule_index[first:last] == 0)
        apart = positions[first:split, None] - positions[None, split:last]
        a, b = np.nonzero(np.einsum("abk,abk->ab", apart, apart) <= d_inter * d_inter)
        edges.append(np.stack([a + first, b + split], axis=1))
        counts.append(len(a))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return np.concatenate(edges).astype(np.int32), offsets
