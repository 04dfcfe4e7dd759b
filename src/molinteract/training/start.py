"""Training that goes on from weights which are there already."""

import torch
from torch import nn

from molinteract.core.errors import ConfigError
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import open_network

HEADS = ("rigid_head", "element_head", "contact_head")
"""Settings of a network that decide on its heads alone."""


def start_from(model: InteractNN, name: str) -> None:
    """Give a new network the weights of another of the same size.

    Parts that only one of them has, or whose shapes differ, stay as they are: the heads, and between the modes the readout.

    Parameters
    ----------
    model : InteractNN
        Is changed.
    name : str
        A run, a folder or the name of a pre-trained network.

    Raises
    ------
    ConfigError
        If the sizes differ.
    ModelFileError
        If there is no such network.
    """
    other = open_network(name)
    sizes, known = (network.config.model_dump(exclude=set(HEADS)) for network in (model, other))
    if sizes != known:
        differing = ", ".join(
            f"{key} {known[key]} instead of {sizes[key]}" for key in sizes if sizes[key] != known[key]
        )
        raise ConfigError(f"the weights {name!r} are of another size: {differing}", remedy="give network accordingly")
    own = dict(model.named_children())
    for part, module in other.named_children():
        if part in own and _shapes(own[part]) == _shapes(module):
            own[part].load_state_dict(module.state_dict())


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in module.state_dict().items()}
