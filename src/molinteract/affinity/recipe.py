"""A fine-tuning recipe: everything that decides a run on affinities."""

from typing import Literal

from pydantic import Field

from molinteract.affinity.settings import ComplexSettings
from molinteract.core.settings import Settings
from molinteract.network.config import NetworkConfig, PresetName, preset
from molinteract.training.recipe import OptimiserRecipe


class FinetuneRecipe(Settings):
    """How affinities are learnt. Each seed gives one member of the ensemble."""

    mode: Literal["full", "frozen", "scratch"] = Field(
        default="full", description="train everything; the head alone on fixed vectors; everything from new weights"
    )
    network: PresetName | NetworkConfig = Field(default="small", description="used by scratch only")
    readout: Literal["sums", "near", "vector"] = Field(
        default="sums",
        description="what the head reads: sums over pocket and ligand; the same of atoms with one of the other side within 10 Å "
        "(wants complexes.pocket=10); z of Eq. 2, as the paper has it",
    )
    head: Literal["perceptron", "support_vectors"] = Field(
        default="perceptron",
        description="trained by epochs; a support vector regression on fixed vectors (mode=frozen), of several seeds each on "
        "four in five training complexes",
    )
    refit: bool = Field(
        default=False,
        description="support vectors: when the validation part has been scored, learn from it too, and the forest as well",
    )
    hidden: tuple[int, int] = (64, 32)
    dropout: float = Field(default=0.3, ge=0, lt=1, description="share of the head's inputs left out in training")
    complexes: ComplexSettings = ComplexSettings()
    graph: Literal["complex", "no_contacts", "ligand_only", "pocket_only"] = Field(
        default="complex", description="controls: intermolecular edges removed; one molecule alone"
    )
    beside: Literal["contacts", "none"] = Field(
        default="contacts", description="averaged with the networks, by half: a forest on counts of contacts; nothing"
    )
    optimiser: OptimiserRecipe = OptimiserRecipe(learning_rate=2e-3, weight_decay=1e-2, warmup_steps=20, clip_norm=5.0)
    encoder_rate: float = Field(default=0.3, gt=0, description="learning rate of a trained encoder over the head's")
    norms: Literal["train", "frozen", "reestimated"] = Field(
        default="train", description="statistics of the batch norms: of each batch; as pre-trained; set anew once"
    )
    ema: float = Field(default=0.98, ge=0, lt=1, description="decay of the average of weights that is kept; 0 is none")
    edge_budget: int = Field(default=4000, ge=1, description="pairs in a batch, about; at least one complex")
    jitter: float = Field(default=0.0, ge=0, description="Å, noise on training positions")
    max_epochs: int = Field(default=60, ge=1)
    patience: int = Field(default=15, ge=1, description="epochs without a better validation RMSE")
    seeds: int = Field(default=1, ge=1)
    first_seed: int = 0
    threads: int | None = Field(default=None, ge=1)
    device: str = "cpu"

    def network_config(self) -> NetworkConfig:
        """Return the sizes of a network from scratch."""
        return preset(self.network) if isinstance(self.network, str) else self.network
