"""What another person needs to build the same store from their own copy of the sources, without any coordinates.

``rebuild.jsonl.gz`` in a store: the first line holds settings, versions, sources, counts and checksums, each further line one
item: its key, the hash of its content and what became of its entries. Read and written line by line.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from molinteract.core.errors import StoreError
from molinteract.core.provenance import versions
from molinteract.core.settings import BuildSettings, parse_settings
from molinteract.sources.item import SourceItem
from molinteract.store.files import publish

NAME: Final = "rebuild.jsonl.gz"
FORMAT: Final = 1
SHOWN: Final = 20
"""Differences of one kind that are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One item as it was built.

    Attributes
    ----------
    name : str
        Its unique name (``SourceItem.name``).
    key, source : str
        As in ``SourceItem``; they are part of what a store says of an entry.
    size : int
        Bytes; decides which shard it goes to.
    content : str
        Hash of its content, unpacked.
    outcome : str
        ``kept 2, disorder 1``: entries by what became of them.
    """

    name: str
    key: str
    source: str
    size: int
    content: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A manifest, read.

    Attributes
    ----------
    settings : BuildSettings
    versions : dict
        Of the software.
    sources : tuple of str
        As the first builder named them.
    checksums : dict
        Of every table but the rejects, which hold times.
    items : dict
        ``ItemRecord`` by name, in the order of building.
    """

    settings: BuildSettings
    versions: dict[str, str]
    sources: tuple[str, ...]
    checksums: dict[str, str]
    items: dict[str, ItemRecord]


@dataclass(frozen=True, slots=True)
class Differences:
    """How a rebuilt store differs from its manifest; lists hold at most ``SHOWN`` of what is counted.

    Attributes
    ----------
    identical : bool
        Every table of crystals, molecules and patches is the same, bit for bit.
    missing, changed, extra : int
        Items that are not there, have other content, or are there without being in the manifest (left out).
    outcomes : int
        Items with the same content but another outcome.
    examples : dict
        Names of each kind.
    settings, versions : dict
        What differs, as ``(then, now)``.
    tables : tuple of str
        Files that are not the same.
    """

    identical: bool
    missing: int
    changed: int
    extra: int
    outcomes: int
    examples: dict[str, list[str]]
    settings: dict[str, tuple[str, str]]
    versions: dict[str, tuple[str, str]]
    tables: tuple[str, ...]

    def text(self) -> str:
        """Return the differences in words."""
        lines = ["identical to the manifest, bit for bit" if self.identical else "not identical to the manifest"]
        for kind in ("missing", "changed", "extra", "outcomes"):
            count, names = getattr(self, kind), self.examples[kind]
            if count:
                more = f" and {count - len(names):,} more" if count > len(names) else ""
                lines.append(f"  {count:,} {_WORDS[kind]}: {', '.join(names)}{more}")
        for title, found in (("setting", self.settings), ("version of", self.versions)):
            lines += [f"  {title} {name}: {then} then, {now} now" for name, (then, now) in found.items()]
        if self.tables:
            lines.append(f"  {len(self.tables)} tables differ: {', '.join(self.tables[:SHOWN])}")
        return "\n".join(lines)


_WORDS: Final = {
    "missing": "not found in the sources",
    "changed": "with other content",
    "extra": "not in the manifest, left out",
    "outcomes": "with the same content and another outcome",
}


def item_record(item: SourceItem, content: str, outcome: Mapping[str, int]) -> dict[str, Any]:
    """Return what a manifest says of an item, as plain values."""
    words = ", ".join(f"{name} {count}" for name, count in sorted(outcome.items()))
    record = ItemRecord(item.name, item.key, item.source, item.size, content, words)
    return {field.name: getattr(record, field.name) for field in fields(record)}


