"""From CIF bytes to stored, verified patches, against three packages that do the same job or less of it.

Compared, chemistry left out on all sides, one thread: ours (read, symmetry, molecules, neighbours, patches and their edges,
contact orbits; then written to a store, read back and every patch cut again and compared), pymatgen (``Structure`` and
``get_neighbor_list``: atom pairs), ASE (``read`` and ``neighbor_list``: atom pairs), chmpy (``symmetry_unique_dimers``). All at
4 Å, on the same CIF texts, in turn, CPU time, medians of rounds; our caches are emptied before every crystal. The first round
warms up (compiled kernels come from disk) and is dropped. Storing and verifying happen once for all crystals; each carries its
share.

The crystals are those of the embedded sample, written as CIF with the symmetry that was found, or any SOURCE that is named.
"""

import argparse
import functools
import io
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness import Figure, arguments, cpu_seconds, report
from molinteract.core.elements import SYMBOLS
from molinteract.core.errors import EntryError
from molinteract.core.settings import BuildSettings
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import Crystal
from molinteract.crystals.operations import operation_text
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.sources.entries import SAMPLE, iterate
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.process import ProcessedEntry, process

REACH = 4.0
SETTINGS = BuildSettings(labels=False)
TARGETS = {"pymatgen": 40.0, "ASE": 70.0, "chmpy": 600.0}
RATE = 1500.0
REPEATS = 5
"""Each work runs so many times in a row, the median counts: the first after another package finds cold processor caches."""


def main() -> None:
    """Print times, ratios and rates."""
    options = arguments(__doc__ or "", _more)
    warnings.simplefilter("ignore")  # each package has its own opinion of a CIF
    texts = _texts(options.source, 6 if options.quick else options.most)
    _ours(texts[0])  # loads every module, so that all caches are known
    works = {"ours": _ours, "pymatgen": _pymatgen, "ASE": _ase, "chmpy": _chmpy}
    rounds = 1 if options.quick else 3
    times = {name: np.full((len(texts), rounds + 1), np.nan) for name in works}
    counts: list[tuple[int, int]] = []
    for turn in range(rounds + 1):
        for k, text in enumerate(texts):
            found = {name: _timed(work, text, times[name][k], turn) for name, work in works.items()}
            if turn == 0 and found["chmpy"] is not None:
                counts.append((found["ours"] or 0, found["chmpy"]))
    medians = {name: np.nanmedian(values[:, 1:], axis=1) for name, values in times.items()}
    stored, patches = _stored(texts)
    total = medians["ours"] + stored
    figures = [
        Figure("ours: bytes to patches, median a crystal", 1e3 * float(np.median(medians["ours"])), "ms"),
        Figure("ours: share of storing and verifying, a crystal", 1e3 * stored, "ms"),
        Figure("ours: bytes to stored, verified patches, median", 1e3 * float(np.median(total)), "ms"),
        Figure("ours: crystals a second and core, stored and verified", float(1 / total.mean()), "1/s", RATE),
    ]
    for name, target in TARGETS.items():
        read = np.isfinite(medians[name])
        figures.append(
            Figure(
                f"{name}: median a crystal ({read.sum()} of {len(texts)})",
                1e3 * float(np.median(medians[name][read])),
                "ms",
            )
        )
        ratio = float(np.median(medians[name][read] / total[read]))
        figures.append(Figure(f"{name} / ours, median of the ratios", ratio, "x", target))
    same = statistics.mean(float(a == b) for a, b in counts) if counts else float("nan")
    print(f"{len(texts)} crystals, {patches} patches; as many neighbours as chmpy: {100 * same:.1f} % of {len(counts)}")
    print("differing (ours, chmpy):", [pair for pair in counts if pair[0] != pair[1]])
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", default=SAMPLE, help="any source of CIF files; the embedded sample by default")
    parser.add_argument("--most", type=int, default=60, help="crystals at most, evenly taken")


