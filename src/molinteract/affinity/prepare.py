"""From the name of a data set to loaded complexes with values, everything that was left out counted."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from molinteract.affinity.items import ComplexItem, LoadedSet, load_complexes, measured
from molinteract.affinity.settings import ComplexSettings
from molinteract.affinity.sources import open_complexes
from molinteract.affinity.splits import Split, read_split, split_of_labels


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
    """List a data set and its split: of a file, of a folder of lists, or of the column ``split`` of the data themselves."""
    items = open_complexes(data, root=root)
    return items, split_of_labels(items) if split is None else read_split(split, items)


def of_part(items: Sequence[ComplexItem], ids: Sequence[str]) -> list[ComplexItem]:
    """Return the items with these ids, in their order."""
    by_id = {item.id: item for item in items}
    return [by_id[i] for i in ids if i in by_id]
