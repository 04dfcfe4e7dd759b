"""Training on one CUDA device: steps of real runs where a store is given, and ``paper`` beside stock e3nn 0.6 on made graphs.

Batches lie on the device. Also: what TF32 does to a gradient, and whether two equal steps give equal gradients.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import torch
from torch import nn

from e3nn_model import E3nnModel, products
from graphs import patches, pockets
from harness import Figure, arguments, report
from molinteract.batches.batch import PatchBatch
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from molinteract.store.dataset import PatchDataset, open_dataset
from molinteract.training.data import loader_of, rows_of_split
from molinteract.training.displaced import DisplacedPatches
from molinteract.training.ema import MovingAverage
from molinteract.training.noise import Displaced, Draw
from molinteract.training.objectives import loss_sums, predict, total_loss
from molinteract.training.recipe import Recipe
from operations import of_network

RECIPE = Path(__file__).parents[1] / "configs" / "pretrain-joint.toml"
PRECISIONS = {"float32": "highest", "TF32": "high"}


def main() -> None:
    """Print the tables of docs/gpu.md."""
    options = arguments(__doc__ or "", _more)
    if not torch.cuda.is_available():
        sys.exit("no CUDA device: nothing to measure")
    rounds = 3 if options.quick else 20
    figures = []
    if options.store:
        store = open_dataset(options.store)
        for network in ("small", "paper"):
            figures += _gradients(store, network)
            for count in (256, 512, 1024):
                figures += _joint(store, network, count, rounds=rounds)
    for count in [int(size) for size in options.sizes.split(",")]:
        for hidden in (96, 32):
            figures += _denoising(count, hidden, stock=count <= options.stock_up_to, rounds=rounds)
    figures += _pockets(rounds=rounds)
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, help="patches for the steps of real runs")
    parser.add_argument("--sizes", default="64,256", help="made patches of a batch")
    parser.add_argument("--stock-up-to", type=int, default=64, help="largest batch that e3nn is asked to train on")


# real runs


def _joint(store: PatchDataset, network: str, count: int, *, rounds: int) -> list[Figure]:
    """Time steps of the joint recipe, with all that the loop does on the device."""
    recipe, batches = _displaced(store, network, count, batches=4)
    name, figures = f"joint run, {network}, {count} patches", []
    for precision, setting in PRECISIONS.items():
        torch.manual_seed(0)
        model = InteractNN(recipe.network_config()).cuda()
        parameters = list(model.parameters())
        optimiser = torch.optim.AdamW(parameters, lr=1e-4)
        average, turns = MovingAverage(model, recipe.optimiser.ema), cycle(batches)

        def step(
            model: InteractNN = model,
            parameters: list[nn.Parameter] = parameters,
            optimiser: torch.optim.Optimizer = optimiser,
            average: MovingAverage = average,
            turns: Iterator[tuple[PatchBatch, Displaced]] = turns,
        ) -> None:
            loss = _loss(model, *next(turns), recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            float(nn.utils.clip_grad_norm_(parameters, recipe.optimiser.clip_norm))
            optimiser.step()
            average.update(model, step=1)

        torch.cuda.reset_peak_memory_stats()
        with _products(setting):
            seconds = _elapsed(step, rounds)
        figures += [
            Figure(f"{name}, {precision}: a step", 1e3 * seconds, "ms"),
            Figure(f"{name}, {precision}: patches", count / seconds, "1/s"),
            Figure(f"{name}, {precision}: peak memory", torch.cuda.max_memory_allocated() / 2**20, "MB"),
        ]
    return figures


def _gradients(store: PatchDataset, network: str) -> list[Figure]:
    """Return the relative errors of the gradient of a batch of 64 patches, against float64."""
    recipe, ((batch, displaced),) = _displaced(store, network, 64, batches=1)
    found = {}
    for name, setting, dtype in (
        ("float64", "highest", torch.float64),
        ("float32", "highest", torch.float32),
        ("TF32", "high", torch.float32),
    ):
        torch.manual_seed(0)
        model = InteractNN(recipe.network_config()).cuda().to(dtype)
        with _products(setting):
            _loss(model, batch.to("cuda", dtype=dtype), displaced, recipe).backward()
        found[name] = torch.cat([p.grad.double().flatten() for p in model.parameters() if p.grad is not None])
    exact = found.pop("float64")
    return [
        Figure(f"gradient, {network}, {name}: relative error", float((g - exact).norm() / exact.norm()), "")
        for name, g in found.items()
    ]


def _displaced(
    store: PatchDataset, network: str, count: int, *, batches: int
) -> tuple[Recipe, list[tuple[PatchBatch, Displaced]]]:
    recipe = Recipe.load(RECIPE, [f"network={network}", f"data.batch_size={count}"])
    rows = rows_of_split(store, recipe, "train")
    made = DisplacedPatches(store, rows, noise=recipe.noise, d_inter=4.0, device="cuda")
    chosen = loader_of(store, recipe, rows, weighted=True).batches(0)[:batches]
    return recipe, [made.batch(part, kind="mixed", draw=Draw(0, 0, places)) for part, places in chosen]


def _loss(model: InteractNN, batch: PatchBatch, displaced: Displaced, recipe: Recipe) -> torch.Tensor:
    return total_loss(loss_sums(predict(model, batch, clamp=recipe.noise.clamp), displaced, batch), recipe)


@contextmanager
def _products(precision: str) -> Iterator[None]:
    torch.set_float32_matmul_precision(precision)
    yield
    torch.set_float32_matmul_precision("highest")


def _elapsed(step: Callable[[], None], rounds: int) -> float:
    """Return the mean seconds of a step by the clock: a run waits for its slower half, host or device."""
    for _ in range(4):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(rounds):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / rounds


# beside e3nn


def _denoising(count: int, hidden: int, *, stock: bool, rounds: int) -> list[Figure]:
    batch = patches(count).to("cuda")
    model = InteractNN(preset("paper").model_copy(update={"psi_hidden": hidden})).cuda()
    name = f"denoising, {count} made patches, hidden {hidden}"
    step = _step(model, lambda: model.denoise(batch, model.encode(batch)))
    figures = [_repeatable(model, batch, name)]
    for precision, setting in PRECISIONS.items():
        torch.cuda.reset_peak_memory_stats()
        with _products(setting):
            seconds = _on_device(step, rounds)
        figures += [
            Figure(f"{name}, {precision}: a step", 1e3 * seconds, "ms"),
            Figure(f"{name}, {precision}: patches", count / seconds, "1/s", target=5000.0 if hidden == 96 else None),
            Figure(f"{name}, {precision}: peak memory", torch.cuda.max_memory_allocated() / 2**20, "MB"),
        ]
    figures.append(
        Figure(f"{name}: operations of the hybrid", of_network(model, batch, training=True).operations / 1e9, "Gflop")
    )
    if stock:
        of_e3nn = products(model, compiled=False)
        for product in of_e3nn.values():
            assert isinstance(product, nn.Module)
            product.cuda()  # the model does not own it
        other = E3nnModel(model.cpu(), of_e3nn).cuda()
        seconds = _on_device(_step(other, lambda: other(batch)), rounds)
        figures.append(Figure(f"{name}, float32: stock e3nn", 1e3 * seconds, "ms"))
    return figures


def _pockets(*, rounds: int) -> list[Figure]:
    batch, model = pockets(8).to("cuda"), InteractNN(preset("paper")).cuda()
    step = _step(model, lambda: model.denoise(batch, model.encode(batch)))
    return [Figure("denoising, 8 pockets of 640 atoms, float32: a step", 1e3 * _on_device(step, rounds), "ms")]


def _step(model: nn.Module, predicted: Callable[[], torch.Tensor]) -> Callable[[], None]:
    used = [p for name, p in model.named_parameters() if not name.startswith("pool.")]
    optimiser = torch.optim.Adam(used, lr=1e-4, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        predicted().square().sum(1).mean().sqrt().backward()
        optimiser.step()

    return step


def _on_device(step: Callable[[], None], rounds: int) -> float:
    """Return the median seconds of a step by events on the device."""
    for _ in range(3):
        step()
    times = []
    for _ in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        step()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return statistics.median(times)


def _repeatable(model: InteractNN, batch: PatchBatch, name: str) -> Figure:
    """Return the largest difference between the gradients of two equal steps."""
    gradients = []
    for _ in range(2):
        model.zero_grad(set_to_none=True)
        model.denoise(batch, model.encode(batch)).square().mean().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    worst = max(float((a - b).abs().max()) for a, b in zip(*gradients, strict=True) if a.numel())
    return Figure(f"{name}: difference between two equal steps", worst, "", target=0.0, higher_is_better=False)


if __name__ == "__main__":
    main()
