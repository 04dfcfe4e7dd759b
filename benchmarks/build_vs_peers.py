"""From CIF bytes to stored, verified patches, against three packages that do the same job or less of it.

Compared, chemistry left out on all sides, one thread: ours (read, symmetry, molecules, neighbours, patches and their edges,
contact orbits; then written to a store, read back and every patch cut again and compared), pymatgen (``Structure`` and
``get_neighbor_list``: atom pairs), ASE (``read`` and ``neighbor_list``: atom pairs), chmpy (``symmetry_unique_dimers``). All at
4 Å, on the same CIF texts, in turn, CPU time, medians of rounds; our caches are emptied before every crystal. The first round
warms up (compiled kernels come from disk) and is dropped. Storing and verifying happen for all crystals together, repeated to
some thousand; each carries its share. The rate is that of this whole build, of one file of many blocks, with the verification.

The crystals are written as CIF with the symmetry that was found: those of the embedded sample and, where MOLINTERACT_SHARED_DATA
names the development set, its CSD-like molecules; or of any SOURCE that is named.
"""

import argparse
import functools
import io
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
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
from molinteract.store.process import ProcessedEntry, process, warm_up

REACH = 4.0
SETTINGS = BuildSettings(labels=False)
TARGETS = {"pymatgen": 40.0, "ASE": 70.0, "chmpy": 600.0}
RATE = 1500.0
REPEATS, ENOUGH = 5, 0.05
"""Each work runs so many times in a row, or until so many seconds are spent; the median counts: the first after another package
finds cold processor caches."""
STORED = 3000
"""Crystals of the build that is timed, at least."""
ROWS_AT_ONCE = 256
"""Patches that are cut at once to be verified: few enough to stay in the processor's caches."""


def main() -> None:
    """Print times, ratios and rates."""
    options = arguments(__doc__ or "", _more)
    warnings.simplefilter("ignore")  # each package has its own opinion of a CIF
    most = 6 if options.quick else options.most
    figures = []
    for title, source in [(source, source) for source in options.source] or _default_sources():
        texts = _texts(source, most)
        figures += [
            replace(figure, name=f"{title}: {figure.name}")
            for figure in _compared(texts, rounds=1 if options.quick else 3)
        ]
    report(figures, options.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", action="append", default=[], help="any source of CIF files; may be repeated")
    parser.add_argument("--most", type=int, default=100, help="crystals of a source at most, evenly taken")


def _default_sources() -> list[tuple[str, str]]:
    shared = Path(os.environ.get("MOLINTERACT_SHARED_DATA", "../shared/data")) / "crystals" / "csd500_dft.zip"
    return [("sample", SAMPLE), *([("CSD-like", str(shared))] if shared.is_file() else [])]


def _compared(texts: list[str], *, rounds: int) -> list[Figure]:
    _ours(texts[0])  # loads every module, so that all caches are known
    works = {"ours": _ours, "pymatgen": _pymatgen, "ASE": _ase, "chmpy": _chmpy}
    times = {name: np.full((len(texts), rounds + 1), np.nan) for name in works}
    counts: list[tuple[int, int]] = []
    for turn in range(rounds + 1):
        for k, text in enumerate(texts):
            found = {name: _timed(work, text, times[name][k], turn) for name, work in works.items()}
            if turn == 0 and found["chmpy"] is not None:
                counts.append((found["ours"] or 0, found["chmpy"]))
    medians = {name: np.nanmedian(values[:, 1:], axis=1) for name, values in times.items()}
    stored, rate = _stored(texts, rounds=rounds)
    total = medians["ours"] + stored
    figures = [
        Figure("ours, bytes to patches, median a crystal", 1e3 * float(np.median(medians["ours"])), "ms"),
        Figure("ours, share of storing and verifying", 1e3 * stored, "ms"),
        Figure("ours, bytes to stored, verified patches, median", 1e3 * float(np.median(total)), "ms"),
        Figure("ours, crystals a second, stored and verified", rate, "1/s", RATE),
    ]
    for name, target in TARGETS.items():
        read = np.isfinite(medians[name])
        title = f"{name}, median a crystal ({read.sum()} of {len(texts)})"
        figures.append(Figure(title, 1e3 * float(np.median(medians[name][read])), "ms"))
        figures.append(Figure(f"{name} / ours", float(np.median(medians[name][read] / total[read])), "x", target))
    same = statistics.mean(float(a == b) for a, b in counts) if counts else float("nan")
    print(f"{len(texts)} crystals; as many neighbours as chmpy: {100 * same:.1f} % of {len(counts)}")
    print("differing (ours, chmpy):", [pair for pair in counts if pair[0] != pair[1]])
    return figures


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
    seconds: list[float] = []
    try:
        while len(seconds) < (REPEATS if turn else 1) and sum(seconds) < ENOUGH:
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
    # the kernels are loaded once in a process, which is no knowledge of a crystal
    return tuple(value for value in values if isinstance(value, functools._lru_cache_wrapper) and value is not warm_up)


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


def _stored(texts: list[str], *, rounds: int) -> tuple[float, float]:
    """Return the CPU seconds a crystal that storing and verifying add, and the crystals a second of the whole.

    The whole build (one file, shards, checksums) is timed and the time of processing, timed the same way, taken off.
    """
    texts = texts * ((STORED if rounds > 1 else STORED // 10) // len(texts) + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "all.cif").write_text("".join(texts))
        (folder / "one.cif").write_text(texts[0])
        build([str(folder / "one.cif")], folder / "warm", settings=SETTINGS)
        spent = [
            (
                cpu_seconds(lambda: [_ours(text) for text in texts]),
                cpu_seconds(
                    functools.partial(build, [str(folder / "all.cif")], folder / f"db-{turn}", settings=SETTINGS)
                ),
                cpu_seconds(functools.partial(_verify, folder / f"db-{turn}", len(texts))),
            )
            for turn in range(rounds)
        ]
    processing, building, verifying = np.median(spent, axis=0) / len(texts)
    return float(building + verifying - processing), float(1 / (building + verifying))


def _verify(path: Path, crystals: int) -> None:
    """Check the files, and cut every patch again from what is stored."""
    dataset = open_dataset(path)
    assert dataset.n_entries == crystals
    assert dataset.verify() == []
    expected = [dataset.column(name) for name in ("n_nodes", "n_inter", "n_intra")]
    for start in range(0, len(dataset), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(dataset)))
        arrays = dataset.cut(rows)
        for column, found in zip(
            expected, (arrays.node_offsets, arrays.inter_offsets, arrays.intra_offsets), strict=True
        ):
            assert (np.diff(found) == column[rows]).all()


if __name__ == "__main__":
    main()
