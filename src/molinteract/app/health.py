"""Health of an installation: each check answers with what it found and, where something is wrong, how to mend it."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from molinteract.core.errors import MolinteractError
from molinteract.core.settings import BuildSettings
from molinteract.store.example import FORMIC_ACID

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report; ``note`` is a fact worth knowing, ``fault`` needs the remedy."""

    name: str
    status: Literal["ok", "note", "fault"]
    found: str
    remedy: str = ""


def examine() -> Iterator[Check]:
    """Run every check, one after another."""
    checks: tuple[Callable[[], Check], ...] = (
        _python, _packages, _device, _narrow_products, _numba_cache, _write_access, _crystal_to_patches, _network_turns, _sample,
    )  # fmt: skip
    for check in checks:
        yield check()


def _python() -> Check:
    return Check("python", "ok", sys.version.split()[0])


def _packages() -> Check:
    wanted = [r for r in metadata.requires("molinteract") or [] if "extra ==" not in r]
    names = [r.replace(">", " ").replace("=", " ").split()[0] for r in wanted]
    missing = []
    found = []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", "fault", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("packages", "ok", ", ".join(found))


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check("device", "ok", f"CUDA: {torch.cuda.get_device_name()}")
    return Check("device", "note", f"CPU, {torch.get_num_threads()} threads; no CUDA device is seen")


def _narrow_products() -> Check:
    """Time a product of 512 × 512 in bfloat16 against float32, on the device that training would take."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a = torch.randn(512, 512, device=device)
    wide, narrow = (_product_seconds(a.to(dtype)) for dtype in (torch.float32, torch.bfloat16))
    ratio = wide / narrow
    advice = (
        "the tensor product stays in float32 all the same, see docs/performance.md"
        if ratio > 1.5
        else "autocast would gain nothing here"
    )
    found = (
        f"{2 * 512**3 / wide / 1e9:.0f} Gflop/s in float32 on {device}; bfloat16 is {ratio:.1f} times as fast: {advice}"
    )
    return Check("matrix products", "note" if ratio > 1.5 else "ok", found)


def _product_seconds(a: "torch.Tensor") -> float:
    """Return the least time of a @ a in some trials."""
    import torch

    def timed() -> float:
        start = time.perf_counter()
        a @ a
        if a.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return min(timed() for _ in range(8))


def _numba_cache() -> Check:
    import molinteract

    folder = Path(os.environ.get("NUMBA_CACHE_DIR", Path(molinteract.__file__).parent))
    if os.access(folder, os.W_OK):
        return Check("numba cache", "ok", f"compiled kernels are kept under {folder}")
    return Check(
        "numba cache",
        "note",
        f"{folder} is not writable: kernels are compiled anew in each process",
        "set NUMBA_CACHE_DIR to a writable folder",
    )


def _write_access() -> Check:
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()):
            return Check("write access", "ok", f"{Path.cwd()} is writable")
    except OSError as error:
        return Check("write access", "note", f"{Path.cwd()}: {error.strerror}", "give output paths elsewhere")


def _crystal_to_patches() -> Check:
    from molinteract.crystals.raw import RawStructure
    from molinteract.crystals.read import read_cif
    from molinteract.store.process import ProcessedEntry, process, warm_up

    warm_up()  # compiling may take longer than an entry is given
    (raw,) = read_cif(FORMIC_ACID, source="doctor", file="formic_acid.cif")
    result = process(raw, BuildSettings()) if isinstance(raw, RawStructure) else raw
    if isinstance(result, ProcessedEntry) and result.crystal.molecules_in_cell == 4:
        return Check("crystal to patches", "ok", f"formic acid: {len(result.patches)} patches")
    return Check("crystal to patches", "fault", str(result), "reinstall molinteract; report it if that fails")


def _network_turns() -> Check:
    import torch

    from molinteract.batches.batch import PatchBatch
    from molinteract.network.config import preset
    from molinteract.network.encoder import InteractNN

    generator = torch.Generator().manual_seed(0)
    pairs = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3], [2, 3, 2, 3, 0, 1, 0, 1]])
    batch = PatchBatch(
        atomic_numbers=torch.tensor([6, 8, 6, 7]),
        positions=torch.randn(4, 3, generator=generator, dtype=torch.float64),
        molecule_index=torch.tensor([0, 0, 1, 1]),
        patch_index=torch.zeros(4, dtype=torch.long),
        inter_edges=pairs,
        intra_edges=torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]),
        rows=torch.tensor([-1]),
    )
    rotation = _rotation(generator)
    network = InteractNN(preset("tiny")).double().eval()
    with torch.no_grad():
        turned = batch.with_positions(batch.positions @ rotation.T)
        before, after = (network.denoise(b, network.encode(b)) for b in (batch, turned))
    difference = float((after - before @ rotation.T).abs().max())
    if difference < 1e-9:
        return Check("network", "ok", f"its output turns with its input, to {difference:.0e}")
    return Check("network", "fault", f"rotated input changes the output by {difference:.1e}", "report it")


def _rotation(generator: "torch.Generator") -> "torch.Tensor":
    import torch

    q = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    turned: torch.Tensor = q * torch.linalg.det(q).sign()
    return turned


def _sample() -> Check:
    from molinteract.sources.entries import iterate

    try:
        count = sum(1 for _ in iterate("sample:"))
    except MolinteractError as error:
        return Check("embedded sample", "note", error.message, error.remedy or "")
    return Check("embedded sample", "ok", f"{count} items")
