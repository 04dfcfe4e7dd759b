"""The leak audit: how near each test complex is to the training set, by protein and by ligand."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np

from molinteract.affinity.items import LoadedSet
from molinteract.affinity.sequences import CANDIDATES, likeness, shared_words
from molinteract.affinity.skeleton import fingerprint, tanimoto
from molinteract.core.errors import ConfigError

BINS: Final = (0.3, 0.6, 0.9)
"""Edges between the bins of protein identity by which results are told apart."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Nearest training complexes of one test complex.

    Attributes
    ----------
    id : str
    protein : str
        Training id of the most alike protein; empty where no sequence is known.
    identity : float
        Of the best local alignment between a chain of either that touches its ligand, 0 where it is too short to show a relation
        (``Likeness.established``); nan where no sequence is known.
    ligand : str
        Training id of the most similar ligand.
    similarity : float
        Tanimoto similarity of the skeletons' Morgan counts.
    """

    id: str
    protein: str
    identity: float
    ligand: str
    similarity: float

    @property
    def bin(self) -> str:
        """The bin of protein identity, such as ``0.3-0.6``."""
        if not np.isfinite(self.identity):
            return "unknown"
        edges = (0.0, *BINS, 1.0)
        k = int(np.searchsorted(BINS, self.identity, side="right"))
        return f"{edges[k]:g}-{edges[k + 1]:g}"


def audit_leaks(train: LoadedSet, test: LoadedSet) -> list[Leak]:
    """Find the nearest training protein and ligand of every test complex.

    Proteins are aligned with the candidates that share most 3-mers (``CANDIDATES``), ligands with all.

    Raises
    ------
    ConfigError
        If an id is on both sides.
    """
    both = sorted({item.id for item in train.items} & {item.id for item in test.items})
    if both:
        raise ConfigError(f"{len(both)} ids are on both sides: {', '.join(both[:5])}")
    if not len(train) or not len(test):
        return []
    similarity = tanimoto(
        np.array([fingerprint(c.ligand, c.ligand_positions) for c in test.complexes]),
        np.array([fingerprint(c.ligand, c.ligand_positions) for c in train.complexes]),
    )
    nearest = _nearest_proteins(train, test)
    leaks = []
    for k, item in enumerate(test.items):
        best = int(np.argmax(similarity[k]))
        leaks.append(Leak(item.id, *nearest[k], train.items[best].id, float(similarity[k, best])))
    return leaks


def _nearest_proteins(train: LoadedSet, test: LoadedSet) -> list[tuple[str, float]]:
    owner: dict[str, str] = {}
    for item, chains in zip(train.items, train.sequences, strict=True):
        for chain in chains:
            owner.setdefault(chain, item.id)
    known = sorted(owner)
    asked = sorted({chain for chains in test.sequences for chain in chains})
    best: dict[str, tuple[str, float]] = {}
    if known and asked:
        for chain, row in zip(asked, shared_words(asked, known), strict=True):
            candidates = [known[k] for k in np.argsort(-row, kind="stable")[:CANDIDATES]]
            best[chain] = _best_of(chain, candidates, owner)
    nothing = ("", float("nan"))
    return [
        max((best[c] for c in chains if c in best), key=lambda found: found[1], default=nothing)
        for chains in test.sequences
    ]


def _best_of(chain: str, candidates: Sequence[str], owner: dict[str, str]) -> tuple[str, float]:
    found = ("", 0.0)
    for other in candidates:
        identity = likeness(chain, other).established
        if identity > found[1]:
            found = (owner[other], identity)
        if identity == 1.0:
            break
    return found


def write_leaks(path: str | Path, leaks: Sequence[Leak]) -> None:
    """Write the audit as CSV."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Leak)] + ["bin"])
        writer.writeheader()
        writer.writerows(asdict(leak) | {"bin": leak.bin} for leak in leaks)
