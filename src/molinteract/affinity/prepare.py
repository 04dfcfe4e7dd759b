"""From the name of a data set to loaded complexes with values, everything that was left out counted."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from molinteract.affinity.items import ComplexItem, LoadedSet, load_complexes, measured
from molinteract.affinity.sequences import cluster_sequences
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import (
    Split,
    cluster_folds,
    fold_split,
    pdbbind_split,
    read_split,
    split_of_labels,
    time_split,
)
from molinteract.core.errors import ConfigError, SourceError


def load_measured(
    items: Sequence[ComplexItem],
    settings: ComplexSettings,
    *,
    inexact: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedSet:
    """Load the complexes that have a usable value; those without one are among the failures."""
    usable, without = measured(items, inexact=inexact)
    loaded = load_complexes(usable, settings, progress=progress)
    return replace(loaded, failures=(*without, *loaded.failures))


def open_with_split(
    data: str | Path, *, split: str | Path | None = None, root: str | Path | None = None
) -> tuple[list[ComplexItem], Split]:
    """List a data set and its split.

    Parameters
    ----------
    data : str or Path
    split : str or Path, optional
        A file or a folder of lists; ``time:2015,2019`` (validation and test from these years); ``core:LIST`` or
        ``core:LIST:general`` (a core set against the refined or the general set); ``clusters:5:0`` (five folds of whole target
        clusters, fold 0 is tested) or ``clusters:5:0:LABEL`` (clusters by another label than ``cluster``); the column ``split``
        of the data by default.
    root : str or Path, optional
        Folder of the files that a CSV names.

    Raises
    ------
    ConfigError, SourceError
    """
    items = open_complexes(data, root=root)
    kind, _, rest = str(split or "").partition(":")
    if split is None:
        return items, split_of_labels(items)
    if kind == "time":
        years = rest.split(",")
        if len(years) != 2 or not all(year.isdigit() for year in years):
            raise ConfigError(f"{split} does not name two years", remedy="write it as time:2015,2019")
        return items, time_split(items, val_from=int(years[0]), test_from=int(years[1]))
    if kind == "core":
        path, _, train = rest.partition(":")
        try:
            core = Path(path).read_text(encoding="utf-8").split()
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror}", entry=path) from error
        return items, pdbbind_split(items, core, train=train or "refined")
    if kind == "clusters":
        return items, _cluster_split(items, rest.split(":"))
    return items, read_split(split, items)


def _cluster_split(items: Sequence[ComplexItem], words: Sequence[str]) -> Split:
    counts, label = words[:2], words[2] if len(words) == 3 else "cluster"
    if len(words) not in (2, 3) or not all(word.isdigit() for word in counts):
        raise ConfigError("clusters does not name a number of folds and one of them", remedy="write it as clusters:5:0")
    labels = [item.labels.get(label, "") for item in items]
    loaded = None if all(labels) else load_complexes(items)
    names = labels if loaded is None else target_clusters(loaded, label)
    ids = [item.id for item in (items if loaded is None else loaded.items)]
    cluster_of = dict(zip(ids, names, strict=True))
    return fold_split(cluster_of, cluster_folds(cluster_of, folds=int(counts[0])), test=int(counts[1]))


def target_clusters(loaded: LoadedSet, label: str) -> list[str]:
    """Return the target cluster of each complex: a label where all have one, else clusters of the sequences at 30 % identity."""
    names = [item.labels.get(label, "") for item in loaded.items]
    if all(names):
        return names
    found = cluster_sequences({item.id: s for item, s in zip(loaded.items, loaded.sequences, strict=True)})
    return [found[item.id] for item in loaded.items]


def of_part(items: Sequence[ComplexItem], ids: Sequence[str]) -> list[ComplexItem]:
    """Return the items with these ids, in their order."""
    by_id = {item.id: item for item in items}
    return [by_id[i] for i in ids if i in by_id]
