"""Weights in the order of a network built from e3nn's parts, and back.

Only the last layer of each Ψ differs: e3nn orders the paths of ``FullyConnectedTensorProduct`` by (input, harmonic, output), ours
by what the kernels join. Names are the same, so ``second.weight`` there is what a ``Linear`` in front of e3nn's tensor product
has, for features in e3nn's layout and harmonics ``1x0e + 1x1o + 1x2e`` in component normalisation.
"""

from collections.abc import Mapping

from torch import Tensor

from molinteract.network.encoder import InteractNN
from molinteract.network.interaction import EdgeConvolution
from molinteract.network.readout import Readout


def to_e3nn_state(model: InteractNN) -> dict[str, Tensor]:
    """Return the state of a network with the weights of tensor products in e3nn's order."""
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    for name, index in _orders(model).items():
        theirs = state[name].clone()
        theirs[index] = state[name]
        state[name] = theirs
    return state


def load_e3nn_state(model: InteractNN, state: Mapping[str, Tensor]) -> None:
    """Load a state whose tensor products are in e3nn's order, as :func:`to_e3nn_state` writes it.

    Raises
    ------
    RuntimeError
        If names or shapes do not fit the network.
    """
    orders = _orders(model)
    model.load_state_dict({name: tensor[orders[name]] if name in orders else tensor for name, tensor in state.items()})


def _orders(model: InteractNN) -> dict[str, Tensor]:
    """Return the index into e3nn's order of each tensor it applies to, by name."""
    orders: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, EdgeConvolution | Readout):
            index = module.spec.from_e3nn()
            orders |= {f"{name}.second.weight": index, f"{name}.second.bias": index}
    return orders
