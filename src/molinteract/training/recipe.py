"""A recipe: everything that decides a pre-training run."""

from typing import Literal

from pydantic import Field

from molinteract.core.settings import Settings
from molinteract.network.config import NetworkConfig, PresetName, preset


class NoiseRecipe(Settings):
    """Displacement of the atoms, Å."""

    sigma: float = Field(default=0.5, gt=0, description="standard deviation of each component")
    clamp: float = Field(default=1.0, gt=0, description="largest absolute value of a component")


class OptimiserRecipe(Settings):
    """AdamW with linear warm-up and cosine decay."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=100, ge=0)
    final_share: float = Field(default=0.05, ge=0, le=1, description="last learning rate over the highest")
    clip_norm: float = Field(default=1.0, gt=0, description="largest norm of the gradient")


class DataRecipe(Settings):
    """Which patches, and how many at a time."""

    batch_size: int = Field(default=64, ge=1)
    unique: bool = Field(default=False, description="one patch for each contact orbit")
    per_compound: int | None = Field(default=None, ge=1, description="entries of one compound, at most")
    balance_compounds: bool = Field(default=False, description="give every compound the same share")
    validation_patches: int = Field(default=1024, ge=1, description="patches of a validation, at most")


class Recipe(Settings):
    """A pre-training run. The run ends at the first of ``max_steps``, ``max_epochs`` and ``max_minutes``.

    The learning rate falls along the steps, or along the time where ``max_minutes`` comes first.
    """

    mode: Literal["paper"] = "paper"
    network: PresetName | NetworkConfig = "small"
    noise: NoiseRecipe = NoiseRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()
    data: DataRecipe = DataRecipe()
    seed: int = 0
    max_steps: int | None = Field(default=None, ge=1)
    max_epochs: int = Field(default=50, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    validate_every: int = Field(default=200, ge=1, description="steps")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; PyTorch's choice by default")
    device: str = "cpu"

    def network_config(self) -> NetworkConfig:
        """Return the network's sizes, of a preset or as given."""
        return preset(self.network) if isinstance(self.network, str) else self.network
