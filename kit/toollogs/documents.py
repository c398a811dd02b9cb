"""Where a document that quotes logs begins a new part: a measurement never crosses such a line."""

from __future__ import annotations

import re

__all__ = ["begins_part"]

# A fence, a heading (not a table row after a number sign), an HTML block, or a label such as "Batch 32:".
_PART = re.compile(
    r"[ \t>]*+(?:```|~~~|#{1,6}[ \t]+[^\s|+#\[&]|</?(?:pre|code|h[1-6]|details|summary)\b"
    r"|[*_+-]{0,3}(?:batch(?:[ _-]?size)?|bs|run|case|test)[ \t_=:#-]{0,8}\d{1,9}\b"
    r"(?:\W{0,10}|[^\n\d]{0,40}[:\uff1a])[ \t]{0,8}$)",
    re.IGNORECASE,
)


def begins_part(line: str) -> bool:
    """Whether the line belongs to the document and not to a log: what follows is unrelated to what precedes it."""
    return _PART.match(line) is not None
