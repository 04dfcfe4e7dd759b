"""InteractNN: the network of the paper (SPEC 2), readable in one sitting.

``encode`` makes node features, ``denoise`` predicts displacements from them, ``readout`` the patch vectors.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from molinteract.batches.batch import POOL, PatchBatch
from molinteract.core.errors import ConfigError
from molinteract.kernels.irreps import Irreps, from_planes
from molinteract.network.config import NetworkConfig
from molinteract.network.device import checked_device
from molinteract.network.embedding import ElementEmbedding, LengthEmbedding
from molinteract.network.files import fill, read_network
from molinteract.network.geometry import Edges, edge_geometry
from molinteract.network.heads import ContactHead, DenoisingHead, ElementHead, RigidHead, RigidMotion
from molinteract.network.interaction import INTER, INTRA, Interaction
from molinteract.network.pretrained import pretrained_folder
from molinteract.network.readout import Readout

MARGIN = 2.0
"""Å by which the Gaussians reach beyond a cutoff: perturbed edges can be longer (SPEC 2.1)."""


def layer_irreps(config: NetworkConfig) -> list[Irreps]:
    """Return the irreps before, between and after the layers: 0e → +1o → +1e → +0o, and so on unchanged."""
    ns, nv = config.ns, config.nv
    growth = [Irreps(ns), Irreps(ns, nv), Irreps(ns, nv, nv), Irreps(ns, nv, nv, ns)]
    return [growth[min(k, 3)] for k in range(config.n_layers + 1)]


class InteractNN(nn.Module):
    """SE(3)-equivariant message passing on patches of two molecules.

    Parameters
    ----------
    config : NetworkConfig
        Sizes; ``preset("paper")`` is the published network.

    Attributes
    ----------
    irreps : Irreps
        Of the node features.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        steps = layer_irreps(config)
        self.irreps = steps[-1]
        types = (INTER, INTRA) if config.intermolecular_messages else (INTRA,)
        ns, hidden = config.ns, config.psi_hidden
        self.elements = ElementEmbedding(ns)
        reach = {INTER: config.d_inter + MARGIN, INTRA: config.d_intra + MARGIN}
        self.lengths = nn.ModuleDict({name: LengthEmbedding(ns, reach[name]) for name in types})
        self.layers = nn.ModuleList([Interaction(a, b, ns=ns, hidden=hidden, types=types) for a, b in pairwise(steps)])
        self.head = DenoisingHead(self.irreps, ns=ns, hidden=hidden, types=types)
        vectors = config.nv if config.rigid_head else 0
        self.pool = Readout(self.irreps, ns=ns, reach=config.radius + MARGIN, vectors=vectors)
        self.rigid = RigidHead(self.pool.irreps_out, hidden=2 * ns) if config.rigid_head else None
        self.element = ElementHead(self.irreps.channels) if config.element_head else None
        self.contact = ContactHead(ns) if config.contact_head else None

    @classmethod
    def from_pretrained(cls, name: str, *, device: torch.device | str = "cpu") -> "InteractNN":
        """Return a pre-trained network in evaluation mode: ``small`` from the package, or ``org/name`` from the hub.

        Raises
        ------
        ModelFileError
            If there is none of that name, it cannot be fetched, or its files are damaged.
        """
        return cls.from_folder(pretrained_folder(name), device=device)

    @classmethod
    def from_folder(cls, path: str | Path, *, device: torch.device | str = "cpu") -> "InteractNN":
        """Return a saved network in evaluation mode (:func:`molinteract.load_network`)."""
        config, tensors = read_network(Path(path))
        model = cls(config)
        fill(model, tensors, where=str(path))
        return model.to(checked_device(device)).eval()

    def edges(self, batch: PatchBatch) -> dict[str, Edges]:
        """Return what the layers need of both types of edges; ``encode`` and ``denoise`` can share it."""
        edges = {}
        for name, embed in self.lengths.items():
            geometry, lengths = edge_geometry(batch.positions, batch.layout(name))
            edges[name] = Edges(geometry, embed(lengths))
        return edges

    def encode(self, batch: PatchBatch, edges: dict[str, Edges] | None = None) -> Tensor:
        """Return node features (nodes, irreps.dim), in e3nn's layout."""
        *_, last = self._planes(batch, edges)
        return from_planes(last, self.irreps)

    def encode_all(self, batch: PatchBatch) -> tuple[Tensor, Tensor]:
        """Return node features as ``encode``, and the 0e scalars before and after every layer, (nodes, (n_layers + 1) ns)."""
        steps = list(self._planes(batch))
        return from_planes(steps[-1], self.irreps), torch.cat([planes[:, : self.config.ns] for planes in steps], dim=1)

    def denoise(self, batch: PatchBatch, features: Tensor, edges: dict[str, Edges] | None = None) -> Tensor:
        """Return predicted displacements (nodes, 3) in Å, not yet clamped, from ``encode``'s features."""
        displacements: Tensor = self.head(features, self.edges(batch) if edges is None else edges)
        return displacements

    def readout(self, batch: PatchBatch, features: Tensor) -> Tensor:
        """Return patch vectors z (patches, 2 ns) from ``encode``'s features (Eq. 2)."""
        vectors: Tensor = self.pool(features, batch.positions, batch.layout(POOL))
        return vectors

    def rigid_motion(self, batch: PatchBatch, features: Tensor) -> RigidMotion:
        """Return the predicted relative motion of the two fragments, from ``encode``'s features.

        Raises
        ------
        ConfigError
            If the network has no rigid head.
        """
        if self.rigid is None:
            raise ConfigError("the network has no rigid head", remedy="pre-train it with mode=joint")
        motion: RigidMotion = self.rigid(self.pool.centres(features, batch.positions, batch.layout(POOL)))
        return motion

    def node_vectors(self, features: Tensor) -> Tensor:
        """Return vectors that do not depend on orientation: [0e ‖ |1o| ‖ |1e| ‖ |0o|], (nodes, 2 ns + 2 nv)."""
        even, odd_vector, even_vector, odd = self.irreps.split(features)
        norms = [torch.linalg.vector_norm(v, dim=-1) for v in (odd_vector, even_vector)]
        return torch.cat([even, *norms, odd.abs()], dim=1)

    def forward(self, batch: PatchBatch) -> tuple[Tensor, Tensor]:
        """Return displacements (nodes, 3) and patch vectors (patches, 2 ns)."""
        edges = self.edges(batch)
        features = self.encode(batch, edges)
        return self.denoise(batch, features, edges), self.readout(batch, features)

    def _planes(self, batch: PatchBatch, edges: dict[str, Edges] | None = None) -> Iterator[Tensor]:
        planes: Tensor = self.elements(batch.atomic_numbers)  # scalars alone lie the same in both layouts
        edges = self.edges(batch) if edges is None else edges
        yield planes
        for layer in self.layers:
            planes = layer(planes, edges)
            yield planes
