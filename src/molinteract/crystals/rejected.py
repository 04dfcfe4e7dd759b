"""An entry that is not kept: one row of ``rejects.parquet``."""

from dataclasses import dataclass

from molinteract.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why one entry was not kept.

    Attributes
    ----------
    source, file, block, entry : str
        Where it was (see ``RawStructure``).
    reason : Reason
        The first reason that applies, in the order of SPEC 1.1.
    detail : str
        What was found, with numbers.
    seconds : float
        Time spent on it.
    """

    source: str
    file: str
    block: str
    entry: str
    reason: Reason
    detail: str
    seconds: float = 0.0
