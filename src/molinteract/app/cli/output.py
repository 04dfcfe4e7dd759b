"""What every verb shares in printing: results to stdout, progress to stderr, JSON on request."""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print the result as JSON.")]
DryRun = Annotated[bool, Parameter(name="--dry-run", negative="", help="Say what would be done, and estimate it.")]
Quiet = Annotated[bool, Parameter(name="--quiet", negative="", help="No progress on stderr.")]


def emit(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result: the text for a reader, or the same facts as JSON (nan as null)."""
    print(json.dumps(_plain(result), indent=2, ensure_ascii=False) if as_json else text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@contextmanager
def progress_bar(title: str, *, unit: str, quiet: bool) -> Iterator[Any]:
    """Give a function ``update(done, total, note="")`` that draws a bar on stderr.

    Without a terminal one plain line is written at the end instead, so that logs stay readable.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=quiet or not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None, note="")

        def update(done: float, total: float | None, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield update
