"""The error tree of molinteract.

::

    MolinteractError            everything we raise on purpose
    ├── ReasonedError           one thing of many cannot be used; carries a reason code
    │   ├── EntryError          an entry; becomes a row of rejects
    │   └── ComplexError        a protein–ligand complex; becomes a row of failures
    ├── SourceError             a source (file, folder, archive, database) cannot be opened
    ├── ConfigError             a setting is unknown or out of range
    ├── StoreError              a store is missing, damaged or of another version
    ├── ModelFileError          a saved network or checkpoint is missing, damaged or of another version
    ├── TrainingError           a training run cannot go on
    └── MissingExtraError       an optional dependency is not installed

The fields are kept raw and the text is formed in ``__str__``, so that an error keeps its meaning when a worker
process pickles it.
"""

from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from molinteract.core.reasons import ComplexReason, Reason

Code = TypeVar("Code", bound=StrEnum)


class MolinteractError(Exception):
    """Base of all errors raised on purpose: what was found, where, and how to mend it.

    Parameters
    ----------
    message : str
        What was found, with numbers, and what was expected.
    entry : str, optional
        The file, entry, shard or setting it concerns.
    remedy : str, optional
        What the user can do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, entry: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.entry = entry
        self.remedy = remedy

    def __str__(self) -> str:
        where = f"{self.entry}: " if self.entry else ""
        remedy = f"\n  remedy: {self.remedy}" if self.remedy else ""
        return f"{where}{self.message} [{self.label}]{remedy}"

    @property
    def label(self) -> str:
        """The stable code printed in brackets."""
        return self.code

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), (self.message,), {"entry": self.entry, "remedy": self.remedy})


class ReasonedError(MolinteractError, Generic[Code]):
    """One thing of many cannot be used, for a reason that is a code; the caller writes it to a table and goes on.

    Parameters
    ----------
    reason : enum
        Printed in brackets behind the message.
    message, entry, remedy
        As in ``MolinteractError``.
    """

    def __init__(self, reason: Code, message: str, *, entry: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message, entry=entry, remedy=remedy)
        self.reason = reason

    @property
    def label(self) -> str:
        """The reason code."""
        return self.reason.value

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {"entry": self.entry, "remedy": self.remedy}
        return _rebuild, (type(self), (self.reason, self.message), fields)


class EntryError(ReasonedError[Reason]):
    """One entry cannot be used. ``reason`` is a code of SPEC 1.1; the caller writes it to ``rejects.parquet``."""

    code: ClassVar[str] = "entry"


class ComplexError(ReasonedError[ComplexReason]):
    """One complex cannot be used. ``reason`` is a code of ``ComplexReason``; the caller writes it to the failures."""

    code: ClassVar[str] = "complex"


class SourceError(MolinteractError):
    """A source cannot be opened or read at all."""

    code: ClassVar[str] = "source"


class ConfigError(MolinteractError):
    """A setting is unknown or has a value outside its range."""

    code: ClassVar[str] = "config"


class StoreError(MolinteractError):
    """A store is missing, damaged, or written by another version."""

    code: ClassVar[str] = "store"


class ModelFileError(MolinteractError):
    """A saved network or a checkpoint is missing, damaged, or of another version."""

    code: ClassVar[str] = "model-file"


class TrainingError(MolinteractError):
    """A training run cannot start or go on."""

    code: ClassVar[str] = "training"


class MissingExtraError(MolinteractError):
    """An optional dependency is not installed; the remedy names the extra."""

    code: ClassVar[str] = "missing-extra"


def _rebuild(cls: type[MolinteractError], args: tuple[Any, ...], kwargs: dict[str, Any]) -> MolinteractError:
    return cls(*args, **kwargs)
