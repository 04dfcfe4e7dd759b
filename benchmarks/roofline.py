"""Picture of docs/performance.md: what a step reaches against what the machine can, by operations for each byte of weights moved.

Takes the JSON files of benchmarks/model_vs_e3nn.py; the two limits, float32 products and copying memory, are measured here.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from graphs import patches, pockets
from harness import paired
from molinteract.network.config import preset
from molinteract.network.encoder import InteractNN
from operations import Work, of_network

CASES = {"train 96": (64, 96), "train 32": (64, 32), "infer 96": (256, 96), "pocket 96": (8, 96)}


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="+", type=Path, help="JSON files of benchmarks/model_vs_e3nn.py")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/roofline.png"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    seconds = {
        name: figure["value"]
        for path in options.figures
        for name, figure in json.loads(path.read_text())["figures"].items()
        if figure["unit"] == "s"
    }
    peak, bandwidth = _limits()
    axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1]
    intensities = sorted([2.0**k for k in range(11)] + [peak / bandwidth])
    axes.loglog(intensities, [min(peak, bandwidth * x) / 1e9 for x in intensities], color="black", lw=1)
    axes.text(500, 1.06 * peak / 1e9, f"float32 products {peak / 1e9:.0f} Gflop/s", ha="center", fontsize=8)
    axes.text(2.4, 1.2 * bandwidth / 1e9, f"copying memory {bandwidth / 1e9:.0f} GB/s", fontsize=8)
    for (name, (count, hidden)), colour in zip(CASES.items(), ("C0", "C1", "C2", "C3"), strict=True):
        for side, marker in (("ours", "o"), ("stock e3nn", "x")):
            if f"{name}: {side}" not in seconds:
                continue
            work = _work(name, count, hidden, side)
            rate = work.operations / seconds[f"{name}: {side}"] / 1e9
            label = f"{name}, {side}: {rate:.0f} Gflop/s"
            axes.plot(work.operations / work.moved, rate, marker, color=colour, label=label)
    axes.set(xlabel="operations for each byte of weights moved", ylabel="Gflop/s, one thread", ylim=(0.5, 200))
    axes.legend(fontsize=7, loc="lower right")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(options.out, dpi=110)


def _work(name: str, count: int, hidden: int, side: str) -> Work:
    model = InteractNN(preset("paper").model_copy(update={"psi_hidden": hidden}))
    batch = pockets(count) if name.startswith("pocket") else patches(count)
    return of_network(model, batch, training=not name.startswith("infer"), per_edge=side != "ours")


def _limits() -> tuple[float, float]:
    """Return operations a second of a product of 1024, and bytes a second of copying 256 MB (read and written)."""
    a, b = torch.randn(2, 1024, 1024)
    source, target = torch.randn(2, 2**26)
    product = min(paired([lambda: a @ b], rounds=5)[0] for _ in range(3))
    copy = min(paired([lambda: target.copy_(source)], rounds=3)[0] for _ in range(3))
    return 2.0 * 1024**3 / product, 8.0 * 2**26 / copy


if __name__ == "__main__":
    main()
