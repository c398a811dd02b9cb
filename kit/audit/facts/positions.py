"""From a position in a normalised line to a column of the line as written."""

from __future__ import annotations

from kit.audit.facts.document import Document
from kit.audit.facts.encoding import narrowed

__all__ = ["column_of"]


def column_of(document: Document, line: int, text: str, start: int) -> tuple[int, int, bool]:
    """The columns (from 1, end excluded) of ``text`` in a line as written, and whether it was found there.

    ``start`` is its position in the normalised line; -1 means the first occurrence. Text that is not found (a rule may
    have composed it) gets the columns of the whole line.
    """
    raw = document.raw[line - 1]
    plain = narrowed(raw)
    place = -1
    if text:
        # Normalising removes characters, so the position changes, but not the number of equal texts before it.
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
