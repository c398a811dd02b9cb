"""Numbers, lines and tables as Markdown in one language.

Each number is wrapped in private-use characters with its id: the HTML report makes links of them, and
:func:`unmarked` takes them away. Foreign text cannot hold these characters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.reports.context import Report
from kit.reports.escaping import Safe, escape
from kit.reports.reportnumber import ReportNumber

__all__ = ["MARKED_NUMBER", "MARKS", "Markup", "unmarked"]

_START, _SEPARATOR, _END = "\ue000", "\ue002", "\ue001"
#: Groups: the id of a number, and its text.
MARKED_NUMBER = re.compile(rf"{_START}([^{_SEPARATOR}]*){_SEPARATOR}([^{_END}]*){_END}")
#: Shown where the numbers of one table come from more than one source.
MARKS = {"measured": "", "published": "†", "mixed": "‡", "simulated": ""}


def unmarked(text: str) -> str:
    """Text without the ids of its numbers."""
    return MARKED_NUMBER.sub(r"\2", text)


@dataclass(frozen=True)
class Markup:
    """Writes numbers and tables in one language."""

    report: Report
    words: Mapping[str, Any]

    def finalize(self, value: object) -> object:
        """What Jinja writes for ``{{ value }}``: numbers as numbers, all other foreign text escaped."""
        if isinstance(value, ReportNumber):
            return self.number(value)
        return value if isinstance(value, Safe) else escape("" if value is None else value)

    def number(self, number: ReportNumber, text: str | None = None) -> Safe:
        """A number of the report."""
        shown = number.text if text is None else text
        return Safe(f"{_START}{number.id}{_SEPARATOR}{shown}{_END}")

    def marked(self, number: ReportNumber | None, sources: set[str]) -> Safe:
        """A number of a table, with the mark of its source where the table has several."""
        if number is None:
            return Safe(self.words["none"])
        return Safe(self.number(number) + (MARKS[number.source] if len(sources) > 1 else ""))

    def percent(self, number: ReportNumber, sources: Collection[str] = ()) -> Safe:
        """A percentage, with the mark of its source where there are several."""
        return Safe(f"{self.number(number)}%{MARKS[number.source] if len(sources) > 1 else ''}")

    def interval(self, low: ReportNumber | None, high: ReportNumber | None, unit: str = "") -> Safe:
        """An interval, the unit behind both ends."""
        return Safe(f"{self.number(low)}{unit}–{self.number(high)}{unit}" if low and high else self.words["none"])

    def tagged(self, text: object, *, simulated: bool) -> str:
        """Text that says SIMULATED where that is so."""
        return f"{text} ({self.words['simulated']})" if simulated else str(text)

    def legend(self, sources: set[str]) -> Safe:
        """The marks of a table in words."""
        if len(sources) == 1:
            return Safe(self.words[next(iter(sources))])
        known = [source for source in ("measured", "published", "mixed") if source in sources]
        return Safe(self.words["list"].join(f"{MARKS[source]} {self.words[source]}".strip() for source in known))

    def table(self, header: Sequence[object], rows: Iterable[Sequence[object]]) -> Safe:
        """A Markdown table."""
        head, *body = ([str(self.finalize(value)) for value in line] for line in (header, *rows))
        return Safe("\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)))

    def facts(self, pairs: Mapping[str, str]) -> Safe:
        """Two columns."""
        return self.table([self.words["item"], self.words["content"]], sorted(pairs.items()))
