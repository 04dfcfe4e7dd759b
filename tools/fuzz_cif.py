"""Feed damaged CIF to the reader and to the judgement of entries, in child processes, and keep what breaks them.

    python tools/fuzz_cif.py --seconds 600 --keep kept/ SEEDS...

``SEEDS`` are CIF files to damage, or folders of them; without any a small crystal of our own is used. What is kept: an input that
ends the child (a crash, a hang, memory), that raises, that goes unnamed (no entry at all), or that is a fault of ours. The exit
code is 1 if anything was kept.
"""

import argparse
import multiprocessing
import multiprocessing.connection
import random
import sys
import time
from functools import cache
from pathlib import Path

from molinteract.app.health import FORMIC_ACID

LIMIT_S = 120.0
TOKENS = [
    b"data_", b"loop_", b"save_", b"global_", b"stop_", b";", b"\n;\n", b"'", b'"', b"?", b".", b"_", b"#", b"\x00", b"\x1a",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\r\n", b"1e999", b"-1e-999", b"nan", b"inf", b"1(999999999999)", b"x,y,z", b"x,x,x",
    b"1/0,y,z", b"999999999x,y,z", b"_cell_length_a", b"_atom_site_fract_x", b"_symmetry_equiv_pos_as_xyz", b"[", b"{", b"'''",
    b"\xc3\xa9", b"\xe9", b"P 1", b"C", b"0.5", b"_atom_site_occupancy 0.5\n", b"\\\n",
]  # fmt: skip


def damaged(seed: bytes, rng: random.Random) -> bytes:
    """Return a seed with some of its bytes, lines or tokens changed, doubled, moved or cut off."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 6)):
        kind, size = rng.randrange(8), len(data)
        a, b = sorted((rng.randint(0, size), rng.randint(0, size)))
        if kind == 0:
            data[a : a + rng.randint(0, 3)] = rng.choice(TOKENS)
        elif kind == 1:
            del data[a : min(b, a + rng.randint(1, 80))]
        elif kind == 2 and size:
            data[rng.randrange(size)] = rng.randrange(256)
        elif kind == 3:
            data[a:a] = data[a : min(b, a + 300)]
        elif kind == 4:
            del data[b:]
        elif kind in (5, 6):
            lines = bytes(data).split(b"\n")
            k = rng.randrange(len(lines))
            lines[k] = rng.choice([b"", rng.choice(lines), lines[k] + b" " + rng.choice(TOKENS), rng.choice(TOKENS)])
            data = bytearray(b"\n".join(lines))
        else:
            data += seed[rng.randint(0, len(seed)) :]
    return bytes(data)


@cache
def _warm() -> None:
    """Compile the kernels once: that is not the time of an entry."""
    from molinteract.store.process import warm_up

    warm_up()


def judge(data: bytes) -> str:
    """Read and judge one input; return what is wrong with how it was treated, or nothing."""
    from molinteract.core.settings import BuildSettings
    from molinteract.crystals.raw import RawStructure
    from molinteract.crystals.read import read_cif
    from molinteract.crystals.rejected import Rejected
    from molinteract.store.process import INTERNAL, process

    _warm()
    settings = BuildSettings.model_validate({"limits": {"seconds": 20.0}})
    entries = list(read_cif(data, source="s", file="f"))
    if not entries:
        return "no entry"
    if len({entry.entry for entry in entries}) < len(entries):
        return "two entries of one name"
    for entry in entries:
        result = process(entry, settings) if isinstance(entry, RawStructure) else entry
        if isinstance(result, Rejected) and (result.detail.startswith(INTERNAL) or not result.detail):
            return result.detail or "a reject without a word"
        if isinstance(result, Rejected) and "took longer than" in result.detail:
            return result.detail
    return ""


def work(connection: multiprocessing.connection.Connection) -> None:
    """Judge what comes in, and say before each input which one it is."""
    while True:
        data = connection.recv()
        try:
            verdict = judge(data)
        except Exception as error:  # noqa: BLE001 whatever it is, it is what we look for
            verdict = f"raises {type(error).__name__}: {error}"
        connection.send(verdict)


class Child:
    """A process that judges inputs, started anew when one has ended it."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._connection, other = self._context.Pipe()
        self._process = self._context.Process(target=work, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def judge(self, data: bytes) -> str:
        """Return what is wrong with how an input was treated."""
        self._connection.send(data)
        try:
            verdict = self._connection.recv() if self._connection.poll(LIMIT_S) else f"no answer in {LIMIT_S:g} s"
        except EOFError:
            self._process.join()
            verdict = f"ended the process ({self._process.exitcode})"
        if verdict.startswith(("no answer", "ended")):
            self._process.kill()
            self._start()
        return str(verdict)


def main() -> int:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, default=Path("kept"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    paths = [p for path in options.seeds for p in (sorted(path.rglob("*.cif")) if path.is_dir() else [path])]
    seeds = [path.read_bytes()[:20_000] for path in paths] or [FORMIC_ACID]
    rng, child, kept, count = random.Random(options.seed), Child(), 0, 0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        data = damaged(rng.choice(seeds), rng)
        count += 1
        verdict = child.judge(data)
        if verdict:
            kept += 1
            options.keep.mkdir(parents=True, exist_ok=True)
            path = options.keep / f"{options.seed}-{count}.cif"
            path.write_bytes(data)
            print(f"{path}: {verdict}")
    print(f"{count:,} inputs from {len(seeds)} seeds, {kept} kept")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
