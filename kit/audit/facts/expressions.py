"""Formulas in prose: ``678.142 * 4=2712.568``, ``1000/(6.42/1)=155.7fps``, ``1635.3fps > 1.2 * 1361.796fps``.

Tokens and a recursive evaluation instead of ``eval``, because the text is not trusted. Every token is looked at a few
times at most, whatever the line contains.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kit.audit.facts.formulatokens import TokenLine, tokens_of
from kit.audit.facts.printednumber import Agreement, Bounded, Printed, agree, exactly

__all__ = ["Equation", "Expression", "Inequality", "comparisons", "equations", "expression_at", "expression_before"]

#: Formulas are short; anything with more tokens is data.
_MAX_TOKENS = 40
#: How many readings are tried, the longest first.
_TRIES = 3
#: How many results can follow each other in a chain "a = b = c".
_CHAIN = 4
_MOST_MARKS = 60

_EQUALS = re.compile(r"(?<![<>!=:])={1,2}(?!=)|约等于|大约是")
#: "1000 * batchsize(16) / mean(22.174)": named operands.
_NAMED = re.compile(
    r"(?<![A-Za-z_.])(?:batch[_\s]?size|(?:NPU_compute_time\.)?mean|latency|time)\s{0,9}"
    r"\(\s{0,9}([0-9]+(?:\.[0-9]+)?)\s{0,9}\)",
    re.IGNORECASE,
)
#: "512.3 qps * batch 8": an operand after its name.
_COUNT = re.compile(r"(?<=[*xX/])\s{0,3}(?:batch[_\s]?size|batch|bs)\s{0,3}(?=[0-9])", re.IGNORECASE)
_TIMES = re.compile(r"\(\s{0,9}[0-9][0-9.,]*\s{0,9}/\s{0,9}[0-9][0-9.,]*\s{0,9}\)\s{0,9}([0-9][0-9.,]*)\s{0,9}倍")
_GAP = re.compile(r"\s{2,}")
_COMPARE = re.compile(r"(?<![-=<>])(>=|<=|>|<|≥|≤)(?![>=<])")
#: What may come between the equals sign and the result.
_LEAD = re.compile(r"\s*(?:约为|约|大约|~|\*\*|`|about\s|approximately\s|=)?\s*")


class Expression(NamedTuple):
    """A formula or a single number: text, value, operands in order, position, unit, and whether it has an operator."""

    text: str
    right: Bounded
    operands: tuple[Printed, ...]
    start: int
    end: int
    compound: bool
    unit: str = ""

    @property
    def value(self) -> float:
        """The value of the formula."""
        return self.right.value

    @property
    def number(self) -> Printed | None:
        """The printed number, if the expression is only that."""
        return self.operands[0] if not self.compound and len(self.operands) == 1 else None


@dataclass(frozen=True, slots=True)
class Equation:
    """``formula = printed result`` with the unit after the result ("fps", "%", "倍", "ms", or empty)."""

    formula: Expression
    stated: Printed
    unit: str


@dataclass(frozen=True, slots=True)
class Inequality:
    """``left sign right``: sign is one of > < >= <=; at least one side has a unit, a decimal point or an operator."""

    left: Expression
    sign: str
    right: Expression


@lru_cache(maxsize=1024)
def equations(line: str, *, decimal_comma: bool = False) -> tuple[Equation, ...]:
    """All formulas of a line with a printed result. In a chain ``a = b = c`` each is compared with the number."""
    marks = list(_EQUALS.finditer(line))
    if len(marks) > _MOST_MARKS:
        return ()
    if marks and "(" in line:
        line = _NAMED.sub(_blank, line)
    if marks and ("b" in line or "B" in line):
        line = _COUNT.sub(lambda match: " " * len(match[0]), line)
    found = _quotients(line, decimal_comma=decimal_comma) if "倍" in line else []
    for place, mark in enumerate(marks):
        formula = expression_before(line, mark.start(), decimal_comma=decimal_comma)
        if formula is None or not formula.compound:
            continue
        result = _result(line, marks[place : place + _CHAIN], formula, decimal_comma=decimal_comma)
        if result is not None and result.number is not None:
            found.append(Equation(formula, result.number, result.unit))
    return tuple(found)


def _result(line: str, marks: list[re.Match[str]], formula: Expression, *, decimal_comma: bool) -> Expression | None:
    """The printed result of a formula, after its own equals sign or at the end of the chain."""
    for mark in marks:
        lead = _LEAD.match(line, mark.end())
        result = expression_at(line, lead.end() if lead else mark.end(), decimal_comma=decimal_comma)
        if result is None or result.number is not None:
            return result
        near = abs(result.value - formula.value) <= 1e-6 * abs(formula.value)
        if near or agree(result.operands[0], formula.value) is Agreement.SAME:
            return None  # "100*4 = 400 / 1.2 = 333": the next formula starts with the result of this one
    return None


def _blank(match: re.Match[str]) -> str:
    """The value of a named operand, "batchsize(16)", at its position."""
    return " " * (match.start(1) - match.start()) + match[1] + " " * (match.end() - match.end(1))


def _quotients(line: str, *, decimal_comma: bool) -> list[Equation]:
    """Quotients followed by their result without an equals sign: "bs1:310=(71.52/64.1) 1.12倍基准"."""
    found = []
    for match in _TIMES.finditer(line):
        formula = expression_at(line, match.start(), decimal_comma=decimal_comma)
        result = expression_at(line, match.start(1), decimal_comma=decimal_comma)
        if formula is None or result is None or result.number is None or formula.end > match.start(1):
            continue
        found.append(Equation(formula, result.number, "倍"))
    return found


def comparisons(line: str, *, decimal_comma: bool = False) -> list[Inequality]:
    """All comparisons of numbers or formulas on a line."""
    found = []
    for mark in list(_COMPARE.finditer(line))[:20]:
        left = expression_before(line, mark.start(), decimal_comma=decimal_comma)
        lead = _LEAD.match(line, mark.end())
        right = expression_at(line, lead.end() if lead else mark.end(), decimal_comma=decimal_comma)
        if left is None or right is None or _continues(line, right.end) or (right.unit == "倍" and left.unit != "倍"):
            continue
        if any(one.compound or one.unit or "." in one.text for one in (left, right)):
            found.append(Inequality(left, mark[1].replace("≥", ">=").replace("≤", "<="), right))
    return found


def _continues(line: str, end: int) -> bool:
    """Whether a formula continues with something other than a number: "> 1.2 * T4", "> 1.2倍310"."""
    rest = line[end : end + 12].lstrip()
    return rest[:1] in {"*", "/", "(", "倍", "x", "X"} or rest.startswith("times")


def expression_before(line: str, end: int, *, decimal_comma: bool = False) -> Expression | None:
    """The longest formula that ends at ``end``, or the number there."""
    scan = tokens_of(line, decimal_comma=decimal_comma)
    last = scan.at(end) - 1
    starts = [place for place in _starts(scan, last) if _may_start(line, scan.starts[place])]
    for place in starts[::-1][:_TRIES]:
        found = _evaluate(line, scan, place, last + 1)
        if found is not None and found.end == scan.tokens[last].end:
            before = line[: found.start].rstrip()
            return None if before[-1:] in {"+", "*", "/"} and before.strip("*/ \t>") else found
    return None


def _starts(scan: TokenLine, last: int) -> list[int]:
    """Indices of the tokens at which a formula that ends with token ``last`` can begin, the nearest first."""
    found: list[int] = []
    place, floor = last, max(0, last - _MAX_TOKENS)
    while place >= floor:
        if scan.tokens[place].kind == "unit":
            place -= 1
        if place < floor:
            break
        token = scan.tokens[place]
        begin = place if token.kind == "number" else scan.opens.get(place, -1) if token.text == ")" else -1
        if begin < floor:
            break
        found.append(begin)
        sign = scan.tokens[begin - 1] if begin > floor else None
        if sign is None or sign.kind != "sign" or sign.text in "()":
            break
        place = begin - 2
    return found


def expression_at(line: str, start: int, *, decimal_comma: bool = False) -> Expression | None:
    """The longest formula that begins at ``start``, or the number there."""
    scan = tokens_of(line, decimal_comma=decimal_comma)
    if scan.covers(start):
        return None
    place = scan.at(start)
    return _evaluate(line, scan, place, min(len(scan.tokens), place + _MAX_TOKENS))


def _may_start(line: str, start: int) -> bool:
    """Not in the middle of a word, number or version: "bs16/4" and "v1.0-2" contain no formula."""
    before = line[start - 1 : start] if start else ""
    if not before or line[start] == "(":
        return True
    return not (before.isdigit() or before in "._" or (before.isascii() and before.isalpha()))


class _Part(NamedTuple):
    """The value of a part of a formula, and the index after its last token."""

    right: Bounded
    end: int


def _evaluate(line: str, scan: TokenLine, start: int, stop: int) -> Expression | None:
    try:
        part = _sum(scan, start, stop)
    except (ZeroDivisionError, OverflowError, RecursionError):
        return None
    if part is None or not math.isfinite(part.right.value):
        return None
    used = scan.tokens[start : part.end]
    operands = tuple(token.number for token in used if token.number is not None)
    first, last = used[0].start, used[-1]
    text = _GAP.sub(" ", line[first : last.end]).strip()
    unit = last.text.strip().lower() if last.kind == "unit" else ""
    return Expression(text, part.right, operands, first, last.end, len(operands) > 1, unit)


def _sign(scan: TokenLine, place: int, stop: int, signs: Container[str]) -> str:
    token = scan.tokens[place] if place < stop else None
    return token.text if token is not None and token.kind == "sign" and token.text in signs else ""


def _sum(scan: TokenLine, place: int, stop: int) -> _Part | None:
    return _chain(scan, place, stop, _product, {"+": operator.add, "-": operator.sub})


def _product(scan: TokenLine, place: int, stop: int) -> _Part | None:
    return _chain(scan, place, stop, _atom, {"*": operator.mul, "/": operator.truediv})


def _chain(
    scan: TokenLine,
    place: int,
    stop: int,
    operand: Callable[[TokenLine, int, int], _Part | None],
    operators: Mapping[str, Callable[[Bounded, Bounded], Bounded]],
) -> _Part | None:
    """Operands joined by operators of one precedence, from left to right."""
    part = operand(scan, place, stop)
    while part is not None and (sign := _sign(scan, part.end, stop, operators)):
        other = operand(scan, part.end + 1, stop)
        if other is None:
            break
        part = _Part(operators[sign](part.right, other.right), other.end)
    return part


def _atom(scan: TokenLine, place: int, stop: int) -> _Part | None:
    if place >= stop:
        return None
    token = scan.tokens[place]
    if token.number is not None and token.kind == "number":
        # A whole number is a count (of devices, a batch, the milliseconds of a second): rates have decimals, or are in
        # a quotient where `_counts` does not take them for a count.
        number = token.number
        part = _Part(exactly(number.value) if _counts(number) else number.bounds, place + 1)
    elif token.text == "(":
        inner = _sum(scan, place + 1, stop)
        if inner is None or not _sign(scan, inner.end, stop, ")"):
            return None
        part = _Part(inner.right, inner.end + 1)
    else:
        return None
    unit = part.end < stop and scan.tokens[part.end].kind == "unit"
    return _Part(part.right, part.end + 1) if unit else part


def _counts(number: Printed) -> bool:
    """Whether a whole number is a count, and not a measurement without decimals: small, round, or a power of two."""
    if number.unit != 1:
        return number.unit > 1
    value = int(number.value)
    return value <= 20 or value % 100 == 0 or value & (value - 1) == 0
