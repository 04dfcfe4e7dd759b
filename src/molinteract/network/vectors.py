"""What is handed on of a network: the vectors of the paper, or those of every layer."""

from typing import Literal

import torch
from torch import Tensor

from molinteract.batches.batch import PatchBatch
from molinteract.network.config import NetworkConfig
from molinteract.network.encoder import InteractNN, layer_irreps

VectorKind = Literal["readout", "layers"]
"""``readout``: z (Eq. 2) and the orientation-free vectors of the last layer's nodes. ``layers``: the scalars of all layers, of a
patch summed over its atoms and over its contacts; the last layer alone has forgotten much of what the first ones held."""


def vector_widths(config: NetworkConfig, kind: VectorKind) -> tuple[int, int]:
    """Return the widths of patch and node vectors."""
    if kind == "readout":
        return 2 * config.ns, layer_irreps(config)[-1].channels
    width = (config.n_layers + 1) * config.ns
    return 2 * width, width


def vectors_of(
    model: InteractNN, batch: PatchBatch, *, kind: VectorKind = "readout", chosen: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return vectors of a batch's patches and of some of its nodes.

    Parameters
    ----------
    model : InteractNN
    batch : PatchBatch
    kind : {"readout", "layers"}
    chosen : (k,) int64, optional
        Nodes; none by default.

    Returns
    -------
    patches : (patches, width) float
        ``readout``: z. ``layers``: [Σ_a s_a ‖ Σ_ab (s_a + s_b)] over the atoms and over the intermolecular edges, the same
        whichever molecule is first.
    nodes : (k, width) float
        ``readout``: as ``InteractNN.node_vectors``. ``layers``: s_a.
    """
    chosen = torch.zeros(0, dtype=torch.int64, device=batch.positions.device) if chosen is None else chosen
    if kind == "readout":
        features = model.encode(batch)
        return model.readout(batch, features), model.node_vectors(features[chosen])
    _, scalars = model.encode_all(batch)
    return layer_sums(scalars, batch), scalars[chosen]


def layer_sums(scalars: Tensor, batch: PatchBatch) -> Tensor:
    """Return sums of node scalars (nodes, k) over the atoms and over the contacts of each patch, (patches, 2 k)."""
    contacts = torch.bincount(batch.inter_edges[0], minlength=batch.n_nodes).to(scalars).unsqueeze(1)
    both = torch.cat([scalars, contacts * scalars], dim=1)
    return both.new_zeros((batch.n_patches, both.shape[1])).index_add(0, batch.patch_index, both)
