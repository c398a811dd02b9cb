"""From a place in a normalised line to a column of the line as written."""

from __future__ import annotations

from kit.audit.facts.document import Document
from kit.audit.facts.encoding import narrowed

__all__ = ["column_of", "section_of"]


def column_of(document: Document, line: int, text: str, start: int) -> tuple[int, int, bool]:
    """Columns (from 1, end excluded) of ``text`` in a line as written, and whether it was found there.

    ``start`` is where it begins in the normalised line, -1 where that is not known: then it is the first. What is not
    found as it is (a sentence put together by a rule) is said to stand on the whole line.
    """
    raw = document.raw[line - 1]
    plain = narrowed(raw)
    place = -1
    if text:
        # Normalising takes characters away, so the place moves, but the number of equal texts before it does not.
        normal = document.lines[line - 1]
        before = normal.count(text, 0, start) if 0 < start <= len(normal) else 0
        for _ in range(before + 1):
            place = plain.find(text, place + 1)
            if place < 0:
                break
    if place < 0:
        blank = len(raw) - len(raw.lstrip())
        return blank + 1, max(len(raw.rstrip()), blank) + 1, False
    return place + 1, place + len(text) + 1, True


def section_of(document: Document, line: int) -> str:
    """The text of the heading above a line."""
    path = document.path(line)
    return path[-1].text if path else ""
