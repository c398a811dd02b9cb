"""Sentences that say from what to what something changed, and by how much: "from 50 ms to 20 ms (2.5x faster)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Interval, Printed, exactly, number_from

__all__ = ["Transition", "read_transitions"]

_NUMBER: Final = r"([0-9]{1,9}(?:,[0-9]{3}){0,3}(?:\.[0-9]{1,9})?)(?![0-9.,]*[0-9])"
_UNIT: Final = (
    r"\s?(%|ms|us|µs|s|sec|seconds|hours|h|minutes|min|fps|qps|(?:images?|imgs?|img|samples?|tokens?|frames?)/s(?:ec)?"
    r"|GB|MB|GiB|MiB|W|毫秒|秒|帧/秒|小时|分钟)?(?![a-z])"
)
_TO: Final = r"\s?(?:→|->|\bto\b|down to|up to|(?:提升|提高|增加|降低|下降|减少)?(?:到|至)|变为|降[到至])\s?"
_CLAIM: Final = (
    r"[-+−]?([0-9]{1,6}(?:\.[0-9]{1,9})?)\s?"
    r"(%|x\b|×|times\b|-fold\b|倍|(?:percentage\s|个?百分)?points?\b|个?百分点|pp\b)"
    r"(?!\s?(?:of\b|sparsity|(?:drop|loss|gain|higher|lower|less|more)?\s?(?:in\s)?(?:accuracy|memory|confidence|top|mAP)))"
)
#: What may stand between the two values and the claim, so that it is about them.
_BETWEEN: Final = (
    r"[\s,，(（:：=—–]{1,4}(?:i\.e\.,?\s|that is,?\s|which is\s|giving\s|yielding\s|for\s|即)?(?:an?\s|the\s)?"
    r"(?:(?:increase|decrease|reduction|improvement|gain|drop|loss|speed-?up|saving)\s(?:of|by)\s|by\s)?(?:a\s)?"
    r"(?:(?:性能|速度|时延|吞吐)?(?:提升|提高|降低|下降|减少|加速|增加)了?)?"
)
_AFTER: Final = re.compile(
    rf"(?:\bfrom\s|从|由)\s?{_NUMBER}{_UNIT}{_TO}{_NUMBER}{_UNIT}{_BETWEEN}{_CLAIM}", re.IGNORECASE
)
#: "10.0 ms -> 4.0 ms (2.5x)"
_ARROW: Final = re.compile(
    rf"(?<![0-9.\-]){_NUMBER}{_UNIT}\s?(?:→|->|=>)\s?{_NUMBER}{_UNIT}\s?[(（,，]\s?{_CLAIM}", re.IGNORECASE
)
_BEFORE: Final = re.compile(
    rf"(?<![0-9.\-–~]){_CLAIM}[^0-9.;。()（）]{{0,40}}[(（](?:from\s)?{_NUMBER}{_UNIT}{_TO}{_NUMBER}{_UNIT}[)）]",
    re.IGNORECASE,
)
#: Words between two numbers, also such as "FP32".
_WORDS: Final = r"(?:[^0-9.;。()（）]|(?<=[A-Za-z])[0-9]{1,4}){0,40}"
_AGAINST: Final = r"(?:compared (?:to|with)|\bvs\.?|\bversus|\bagainst|\binstead of|down from|up from|与|和|相比|较|比)"
_COMPARED: Final = re.compile(
    rf"(?<![0-9.\-]){_NUMBER}{_UNIT}{_WORDS}{_AGAINST}{_WORDS}(?<![A-Za-z0-9.\-]){_NUMBER}{_UNIT}"
    rf"(?:{_WORDS}[(（]|[,，]?\s?(?:相比|which is|that is|即)?[,，]?\s?)(?:仅|只|about\s|a\s)?"
    rf"(?:(?:精度|准确率)?(?:下降|降低|损失|减少|提升|提高|增加|低|高)了?)?{_CLAIM}",
    re.IGNORECASE,
)
_THAN: Final = re.compile(
    rf"(?<![0-9.\-]){_NUMBER}{_UNIT}[,，(]\s?(?:which is\s)?{_CLAIM}\s"
    rf"(?:lower|below|less|higher|above|more|faster|slower|smaller|larger)\s(?:than\s)?{_WORDS}(?<![A-Za-z0-9.\-]){_NUMBER}{_UNIT}",
    re.IGNORECASE,
)
#: A per cent behind these says by how much, and not how much is left.
_BY: Final = re.compile(r"(?:\bby|\bof|了|低|少|升|高|[-−+])\s?\Z", re.IGNORECASE)
_FOLLOWED: Final = re.compile(
    rf"(?<![0-9.\-–~])(?:\bby\s){_CLAIM}[,，]\s?from\s{_NUMBER}{_UNIT}{_TO}{_NUMBER}{_UNIT}", re.IGNORECASE
)
_FROM: Final = re.compile(r"(?:\bfrom\s|从|由)\s?\Z", re.IGNORECASE)
_AGAIN: Final = re.compile(rf"{_AGAINST}|\bthan\b", re.IGNORECASE)
_MORE: Final = re.compile(
    r"fast|more|high|great|larg|improve|increase|gain|boost|better|less|small|low|reduc|提升|提高|增加|增长|快|多|高",
    re.IGNORECASE,
)
_ROUGH: Final = re.compile(r"(?:up to|at least|more than|less than|over|averag\w*|最高|平均|超过)\s?\Z", re.IGNORECASE)
_LONGEST: Final = 600


@dataclass(frozen=True, slots=True)
class Transition:
    """A change and what is said of it: ``ways`` are all that "20 %" or "2 x" can mean with the values they allow."""

    line: int
    stated: Printed
    text: str
    ways: tuple[tuple[str, float, Interval], ...]


def read_transitions(document: Document) -> Iterator[Transition]:
    """The changes of a report's prose that a single number follows."""
    for line, text in document.prose():
        if len(text) > _LONGEST or not any(sign.isdigit() for sign in text):
            continue
        for match in _AFTER.finditer(text):
            yield from _read(line, match, values=(1, 3), claim=5)
        for match in _BEFORE.finditer(text):
            if not _ROUGH.search(text[max(0, match.start() - 12) : match.start()]) and match[6]:
                yield from _read(line, match, values=(3, 5), claim=1)
        for match in _FOLLOWED.finditer(text):
            if not _ROUGH.search(text[max(0, match.start() - 12) : match.start()]):
                yield from _read(line, match, values=(3, 5), claim=1)
        for match in _ARROW.finditer(text) if "→" in text or ">" in text else ():
            if match[2] and not _FROM.search(text[max(0, match.start() - 6) : match.start()]):
                yield from _read(line, match, values=(1, 3), claim=5)
        if _AGAIN.search(text):
            for match in _COMPARED.finditer(text):
                if match[2] and match[4]:
                    yield from _read(line, match, values=(1, 3), claim=5)
            for match in _THAN.finditer(text):
                if match[2] and match[6]:
                    yield from _read(line, match, values=(1, 5), claim=3)


