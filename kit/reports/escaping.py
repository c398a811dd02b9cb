"""Foreign text made harmless: names and sentences of recipes and results may hold anything.

A :class:`Safe` string is Markdown already; everything else is escaped when it is written into a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from kit.recipe.schema import Text

__all__ = ["Safe", "code", "escape", "fence", "in_language", "link", "one_line", "slug"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000-\ue002]+")
_SPECIAL = re.compile(r"([\\`*\[\]<|]|&(?=[#A-Za-z])|~(?=~)|(?<=~)~|(?<![^\W_])_|_(?![^\W_]))")
#: A line of such a text alone would be a list, a heading, a quotation or a rule.
_BLOCK = re.compile(r"[-+]\s|[-=]+$|>|#{1,6}\s|\d+[.)]\s")
_LINE_START = re.compile(r"^(\d*)([-+=>#.)])")


class Safe(str):
    """Markdown that was made here, from escaped parts."""

    __slots__ = ()


def one_line(value: object) -> str:
    """Without line ends, control and direction characters."""
    return _CONTROL.sub(" ", str(value)).strip()


def escape(value: object) -> Safe:
    """Markdown that shows ``value`` as it is, on one line; ``_`` within a word needs no escape."""
    if isinstance(value, Safe):
        return value
    text = _SPECIAL.sub(r"\\\1", one_line(value))
    return Safe(_LINE_START.sub(r"\1\\\2", text) if _BLOCK.match(text) else text)


def code(value: object) -> Safe:
    """``value`` as inline code, also inside a table."""
    text = one_line(value)
    if not text:
        return Safe("")
    ticks = _ticks(text, 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Safe(f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|"))


def fence(lines: Iterable[object]) -> Safe:
    """A block of code, with a fence that none of the lines can close."""
    body = "\n".join(re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ue000-\ue002]", " ", str(line)) for line in lines)
    ticks = _ticks(body, 3)
    return Safe(f"{ticks}\n{body}\n{ticks}")


def _ticks(text: str, least: int) -> str:
    """More backticks than stand next to each other in the text."""
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def link(text: object, address: str | None) -> Safe:
    """A link where the address is one of the web, and the text alone otherwise."""
    label = escape(text)
    if not address:
        return label
    clean = one_line(address)
    try:
        scheme = urlsplit(clean).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        return Safe(f"{label} ({code(clean)})") if clean != one_line(text) else code(clean)
    target = quote(clean, safe="%/:?#=&@+$,;~*!-._")
    return Safe(f"[{label}]({target})")


def in_language(text: Text, language: str) -> str:
    """A sentence of the recipe in that language, or in the one that it has."""
    if isinstance(text, str):
        return text
    return next((said for name, said in text.items() if name == language), next(iter(text.values()), ""))


def slug(heading: str, taken: dict[str, int] | None = None) -> str:
    """Anchor of a heading as GitHub and Gitee make it: lower case, no punctuation, blanks to hyphens.

    ``taken`` counts the anchors used so far; an anchor that appears a second time gets ``-1``, and so on.
    """
    text = "".join(
        character for character in heading.strip().lower() if character.isalnum() or character in "-_ "
    ).replace(" ", "-")
    if taken is None:
        return text
    count = taken.get(text, 0)
    taken[text] = count + 1
    return f"{text}-{count}" if count else text
