"""A recipe: everything that decides a pre-training run."""

from typing import Literal, Self

from pydantic import Field, model_validator

from molinteract.core.settings import Settings
from molinteract.network.config import NetworkConfig, PresetName, preset


class NoiseRecipe(Settings):
    """How patches are displaced (SPEC 2.4). Lengths in Å, angles in radians.

    ``paper`` mode displaces atoms only. In ``joint`` mode each patch is drawn to be of one of three kinds: its atoms are
    displaced, its two fragments are moved as rigid bodies, or both.

    Edges are those of the clean patch (SPEC 2.1), which tells much of a motion: a long edge was at most d_inter long before.
    ``rebuild_inter = "moved"`` takes them from the perturbed positions where fragments were moved, ``"all"`` everywhere.
    """

    sigma: float = Field(
        default=0.5, gt=0, description="standard deviation of each component of an atom's displacement"
    )
    clamp: float = Field(default=1.0, gt=0, description="largest absolute value of a component")
    translation: float = Field(default=0.5, gt=0, description="σ_t of each fragment, each component")
    rotation: float = Field(default=0.15, gt=0, description="σ_r of each fragment about its centre, each component")
    share_atoms: float = Field(default=0.25, ge=0, description="joint: weight of patches with displaced atoms only")
    share_rigid: float = Field(default=0.5, ge=0, description="joint: weight of patches with moved fragments only")
    share_both: float = Field(default=0.25, ge=0, description="joint: weight of patches with both")
    share_still: float = Field(default=0.0, ge=0, description="joint: weight of patches left as they are")
    mask: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="joint: share of atoms whose element is asked; it is hidden for four in five",
    )
    rebuild_inter: Literal["none", "moved", "all"] = Field(
        default="none", description="patches whose intermolecular edges come from the perturbed positions"
    )

    @model_validator(mode="after")
    def _some_share(self) -> Self:
        if not self.share_atoms + self.share_rigid + self.share_both:  # patches left as they are teach nothing alone
            raise ValueError("one of share_atoms, share_rigid, share_both must be above zero")
        return self


class LossRecipe(Settings):
    """Weights of the terms of ``joint`` mode; each is about 1 for a network that predicts nothing.

    ``elements`` and ``contrast`` are off unless given; ``elements`` needs ``noise.mask``.
    """

    atoms: float = Field(default=1.0, ge=0, description="displacements of the atoms")
    translation: float = Field(default=1.0, ge=0, description="t decoded through z")
    rotation: float = Field(default=0.3, ge=0, description="ω decoded through z")
    distance: float = Field(default=0.1, ge=0, description="log |t| from z alone")
    drift: float = Field(
        default=0.0, ge=0, description="difference of the fragments' mean displacements, where atoms are displaced only"
    )
    elements: float = Field(default=0.0, ge=0, description="elements of the atoms that noise.mask asks for, nats")
    contrast: float = Field(
        default=0.0,
        ge=0,
        description="change of the contact distances from z alone, of molecules that kept their shape",
    )


class OptimiserRecipe(Settings):
    """AdamW with linear warm-up and cosine decay."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=100, ge=0)
    final_share: float = Field(default=0.05, ge=0, le=1, description="last learning rate over the highest")
    clip_norm: float = Field(default=1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the averaged weights that are validated and saved"
    )


class DataRecipe(Settings):
    """Which patches, and how many at a time."""

    batch_size: int = Field(default=64, ge=1, description="patches of a batch, at most")
    batch_nodes: int | None = Field(default=None, ge=1, description="atoms of a batch, at most")
    batch_edges: int | None = Field(default=None, ge=1, description="edges of a batch, both types, at most")
    unique: bool = Field(default=False, description="one patch for each contact orbit")
    per_compound: int | None = Field(default=None, ge=1, description="entries of one compound, at most")
    balance_compounds: bool = Field(default=False, description="give every compound the same share")
    validation_patches: int = Field(default=1024, ge=1, description="patches of a validation, at most")
    workers: int = Field(
        default=0, ge=0, description="processes that make batches ahead, for a GPU; 0 makes each when it is needed"
    )


class Recipe(Settings):
    """A pre-training run. The run ends at the first of ``max_steps``, ``max_epochs`` and ``max_minutes``.

    The learning rate falls along the steps, or along the time where ``max_minutes`` comes first.
    """

    mode: Literal["paper", "joint"] = "paper"
    network: PresetName | NetworkConfig = "small"
    start: str | None = Field(
        default=None, description="weights to begin with: a run, a folder or a name; parts that they lack begin anew"
    )
    noise: NoiseRecipe = NoiseRecipe()
    loss: LossRecipe = LossRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()
    data: DataRecipe = DataRecipe()
    seed: int = Field(default=0, ge=0)
    max_steps: int | None = Field(default=None, ge=1)
    max_epochs: int = Field(default=50, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    validate_every: int = Field(default=200, ge=1, description="steps")
    patience: int | None = Field(default=None, ge=1, description="validations without a better score before stopping")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; PyTorch's choice by default")
    device: str = "cpu"
    tf32: bool = Field(default=False, description="matrix products of a GPU in TF32: ten bits of mantissa")
    tensorboard: bool = Field(default=False, description="write RUN/tensorboard as well (extra [log])")

    @model_validator(mode="after")
    def _elements_are_asked(self) -> Self:
        if self.loss.elements and not self.noise.mask:
            raise ValueError("loss.elements needs noise.mask above zero")
        return self

    def network_config(self) -> NetworkConfig:
        """Return the network's sizes, of a preset or as given; ``joint`` mode adds its heads."""
        config = preset(self.network) if isinstance(self.network, str) else self.network
        joint = self.mode == "joint"
        heads = {
            "rigid_head": joint,
            "element_head": joint and self.loss.elements > 0,
            "contact_head": joint and self.loss.contrast > 0,
        }
        return config.model_copy(update=heads)
