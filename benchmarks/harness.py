"""What the benchmarks share: arguments, timing, the table and the JSON file."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from molinteract.core.provenance import machine, versions


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and, where there is one, what it should reach."""

    name: str
    value: float
    unit: str
    target: float | None = None
    higher_is_better: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.higher_is_better else self.value <= self.target


def arguments(description: str, more: Callable[[argparse.ArgumentParser], object] | None = None) -> argparse.Namespace:
    """Parse --quick, --json and what ``more`` adds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute: for correctness")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    if more is not None:
        more(parser)
    return parser.parse_args()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call, all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def paired(works: Sequence[Callable[[], object]], *, rounds: int) -> list[float]:
    """Return the median CPU seconds of each work, run in turn; the first round warms up and is dropped."""
    times = [[cpu_seconds(work) for work in works] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def report(figures: Sequence[Figure], path: Path | None) -> None:
    """Print the figures and write them as JSON."""
    for figure in figures:
        target = "" if figure.target is None else f"  target {figure.target:g}: {'met' if figure.met else 'not met'}"
        print(f"{figure.name:<58}{figure.value:>12,.4g} {figure.unit}{target}")
    if path is not None:
        values = {f.name: {"value": f.value, "unit": f.unit, "target": f.target, "met": f.met} for f in figures}
        path.write_text(json.dumps({"figures": values, "machine": machine(), "versions": versions()}, indent=1))
