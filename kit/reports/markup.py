"""Numbers, lines and tables as Markdown in one language.

For the HTML report each number is wrapped in private-use characters with the id of its cell, so that the same templates
give both forms; foreign text cannot hold these characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.reports.cells import Cell
from kit.reports.context import Report
from kit.reports.escaping import Safe, escape, link

__all__ = ["CELL_END", "CELL_SEPARATOR", "CELL_START", "MARKS", "Markup"]

CELL_START, CELL_SEPARATOR, CELL_END = "\ue000", "\ue002", "\ue001"
#: Shown where the numbers of one table come from more than one source.
MARKS = {"measured": "", "published": "†", "mixed": "‡", "simulated": ""}


@dataclass(frozen=True)
class Markup:
    """Writes numbers and tables in one language; ``html`` keeps the ids of the cells."""

    report: Report
    words: Mapping[str, Any]
    html: bool = False

    def finalize(self, value: object) -> object:
        """What Jinja writes for ``{{ value }}``: numbers as numbers, all other foreign text escaped."""
        if isinstance(value, Cell):
            return self.cell(value)
        return value if isinstance(value, Safe) else escape("" if value is None else value)

    def cell(self, cell: Cell, text: str | None = None) -> Safe:
        """A number of the report."""
        shown = cell.text if text is None else text
        return Safe(f"{CELL_START}{cell.id}{CELL_SEPARATOR}{shown}{CELL_END}" if self.html else shown)

    def marked(self, cell: Cell | None, sources: set[str]) -> Safe:
        """A number of a table, with the mark of its source where the table has several."""
        if cell is None:
            return Safe(self.words["none"])
        return Safe(self.cell(cell) + (MARKS[cell.source] if len(sources) > 1 else ""))

    def marked_percent(self, cell: Cell, sources: set[str]) -> Safe:
        """A percentage with the mark of its source where there are several."""
        return Safe(f"{self.cell(cell)}%{MARKS[cell.source] if len(sources) > 1 else ''}")

    def legend(self, sources: set[str]) -> Safe:
        """The marks of a table in words."""
        if len(sources) == 1:
            return Safe(self.words[next(iter(sources))])
        known = [source for source in ("measured", "published", "mixed") if source in sources]
        return Safe(self.words["list"].join(f"{MARKS[source]} {self.words[source]}".strip() for source in known))

    def mode(self, mode: str | None) -> str:
        """``dataset`` or ``synthetic`` in words."""
        return str(self.words[f"{mode or 'mixed'}_mode"])

    def table(self, header: Sequence[object], rows: Iterable[Sequence[object]]) -> Safe:
        """A Markdown table."""
        lines = [header, ["---"] * len(header), *rows]
        done = [
            [str(value if number == 1 else self.finalize(value)) for value in line] for number, line in enumerate(lines)
        ]
        return Safe("\n".join("| " + " | ".join(line) + " |" for line in done))

    def facts(self, pairs: Mapping[str, str]) -> Safe:
        """Two columns."""
        return self.table(
            [self.words["item"], self.words["content"]], [[name, text] for name, text in sorted(pairs.items())]
        )

    def link(self, text: object, address: str | None) -> Safe:
        """A link, where the address is one of the web."""
        return link(text, address)

    def _name(self, name: str, *, simulated: bool) -> str:
        return f"{name} ({self.words['simulated']})" if simulated else name
