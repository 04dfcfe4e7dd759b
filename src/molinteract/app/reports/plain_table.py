"""A table as rows of text: for the terminal and for the page alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table: heading of each column and rows of text; numbers are right-aligned, the first column is not."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return the table in plain text."""
        lines = [self.heading, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.heading))]
        numeric = [all(_is_number(row[k]) for row in self.rows if row[k]) for k in range(len(self.heading))]
        out = []
        for line in lines:
            cells = [
                cell.rjust(width) if number and k else cell.ljust(width)
                for k, (cell, width, number) in enumerate(zip(line, widths, numeric, strict=True))
            ]
            out.append("  ".join(cells).rstrip())
        out.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(out)


def make_table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Return a table of values; floats must be formatted already."""
    return Table(tuple(heading), tuple(tuple(str(cell) for cell in row) for row in rows))


def _is_number(text: str) -> bool:
    return bool(text) and text[0] in "0123456789-−<+" and not any(c.isalpha() and c != "e" for c in text)
