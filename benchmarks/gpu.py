"""Training and inference of ``paper`` on one CUDA device: ours in float32 and with TF32, and stock e3nn 0.6 in float32.

Batches lie on the device; times are medians of events on the device. Also asks that the same step gives the same gradients twice.
"""

import argparse
import statistics
import sys
from collections.abc import Callable

import torch

from e3nn_model import E3nnModel, products
from graphs import patches, pockets
from harness import Figure, arguments, report
from molinteract.batches.batch import PatchBatch
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from operations import of_network


def main() -> None:
    """Print the table of docs/gpu.md."""
    options = arguments(__doc__ or "", _more)
    if not torch.cuda.is_available():
        sys.exit("no CUDA device: nothing to measure")
    figures = []
    for count in [int(size) for size in options.sizes.split(",")]:
        for hidden in (96, 32):
            figures += _training(count, hidden, stock=count <= options.stock_up_to, rounds=3 if options.quick else 20)
    figures += _pockets(rounds=3 if options.quick else 20)
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="64,256", help="patches of a batch")
    parser.add_argument("--stock-up-to", type=int, default=64, help="largest batch that e3nn is asked to train on")


def _training(count: int, hidden: int, *, stock: bool, rounds: int) -> list[Figure]:
    batch = patches(count).to("cuda")
    model = InteractNN(preset("paper").model_copy(update={"psi_hidden": hidden})).cuda()
    name = f"train {count}, hidden {hidden}"
    step = _step(model, lambda: model.denoise(batch, model.encode(batch)))
    figures = [_repeatable(model, batch, name)]
    for precision, tf32 in (("float32", False), ("TF32", True)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.cuda.reset_peak_memory_stats()
        seconds = _seconds(step, rounds)
        figures += [
            Figure(f"{name}, {precision}: a step", 1e3 * seconds, "ms"),
            Figure(f"{name}, {precision}: patches", count / seconds, "1/s", target=5000.0 if hidden == 96 else None),
            Figure(f"{name}, {precision}: peak memory", torch.cuda.max_memory_allocated() / 2**20, "MB"),
        ]
    torch.backends.cuda.matmul.allow_tf32 = False
    figures.append(
        Figure(f"{name}: operations of the hybrid", of_network(model, batch, training=True).operations / 1e9, "Gflop")
    )
    if stock:
        other = E3nnModel(model.cpu(), products(model, compiled=False)).cuda()
        seconds = _seconds(_step(other, lambda: other(batch)), rounds)
        figures.append(Figure(f"{name}, float32: stock e3nn", 1e3 * seconds, "ms"))
    return figures


def _pockets(*, rounds: int) -> list[Figure]:
    batch, model = pockets(8).to("cuda"), InteractNN(preset("paper")).cuda()
    step = _step(model, lambda: model.denoise(batch, model.encode(batch)))
    return [Figure("train, 8 pockets of 640 atoms, float32: a step", 1e3 * _seconds(step, rounds), "ms")]


def _step(model: torch.nn.Module, predict: Callable[[], torch.Tensor]) -> Callable[[], None]:
    used = [p for name, p in model.named_parameters() if not name.startswith("pool.")]
    optimiser = torch.optim.Adam(used, lr=1e-4, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        predict().square().sum(1).mean().sqrt().backward()
        optimiser.step()

    return step


def _seconds(step: Callable[[], None], rounds: int) -> float:
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
