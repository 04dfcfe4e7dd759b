"""One member of an ensemble: a plain loop over epochs, early stop on the averaged weights, exact resume."""

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from molinteract.affinity.graphs import GraphSet
from molinteract.affinity.model import AffinityNetwork
from molinteract.affinity.recipe import FinetuneRecipe
from molinteract.batches.batch import PatchBatch
from molinteract.batches.collate import collate
from molinteract.core.errors import ModelFileError, TrainingError
from molinteract.kernels.batch_norm import EquivariantBatchNorm
from molinteract.network.device import checked_device
from molinteract.network.encoder import InteractNN
from molinteract.training.schedule import learning_rate


@dataclass(frozen=True, slots=True)
class MemberProgress:
    """Where the training of a member stands.

    Attributes
    ----------
    epoch, step : int
        Done.
    best : float
        Lowest validation RMSE of the averaged weights.
    best_epoch : int
    """

    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    best_epoch: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Graphs with their values, and which of them train and validate."""

    graphs: GraphSet
    values: NDArray[np.float64]
    train: NDArray[np.int64]
    val: NDArray[np.int64]


def budget_batches(
    order: NDArray[np.integer], sizes: NDArray[np.integer], budget: int
) -> Iterator[NDArray[np.integer]]:
    """Cut rows, in the order given, into batches of at most ``budget`` edges; a larger graph is a batch alone.

    Parameters
    ----------
    order : (n,) int
        Rows.
    sizes : (graphs,) int
        Edges of each graph.
    budget : int
    """
    first, total = 0, 0
    for k, row in enumerate(order):
        if k > first and total + sizes[row] > budget:
            yield order[first:k]
            first, total = k, 0
        total += int(sizes[row])
    if len(order):
        yield order[first:]


class Member:
    """One network in training.

    Parameters
    ----------
    data : TrainingData
    recipe : FinetuneRecipe
    seed : int
        Of the new weights and of the order.
    encoder : InteractNN, optional
        Trained network to start from; None from scratch.
    vectors : (graphs, width) Tensor, optional
        Of a frozen encoder, from another member: they do not depend on the seed.
    """

    def __init__(
        self,
        data: TrainingData,
        recipe: FinetuneRecipe,
        *,
        seed: int,
        encoder: InteractNN | None,
        vectors: Tensor | None = None,
    ) -> None:
        self.data, self.recipe, self.seed = data, recipe, seed
        torch.manual_seed(seed)
        start = InteractNN(recipe.network_config()) if encoder is None else copy.deepcopy(encoder)
        network = AffinityNetwork(start, recipe.hidden, readout=recipe.readout, dropout=recipe.dropout)
        self.network = network.to(checked_device(recipe.device))
        if recipe.norms == "reestimated" or encoder is None:
            reestimate(self.network, self.batches(data.train))
        if recipe.mode == "frozen" and vectors is None:
            vectors = self._vectors(np.arange(len(data.graphs)))
        self.vectors = vectors
        self._start()
        self.average = copy.deepcopy(self.network)
        self.optimiser = torch.optim.AdamW(self._groups(), lr=recipe.optimiser.learning_rate)
        self.progress = MemberProgress()
        self.best: dict[str, Tensor] = {}

    def _start(self) -> None:
        """Set the scales of the head's input and of the values, as the network stands before training."""
        rows = self.data.train
        vectors = self._vectors(rows) if self.vectors is None else self.vectors[torch.from_numpy(rows)]
        values = torch.from_numpy(self.data.values[self.data.train]).to(vectors)
        self.network.start_from(vectors, values)

    def _groups(self) -> list[dict[str, Any]]:
        """Return the parameters by learning rate; the denoising head never enters the loss."""
        recipe = self.recipe
        decay = recipe.optimiser.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": list(self.network.head.parameters()), "share": 1.0, "weight_decay": decay}
        ]
        encoder = [p for n, p in self.network.encoder.named_parameters() if not n.startswith("head.")]
        if recipe.mode != "frozen":
            share = recipe.encoder_rate if recipe.mode == "full" else 1.0
            groups.append({"params": encoder, "share": share, "weight_decay": decay})
        return groups

    def batches(self, rows: NDArray[np.integer]) -> Iterator[PatchBatch]:
        """Yield batches of rows, in the order given."""
        for part in budget_batches(rows, self.data.graphs.n_edges, self.recipe.edge_budget):
            yield collate(self.data.graphs.cut(part), part).to(self.recipe.device)

    def predict(self, network: AffinityNetwork, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return pK (rows,) by a network in evaluation mode."""
        network.eval()
        with torch.no_grad():
            if self.vectors is not None:
                return network.values(self.vectors[torch.from_numpy(rows)]).double().cpu().numpy()
            parts = [network(batch).double().cpu().numpy() for batch in self.batches(rows)]
        return np.concatenate(parts) if parts else np.empty(0)

    def epoch(self) -> dict[str, float]:
        """Train one epoch, validate the averaged weights, and return what happened."""
        number = self.progress.epoch
        order = np.random.default_rng([self.seed, number]).permutation(self.data.train)
        parts = list(budget_batches(order, self.data.graphs.n_edges, self.recipe.edge_budget))
        self._training_mode()
        torch.manual_seed(self.seed * 1_000_003 + number)  # of the dropout: the same when an interrupted run goes on
        squares = 0.0
        for k, part in enumerate(parts):
            share = (number + k / len(parts)) / self.recipe.max_epochs
            squares += self._step(part, share, k) ** 2 * len(part)
        error = self.predict(self.average, self.data.val) - self.data.values[self.data.val]
        val = float(np.sqrt(np.mean(error**2)))
        done = replace(self.progress, epoch=number + 1)
        if val < done.best:
            done = replace(done, best=val, best_epoch=number + 1)
            self.best = {n: t.detach().cpu().clone() for n, t in self.average.state_dict().items()}
        self.progress = done
        return {"epoch": number + 1, "train_rmse": math.sqrt(squares / len(order)), "val_rmse": val}

    def fit(self, rows: NDArray[np.int64], *, share: float = 1.0) -> None:
        """Fit support vectors to rows, or to a share of them that the seed draws, and validate them.

        Parameters
        ----------
        rows : (n,) int64
        share : float
        """
        assert self.vectors is not None  # of the frozen encoder
        drawn = np.random.default_rng(self.seed).permutation(rows)[: max(1, round(share * len(rows)))]
        chosen = torch.from_numpy(np.sort(drawn))
        self.network.fit_support_vectors(self.vectors[chosen], torch.from_numpy(self.data.values)[chosen])
        self.average = self.network
        self.best = copy.deepcopy(self.network.state_dict())
        error = self.predict(self.network, self.data.val) - self.data.values[self.data.val]
        self.progress = MemberProgress(epoch=1, best=float(np.sqrt(np.mean(error**2))), best_epoch=1)

    @property
    def over(self) -> bool:
        """Whether the last epoch is done or the patience at its end."""
        progress = self.progress
        return progress.epoch >= self.recipe.max_epochs or progress.epoch - progress.best_epoch >= self.recipe.patience

    def _training_mode(self) -> None:
        self.network.train()
        if self.recipe.norms != "train" or self.recipe.mode == "frozen":
            self.network.encoder.eval()  # running statistics are used, and stay

    def _step(self, rows: NDArray[np.integer], share: float, number: int) -> float:
        recipe = self.recipe
        rate = learning_rate(recipe.optimiser, step=self.progress.step, done=share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        loss = self._loss(rows, number)
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(
                f"the loss is {float(loss.detach())} in epoch {self.progress.epoch + 1}",
                remedy="lower optimiser.learning_rate",
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.optimiser.clip_norm)
        self.optimiser.step()
        self.progress = replace(self.progress, step=self.progress.step + 1)
        self._move_average()
        return float(loss.detach())

    def _loss(self, rows: NDArray[np.integer], number: int) -> Tensor:
        values = torch.from_numpy(self.data.values[rows]).to(self.recipe.device, torch.float32)
        return torch.sqrt((self._predicted(rows, number) - values).square().mean() + 1e-12)

    def _predicted(self, rows: NDArray[np.integer], number: int) -> Tensor:
        if self.vectors is not None:
            return self.network.values(self.vectors[torch.from_numpy(rows)])
        batch = collate(self.data.graphs.cut(rows), rows).to(self.recipe.device)
        if self.recipe.jitter:
            rng = np.random.default_rng([self.seed, self.progress.epoch, number])
            noise = torch.from_numpy(rng.normal(0.0, self.recipe.jitter, tuple(batch.positions.shape)))
            batch = batch.with_positions(batch.positions + noise.to(batch.positions))
        predicted: Tensor = self.network(batch)
        return predicted

    def _move_average(self) -> None:
        # a short memory at first: else the average would hold the untrained weights for hundreds of steps
        decay = min(self.recipe.ema, (1 + self.progress.step) / (10 + self.progress.step))
        now = self.network.state_dict()
        with torch.no_grad():
            for name, tensor in self.average.state_dict().items():
                tensor.lerp_(now[name].to(tensor.dtype), 1.0 - decay)

    def _vectors(self, rows: NDArray[np.integer]) -> Tensor:
        self.network.eval()
        with torch.no_grad():
            return torch.cat([self.network.vectors(batch) for batch in self.batches(rows)])

    def result(self) -> AffinityNetwork:
        """Return the averaged network of the best epoch, in evaluation mode."""
        network = copy.deepcopy(self.average)
        network.load_state_dict(self.best)
        return network.eval()

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or absent."""
        tensors = {f"network.{n}": t for n, t in self.network.state_dict().items()}
        tensors |= {f"average.{n}": t for n, t in self.average.state_dict().items()}
        tensors |= {f"best.{n}": t for n, t in self.best.items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{n}": torch.as_tensor(t) for n, t in state.items()}
        scratch = path.with_suffix(".part")
        save_file(
            {n: t.detach().cpu().contiguous() for n, t in tensors.items()},
            scratch,
            metadata={"progress": json.dumps(asdict(self.progress))},
        )
        scratch.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        ModelFileError
            If it is damaged or belongs to another recipe.
        """
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                metadata = file.metadata() or {}
            parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "best": {}, "optimiser": {}}
            for name, tensor in tensors.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = tensor
            self.network.load_state_dict(parts["network"])
            self.average.load_state_dict(parts["average"])
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in parts["optimiser"].items():
                index, _, rest = name.partition(".")
                state.setdefault(int(index), {})[rest] = tensor
            groups = self.optimiser.state_dict()["param_groups"]
            self.optimiser.load_state_dict({"state": state, "param_groups": groups})
            self.best = parts["best"]
            self.progress = MemberProgress(**json.loads(metadata["progress"]))
        except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
            raise ModelFileError(
                f"the checkpoint cannot be used: {str(error).splitlines()[0]}", entry=str(path),
                remedy="start again in a new folder",
            ) from error  # fmt: skip


def reestimate(network: AffinityNetwork, batches: Iterator[PatchBatch]) -> None:
    """Set the running statistics of every norm of the encoder to their mean over some batches.

    A network pre-trained on crystals meets pockets: their statistics differ, above all where atoms lack neighbours.
    """
    norms = [m for m in network.encoder.modules() if isinstance(m, EquivariantBatchNorm)]
    before = [norm.momentum for norm in norms]
    network.encoder.train()
    with torch.no_grad():
        for count, batch in enumerate(batches, start=1):
            for norm in norms:
                norm.momentum = 1.0 / count
            network.vectors(batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.encoder.eval()
