"""Formulas in prose: ``678.142 * 4=2712.568``, ``1000/(6.42/1)=155.7fps``, ``1635.3fps > 1.2 * 1361.796fps``.

A small tokenizer and a recursive evaluation, no ``eval``: the text comes from strangers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from kit.audit.numbers import NUMBER, Agreement, Number, agree, number_from

__all__ = ["Comparison", "Equation", "Expression", "comparisons", "equations", "expression_at", "expression_before"]

#: Formulas of this family are short; what is longer is data.
_WINDOW: Final = 160
_MAX_TOKENS: Final = 40

_UNIT: Final = (
    r"(?:fps|qps|ms|us|sec|(?:samples?|imgs?|images?|frames?|it)\s?/\s?s(?:ec)?|[帧张]/?(?:秒|s)?|s|倍|%)(?![A-Za-z])"
)
_TOKEN: Final = re.compile(
    rf"\s*(?:(?P<number>{NUMBER.pattern})|(?P<unit>{_UNIT})|(?P<sign>[-+*/()])|(?P<times>[xX](?=\s*[(0-9])))",
    re.IGNORECASE,
)
_DECIMAL_COMMA: Final = re.compile(
    rf"\s*(?:(?P<number>[0-9]{{1,3}}(?:\.[0-9]{{3}})+,[0-9]+|[0-9]+,[0-9]+|[0-9]+(?:\.[0-9]+)?)|(?P<unit>{_UNIT})"
    r"|(?P<sign>[-+*/()])|(?P<times>[xX](?=\s*[(0-9])))",
    re.IGNORECASE,
)
#: Characters that a formula can consist of; used to find where one begins.
_BODY: Final = re.compile(
    r"[0-9.,+*/()xX\s%-]|fps|qps|ms|samples?/s|imgs?/s|images/s|帧/?秒?|张|倍|s(?=[\s*/x)=])", re.IGNORECASE
)
_EQUALS: Final = re.compile(r"(?<![<>!=:])={1,2}(?!=)|约等于|大约是")
#: "1000 * batchsize(16) / mean(22.174)": operands that say what they are.
_NAMED: Final = re.compile(
    r"(?<![A-Za-z_.])(?:batch[_\s]?size|(?:NPU_compute_time\.)?mean|latency|time)\s*\(\s*([0-9]+(?:\.[0-9]+)?)\s*\)",
    re.IGNORECASE,
)
_TIMES: Final = re.compile(r"\(\s*[0-9][0-9.,]*\s*/\s*[0-9][0-9.,]*\s*\)\s*([0-9][0-9.,]*)\s*倍")
_BLANKS: Final = re.compile(r"\s{2,}")
_COMPARE: Final = re.compile(r"(?<![-=<>])(>=|<=|>|<|≥|≤)(?![>=<])")
#: What may stand between the sign and the result.
_LEAD: Final = re.compile(r"\s*(?:约为|约|大约|~|\*\*|`|about\s|approximately\s|=)?\s*")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    number: Number | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula or a lone number: text, value, operands in order, place, whether it has an operator, unit."""

    text: str
    value: float
    operands: tuple[Number, ...]
    start: int
    end: int
    compound: bool
    unit: str = ""

    @property
    def number(self) -> Number | None:
        """The printed number, where the expression is nothing else."""
        return self.operands[0] if not self.compound and len(self.operands) == 1 else None


