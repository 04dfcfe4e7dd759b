"""Fine-tuning on dimer energies: does a pre-trained network need fewer labels than one from scratch?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from molinteract.batches.collate import collate
from molinteract.batches.loader import CutsPatches
from molinteract.evidence.compare import Score, judged
from molinteract.evidence.paired import Tally, tally
from molinteract.evidence.task import Task, train_rows
from molinteract.network.encoder import InteractNN
from molinteract.network.vectors import VectorKind, vector_widths, vectors_of

EVALUATED = 256
VALIDATION_ROWS = 500
SIZES = (100, 300, 1000)
READER: Final = "fine-tuned"
_STRENGTHS: Final = (1e-1, 1.0, 10.0, 1e2, 1e3, 1e4)
"""Regularisation of the ridge regression that the head begins with."""
NetworkOfSeed = Callable[[int], InteractNN]


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How a network is fine-tuned; the same for pre-trained networks and those from scratch.

    Attributes
    ----------
    kind : {"readout", "layers"}
        What the head reads: order-free z, or the sums of every layer's scalars.
    learning_rates : tuple of float
        Of AdamW; the one that does best on validation is taken.
    steps, batch_size : int
    check_every : int
        Steps between validations; the weights of the best one are taken, those before the first step among them.
    weight_decay : float
    hidden : int
        Width of the non-linear part of the head.
    """

    kind: VectorKind = "layers"
    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    steps: int = 200
    batch_size: int = 32
    check_every: int = 25
    weight_decay: float = 0.01
    hidden: int = 64


class EnergyNetwork(nn.Module):
    """A network with a head for one number of a patch: a linear map of its vector, and a small network beside it.

    Vectors and energies are standardised by the training rows; the linear map begins as the ridge regression of frozen vectors,
    the small network as nothing, so that training begins where frozen vectors end.

    Parameters
    ----------
    body : InteractNN
    kind : {"readout", "layers"}
    hidden : int
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, body: InteractNN, *, kind: VectorKind, hidden: int) -> None:
        super().__init__()
        self.body, self.kind = body, kind
        width = vector_widths(body.config, kind)[0]
        self.linear = nn.Linear(width, 1)
        last = nn.Linear(hidden, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.more = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), last)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def vectors(self, source: CutsPatches, rows: NDArray[np.int64]) -> Tensor:
        """Return the vectors that the head reads, not yet standardised, (rows, width)."""
        batch = collate(source.cut(rows), rows)
        vectors, _ = vectors_of(self.body, batch, kind=self.kind)
        if self.kind == "layers":
            return vectors
        half = vectors.shape[1] // 2
        first, second = vectors[:, :half], vectors[:, half:]
        return torch.cat([first + second, (first - second).abs()], dim=1)

    def forward(self, source: CutsPatches, rows: NDArray[np.int64]) -> Tensor:
        """Return energies (rows,) in kcal/mol."""
        scaled = (self.vectors(source, rows) - self.mean) / self.spread
        energies: Tensor = (self.linear(scaled) + self.more(scaled)).squeeze(1)
        return energies

    def start(self, source: CutsPatches, rows: NDArray[np.int64], energies: NDArray[np.float64], held: "Held") -> None:
        """Standardise by some rows and fit the linear map to their energies, regularised as is best for the validation."""
        with torch.no_grad():
            vectors = torch.cat([self.vectors(source, part) for part in _parts(rows)])
            self.mean.copy_(vectors.mean(0))
            self.spread.copy_(vectors.std(0).clamp(min=1e-6))
            x, checked = (
                ((v - self.mean) / self.spread).double().numpy()
                for v in (vectors, torch.cat([self.vectors(source, part) for part in _parts(held.rows)]))
            )
        fits = [Ridge(alpha=strength).fit(x, energies) for strength in _STRENGTHS]
        best = min(fits, key=lambda fit: float(np.abs(fit.predict(checked) - held.energies).mean()))
        with torch.no_grad():
            self.linear.weight.copy_(torch.from_numpy(best.coef_)[None])
            self.linear.bias.fill_(float(best.intercept_))


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Rows and energies (kcal/mol) that learning rate, regularisation and length of training are chosen by."""

    rows: NDArray[np.int64]
    energies: NDArray[np.float64]


