"""From crystals to patches: CPU time of every step, crystals of the embedded sample.

Steps are timed apart on the same crystals: reading, assembling (symmetry, bonds, molecules, checks), perceiving (bond orders,
flags), finding patches (neighbours, cut, orbits, labels).
"""

import statistics
from collections.abc import Callable

from harness import Figure, arguments, cpu_seconds, report
from molinteract.chemistry.flags import atom_flags
from molinteract.chemistry.perception import perceive
from molinteract.core.errors import EntryError
from molinteract.core.settings import Limits, PatchParameters, Policies
from molinteract.crystals.assemble import assemble
from molinteract.patches.find import find_patches
from molinteract.sources.entries import SAMPLE, iterate


def main() -> None:
    """Print milliseconds a crystal for each step."""
    options = arguments(__doc__ or "")
    structures = [raw for item in iterate(SAMPLE) for raw in item.read()][: 30 if options.quick else None]
    times: dict[str, list[float]] = {"assemble": [], "perceive": [], "find patches": []}
    patches = 0
    for round_ in range(2 if options.quick else 4):
        for raw in structures:
            try:
                patches += _steps(raw, times, keep=round_ > 0)
            except EntryError:
                continue
    assert patches > 0
    figures = [Figure(f"{name}, median a crystal", 1e3 * statistics.median(t), "ms") for name, t in times.items()]
    total = sum(sum(t) for t in times.values()) / len(times["assemble"])
    figures.append(Figure("all steps, mean a crystal", 1e3 * total, "ms"))
    figures.append(Figure("crystals a second and core", 1.0 / total, "1/s"))
    report(figures, options.json)


def _steps(raw: object, times: dict[str, list[float]], *, keep: bool) -> int:
    results: list[object] = []

    def timed(name: str, work: Callable[[], object]) -> object:
        seconds = cpu_seconds(lambda: results.append(work()))
        if keep:
            times[name].append(seconds)
        return results[-1]

    crystal = timed("assemble", lambda: assemble(raw, policies=Policies(), limits=Limits()))
    found = timed("perceive", lambda: [perceive(molecule) for molecule in crystal.molecules])
    flags = [atom_flags(perception) for perception in found]
    table = timed("find patches", lambda: find_patches(crystal, flags, parameters=PatchParameters()))
    return len(table)


if __name__ == "__main__":
    main()