@dataclass(frozen=True, slots=True)
class Equation:
    """``formula = printed result`` with the unit behind the result ("fps", "%", "倍", "ms", or empty)."""

    formula: Expression
    stated: Number
    unit: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left sign right``: sign is one of > < >= <=; at least one side has a unit, a decimal point or an operator."""

    left: Expression
    sign: str
    right: Expression


def equations(line: str, *, decimal_comma: bool = False) -> list[Equation]:
    """All formulas of a line with a printed result. In a chain ``a = b = c`` each is held against the number."""
    marks = list(_EQUALS.finditer(line))
    if len(marks) > 60:
        return []
    if marks and "(" in line:
        line = _NAMED.sub(_blank, line)
    found = _quotients(line, decimal_comma=decimal_comma) if "倍" in line else []
    for place, mark in enumerate(marks):
        formula = expression_before(line, mark.start(), decimal_comma=decimal_comma)
        if formula is None or not formula.compound:
            continue
        for later in marks[place:]:
            lead = _LEAD.match(line, later.end())
            result = expression_at(line, lead.end() if lead else later.end(), decimal_comma=decimal_comma)
            if result is None:
                break
            if result.number is not None:
                found.append(Equation(formula, result.number, result.unit))
                break
            near = abs(result.value - formula.value) <= 1e-6 * abs(formula.value)
            if near or agree(result.operands[0], formula.value) is Agreement.SAME:
                break  # "100*4 = 400 / 1.2 = 333": the next formula goes on with the result of this one
    return found


def _blank(match: re.Match[str]) -> str:
    """The value of a named operand, "batchsize(16)", in its place."""
    return " " * (match.start(1) - match.start()) + match[1] + " " * (match.end() - match.end(1))


def _quotients(line: str, *, decimal_comma: bool) -> list[Equation]:
    """Quotients whose result stands behind them without a sign: "bs1:310=(71.52/64.1) 1.12倍基准"."""
    found = []
    for match in _TIMES.finditer(line):
        formula = expression_at(line, match.start(), decimal_comma=decimal_comma)
        result = expression_at(line, match.start(1), decimal_comma=decimal_comma)
        if formula is None or result is None or result.number is None or formula.end > match.start(1):
            continue
        found.append(Equation(formula, result.number, "倍"))
    return found


def comparisons(line: str, *, decimal_comma: bool = False) -> list[Comparison]:
    """All comparisons of numbers or formulas on a line."""
    found = []
    for mark in list(_COMPARE.finditer(line))[:20]:
        left = expression_before(line, mark.start(), decimal_comma=decimal_comma)
        lead = _LEAD.match(line, mark.end())
        right = expression_at(line, lead.end() if lead else mark.end(), decimal_comma=decimal_comma)
        if left is None or right is None or _goes_on(line, right.end) or (right.unit == "倍" and left.unit != "倍"):
            continue
        if any(side.compound or side.unit or "." in side.text for side in (left, right)):
            found.append(Comparison(left, mark[1].replace("≥", ">=").replace("≤", "<="), right))
    return found


def _goes_on(line: str, end: int) -> bool:
    """Whether a formula is continued by something that is no number: "> 1.2 * T4", "> 1.2倍310"."""
    rest = line[end : end + 12].lstrip()
    return rest[:1] in {"*", "/", "(", "倍", "x", "X"} or rest.startswith("times")


def expression_before(line: str, end: int, *, decimal_comma: bool = False) -> Expression | None:
    """The longest formula that ends at ``end``, or the number there."""
    start = end
    floor = max(0, end - _WINDOW)
    while start > floor:
        for width in (1, 2, 3, 5, 6, 8, 9):
            if start - width >= floor and _BODY.fullmatch(line, start - width, start):
                start -= width
                break
        else:
            break
    while start < end:
        if not line[start].isspace() and _may_start(line, start):
            expression = _parse(line, start, end, decimal_comma=decimal_comma)
            if expression is not None and not line[expression.end : end].strip():
                before = line[:start].rstrip()
                return None if before[-1:] in {"+", "*", "/"} and before.strip("*/ \t>") else expression
        start += 1
    return None


def expression_at(line: str, start: int, *, decimal_comma: bool = False) -> Expression | None:
    """The longest formula that begins at ``start``, or the number there."""
    return _parse(line, start, min(len(line), start + _WINDOW), decimal_comma=decimal_comma)


def _may_start(line: str, start: int) -> bool:
    """Not in the midst of a word, number or version: "bs16/4" and "v1.0-2" hold no formula."""
    if line[start] not in "0123456789(":
        return False
    before = line[start - 1 : start]
    if not before or line[start] == "(":
        return True
    return not (before.isdigit() or before in "._" or (before.isascii() and before.isalpha()))


def _parse(line: str, start: int, end: int, *, decimal_comma: bool) -> Expression | None:
    tokens, ends = _tokens(line, start, end, decimal_comma=decimal_comma)
    for size in range(len(tokens), 0, -1):
        if tokens[size - 1].kind in {"sign", "times"} and tokens[size - 1].text != ")":
            continue
        try:
            value, used = _sum(tokens[:size], 0)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if used == size and math.isfinite(value):
            operands = tuple(token.number for token in tokens[:size] if token.number is not None)
            stop = ends[size - 1]
            last = tokens[size - 1]
            return Expression(
                _BLANKS.sub(" ", line[start:stop]).strip(),
                value,
                operands,
                start,
                stop,
                compound=len(operands) > 1,
                unit=last.text.strip().lower() if last.kind == "unit" else "",
            )
    return None


def _tokens(line: str, start: int, end: int, *, decimal_comma: bool) -> tuple[list[_Token], list[int]]:
    pattern = _DECIMAL_COMMA if decimal_comma else _TOKEN
    tokens: list[_Token] = []
    ends: list[int] = []
    position = start
    while position < end and len(tokens) < _MAX_TOKENS:
        match = pattern.match(line, position, end)
        if match is None or match.end() == position:
            break
        kind = match.lastgroup or ""
        text = match[kind]
        number = None
        if kind == "number":
            after = line[match.end() : match.end() + 2]
            if after[:1] == "." and after[1:].isdigit():
                break  # a version such as 7.2.3
            if tokens and tokens[-1].kind == "number":
                break
            number = number_from(text, start=match.start(kind), decimal_comma=decimal_comma)
            if number is None:
                break
        elif kind == "unit" and (not tokens or tokens[-1].kind not in {"number", "sign"}):
            break
        tokens.append(_Token(kind, text, number))
        ends.append(match.end())
        position = match.end()
    return tokens, ends


def _sum(tokens: list[_Token], place: int) -> tuple[float, int]:
    value, place = _product(tokens, place)
    while place < len(tokens) and tokens[place].text in {"+", "-"}:
        other, after = _product(tokens, place + 1)
        value = value + other if tokens[place].text == "+" else value - other
        place = after
    return value, place


def _product(tokens: list[_Token], place: int) -> tuple[float, int]:
    value, place = _atom(tokens, place)
    while place < len(tokens) and tokens[place].text in {"*", "/", "x", "X"}:
        other, after = _atom(tokens, place + 1)
        value = value / other if tokens[place].text == "/" else value * other
        place = after
    return value, place


def _atom(tokens: list[_Token], place: int) -> tuple[float, int]:
    if place >= len(tokens):
        raise ValueError
    token = tokens[place]
    if token.number is not None:
        value, place = token.number.value, place + 1
    elif token.text == "(":
        value, place = _sum(tokens, place + 1)
        if place >= len(tokens) or tokens[place].text != ")":
            raise ValueError
        place += 1
    else:
        raise ValueError
    percent = place < len(tokens) and tokens[place].kind == "unit"
    return value, place + 1 if percent else place