def fine_tune(
    body: InteractNN,
    source: CutsPatches,
    rows: NDArray[np.int64],
    energies: NDArray[np.float64],
    *,
    held: Held,
    learning_rate: float,
    settings: TuningSettings,
    seed: int,
) -> tuple[EnergyNetwork, float]:
    """Train all weights on some energies; the network given is left as it is.

    Norms keep their statistics. The loss is the smooth absolute error with its bend at 1 kcal/mol.

    Returns
    -------
    EnergyNetwork
        As it was at the best validation.
    float
        Mean absolute error of the validation rows, kcal/mol.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = EnergyNetwork(deepcopy(body), kind=settings.kind, hidden=settings.hidden).eval()
    model.start(source, rows, energies, held)
    best, state = _error(model, source, held), deepcopy(model.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    target = torch.from_numpy(energies).float()
    for step, chosen in enumerate(_batches(len(rows), settings, seed), start=1):
        loss = nn.functional.smooth_l1_loss(model(source, rows[chosen]), target[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if step % settings.check_every == 0 and (error := _error(model, source, held)) < best:
            best, state = error, deepcopy(model.state_dict())
    model.load_state_dict(state)
    return model, best


def learning_curve(
    task: Task,
    source: CutsPatches,
    rows: NDArray[np.int64],
    networks: Mapping[str, NetworkOfSeed],
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = 3,
    settings: TuningSettings | None = None,
    stage: Callable[[str], None] | None = None,
) -> list[Score]:
    """Fine-tune networks on few energies and judge them on the test rows of a task.

    A tenth of the training groups (at most ``VALIDATION_ROWS`` rows) is set aside for validation. The learning rate is chosen
    for each network and size with the first seed. All networks see the same rows.

    Parameters
    ----------
    task : Task
        Of values.
    source : CutsPatches
    rows : (n,) int
        Rows of the source that the task asks of.
    networks : mapping
        By name, one of them ``OURS``; each is called with the seed.
    sizes : sequence of int
        Labels to fit on.
    seeds : int
    settings : TuningSettings, optional
    stage : callable, optional
        Told what is being done.
    """
    settings = settings or TuningSettings()
    tell = stage or (lambda _text: None)
    held, task = _set_aside(task, rows)
    energies, test = task.target.astype(np.float64), rows[task.test]
    scores = []
    for size in sizes:
        rates = dict.fromkeys(networks, settings.learning_rates)
        tallies: dict[str, list[Tally]] = {name: [] for name in networks}
        for seed in range(seeds):
            chosen = train_rows(task, size, seed=seed)
            for name, made in networks.items():
                tried = [
                    fine_tune(
                        made(seed), source, rows[chosen], energies[chosen],
                        held=held, learning_rate=rate, settings=settings, seed=seed,
                    )
                    for rate in rates[name]
                ]  # fmt: skip
                best = int(np.argmin([error for _, error in tried]))
                rates[name] = (rates[name][best],)
                tallies[name].append(tally(task, _predicted(tried[best][0], source, test)))
                tell(
                    f"{size} labels, seed {seed}, {name}: {tallies[name][-1].score():.3f} kcal/mol at {rates[name][0]:g}"
                )
        scores += judged(task, tallies, reader=READER, labels=size)
    return scores


def _set_aside(task: Task, rows: NDArray[np.int64]) -> tuple[Held, Task]:
    rng = np.random.default_rng(0)
    groups = task.groups.astype(str)
    names = np.unique(groups[task.train])
    kept_back = np.isin(groups, rng.choice(names, max(1, len(names) // 10), replace=False)) & task.train
    taken = rng.permutation(np.flatnonzero(kept_back))[:VALIDATION_ROWS]
    return Held(rows[taken], task.target[taken].astype(np.float64)), replace(task, train=task.train & ~kept_back)


def _batches(n: int, settings: TuningSettings, seed: int) -> Iterator[NDArray[np.int64]]:
    rng, left = np.random.default_rng(seed), np.zeros(0, dtype=np.int64)
    size = min(n, settings.batch_size)
    for _ in range(settings.steps):
        if len(left) < size:
            left = np.concatenate([left, rng.permutation(n)])
        yield left[:size]
        left = left[size:]


def _parts(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for k in range(0, len(rows), EVALUATED):
        yield rows[k : k + EVALUATED]


def _predicted(model: EnergyNetwork, source: CutsPatches, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    with torch.no_grad():
        return torch.cat([model(source, part) for part in _parts(rows)]).double().numpy()


def _error(model: EnergyNetwork, source: CutsPatches, held: Held) -> float:
    return float(np.abs(_predicted(model, source, held.rows) - held.energies).mean())
