"""Protein sequences: from structures, compared by local alignment, clustered by single linkage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from molinteract.affinity.structure import ResidueKind, Structure
from molinteract.core.optional import require

LETTERS: Final = "ACDEFGHIKLMNPQRSTVWY"
GAP: Final = (-11, -1)
"""Cost of opening and of going on with a gap, with BLOSUM62: the usual setting of BLAST."""
CANDIDATES: Final = 40
"""Sequences aligned with each one, those that share most of their 3-mers; related proteins below about 25 % may be missed."""
LEAST_COVERAGE: Final = 0.5
LEAST_ALIGNED: Final = 25
"""Residues, and share of the shorter sequence, that must be aligned for an identity to say anything."""
_WORD: Final = 3


def chain_sequences(structure: Structure) -> dict[str, str]:
    """Return the amino-acid sequence of each chain as far as it is in the file, in one-letter code (X where unknown)."""
    import gemmi

    found: dict[str, list[str]] = {}
    for residue in structure.residues:
        if residue.kind is ResidueKind.AMINO:
            letter = gemmi.find_tabulated_residue(residue.name).one_letter_code.upper()
            found.setdefault(residue.chain, []).append(letter if letter in LETTERS else "X")
    return {chain: "".join(letters) for chain, letters in found.items()}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two sequences are.

    Attributes
    ----------
    identity : float
        Equal residues over aligned columns of the best local alignment, 0 to 1.
    coverage : float
        Aligned residues over the length of the shorter sequence.
    aligned : int
        Aligned residues.
    """

    identity: float
    coverage: float
    aligned: int

    @property
    def established(self) -> float:
        """The identity, 0 where the alignment is too short to show a relation.

        At least 25 residues and half the shorter sequence must be aligned; short stretches agree by chance.
        """
        return self.identity if self.aligned >= LEAST_ALIGNED and self.coverage >= LEAST_COVERAGE else 0.0


def likeness(first: str, second: str) -> Likeness:
    """Align two sequences locally (BLOSUM62, gaps 11/1).

    Raises
    ------
    MissingExtraError
        If biotite is not installed.
    """
    if not first or not second:
        return Likeness(0.0, 0.0, 0)
    if first == second:
        return Likeness(1.0, 1.0, len(first))
    require("biotite", extra="affinity", purpose="comparing protein sequences")
    from biotite.sequence import ProteinSequence
    from biotite.sequence.align import SubstitutionMatrix, align_optimal

    matrix: Any = SubstitutionMatrix.std_protein_matrix()
    a, b = (ProteinSequence(text) for text in (first, second))
    (alignment, *_) = align_optimal(a, b, matrix, gap_penalty=GAP, local=True, max_number=1)
    both = alignment.trace[(alignment.trace >= 0).all(1)]
    if not len(both):
        return Likeness(0.0, 0.0, 0)
    equal = np.array([first[i] == second[j] for i, j in both.tolist()])
    return Likeness(float(equal.mean()), len(both) / min(len(first), len(second)), len(both))


def shared_words(first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
    """Return (n, m): the share of the shorter sequence's 3-mers that the other has too."""
    a, b = _words(first), _words(second)
    sizes = np.asarray(a.sum(1)).ravel()[:, None], np.asarray(b.sum(1)).ravel()[None]
    return np.asarray((a @ b.T).toarray() / np.maximum(1.0, np.minimum(*sizes)))


def _words(sequences: Sequence[str]) -> csr_array:
    code = {letter: k for k, letter in enumerate(LETTERS)}
    rows, columns = [], []
    for row, text in enumerate(sequences):
        words = {text[k : k + _WORD] for k in range(len(text) - _WORD + 1)}
        numbers = [sum(code[c] * 20**p for p, c in enumerate(word)) for word in words if set(word) <= code.keys()]
        rows += [row] * len(numbers)
        columns += numbers
    shape = (len(sequences), 20**_WORD)
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def cluster_sequences(chains: Mapping[str, Sequence[str]], *, identity: float = 0.3) -> dict[str, str]:
    """Cluster proteins by single linkage: joined if any two of their chains are alike.

    Parameters
    ----------
    chains : mapping of str to sequence of str
        Sequences of each protein.
    identity : float
        Least established identity (``Likeness.established``).

    Returns
    -------
    dict of str to str
        Cluster of each protein, named ``c0`` on by falling size; a protein without a sequence is alone.
    """
    names = list(chains)
    unique = sorted({text for parts in chains.values() for text in parts if text})
    index = {text: k for k, text in enumerate(unique)}
    edges = [(len(names) + a, len(names) + b) for a, b in _alike(unique, identity)]
    edges += [(k, len(names) + index[text]) for k, name in enumerate(names) for text in chains[name] if text]
    n = len(names) + len(unique)
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    label = label[: len(names)]
    values, counts = np.unique(label, return_counts=True)
    rank = {int(v): k for k, v in enumerate(values[np.argsort(-counts, kind="stable")])}
    return {name: f"c{rank[int(value)]}" for name, value in zip(names, label, strict=True)}


def _alike(unique: Sequence[str], identity: float) -> list[tuple[int, int]]:
    if len(unique) < 2:
        return []
    shared = shared_words(unique, unique)
    np.fill_diagonal(shared, -1.0)
    pairs = set()
    for a, row in enumerate(shared):
        for b in np.argsort(-row, kind="stable")[:CANDIDATES].tolist():
            pairs.add((min(a, b), max(a, b)))
    found = []
    for a, b in sorted(pairs):
        if a == b:
            continue
        if likeness(unique[a], unique[b]).established >= identity:
            found.append((a, b))
    return found
