"""Complexes of a data set: where each comes from, what was measured, and how it is loaded, failures by row."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from molinteract.affinity.complexes import Complex, make_complex
from molinteract.affinity.ligand import Ligand, file_kind, read_ligand
from molinteract.affinity.selection import split_ligand
from molinteract.affinity.sequences import chain_sequences
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.strings import Affinity
from molinteract.affinity.structure import STRUCTURE_KINDS, Structure, read_structure
from molinteract.core.errors import ComplexError
from molinteract.core.reasons import ComplexReason


class Loads(Protocol):
    """What brings a protein and a ligand."""

    def load(self, settings: ComplexSettings) -> tuple[Structure, Ligand]:
        """Read both."""
        ...


@dataclass(frozen=True, slots=True)
class FilePair:
    """A protein file and a ligand file.

    Attributes
    ----------
    protein : str
        PDB, mmCIF or PDBQT file; it holds the ligand too where ``ligand`` is empty.
    ligand : tuple of str
        Files of the same ligand, the first readable one is taken.
    choice : str, optional
        Record of a file with several ligands, or ``NAME/CHAIN/NUMBER`` within the protein file.
    """

    protein: str
    ligand: tuple[str, ...] = ()
    choice: str | None = None

    def load(self, settings: ComplexSettings) -> tuple[Structure, Ligand]:
        """Read both.

        Raises
        ------
        ComplexError
            The error of the first ligand file, if none can be read.
        """
        structure = read_structure(self.protein, model=settings.model)
        if not self.ligand:
            return split_ligand(structure, self.choice, where=self.protein)
        return structure, self._ligand()

    def _ligand(self) -> Ligand:
        first: ComplexError | None = None
        for path in self.ligand:
            try:
                if file_kind(path) in STRUCTURE_KINDS and file_kind(path) != "pdbqt":
                    return split_ligand(read_structure(path), self.choice or "*/*", where=path)[1]
                return read_ligand(path, self.choice)
            except ComplexError as error:
                first = first or error
        assert first is not None  # there is at least one file
        raise first


@dataclass(frozen=True, slots=True)
class ComplexItem:
    """One row of a data set.

    Attributes
    ----------
    id : str
    source : Loads
    affinity : Affinity, optional
        None where none was given or its text could not be read; ``fault`` then says why.
    labels : mapping of str to str
        ``cluster``, ``series``, ``year``, ``split``, ``sets``, ``sequence``, ``smiles``, where known.
    fault : str
    """

    id: str
    source: Loads
    affinity: Affinity | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One row that is not used, and why."""

    id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSet:
    """Complexes that could be loaded, with their items, and those that could not.

    Attributes
    ----------
    items : tuple of ComplexItem
    complexes : tuple of Complex
        In the order of ``items``.
    sequences : tuple of tuple of str
        Of the protein chains that touch each ligand, as far as the files hold them; empty where unknown.
    failures : tuple of Failure
    """

    items: tuple[ComplexItem, ...]
    complexes: tuple[Complex, ...]
    sequences: tuple[tuple[str, ...], ...]
    failures: tuple[Failure, ...]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def n_asked(self) -> int:
        """Complexes asked for, loaded or not."""
        return len(self.items) + len(self.failures)

    def take(self, rows: Iterable[int]) -> "LoadedSet":
        """Return some of the complexes, with no failures."""
        chosen = [int(row) for row in rows]
        return LoadedSet(
            tuple(self.items[k] for k in chosen),
            tuple(self.complexes[k] for k in chosen),
            tuple(self.sequences[k] for k in chosen),
            (),
        )

    def reasons(self) -> dict[str, int]:
        """Return the number of failures of each reason."""
        return dict(Counter(failure.reason for failure in self.failures).most_common())


def load_complexes(
    items: Sequence[ComplexItem],
    settings: ComplexSettings | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedSet:
    """Load every complex; one that cannot be loaded becomes a row of failures and stops nothing."""
    settings = settings or ComplexSettings()
    kept, complexes, sequences, failures = [], [], [], []
    for done, item in enumerate(items, start=1):
        try:
            structure, ligand = item.source.load(settings)
            complex_ = make_complex(structure, ligand, id=item.id, settings=settings)
            sequences.append(_sequences(item, structure, complex_, settings))
            complexes.append(complex_)
            kept.append(item)
        except ComplexError as error:
            failures.append(failure_of(item.id, error))
        if progress is not None:
            progress(done, len(items))
    return LoadedSet(tuple(kept), tuple(complexes), tuple(sequences), tuple(failures))


def _sequences(
    item: ComplexItem, structure: Structure, complex_: Complex, settings: ComplexSettings
) -> tuple[str, ...]:
    """Return the chains that touch the ligand: of the record, of the whole protein's file, or of the file that was read."""
    if item.labels.get("sequence"):
        return tuple(item.labels["sequence"].split())
    whole = item.labels.get("protein_file")
    if whole and Path(whole).is_file():
        structure = read_structure(whole, model=settings.model)
    touching = {residue.chain for residue in complex_.residues}
    found = chain_sequences(structure)
    return tuple(text for chain, text in found.items() if chain in touching)


def failure_of(id: str, error: ComplexError) -> Failure:
    """Return the row of an error."""
    where = f"{error.entry}: " if error.entry and error.entry != id else ""
    return Failure(id, error.reason.value, f"{where}{error.message}")


def measured(items: Sequence[ComplexItem], *, inexact: bool = False) -> tuple[list[ComplexItem], list[Failure]]:
    """Separate the items with a usable value from those without.

    Parameters
    ----------
    items : sequence of ComplexItem
    inexact : bool
        Whether bounds and estimates (``<``, ``>``, ``~``) are used as if they were exact.
    """
    kept, failures = [], []
    for item in items:
        if item.affinity is None:
            failures.append(Failure(item.id, ComplexReason.NO_VALUE.value, item.fault or "no affinity given"))
        elif not (inexact or item.affinity.exact):
            detail = f"pK {item.affinity.relation} {item.affinity.pk:.2f} ({item.affinity.text})"
            failures.append(Failure(item.id, ComplexReason.INEXACT_VALUE.value, detail))
        else:
            kept.append(item)
    return kept, failures
