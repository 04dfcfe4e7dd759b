"""Write the generated pages of the documentation: the glossary of arrays and the command-line reference.

With ``--check`` nothing is written; the exit code is 1 if a page is out of date.
"""

import os
import subprocess
import sys
from pathlib import Path

from molinteract.app.cli.main import VERBS
from molinteract.core.axes import glossary_markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"


def glossary_page() -> str:
    """Return the page of named arrays."""
    return (
        "# Glossary of arrays\n\nEvery array that crosses a file boundary in the code has one of these names.\n"
        "Generated from `src/molinteract/core/axes.py` by `make docs`.\n\n" + glossary_markdown()
    )


def command_line_page() -> str:
    """Return the help text of every verb, as printed at a width of 100 columns."""
    parts = ["# Command line\n\nGenerated from the program's own help by `make docs`.\n"]
    for words in ([], *([verb] for verb in VERBS)):
        title = " ".join(["molinteract", *words])
        parts.append(f"## {title}\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(parts)


def _help(words: list[str]) -> str:
    program = Path(sys.executable).with_name("molinteract")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run([str(program), *words, "--help"], env=environment, capture_output=True, text=True, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def main() -> int:
    """Write or check the pages."""
    pages = {DOCS / "glossary.md": glossary_page(), DOCS / "cli.md": command_line_page()}
    stale = [p for p, text in pages.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"out of date: {path.name} (make docs)")
        return 1 if stale else 0
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