def _read(line: int, match: re.Match[str], *, values: tuple[int, int], claim: int) -> Iterator[Transition]:
    first, last = (number_from(match[place]) for place in values)
    units = {(match[place + 1] or "").lower() for place in values} - {""}
    stated = number_from(match[claim], start=match.start(claim))
    bare = not units and claim == 1 and match[2].lower().endswith(("points", "point", "百分点"))  # "from 76.1 to 75.7"
    if first is None or last is None or stated is None or not stated.value or not (len(units) == 1 or bare):
        return
    if min(first.interval.low, last.interval.low) <= 0 or first.value == last.value:
        return
    sign = match[claim + 1].lower()
    change = _BY.search(match.string, max(0, match.start(claim) - 4), match.start(claim)) is not None
    near = match.string[max(0, match.start(claim) - 20) : match.end(claim + 1) + 16]
    ways = tuple(_ways(first, last, sign, percent="%" in units, change=change, more=_MORE.search(near) is not None))
    yield Transition(line, stated, match[claim] + match[claim + 1], ways)


def _ways(
    first: Printed, last: Printed, sign: str, *, percent: bool, change: bool, more: bool
) -> Iterator[tuple[str, float, Interval]]:
    """All that a claim with this sign can mean, the likeliest first."""
    small, large = sorted((first, last), key=lambda one: one.value)
    ratio, gap = large.interval / small.interval, large.interval - small.interval
    quotient = large.value / small.value
    if sign in {"x", "×", "times", "-fold", "倍"}:
        yield f"{large.text} / {small.text}", quotient, ratio
        if more:  # "2x faster" is said of both
            yield f"{large.text} / {small.text} - 1", quotient - 1, ratio - exactly(1)
        yield f"{small.text} / {large.text}", 1 / quotient, small.interval / large.interval
        return
    difference = f"{large.text} - {small.text}", large.value - small.value, gap
    if sign != "%":
        yield difference
        return
    if percent:
        yield difference
    for below in (first, last):
        value = (large.value - small.value) / below.value * 100
        yield f"({large.text} - {small.text}) / {below.text} x 100", value, (gap / below.interval).scaled(100)
    for top, bottom in () if change else ((first, last), (last, first)):
        allowed = (top.interval / bottom.interval).scaled(100)
        yield f"{top.text} / {bottom.text} x 100", top.value / bottom.value * 100, allowed
