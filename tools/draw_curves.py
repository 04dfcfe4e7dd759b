"""Draw few-shot curves from the JSON of ``molinteract benchmark-representation``: one panel a task, linear readers.

``draw_curves.py SCORES.json … -o PICTURE``. Files of several kinds of vectors (``--features``) go into the same panels; what does
not depend on the kind is drawn once.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt

SHOWN = {
    "pre-trained, layers": ("#0072B2", "o", "-"),
    "untrained, layers": ("#56B4E9", "s", "--"),
    "pre-trained, readout": ("#D55E00", "^", "-"),
    "untrained, readout": ("#E69F00", "v", "--"),
    "composition + distances": ("#555555", "D", ":"),
    "SOAP (DScribe)": ("#009E73", "P", ":"),
}
OF_A_NETWORK = ("pre-trained", "untrained")


def main() -> None:
    """Read the files and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    curves: dict[str, dict[str, dict[int, tuple[float, float]]]] = {}
    units = {}
    for file in options.scores:
        facts = json.loads(file.read_text(encoding="utf-8"))
        for s in facts["scores"]:
            if s["reader"] != "linear" or not s["labels"]:
                continue
            name = (
                f"{s['features']}, {facts.get('features', 'readout')}"
                if s["features"] in OF_A_NETWORK
                else s["features"]
            )
            curves.setdefault(s["task"], {}).setdefault(name, {})[s["labels"]] = (s["mean"], s["sd"])
            units[s["task"]] = f"mean absolute error / {s['unit']}" if s["unit"] else "balanced accuracy"
    figure, panels = plt.subplots(1, len(curves), figsize=(3.1 * len(curves), 3.4), layout="constrained")
    for axes, (task, by_name) in zip(panels, curves.items(), strict=True):
        for name, (colour, marker, line) in SHOWN.items():
            points = sorted(by_name.get(name, {}).items())
            axes.errorbar(
                [n for n, _ in points], [mean for _, (mean, _) in points], [sd for _, (_, sd) in points],
                color=colour, marker=marker, linestyle=line, markersize=4, capsize=2, label=name,
            )  # fmt: skip
        axes.set(xscale="log", xlabel="labels", ylabel=units[task], title=task)
        axes.title.set_size("medium")
        if units[task].startswith("mean"):  # fits that failed wholly would hide all others
            axes.set_ylim(1.0, 4.0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(options.out, dpi=160)


if __name__ == "__main__":
    main()
