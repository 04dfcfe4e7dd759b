"""The Crystallography Open Database, over HTTP or from a local mirror.

==============================  ===================================================================
source                          entries
==============================  ===================================================================
``cod:1000041,1000042@350``     these numbers; ``@350``: as of this revision
``cod:@ids.txt``                the numbers in a file, one a line (or COD's own ``format=urls``)
``cod:@query.json``             what COD's search finds; the file holds its parameters
``cod:?el1=C&el2=H``            the same, written out
``cod:``                        everything in a local mirror
==============================  ===================================================================

``MOLINTERACT_COD`` is the base URL, or the folder of a mirror. What is fetched is kept by number and revision, so that an
interrupted build goes on without fetching again. Requests keep a polite rate, over all processes of a machine together.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from molinteract.core.errors import SourceError
from molinteract.sources import files
from molinteract.sources.item import Entries, SourceItem, Update

PREFIX: Final = "cod:"
_NUMBER: Final = re.compile(r"^\d{7}(@\d+)?$")
_IN_LINE: Final = re.compile(r"(?<!\d)(\d{7})(?:\.cif)?(@\d+)?(?!\d)")


def items(source: str) -> Iterator[SourceItem]:
    """List the items of a ``cod:`` source; ``cod/<number>.cif`` is the key, wherever they are read from.

    Raises
    ------
    SourceError
        If it names nothing, or COD cannot be asked.
    """
    from molinteract.sources.cod_client import CodSettings

    settings = CodSettings.from_environment()
    named = source.removeprefix(PREFIX)
    if not named:
        numbers = _mirrored(settings.base)
    elif named.startswith("?"):
        numbers = _found(dict(parse_qsl(named[1:])), source)
    elif named.startswith("@") and named.endswith(".json"):
        numbers = _found(_parameters(Path(named[1:])), source)
    elif named.startswith("@"):
        numbers = _listed(Path(named[1:]))
    else:
        numbers = iter(named.replace(",", " ").split())
    seen: set[str] = set()
    for number in numbers:
        if not _NUMBER.match(number):
            raise SourceError(f"{number!r} is no COD number", entry=source, remedy="seven digits, such as cod:1000041")
        if number not in seen:
            seen.add(number)
            yield SourceItem(f"cod/{number}.cif", source, settings.base, "cod", number)
    if not seen:
        raise SourceError("no COD number there", entry=source, remedy="one number a line, such as 1000041")


def read_item(item: SourceItem, update: Update) -> Entries:
    """Read one entry, from the mirror, the cache or over HTTP."""
    from molinteract.sources.cod_client import fetch

    number, _, revision = item.member.partition("@")
    if not _is_folder(item.path):
        content = fetch(item.path, number, revision)
        if isinstance(content, str):
            yield files.unreadable(item, content)
        else:
            yield from files.entries(io.BytesIO(content), item, update, name=item.key)
    elif revision:
        yield files.unreadable(item, "a mirror has no older revisions: read them over HTTP")
    else:
        path = str(mirror_path(Path(item.path), number))
        yield from files.read_item(replace(item, path=path), update)


def mirror_path(folder: Path, number: str) -> Path:
    """Return where a mirror has an entry: ``cif/1/00/00/1000041.cif``, with or without the first part."""
    base = folder / "cif" if (folder / "cif").is_dir() else folder
    return base / number[0] / number[1:3] / number[3:5] / f"{number}.cif"


def _is_folder(base: str) -> bool:
    return "://" not in base


def _mirrored(base: str) -> Iterator[str]:
    if not _is_folder(base):
        raise SourceError(
            "the whole database is not fetched entry by entry",
            entry=PREFIX,
            remedy="mirror it with rsync and set MOLINTERACT_COD to the folder, or name a search (cod:?el1=C&el2=H)",
        )
    folder = Path(base)
    inside = folder / "cif" if (folder / "cif").is_dir() else folder
    if not inside.is_dir():
        raise SourceError("no such folder", entry=base, remedy="set MOLINTERACT_COD to the folder of a mirror")
    for digit in sorted(inside.glob("[0-9]")):
        for path in sorted(digit.glob("[0-9][0-9]/[0-9][0-9]/[0-9]*.cif")):
            if _NUMBER.match(path.stem):
                yield path.stem


def _listed(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                text = line.partition("#")[0].strip()
                found = _IN_LINE.search(text)
                if text and not found:
                    raise SourceError(f"{text[:40]!r} is no COD number", entry=str(path), remedy="one number a line")
                if found:
                    yield found.group(1) + (found.group(2) or "")
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", entry=str(path)) from error


def _parameters(path: Path) -> dict[str, str]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", entry=str(path)) from error
    except ValueError as error:
        raise SourceError(f"is no JSON: {error}", entry=str(path)) from error
    if not isinstance(values, dict) or not all(isinstance(v, str | int | float) for v in values.values()):
        raise SourceError("is no JSON object of search parameters", entry=str(path), remedy='such as {"el1": "C"}')
    return {str(name): str(value) for name, value in values.items()}


def _found(parameters: Mapping[str, Any], source: str) -> Iterator[str]:
    from molinteract.sources.cod_client import search

    if not parameters:
        raise SourceError("no search parameter is given", entry=source, remedy="such as cod:?el1=C&el2=H")
    return iter(search(parameters, source=source))