def _texts(source: str, most: int) -> list[str]:
    """Return CIF texts of crystals that we keep."""
    texts = []
    for item in iterate(source):
        for raw in item.read():
            if not isinstance(raw, RawStructure):
                continue
            try:
                crystal = assemble(raw, policies=SETTINGS.policies, limits=SETTINGS.limits)
            except EntryError:
                continue
            texts.append(_cif(crystal, len(texts)))
    step = max(1, len(texts) // most)
    return texts[::step][:most]


def _cif(crystal: Crystal, number: int) -> str:
    """Write a crystal as its asymmetric unit and operations, as a database exports it."""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"data_{number}", *(f"_cell_{name} {value:.5f}" for name, value in zip(names, crystal.cell, strict=True))]
    lines += [
        f"_symmetry_space_group_name_H-M '{crystal.space_group or 'P 1'}'",
        "loop_",
        "_space_group_symop_operation_xyz",
    ]
    lines += [f"'{operation_text(w, t)}'" for w, t in zip(crystal.rotations, crystal.translations, strict=True)]
    lines += ["loop_", *(f"_atom_site_{name}" for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z"))]
    inverse = np.linalg.inv(crystal.vectors)
    count = 0
    for molecule in crystal.molecules:
        seen: set[str] = set()
        for label, z, point in zip(molecule.labels, molecule.atomic_numbers, molecule.positions @ inverse, strict=True):
            if label in seen:
                continue  # an atom of a molecule on a special position that symmetry completes
            seen.add(label)
            count += 1
            lines.append(f"{SYMBOLS[z]}{count} {SYMBOLS[z]} " + " ".join(f"{value:.6f}" for value in point))
    return "\n".join(lines) + "\n"


def _timed(work: Callable[[str], int], text: str, row: np.ndarray, turn: int) -> int | None:
    found: list[int] = []
    seconds = []
    try:
        for _ in range(REPEATS if turn else 1):
            if work is _ours:
                _empty_caches()
            seconds.append(cpu_seconds(lambda: found.append(work(text))))
    except Exception:
        if work is _ours:
            raise
        return None
    row[turn] = statistics.median(seconds)
    return found[-1]


@functools.cache
def _caches() -> "tuple[functools._lru_cache_wrapper[object], ...]":
    modules = [module for name, module in sys.modules.items() if name.startswith("molinteract")]
    values = [value for module in modules for value in vars(module).values()]
    return tuple(value for value in values if isinstance(value, functools._lru_cache_wrapper))


def _empty_caches() -> None:
    for cache in _caches():
        cache.cache_clear()


def _ours(text: str) -> int:
    (raw,) = read_cif(text.encode(), source="benchmark", file="a.cif")
    assert isinstance(raw, RawStructure)
    entry = process(raw, SETTINGS)
    assert isinstance(entry, ProcessedEntry), entry
    return len(entry.patches) + entry.patches.n_empty


def _pymatgen(text: str) -> int:
    from pymatgen.core import Structure

    return len(Structure.from_str(text, fmt="cif").get_neighbor_list(REACH)[0])


def _ase(text: str) -> int:
    import ase.io
    from ase.neighborlist import neighbor_list

    return len(neighbor_list("ijd", ase.io.read(io.StringIO(text), format="cif"), REACH)[0])


def _chmpy(text: str) -> int:
    from chmpy import Crystal as Peer

    _, dimers = Peer.from_cif_string(text).symmetry_unique_dimers(radius=REACH)
    return sum(len(of_molecule) for of_molecule in dimers)


def _stored(texts: list[str]) -> tuple[float, int]:
    """Return the CPU seconds a crystal that storing and verifying add, and the number of patches verified.

    The whole build (files, shard, checksums) is timed and the time of processing, timed the same way, taken off.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "cifs"
        folder.mkdir()
        copies = max(1, 600 // len(texts))
        for copy in range(copies):
            for k, text in enumerate(texts):
                (folder / f"{copy:03d}-{k:04d}.cif").write_text(text)
        seconds = {"build": 0.0, "process": 0.0}
        build([str(folder / "000-0000.cif")], Path(name) / "warm", settings=SETTINGS)
        seconds["build"] = cpu_seconds(lambda: build([str(folder)], Path(name) / "db", settings=SETTINGS))
        seconds["verify"] = cpu_seconds(lambda: _verify(Path(name) / "db"))
        seconds["process"] = cpu_seconds(lambda: [_ours(text) for _ in range(copies) for text in texts])
        dataset = open_dataset(Path(name) / "db")
        share = (seconds["build"] + seconds["verify"] - seconds["process"]) / (copies * len(texts))
        return share, len(dataset)


def _verify(path: Path) -> None:
    """Check the files, and cut every patch again from what is stored."""
    dataset = open_dataset(path)
    assert dataset.verify() == []
    arrays = dataset.cut(np.arange(len(dataset)))
    for column, found in (
        ("n_nodes", arrays.node_offsets),
        ("n_inter", arrays.inter_offsets),
        ("n_intra", arrays.intra_offsets),
    ):
        assert (np.diff(found) == dataset.patches[column].to_numpy()).all(), column


if __name__ == "__main__":
    main()
