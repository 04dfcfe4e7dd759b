"""One raw structure, all the way to its patches, or the reason why not."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
    hard : float
        Processor seconds after which the system ends the process, which compiled code that does not return would else ignore;
        0 for never.
    """

    def __init__(self, seconds: float, *, hard: float = 0.0) -> None:
        known = hasattr(signal, "setitimer")
        self._seconds = seconds
        self._hard = hard if known else 0.0
        self._holds = known and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._holds:
            self._before = signal.signal(signal.SIGALRM, _stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holds:
            signal.signal(signal.SIGALRM, self._before)
        if self._hard:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def watch(self) -> None:
        """Begin the hard limit anew; nobody catches its signal."""
        if self._hard:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._hard)

    def start(self, spent: float) -> None:
        """Interrupt what runs now when it has taken the limit, ``spent`` seconds of which are over."""
        self.watch()
        if self._holds:
            # again and again, should it be lost in a callback
            signal.setitimer(signal.ITIMER_REAL, max(self._seconds - spent, 1e-3), 1.0)

    def stop(self) -> None:
        """Interrupt nothing."""
        if self._holds:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _OutOfTimeError


@dataclass(slots=True, eq=False)
class _Work:
    """What is known of an entry so far; each stage adds to it, or rejects it."""

    raw: RawStructure
    seconds: float = 0.0
    rejected: Rejected | None = None
    crystal: Crystal = field(init=False)
    perceptions: tuple[Perception, ...] = field(init=False)
    flags: tuple[NDArray[np.uint8], ...] = field(init=False)
    patches: PatchTable = field(init=False)

    def result(self) -> ProcessedEntry | Rejected:
        if self.rejected is not None:
            return self.rejected
        return ProcessedEntry(self.crystal, self.perceptions, self.flags, self.patches, self.raw.smiles, self.seconds)


def process(raw: RawStructure, settings: BuildSettings) -> ProcessedEntry | Rejected:
    """Take one structure through every step: judge, perceive, treat hydrogens, find patches.

    Nothing that an entry contains raises: it is kept or it is a ``Rejected``.
    """
    with Clock(settings.limits.seconds) as clock:
        return process_batch([raw], settings, clock=clock)[0]


def process_batch(
    raws: Sequence[RawStructure], settings: BuildSettings, *, clock: Clock
) -> list[ProcessedEntry | Rejected]:
    """Do the same with many, stage by stage: the code of one stage stays in the processor's caches.

    Parameters
    ----------
    raws : sequence of RawStructure
    settings : BuildSettings
    clock : Clock
    """
    warm_up()
    return [work.result() for work in _processed(raws, settings, clock)]


@cache
def warm_up() -> None:
    """Load the compiled kernels, so that the time of the first entry of this process is its own."""
    raws = [raw for raw in read_cif(FORMIC_ACID, source="", file="") if isinstance(raw, RawStructure)]
    _processed(raws, BuildSettings(), None)


def _processed(raws: Sequence[RawStructure], settings: BuildSettings, clock: Clock | None) -> list[_Work]:
    works = [_Work(raw) for raw in raws]
    for stage in (_assemble, _perceive, _find):
        for work in works:
            if work.rejected is None:
                _take(stage, work, settings, clock)
    return works


def _take(
    stage: Callable[[_Work, BuildSettings], None], work: _Work, settings: BuildSettings, clock: Clock | None
) -> None:
    start = time.perf_counter()
    why: tuple[Reason, str] | None = None
    try:
        if clock is not None:
            clock.start(work.seconds)
        try:
            stage(work, settings)
        finally:
            if clock is not None:
                clock.stop()
    except EntryError as error:
        why = error.reason, error.message
    except _OutOfTimeError:
        why = Reason.TOO_LARGE, f"took longer than {settings.limits.seconds:g} s (raise --set limits.seconds)"
    except Exception as error:  # noqa: BLE001 a fault of ours in one entry must not end a build of 500,000
        why = Reason.PARSE_ERROR, f"{INTERNAL}: {type(error).__name__}: {error}"
    work.seconds += time.perf_counter() - start
    if why is not None:
        raw = work.raw
        work.rejected = Rejected(raw.source, raw.file, raw.block, raw.entry, *why, work.seconds)


def _assemble(work: _Work, settings: BuildSettings) -> None:
    work.crystal = assemble(work.raw, policies=settings.policies, limits=settings.limits)


def _perceive(work: _Work, settings: BuildSettings) -> None:
    whole = work.crystal
    work.perceptions = tuple([_perceived(work.raw, molecule, settings) for molecule in whole.molecules])
    if settings.labels:
        check_chemistry(whole, work.perceptions)
    work.crystal = apply_hydrogen_policy(whole, settings.policies.hydrogens)
    work.flags = tuple(
        atom_flags(perception)
        if len(after.atomic_numbers) == len(perception.aromatic)
        else atom_flags(perception)[perception.heavy_atoms]
        for after, perception in zip(work.crystal.molecules, work.perceptions, strict=True)
    )


def _find(work: _Work, settings: BuildSettings) -> None:
    work.patches = find_patches(work.crystal, work.flags, parameters=settings.patches)
    if len(work.patches) == 0 and work.patches.n_empty == 0:
        work.crystal = replace(work.crystal, flags=(*work.crystal.flags, "isolated: no molecule within reach"))


def _perceived(raw: RawStructure, molecule: Molecule, settings: BuildSettings) -> Perception:
    if not settings.labels:
        return unperceived(molecule)
    stated = stated_orders(molecule, raw.stated, raw.labels)
    return perceive(molecule) if stated is None else perceive(molecule, given=stated)
