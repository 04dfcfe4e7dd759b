"""A self-contained HTML page: sections of text, tables and pictures; nothing is fetched when it is opened."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from molinteract.app.reports.plain_table import Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6b7c; --line: #d9e0e7; --back: #ffffff;
  --card: #f5f7fa; --mark: #0072B2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --soft: #9fb0c0; --line: #33404d; --back: #141a20; --card: #1d252d; --mark: #56B4E9; }
  img { background: #ffffff; border-radius: 6px; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--back); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .2rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
p.lead, .note { color: var(--soft); } a { color: var(--mark); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.figures div { background: var(--card); border-radius: 8px; padding: .8rem 1rem; }
.figures b { display: block; font-size: 1.45rem; color: var(--mark); font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: .87rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; } img { max-width: 100%; height: auto; display: block; }
figure { margin: 1.2rem 0; } figcaption { color: var(--soft); font-size: .9rem; margin-top: .3rem; }
nav a { margin-right: 1rem; }
pre { background: var(--card); padding: .8rem; border-radius: 8px; overflow-x: auto; font-size: .85rem; }
"""


@dataclass
class Page:
    """A page that grows section by section; every text is escaped."""

    title: str
    lead: str
    parts: list[str] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)

    def section(self, title: str, *texts: str) -> None:
        """Start a section, with paragraphs."""
        anchor = f"s{len(self.sections) + 1}"
        self.sections.append((anchor, title))
        self.parts.append(f'<h2 id="{anchor}">{html.escape(title)}</h2>')
        for text in texts:
            self.parts.append(f"<p>{html.escape(text)}</p>")

    def headline(self, figures: Sequence[tuple[str, str]]) -> None:
        """Add large figures: (value, what it is)."""
        cards = "".join(f"<div><b>{html.escape(v)}</b><span>{html.escape(t)}</span></div>" for v, t in figures)
        self.parts.append(f'<div class="figures">{cards}</div>')

    def table(self, table: Table) -> None:
        """Add a table."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.heading)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        self.parts.append(
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )

    def picture(self, path: Path, caption: str) -> None:
        """Add a PNG picture, inlined."""
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        text = html.escape(caption)
        self.parts.append(
            f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
        )

    def note(self, text: str) -> None:
        """Add a remark in small print."""
        self.parts.append(f'<p class="note">{html.escape(text)}</p>')

    def code(self, text: str) -> None:
        """Add preformatted text."""
        self.parts.append(f"<pre>{html.escape(text)}</pre>")

    def write(self, path: Path) -> None:
        """Write the page."""
        links = "".join(f'<a href="#{anchor}">{html.escape(title)}</a>' for anchor, title in self.sections)
        path.write_text(
            "<!doctype html>\n"
            '<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title><style>{_STYLE}</style></head><body>"
            f'<h1>{html.escape(self.title)}</h1><p class="lead">{html.escape(self.lead)}</p><nav>{links}</nav>'
            + "\n".join(self.parts)
            + "</body></html>\n",
            encoding="utf-8",
        )