def write_rebuild(
    out: Path,
    *,
    settings: BuildSettings,
    sources: Sequence[str],
    checksums: Mapping[str, str],
    records: Iterable[Mapping[str, Any]],
) -> None:
    """Write the manifest of a store, line by line; the same bytes for the same content."""
    head = {
        "format": FORMAT,
        "settings": settings.model_dump(mode="json"),
        "versions": versions(),
        "sources": list(sources),
        "checksums": {name: value for name, value in sorted(checksums.items()) if not name.startswith("rejects")},
    }
    scratch = out / f".{NAME}.part"
    with scratch.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
        packed.write(_line(head))
        for record in records:
            packed.write(_line(record))
    publish(scratch, out / NAME)


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n").encode()


def read_rebuild(path: str | Path) -> Rebuild:
    """Read a manifest, given as its file or as the folder of its store.

    Raises
    ------
    StoreError
        If it is missing, damaged or of another version.
    """
    path = Path(path) / NAME if Path(path).is_dir() else Path(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            head = json.loads(next(lines, "{}"))
            if head.get("format") != FORMAT:
                raise StoreError(
                    f"written in format {head.get('format')}, this program reads {FORMAT}",
                    entry=str(path),
                    remedy="update molinteract",
                )
            items = {record["name"]: ItemRecord(**record) for record in map(json.loads, lines)}
            return Rebuild(
                settings=parse_settings(BuildSettings, head["settings"], where=str(path)),
                versions=head["versions"],
                sources=tuple(head["sources"]),
                checksums=head["checksums"],
                items=items,
            )
    except (OSError, EOFError) as error:
        raise StoreError(f"cannot be read: {error}", entry=str(path), remedy=f"give a {NAME}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"is no manifest to rebuild from: {error}", entry=str(path)) from error


def chosen(rebuild: Rebuild, items: Iterable[SourceItem]) -> tuple[list[SourceItem], list[str]]:
    """Pick the items of a manifest, in its order and under its names.

    A source that has another name here (a folder that was renamed) is recognised by the path within it.

    Returns
    -------
    items : list of SourceItem
    extra : list of str
        Names of what the manifest does not have.
    """
    within: dict[str, list[str]] = {}
    for name in rebuild.items:
        within.setdefault(_within(name), []).append(name)
    found: dict[str, SourceItem] = {}
    extra = []
    for item in items:
        others = within.get(_within(item.name), [])
        name = item.name if item.name in rebuild.items else (others[0] if len(others) == 1 else "")
        if not name or name in found:
            extra.append(item.name)
            continue
        record = rebuild.items[name]
        found[name] = replace(item, key=record.key, source=record.source, size=record.size)
    return [found[name] for name in rebuild.items if name in found], extra


def _within(name: str) -> str:
    return name.partition("/")[2] or name


def compare(
    rebuild: Rebuild,
    *,
    settings: BuildSettings,
    checksums: Mapping[str, str],
    records: Iterable[Mapping[str, Any]],
    extra: Sequence[str],
) -> Differences:
    """Compare what was built with a manifest."""
    built = {record["name"]: record for record in records}
    both = [(then, built[name]) for name, then in rebuild.items.items() if name in built]
    names: dict[str, list[str]] = {
        "missing": [name for name in rebuild.items if name not in built],
        "changed": [then.name for then, now in both if then.content != now["content"]],
        "extra": list(extra),
        "outcomes": [
            f"{then.name} ({then.outcome or 'nothing'} then, {now['outcome'] or 'nothing'} now)"
            for then, now in both
            if then.content == now["content"] and then.outcome != now["outcome"]
        ],
    }
    now = {name: value for name, value in checksums.items() if not name.startswith("rejects")}
    tables = sorted(name for name in rebuild.checksums.keys() | now if rebuild.checksums.get(name) != now.get(name))
    return Differences(
        identical=not tables,
        missing=len(names["missing"]),
        changed=len(names["changed"]),
        extra=len(names["extra"]),
        outcomes=len(names["outcomes"]),
        examples={kind: found[:SHOWN] for kind, found in names.items()},
        settings=_changed(dict(_flat(rebuild.settings.model_dump())), dict(_flat(settings.model_dump()))),
        versions=_changed(rebuild.versions, versions()),
        tables=tuple(tables),
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name: (then.get(name, "absent"), now.get(name, "absent"))
        for name in sorted(then.keys() | now)
        if then.get(name) != now.get(name)
    }
