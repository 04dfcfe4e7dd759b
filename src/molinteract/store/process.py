"""One raw structure, all the way to its patches, or the reason why not."""

import signal
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from types import FrameType, TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molinteract.chemistry.checks import check_chemistry
from molinteract.chemistry.flags import atom_flags
from molinteract.chemistry.perception import Perception, perceive, unperceived
from molinteract.chemistry.stated import stated_orders
from molinteract.core.errors import EntryError
from molinteract.core.reasons import Reason
from molinteract.core.settings import BuildSettings
from molinteract.crystals.assemble import assemble
from molinteract.crystals.crystal import Crystal, Molecule
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.read import read_cif
from molinteract.crystals.rejected import Rejected
from molinteract.patches.find import find_patches
from molinteract.patches.hydrogens import apply_hydrogen_policy
from molinteract.patches.patch import PatchTable
from molinteract.store.example import FORMIC_ACID

INTERNAL = "internal error"
"""Beginning of the detail of a reject that a fault of ours caused; counted apart and shown."""


@dataclass(frozen=True, slots=True, eq=False)
class ProcessedEntry:
    """A kept entry.

    Attributes
    ----------
    crystal : Crystal
        After the hydrogen policy.
    perceptions : tuple of Perception
        Of each independent molecule, with all its hydrogens.
    flags : tuple of (atoms,) uint8
        Of each independent molecule, for the atoms that the crystal has.
    patches : PatchTable
    smiles : str
        What the source itself says, empty where nothing.
    seconds : float
    """

    crystal: Crystal
    perceptions: tuple[Perception, ...]
    flags: tuple[NDArray[np.uint8], ...]
    patches: PatchTable
    smiles: str
    seconds: float


class _OutOfTimeError(BaseException):
    """The time limit of an entry has passed; no ``Exception``, so that no library on the way takes it for its own."""


class Clock:
    """A time limit, begun anew with each entry; only a process's main thread can be interrupted, elsewhere no limit holds.

    Installing the handler of the signal costs more than setting the alarm: many entries share one clock.

    Parameters
    ----------
    seconds : float
        Time limit of an entry.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._holds = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")

    def __enter__(self) -> Self:
        if self._holds:
            self._before = signal.signal(signal.SIGALRM, _stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holds:
            signal.signal(signal.SIGALRM, self._before)

    def start(self) -> None:
        """Interrupt what runs now after the limit."""
        if self._holds:
            # again and again, should it be lost in a callback
            signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)

    def stop(self) -> None:
        """Interrupt nothing."""
        if self._holds:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _OutOfTimeError


def process(raw: RawStructure, settings: BuildSettings, *, clock: Clock | None = None) -> ProcessedEntry | Rejected:
    """Take one structure through every step: judge, perceive, treat hydrogens, find patches.

    Nothing that an entry contains raises: it is kept or it is a ``Rejected``.

    Parameters
    ----------
    raw : RawStructure
    settings : BuildSettings
    clock : Clock, optional
        One that many entries share; its own by default.
    """
    if clock is None:
        with Clock(settings.limits.seconds) as own:
            return process(raw, settings, clock=own)
    start = time.perf_counter()
    try:
        warm_up()
        start = time.perf_counter()
        clock.start()
        try:
            return _steps(raw, settings, start)
        finally:
            clock.stop()
    except EntryError as error:
        return _rejected(raw, error.reason, error.message, start)
    except _OutOfTimeError:
        detail = f"took longer than {settings.limits.seconds:g} s (raise --set limits.seconds)"
        return _rejected(raw, Reason.TOO_LARGE, detail, start)
    except Exception as error:  # noqa: BLE001 a fault of ours in one entry must not end a build of 500,000
        detail = f"{INTERNAL}: {type(error).__name__}: {error}"
        return _rejected(raw, Reason.PARSE_ERROR, detail, start)


@cache
def warm_up() -> None:
    """Load the compiled kernels, so that the time of the first entry of this process is its own."""
    for raw in read_cif(FORMIC_ACID, source="", file=""):
        if isinstance(raw, RawStructure):
            _steps(raw, BuildSettings(), 0.0)


def _steps(raw: RawStructure, settings: BuildSettings, start: float) -> ProcessedEntry:
    whole = assemble(raw, policies=settings.policies, limits=settings.limits)
    perceptions = tuple([_perceived(raw, molecule, settings) for molecule in whole.molecules])
    if settings.labels:
        check_chemistry(whole, perceptions)
    crystal = apply_hydrogen_policy(whole, settings.policies.hydrogens)
    flags = tuple(
        atom_flags(perception)
        if len(after.atomic_numbers) == len(perception.aromatic)
        else atom_flags(perception)[perception.heavy_atoms]
        for after, perception in zip(crystal.molecules, perceptions, strict=True)
    )
    patches = find_patches(crystal, flags, parameters=settings.patches)
    if len(patches) == 0 and patches.n_empty == 0:
        crystal = replace(crystal, flags=(*crystal.flags, "isolated: no molecule within reach"))
    return ProcessedEntry(crystal, perceptions, flags, patches, raw.smiles, time.perf_counter() - start)


def _perceived(raw: RawStructure, molecule: Molecule, settings: BuildSettings) -> Perception:
    if not settings.labels:
        return unperceived(molecule)
    stated = stated_orders(molecule, raw.stated, raw.labels)
    return perceive(molecule) if stated is None else perceive(molecule, given=stated)


def _rejected(raw: RawStructure, reason: Reason, detail: str, start: float) -> Rejected:
    seconds = time.perf_counter() - start
    return Rejected(raw.source, raw.file, raw.block, raw.entry, reason, detail, seconds)
