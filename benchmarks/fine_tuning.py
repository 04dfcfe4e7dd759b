"""Fine-tuning on dimer energies, pre-trained against from scratch: the same rows, grid of learning rates, steps and seeds.

``--quick``: small sizes; says that it runs, no more. ``--picture FILE`` draws the curve.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from molinteract.app.reports.tables import evidence_table
from molinteract.core.provenance import machine, versions
from molinteract.evidence.compare import OURS, Score
from molinteract.evidence.dimers import read_dimers
from molinteract.evidence.features import untrained_like
from molinteract.evidence.finetuning import TuningSettings, learning_curve
from molinteract.evidence.tasks import dimer_tasks
from molinteract.network.saved import open_network

SCRATCH = "from scratch"


def main() -> None:
    """Print the learning curve of each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dimers", type=Path, help="parquet table of dimers (docs/evidence.md)")
    parser.add_argument("--model", default="small", help="RUN, a folder of weights, or a name")
    parser.add_argument("--features", choices=("readout", "layers"), default="layers")
    parser.add_argument("--monomers", action="store_true", help="judge on unseen monomers, not on unseen pairs")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[1e-3, 3e-3, 1e-2], help="learning rates to choose from"
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    dimers = read_dimers(options.dimers)
    rows, tasks = dimer_tasks(dimers)
    task, network = tasks[int(options.monomers)], open_network(options.model)
    settings = TuningSettings(kind=options.features, learning_rates=tuple(options.rates), steps=options.steps)
    sizes, seeds = options.sizes, options.seeds
    if options.quick:
        settings, sizes, seeds = replace(settings, steps=4, check_every=2, learning_rates=(1e-2,)), [20], 1
    scratch = {seed: untrained_like(network, dimers, rows[task.train], seed=seed) for seed in range(seeds)}
    scores = learning_curve(
        task, dimers, rows, {OURS: lambda _seed: network, SCRATCH: scratch.__getitem__}, sizes=sizes, seeds=seeds,
        settings=settings, stage=lambda text: print(text, file=sys.stderr, flush=True),
    )  # fmt: skip
    print(evidence_table(scores).text())
    if options.json is not None:
        facts = {"machine": machine(), "versions": versions(), "settings": asdict(settings)}
        facts["scores"] = [asdict(score) | {"verdict": score.verdict} for score in scores]
        options.json.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    if options.picture is not None:
        draw(scores, options.picture)


def draw(scores: list[Score], path: Path) -> None:
    """Draw mean absolute error against the number of labels."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4.2, 3.2), layout="constrained")
    for name, colour, marker in ((OURS, "#0072B2", "o"), (SCRATCH, "#D55E00", "s")):
        of_name = [score for score in scores if score.features == name]
        axes.errorbar(
            [s.labels for s in of_name], [s.mean for s in of_name], [s.sd for s in of_name], label=name, color=colour,
            marker=marker, capsize=3,
        )  # fmt: skip
    axes.set(xscale="log", xlabel="labels", ylabel="mean absolute error / kcal/mol", title=scores[0].task)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=200)


if __name__ == "__main__":
    main()
