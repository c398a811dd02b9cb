"""Formulas in prose: ``678.142 * 4=2712.568``, ``1000/(6.42/1)=155.7fps``, ``1635.3fps > 1.2 * 1361.796fps``.

Tokens and a recursive evaluation, no ``eval``: the text comes from strangers. Every token is looked at a few times at
most, whatever the line holds.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kit.audit.facts.formulatokens import TokenLine, tokens_of
from kit.audit.facts.printednumber import Agreement, Interval, Printed, agree, exactly

__all__ = ["Equation", "Expression", "Inequality", "comparisons", "equations", "expression_at", "expression_before"]

#: Formulas are short; what has more tokens is data.
_MAX_TOKENS = 40
#: Where the longest reading makes no sense, so many shorter ones are tried.
_TRIES = 3
#: So many results behind each other belong to one chain "a = b = c".
_CHAIN = 4
_MOST_MARKS = 60

_EQUALS = re.compile(r"(?<![<>!=:])={1,2}(?!=)|约等于|大约是")
#: "1000 * batchsize(16) / mean(22.174)": operands that say what they are.
_NAMED = re.compile(
    r"(?<![A-Za-z_.])(?:batch[_\s]?size|(?:NPU_compute_time\.)?mean|latency|time)\s{0,9}"
    r"\(\s{0,9}([0-9]+(?:\.[0-9]+)?)\s{0,9}\)",
    re.IGNORECASE,
)
#: "512.3 qps * batch 8": an operand behind its name.
_COUNT = re.compile(r"(?<=[*xX/])\s{0,3}(?:batch[_\s]?size|batch|bs)\s{0,3}(?=[0-9])", re.IGNORECASE)
_TIMES = re.compile(r"\(\s{0,9}[0-9][0-9.,]*\s{0,9}/\s{0,9}[0-9][0-9.,]*\s{0,9}\)\s{0,9}([0-9][0-9.,]*)\s{0,9}倍")
_GAP = re.compile(r"\s{2,}")
_COMPARE = re.compile(r"(?<![-=<>])(>=|<=|>|<|≥|≤)(?![>=<])")
#: What may stand between the sign and the result.
_LEAD = re.compile(r"\s*(?:约为|约|大约|~|\*\*|`|about\s|approximately\s|=)?\s*")


class Expression(NamedTuple):
    """A formula or a lone number: text, value, operands in order, place, whether it has an operator, unit.

    ``allowed`` are the values that the rounding of its printed operands leaves open.
    """

    text: str
    value: float
    operands: tuple[Printed, ...]
    start: int
    end: int
    compound: bool
    allowed: Interval
    unit: str = ""

    @property
    def number(self) -> Printed | None:
        """The printed number, where the expression is nothing else."""
        return self.operands[0] if not self.compound and len(self.operands) == 1 else None


@dataclass(frozen=True, slots=True)
class Equation:
    """``formula = printed result`` with the unit behind the result ("fps", "%", "倍", "ms", or empty)."""

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
    """All formulas of a line with a printed result. In a chain ``a = b = c`` each is held against the number."""
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
    """The printed result of a formula, behind its own sign or at the end of the chain."""
    for mark in marks:
        lead = _LEAD.match(line, mark.end())
        result = expression_at(line, lead.end() if lead else mark.end(), decimal_comma=decimal_comma)
        if result is None or result.number is not None:
            return result
        near = abs(result.value - formula.value) <= 1e-6 * abs(formula.value)
        if near or agree(result.operands[0], formula.value) is Agreement.SAME:
            return None  # "100*4 = 400 / 1.2 = 333": the next formula goes on with the result of this one
    return None


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


def comparisons(line: str, *, decimal_comma: bool = False) -> list[Inequality]:
    """All comparisons of numbers or formulas on a line."""
    found = []
    for mark in list(_COMPARE.finditer(line))[:20]:
        left = expression_before(line, mark.start(), decimal_comma=decimal_comma)
        lead = _LEAD.match(line, mark.end())
        right = expression_at(line, lead.end() if lead else mark.end(), decimal_comma=decimal_comma)
        if left is None or right is None or _goes_on(line, right.end) or (right.unit == "倍" and left.unit != "倍"):
            continue
        if any(side.compound or side.unit or "." in side.text for side in (left, right)):
            found.append(Inequality(left, mark[1].replace("≥", ">=").replace("≤", "<="), right))
    return found


def _goes_on(line: str, end: int) -> bool:
    """Whether a formula is continued by something that is no number: "> 1.2 * T4", "> 1.2倍310"."""
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
    """Places of tokens at which a formula can begin that ends with token ``last``, the nearest first."""
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
    """Not in the midst of a word, number or version: "bs16/4" and "v1.0-2" hold no formula."""
    before = line[start - 1 : start] if start else ""
    if not before or line[start] == "(":
        return True
    return not (before.isdigit() or before in "._" or (before.isascii() and before.isalpha()))


class _Part(NamedTuple):
    """A value, the values that rounding leaves open, and the place behind its last token."""

    value: float
    allowed: Interval
    end: int


def _evaluate(line: str, scan: TokenLine, start: int, stop: int) -> Expression | None:
    try:
        part = _sum(scan, start, stop)
    except (ZeroDivisionError, OverflowError, RecursionError):
        return None
    if part is None or not math.isfinite(part.value):
        return None
    used = scan.tokens[start : part.end]
    operands = tuple(token.number for token in used if token.number is not None)
    last = used[-1]
    return Expression(
        _GAP.sub(" ", line[used[0].start : last.end]).strip(),
        part.value,
        operands,
        used[0].start,
        last.end,
        len(operands) > 1,
        part.allowed,
        last.text.strip().lower() if last.kind == "unit" else "",
    )


def _sign(scan: TokenLine, place: int, stop: int, signs: str) -> str:
    token = scan.tokens[place] if place < stop else None
    return token.text if token is not None and token.kind == "sign" and token.text in signs else ""


def _sum(scan: TokenLine, place: int, stop: int) -> _Part | None:
    part = _product(scan, place, stop)
    while part is not None and (sign := _sign(scan, part.end, stop, "+-")):
        other = _product(scan, part.end + 1, stop)
        if other is None:
            break
        if sign == "+":
            part = _Part(part.value + other.value, part.allowed + other.allowed, other.end)
        else:
            part = _Part(part.value - other.value, part.allowed - other.allowed, other.end)
    return part


def _product(scan: TokenLine, place: int, stop: int) -> _Part | None:
    part = _atom(scan, place, stop)
    while part is not None and (sign := _sign(scan, part.end, stop, "*/")):
        other = _atom(scan, part.end + 1, stop)
        if other is None:
            break
        if sign == "*":
            part = _Part(part.value * other.value, part.allowed * other.allowed, other.end)
        else:
            part = _Part(part.value / other.value, part.allowed / other.allowed, other.end)
    return part


def _atom(scan: TokenLine, place: int, stop: int) -> _Part | None:
    if place >= stop:
        return None
    token = scan.tokens[place]
    if token.number is not None and token.kind == "number":
        # A whole number counts something: devices, a batch, the milliseconds of a second. Rates have decimals, or
        # stand in a quotient, where "_counts" cannot hold them for a count.
        exact = _counts(token.number)
        part = _Part(token.number.value, exactly(token.number.value) if exact else token.number.interval, place + 1)
    elif token.text == "(":
        inner = _sum(scan, place + 1, stop)
        if inner is None or _sign(scan, inner.end, stop, ")") != ")":
            return None
        part = _Part(inner.value, inner.allowed, inner.end + 1)
    else:
        return None
    unit = part.end < stop and scan.tokens[part.end].kind == "unit"
    return _Part(part.value, part.allowed, part.end + 1) if unit else part


def _counts(number: Printed) -> bool:
    """Whether a whole number is a count rather than a measurement without decimals: small, round, or a power of two."""
    if number.unit != 1:
        return number.unit > 1
    value = int(number.value)
    return value <= 20 or value % 100 == 0 or value & (value - 1) == 0
