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
    translation, rotation = np.zeros((n, 3)), np.zeros((n, 3))
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
            shift, translation[p], rotation[p] = _move_fragments(
                arrays.positions[part], arrays.molecule_index[part], noise, rng
            )
            total[part] += shift
    delta, t, omega = (torch.from_numpy(values.astype(np.float32)) for values in (total, translation, rotation))
    return arrays.positions + total, Displaced(delta, t, omega, torch.from_numpy(moved), torch.from_numpy(whole))


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


def _move_fragments(
    positions: NDArray[np.float64], side: NDArray[np.int8], noise: NoiseRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return displacements (atoms, 3) of both fragments without their common translation, t, and ω."""
    t = noise.translation * rng.standard_normal((2, 3))
    omega = noise.rotation * rng.standard_normal((2, 3))
    relative = t[1] - t[0]
    shift = np.zeros_like(positions)
    for k in range(2):
        nodes = side == k
        offsets = positions[nodes] - positions[nodes].mean(0)
        shift[nodes] = Rotation.from_rotvec(omega[k]).apply(offsets) - offsets + (k - 0.5) * relative
    return shift, relative, omega[1] - omega[0]


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
