"""Size of the network and its presets."""

from typing import Final, Literal

from pydantic import Field

from molinteract.core.errors import ConfigError
from molinteract.core.settings import Settings

PresetName = Literal["tiny", "small", "paper"]


class NetworkConfig(Settings):
    """Everything that decides the shape of the network; the defaults are the paper's."""

    ns: int = Field(default=32, ge=1, description="scalar channels of each parity")
    nv: int = Field(default=16, ge=1, description="vector channels of each parity")
    n_layers: int = Field(default=6, ge=1, description="interaction layers, L")
    psi_hidden: int = Field(default=96, ge=1, description="hidden width of Ψ; the paper's is 3 ns")
    d_inter: float = Field(default=4.0, gt=0, description="longest intermolecular edge, Å")
    d_intra: float = Field(default=2.0, gt=0, description="longest intramolecular edge, Å")
    radius: float = Field(default=8.0, gt=0, description="radius of a patch, Å")
    intermolecular_messages: bool = Field(default=True, description="off for the ablation of SPEC 2.4")
    rigid_head: bool = Field(
        default=False, description="predicts the fragments' relative motion through z (joint mode)"
    )
    element_head: bool = Field(default=False, description="predicts elements that were hidden (loss.elements)")
    contact_head: bool = Field(default=False, description="tells from z how far contacts were moved (loss.contrast)")


PRESETS: Final[dict[str, NetworkConfig]] = {
    "tiny": NetworkConfig(ns=8, nv=4, n_layers=3, psi_hidden=24),
    "small": NetworkConfig(ns=16, nv=8, n_layers=4, psi_hidden=32),
    "paper": NetworkConfig(),
}
"""``tiny`` for tests and the demo, ``small`` for a laptop, ``paper`` as published."""


def preset(name: str) -> NetworkConfig:
    """Return a preset by name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no network preset {name!r}", remedy=f"one of {', '.join(PRESETS)}")
    return PRESETS[name]
