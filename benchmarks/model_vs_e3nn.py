"""The denoising network: ours against e3nn 0.6, stock (eager) and compiled (``torch.compile`` of its tensor products).

Same parameters, same batches, same process, run in turn. Preset ``paper`` with Ψ of 96 and 32 hidden; graphs of the sizes of the
paper's Table 1 and of pockets. One thread: CPU time. Two threads: wall time. Peak memory: a process for each side.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from e3nn_model import E3nnModel, products
from graphs import patches, pockets
from harness import Figure, arguments, paired, report
from molinteract.batches.batch import PatchBatch
from molinteract.network.config import NetworkConfig, preset
from molinteract.network.encoder import InteractNN
from operations import of_network

Step = Callable[[], object]
TARGETS = {"train 96": (6.0, 2.5), "train 32": (10.0, 4.0), "infer 96": (4.0, 2.0), "pocket 96": (6.0, 2.5)}


def main() -> None:
    """Print the table of docs/performance.md."""
    options = arguments(__doc__ or "", _more)
    torch.set_num_threads(1)
    torch._dynamo.config.recompile_limit = (
        64  # five tensor products share one function; by default some would stay eager
    )
    peak = _peak()
    figures = [Figure("float32 matrix product of 1024, one thread", peak / 1e9, "Gflop/s")]
    for name in options.only.split(",") if options.only else TARGETS:
        figures += _case(name, options, peak)
        print(f"{name} is measured", file=sys.stderr)
    figures += _construction()
    if not options.only:
        figures += _memory(options.quick)
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", help=f"some of {', '.join(TARGETS)}, joined by commas")
    parser.add_argument("--eager", action="store_true", help="leave out compiled e3nn, whose compilation takes minutes")
    parser.add_argument("--threads", default="1,2", help="1 (CPU time), 2 (wall time), or both")
    parser.add_argument("--rounds", type=int, default=3)


def _case(name: str, options: argparse.Namespace, peak: float) -> list[Figure]:
    kind, hidden = name.split()
    ours = InteractNN(_config(int(hidden)))
    batch = _batch(kind, quick=options.quick)
    opponents = {"stock": E3nnModel(ours, products(ours, compiled=False))}
    if not (options.eager or options.quick):
        opponents["compiled"] = E3nnModel(ours, products(ours, compiled=True))
    models: list[nn.Module] = [ours, *opponents.values()]
    _check(models, batch)
    training = kind != "infer"
    steps = [(_training if training else _inference)(model, batch) for model in models]
    figures = []
    rounds = 1 if options.quick else options.rounds
    if "1" in options.threads:
        seconds = paired(steps, rounds=rounds)
        work = of_network(ours, batch, training=training)
        share = work.operations / seconds[0] / peak
        figures = [Figure(f"{name}: ours", seconds[0], "s"), Figure(f"{name}: share of peak", share, "", target=0.7)]
        figures += _ratios(name, opponents, seconds)
    if "2" in options.threads and not options.quick:
        torch.set_num_threads(2)
        walls = _walls(steps, rounds=rounds)
        torch.set_num_threads(1)
        figures.append(Figure(f"{name}, two threads: ours", walls[0], "s"))
        figures += _ratios(f"{name}, two threads", opponents, walls)
    return figures


def _ratios(name: str, opponents: dict[str, nn.Module], seconds: list[float]) -> list[Figure]:
    figures = []
    targets = dict(zip(("stock", "compiled"), TARGETS[name.split(",")[0]], strict=True))
    for opponent, value in zip(opponents, seconds[1:], strict=True):
        figures.append(Figure(f"{name}: {opponent} e3nn", value, "s"))
        figures.append(Figure(f"{name}: {opponent} / ours", value / seconds[0], "times", target=targets[opponent]))
    return figures


def _config(hidden: int) -> NetworkConfig:
    return preset("paper").model_copy(update={"psi_hidden": hidden})


def _batch(kind: str, *, quick: bool = False) -> PatchBatch:
    if kind == "pocket":
        return pockets(1 if quick else 8)
    return patches(4 if quick else 256 if kind == "infer" else 64)


def _check(models: list[nn.Module], batch: PatchBatch) -> None:
    """Stop unless all predict the same in evaluation mode."""
    with torch.no_grad():
        predictions = [_predict(model.eval(), batch) for model in models]
    difference = max(float((other - predictions[0]).abs().max()) for other in predictions[1:])
    size = float(predictions[0].abs().max())
    assert difference < 1e-3 * size, (difference, size)


def _predict(model: nn.Module, batch: PatchBatch) -> torch.Tensor:
    if isinstance(model, InteractNN):
        return model.denoise(batch, model.encode(batch))
    predicted: torch.Tensor = model(batch)
    return predicted


def _training(model: nn.Module, batch: PatchBatch) -> Step:
    used = [p for name, p in model.named_parameters() if not name.startswith("pool.")]
    optimiser = torch.optim.Adam(used, lr=1e-4)
    model.train()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        _predict(model, batch).square().sum(1).mean().sqrt().backward()
        optimiser.step()

    return step


def _inference(model: nn.Module, batch: PatchBatch) -> Step:
    model.eval()

    def step() -> None:
        with torch.no_grad():
            _predict(model, batch)

    return step


def _walls(steps: list[Step], *, rounds: int) -> list[float]:
    times = []
    steps[0]()  # starts the threads
    for _ in range(rounds):
        row = []
        for step in steps:
            start = time.perf_counter()
            step()
            row.append(time.perf_counter() - start)
        times.append(row)
    return [statistics.median(column) for column in zip(*times, strict=True)]


def _peak() -> float:
    """Return the operations a second of a float32 matrix product, the best of some."""
    a, b = torch.randn(2, 1024, 1024)
    return max(2.0 * 1024**3 / paired([lambda: a @ b], rounds=5)[0] for _ in range(3))


def _construction() -> list[Figure]:
    (seconds,) = paired([lambda: InteractNN(preset("paper"))], rounds=3)
    return [Figure("construction of the network", seconds, "s", target=0.3, higher_is_better=False)]


def _memory(quick: bool) -> list[Figure]:
    peaks = {}
    for side in ("ours", "stock"):
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        process = context.Process(target=_peak_memory, args=(side, quick, queue))
        process.start()
        peaks[side] = queue.get()
        process.join()
    figures = [Figure(f"peak memory of a training step, {side}", value, "MB") for side, value in peaks.items()]
    return [*figures, Figure("peak memory, stock / ours", peaks["stock"] / peaks["ours"], "times", target=9.0)]


def _peak_memory(side: str, quick: bool, queue: "multiprocessing.Queue[float]") -> None:
    """Put the growth of the resident memory over that of the imports and the batch, MB, hidden 96."""
    torch.set_num_threads(1)
    batch = _batch("train", quick=quick)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _high_water()
    ours = InteractNN(_config(96))
    model = ours if side == "ours" else E3nnModel(ours, products(ours, compiled=False))
    step = _training(model, batch)
    del ours
    step()
    queue.put(_high_water() - before)


def _high_water() -> float:
    """Return the peak resident memory of this process, MB (Linux)."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
