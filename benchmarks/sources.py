"""Listing and reading sources: CPU time an entry of each kind, and how memory grows with the number of entries.

Every kind holds the same crystals: a CIF of 10 kB each, all different. Reading ends at the raw structure. Memory is the peak of a
process of its own, for a tenth of the entries and for all.
"""

import io
import multiprocessing
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Figure, arguments, paired, report
from molinteract.app.health import FORMIC_ACID
from molinteract.sources.entries import iterate

PADDING = b"".join(b"_refine_note_%d 'as long as the items of refinement of a usual file'\n" % k for k in range(150))


def contents(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, CIF) of different crystals."""
    for k in range(count):
        text = FORMIC_ACID.replace(b"data_formic_acid\n", b"data_x%d\n" % k + PADDING)
        yield f"{k % 100:02d}/{k:06d}.cif", text.replace(b"10.241", b"10.%06d" % (240000 + k))


def make_folder(path: Path, count: int) -> None:
    """Write a file each."""
    for name, data in contents(count):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def make_zip(path: Path, count: int) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents(count):
            archive.writestr(name, data)


def make_tar(path: Path, count: int) -> None:
    """Write a compressed tar archive."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in contents(count):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def make_blocks(path: Path, count: int) -> None:
    """Write one file of many blocks."""
    with path.open("wb") as file:
        for _, data in contents(count):
            file.write(data)


KINDS: dict[str, Callable[[Path, int], None]] = {
    "folder": make_folder,
    "x.zip": make_zip,
    "x.tar.gz": make_tar,
    "blocks.cif": make_blocks,
}


def read(path: str) -> int:
    """Read every entry of a source, one in memory at a time."""
    return sum(1 for item in iterate(path) for _ in item.read())


def peak(path: str) -> float:
    """Return the peak memory in MB of a process that reads a source."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_here, (path,))


def _peak_here(path: str) -> float:
    read(path)
    # not ru_maxrss: a process started by vfork begins with the peak of its parent
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print microseconds an entry and the growth of memory."""
    options = arguments(__doc__ or "")
    count = 500 if options.quick else 20_000
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        small, large = Path(scratch) / "small", Path(scratch) / "large"
        for folder, size in ((small, count // 10), (large, count)):
            folder.mkdir()
            for name, make in KINDS.items():
                make(folder / name, size)
                assert read(str(folder / name)) == size
        seconds = paired([lambda n=name: read(str(small / n)) for name in KINDS], rounds=3)
        for name, spent in zip(KINDS, seconds, strict=True):
            figures.append(Figure(f"{name}: CPU an entry", 1e6 * spent / (count // 10), "µs"))
        for name in KINDS:
            growth = peak(str(large / name)) - peak(str(small / name))
            title = f"{name}: memory, {count // 10:,} to {count:,} entries"
            figures.append(Figure(title, growth, "MB", target=100.0, higher_is_better=False))
    report(figures, options.json)


if __name__ == "__main__":
    main()
