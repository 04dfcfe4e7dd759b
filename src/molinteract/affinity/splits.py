"""Who trains and who is tested: lists, labels, years, clusters; no id is ever on two sides."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from molinteract.affinity.items import ComplexItem
from molinteract.core.errors import ConfigError, SourceError

PARTS: Final = ("train", "val", "test")
_OTHER_NAMES: Final = {"valid": "val", "validation": "val", "dev": "val", "training": "train"}
VAL_SHARE: Final = 8
"""One of so many parts of the training clusters validates where folds are tested."""
KNOWN_COUNTS: Final[dict[tuple[int, int, int], str]] = {
    (3507, 466, 490): "ATOM3D LBA, 30 % identity",
    (3563, 448, 452): "ATOM3D LBA, 60 % identity, the list of ATOM3D's own records",
    (3678, 460, 460): "LBA, 60 % identity, the list of 4,598 complexes used by later papers",
}
"""Published lists by their sizes; two different ones go by the name "60 %"."""


@dataclass(frozen=True, slots=True)
class Split:
    """Ids of each part.

    Attributes
    ----------
    train, val, test : tuple of str
    name : str
        Where it comes from, and which published list it is, by its sizes.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    name: str

    def part(self, name: str) -> tuple[str, ...]:
        """Return the ids of ``train``, ``val`` or ``test``."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def sizes(self) -> dict[str, int]:
        """Return the number of ids of each part."""
        return {name: len(self.part(name)) for name in PARTS}


def make_split(parts: Mapping[str, Sequence[str]], *, name: str) -> Split:
    """Make a split and refuse an id that stands on two sides, or twice on one.

    Raises
    ------
    ConfigError
        Naming such ids.
    """
    ids = {part: [str(i) for i in parts.get(part, ())] for part in PARTS}
    counts = Counter(i for part in ids.values() for i in part)
    twice = [i for i, count in counts.items() if count > 1]
    if twice:
        where = ", ".join(f"{i} ({' and '.join(p for p in PARTS if i in ids[p])})" for i in twice[:5])
        raise ConfigError(f"{len(twice)} ids stand in more than one place of the split: {where}", entry=name)
    if not ids["train"] and not ids["test"]:
        raise ConfigError("the split has neither training nor test ids", entry=name)
    sizes = tuple(len(ids[part]) for part in PARTS)
    known = KNOWN_COUNTS.get((sizes[0], sizes[1], sizes[2]), "no published LBA list has these sizes")
    return Split(
        tuple(ids["train"]),
        tuple(ids["val"]),
        tuple(ids["test"]),
        f"{name} ({sizes[0]}/{sizes[1]}/{sizes[2]}: {known})",
    )


def split_of_labels(items: Sequence[ComplexItem], *, column: str = "split") -> Split:
    """Take the parts from a label of the items, such as ATOM3D's folders or a column of a table."""
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for item in items:
        part = _part(item.labels.get(column, ""))
        if part:
            parts[part].append(item.id)
    return make_split(parts, name=f"column {column!r}")


