"""A line as tokens of formulas: numbers, signs, brackets, units; anything else separates formulas."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kit.audit.facts.printednumber import NUMBER, Printed, number_from

__all__ = ["Token", "TokenLine", "tokens_of"]

_UNIT = (
    r"(?:fps|qps|ms|us|sec|(?:samples?|imgs?|images?|frames?|it)\s?/\s?s(?:ec)?|[帧张]/?(?:秒|s)?|s|倍|%"
    r"|chips?|cards?|devices?|dies?|个?(?:芯片?|卡|设备|核心?))(?![A-Za-z])"
)
_REST = r"|(?P<sign>[-+*/()])|(?P<times>[xX](?=\s{0,9}[(0-9]))|(?P<other>\S)"
_TOKEN = re.compile(rf"(?P<number>{NUMBER.pattern})|(?P<unit>{_UNIT})" + _REST, re.IGNORECASE)
_DECIMAL_COMMA = re.compile(
    r"(?P<number>[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,[0-9]+|[0-9]+(?:\.[0-9]+)?)" + rf"|(?P<unit>{_UNIT})" + _REST,
    re.IGNORECASE,
)


class Token(NamedTuple):
    """``kind`` is number, unit, sign (with "x" as "*") or other; ``start`` and ``end`` are positions in the line.

    Anything that is not part of a formula, up to the next blank, is one token.
    """

    kind: str
    text: str
    start: int
    end: int
    number: Printed | None = None


@dataclass(frozen=True, slots=True)
class TokenLine:
    """The tokens of a line in order, their starts, and for each ")" the index of its "("."""

    tokens: tuple[Token, ...]
    starts: tuple[int, ...]
    opens: dict[int, int]

    def at(self, position: int) -> int:
        """The index of the first token that starts at ``position`` or after it."""
        return bisect_left(self.starts, position)

    def covers(self, position: int) -> bool:
        """Whether ``position`` is inside a token, after its first character."""
        place = self.at(position)
        return place > 0 and self.tokens[place - 1].end > position


@lru_cache(maxsize=8)
def tokens_of(line: str, *, decimal_comma: bool = False) -> TokenLine:
    """The tokens of a line, without blanks."""
    tokens: list[Token] = []
    pending: list[int] = []
    opens: dict[int, int] = {}
    for match in (_DECIMAL_COMMA if decimal_comma else _TOKEN).finditer(line):
        kind, text, start, end = match.lastgroup or "other", match[0], match.start(), match.end()
        number = None
        if kind == "number":
            number = number_from(text, start=start, decimal_comma=decimal_comma)
            version = line[end : end + 1] == "." and line[end + 1 : end + 2].isdigit()  # 7.2.3
            kind = "other" if number is None or version else kind
        elif kind == "times":
            kind, text = "sign", "*"
        elif text == "(":
            pending.append(len(tokens))
        elif text == ")" and pending:
            opens[len(tokens)] = pending.pop()
        if kind == "other" and tokens and tokens[-1].kind == "other" and tokens[-1].end == start:
            tokens[-1] = Token(kind, "", tokens[-1].start, end)
            continue
        tokens.append(Token(kind, text, start, end, number))
    return TokenLine(tuple(tokens), tuple(token.start for token in tokens), opens)