def read_split(path: str | Path, items: Sequence[ComplexItem] = ()) -> Split:
    """Read a split from a file or a folder.

    Parameters
    ----------
    path : str or Path
        A JSON object of part to list of ids; a CSV with an id column (the first) and a column ``split`` or ``new_split``
        (as in LP-PDBBind); or a folder with text files whose names begin with ``train``, ``val`` and ``test``, an id a line.
        A part of another name that begins with ``casf`` or ``test`` counts as test (CleanSplit).
    items : sequence of ComplexItem, optional
        Numbers in a list of ATOM3D (``train_indices.txt``) are positions in these, where no item has a number as its id.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    path = Path(path)
    try:
        parts = _joined(_listed(path))
    except (OSError, ValueError, AttributeError) as error:
        raise SourceError(f"no split that can be read: {error}", entry=str(path)) from error
    return make_split(_named(parts, items), name=str(path))


def _listed(path: Path) -> Mapping[str, Sequence[str]]:
    """Return the ids of a file or folder by the name of their part."""
    if path.is_dir():
        return {p.stem: p.read_text(encoding="utf-8").split() for p in sorted(path.glob("*.txt"))}
    if path.suffix == ".json":
        return dict(json.loads(path.read_text(encoding="utf-8")).items())
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    heading = rows[0] if rows else []
    column = next((heading.index(name) for name in ("split", "new_split") if name in heading), None)
    if column is None:
        raise ValueError("no column 'split' or 'new_split'")
    parts: dict[str, list[str]] = {}
    for row in rows[1:]:
        parts.setdefault(row[column], []).append(row[0])
    return parts


def _named(parts: Mapping[str, list[str]], items: Sequence[ComplexItem]) -> dict[str, list[str]]:
    """Turn positions into ids, where a list holds positions."""
    ids = [item.id for item in items]
    everything = [i for part in parts.values() for i in part]
    if not ids or not all(i.isdigit() and int(i) < len(ids) for i in everything) or set(everything) & set(ids):
        return dict(parts)
    return {part: [ids[int(i)] for i in found] for part, found in parts.items()}


def pdbbind_split(
    items: Sequence[ComplexItem], core: Sequence[str], *, train: str = "refined", val_share: float = 0.1, seed: int = 0
) -> Split:
    """Test on a core set; train on the ``refined`` or ``general`` set without it, a random share of which validates.

    This is the usual protocol of CASF and a leaky one: the core set's proteins are in the refined set by design.
    """
    wanted = {i.lower() for i in core}
    rest = [i.id for i in items if train in i.labels.get("sets", "").split() and i.id not in wanted]
    order = np.random.default_rng(seed).permutation(len(rest))
    n_val = round(val_share * len(rest))
    parts = {
        "train": [rest[k] for k in sorted(order[n_val:])],
        "val": [rest[k] for k in sorted(order[:n_val])],
        "test": sorted(wanted),
    }
    return make_split(parts, name=f"core set of {len(wanted)} against the {train} set")


def time_split(items: Sequence[ComplexItem], *, val_from: int, test_from: int) -> Split:
    """Train on entries before ``val_from``, validate before ``test_from``, test on the rest; no year, no part."""
    if not val_from <= test_from:
        raise ConfigError(f"val_from {val_from} is later than test_from {test_from}")
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for item in items:
        year = item.labels.get("year", "")
        if year.isdigit():
            parts["train" if int(year) < val_from else "val" if int(year) < test_from else "test"].append(item.id)
    return make_split(parts, name=f"years before {val_from}, before {test_from}, from then on")


def cluster_folds(clusters: Mapping[str, str], *, folds: int = 5, seed: int = 0) -> dict[str, int]:
    """Deal whole clusters to folds of like size: the largest first, each to the smallest fold, ties shuffled by the seed.

    Parameters
    ----------
    clusters : mapping of str to str
        Cluster of each id.
    """
    sizes = Counter(clusters.values())
    if len(sizes) < folds:
        raise ConfigError(f"{len(sizes)} clusters cannot make {folds} folds")
    names = sorted(sizes)
    order = np.random.default_rng(seed).permutation(len(names))
    queue = sorted((names[k] for k in order), key=lambda name: -sizes[name])
    filled = [0] * folds
    fold_of: dict[str, int] = {}
    for name in queue:
        fold = int(np.argmin(filled))
        fold_of[name] = fold
        filled[fold] += sizes[name]
    return {i: fold_of[cluster] for i, cluster in clusters.items()}


def fold_split(clusters: Mapping[str, str], folds: Mapping[str, int], *, test: int, share: float = 1.0) -> Split:
    """Test one fold; of the rest, whole clusters, an eighth, validate.

    Parameters
    ----------
    clusters : mapping of str to str
        Cluster of each id.
    folds : mapping of str to int
        Fold of each of these ids.
    test : int
        The fold that is tested.
    share : float
        Of the training complexes that are used, for learning curves: whole clusters drawn until it is reached.

    Raises
    ------
    ConfigError
        If there is no such fold.
    """
    if test not in set(folds.values()):
        raise ConfigError(f"there is no fold {test}", remedy=f"one of {sorted(set(folds.values()))}")
    rest = {i: cluster for i, cluster in clusters.items() if folds[i] != test}
    part = cluster_folds(rest, folds=VAL_SHARE, seed=test)
    # the last part holds many small clusters, the first one the largest, which would validate alone
    train, val = ([i for i in rest if (part[i] == VAL_SHARE - 1) == stop] for stop in (False, True))
    tested = [i for i in clusters if folds[i] == test]
    train = _drawn(train, clusters, round(share * len(train)), seed=test)
    return make_split({"train": train, "val": val, "test": tested}, name=f"fold {test}")


def _drawn(ids: Sequence[str], clusters: Mapping[str, str], count: int, *, seed: int) -> list[str]:
    """Return the ids of whole clusters, drawn until there are ``count`` ids; the order stays, and more hold fewer."""
    names = sorted({clusters[i] for i in ids})
    kept: set[str] = set()
    total = 0
    for k in np.random.default_rng(seed).permutation(len(names)):
        if total >= count:
            break
        kept.add(names[k])
        total += sum(clusters[i] == names[k] for i in ids)
    return [i for i in ids if clusters[i] in kept]


def write_folds(path: str | Path, folds: Mapping[str, int]) -> None:
    """Write folds as a CSV of id and fold, by id."""
    rows = "".join(f"{i},{folds[i]}\n" for i in sorted(folds))
    Path(path).write_text(f"id,fold\n{rows}", encoding="utf-8")


def read_folds(path: str | Path) -> dict[str, int]:
    """Read a CSV of id and fold.

    Raises
    ------
    SourceError
        If it cannot be read or holds an id twice.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = [(row["id"], int(row["fold"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise SourceError(f"no folds that can be read: {error!r}", entry=str(path)) from error
    if len(dict(rows)) != len(rows):
        raise SourceError("an id stands in it twice", entry=str(path))
    return dict(rows)


def _part(name: str) -> str:
    name = name.strip().lower()
    return name if name in PARTS else _OTHER_NAMES.get(name, "")


def _joined(parts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = {}
    for name, ids in parts.items():
        first = name.strip().lower()
        starts = ("train", "val", "test")
        part = _part(first) or next(
            (p for p in starts if first.startswith(p)), "test" if first.startswith("casf") else ""
        )
        if part:
            joined.setdefault(part, []).extend(str(i) for i in ids if str(i) not in joined[part])
    return joined
