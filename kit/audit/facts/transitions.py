"""Sentences that state a change by two values and a number: "from 50 ms to 20 ms (2.5x faster)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Bounded, Printed, exactly, number_from
from kit.audit.facts.vocabulary import devices_in

__all__ = ["Transition", "read_transitions"]

_NUMBER = r"[0-9]{1,9}(?:,[0-9]{3}){0,3}(?:\.[0-9]{1,9})?"
_END = r"(?![0-9.,]*[0-9])"
_UNIT = (
    r"%|ms|us|µs|s|sec|seconds|hours|h|minutes|min|fps|qps|(?:images?|imgs?|img|samples?|tokens?|frames?)/s(?:ec)?"
    r"|GB|MB|GiB|MiB|W|毫秒|秒|帧/秒|小时|分钟"
)
#: The two values, each with a unit that may be missing.
_FIRST = rf"(?P<first>{_NUMBER}){_END}\s?(?P<first_unit>{_UNIT})?(?![a-z])"
_LAST = rf"(?P<last>{_NUMBER}){_END}\s?(?P<last_unit>{_UNIT})?(?![a-z])"
_TO = r"\s?(?:→|->|\bto\b|down to|up to|(?:压缩|提升|提高|增加|降低|下降|减少)?(?:到|至)|变为|降[到至])\s?"
_CLAIM = (
    r"[-+−]?(?P<claim>[0-9]{1,6}(?:\.[0-9]{1,9})?)\s?"
    r"(?P<sign>%|x\b|×|times\b|-fold\b|倍|(?:percentage\s|个?百分)?points?\b|个?百分点|pp\b)"
    r"(?!\s?(?:of\b|the\b|sparsity|(?:drop|loss|gain|higher|lower|less|more)?\s?(?:in\s)?(?:accuracy|memory|confidence|top|mAP)))"
)
#: What may come between the two values and the claim about them.
_BETWEEN = (
    r"[\s,，(（:：=—–]{1,4}(?:i\.e\.,?\s|that is,?\s|which is\s|giving\s|yielding\s|for\s|即)?(?:an?\s|the\s)?"
    r"(?:(?:increase|decrease|reduction|improvement|gain|drop|loss|speed-?up|saving)\s(?:of|by)\s|by\s)?(?:a\s)?"
    r"(?:(?:性能|速度|时延|吞吐)?(?:提升|提高|降低|下降|减少|加速|增加|压缩)了?\s?)?"
)
#: "from 6.20 ms (T4) to 2.50 ms (310P)"
_OF_WHAT = r"(?:\s?[(（](?![-+−]?[0-9.]{1,9}\s?(?:%|x|×|倍))[^()（）]{1,24}[)）])?"
_AFTER = re.compile(rf"(?:\bfrom\s|从|由)\s?{_FIRST}{_OF_WHAT}{_TO}{_LAST}{_OF_WHAT}{_BETWEEN}{_CLAIM}", re.IGNORECASE)
#: "10.0 ms -> 4.0 ms (2.5x)"
_ARROW = re.compile(rf"(?<![0-9.\-]){_FIRST}\s?(?:→|->|=>)\s?{_LAST}\s?[(（,，]\s?{_CLAIM}", re.IGNORECASE)
_BEFORE = re.compile(
    rf"(?<![0-9.\-–~]){_CLAIM}[^0-9.;。()（）]{{0,40}}[(（](?:from\s)?{_FIRST}{_TO}{_LAST}[)）]",
    re.IGNORECASE,
)
#: Words between two numbers, including ones such as "FP32".
_WORDS = r"(?:[^0-9.;。()（）]|(?<=[A-Za-z])[0-9]{1,4}){0,40}"
_AGAINST = r"(?:compared (?:to|with)|\bvs\.?|\bversus|\bagainst|\binstead of|down from|up from|与|和|相比|较|比)"
_COMPARED = re.compile(
    rf"(?<![0-9.\-]){_FIRST}{_WORDS}{_AGAINST}{_WORDS}(?<![A-Za-z0-9.\-]){_LAST}"
    rf"(?:{_WORDS}[(（]|[,，]?\s?(?:相比|which is|that is|即)?[,，]?\s?)(?:仅|只|about\s|a\s)?"
    rf"(?:(?:精度|准确率)?(?:下降|降低|损失|减少|提升|提高|增加|低|高)[了出]?\s?)?{_CLAIM}",
    re.IGNORECASE,
)
_THAN = re.compile(
    rf"(?<![0-9.\-]){_FIRST}[,，(]\s?(?:which is\s)?{_CLAIM}\s"
    rf"(?:lower|below|less|higher|above|more|faster|slower|smaller|larger)\s(?:than\s)?{_WORDS}(?<![A-Za-z0-9.\-]){_LAST}",
    re.IGNORECASE,
)
_ARROW_OF_COUNTS = re.compile(
    rf"(?<![0-9.\-]){_FIRST}\s?(?:→|->|=>)\s?{_LAST}\s?[(（]\s?[-+−]?(?P<claim>[0-9]{{1,4}}(?:\.[0-9]{{1,9}})?)\s?(?P<sign>%)"
    r"\s?(?:减少|降低|缩小|增加|提升|reduction|decrease|increase|improvement|smaller|fewer|less|more)",
    re.IGNORECASE,
)
_RATIO_WORDS = r"ratio|speed-?up|比值|加速比|倍率"
_RATIO = r"(?P<claim>[0-9]{1,4}(?:\.[0-9]{1,9})?)\s?(?P<sign>x\b|×|times\b|-fold\b|倍)"
#: Words, names and batch sizes between two values.
_LINK = r"(?:[^0-9.;。]|(?<=[A-Za-z])[0-9]{1,4}|(?<=batch )[0-9]{1,4}|(?<=batch size )[0-9]{1,4})"
#: The same within one clause.
_NAME = r"(?:[^0-9.;。,，]|(?<=[A-Za-z])[0-9]{1,4})"
#: "1840.2 images/s at batch 64, which is 2.3x the 800.1 images/s of the T4"
_IS_TIMES = re.compile(
    rf"(?<![0-9.\-]){_FIRST}(?:{_LINK}{{0,60}}?\bis\s|\s?[,(]\s?)(?:about\s|approximately\s)?{_RATIO}\s(?:as\s[a-z]{{3,8}}\sas\s"
    rf"|(?:faster|higher|quicker|larger|more)\sthan\s|that\sof\s|(?=the\s[0-9])){_NAME}{{0,40}}?(?<![A-Za-z0-9.\-]){_LAST}",
    re.IGNORECASE,
)
#: "为2013.05fps，是T4（1217.4fps）的1.65倍"
_IS_TIMES_OF = re.compile(
    rf"(?<![0-9.\-]){_FIRST}{_LINK}{{0,20}}?(?:是|相当于|达到?了?|为){_NAME}{{0,30}}?(?<![A-Za-z0-9.\-]){_LAST}\s?[)）]?\s?的"
    rf"\s?约?{_RATIO}",
    re.IGNORECASE,
)
#: "快2.5倍：FP32时延25.0ms，INT8时延10.0ms", and no more values
_TIMES_THEN = re.compile(
    rf"(?<![0-9.\-–~]){_RATIO}(?:\s(?:faster|slower|higher|speed-?up))?\s?[:：(（]\s?{_LINK}{{0,20}}?(?<![A-Za-z0-9.\-]){_FIRST}"
    rf"{_LINK}{{1,30}}?(?<![A-Za-z0-9.\-]){_LAST}(?![^。;；]{{0,40}}[0-9]\s?(?:{_UNIT})(?![a-z]))",
    re.IGNORECASE,
)
#: "310P 1234.5 fps, T4 800.0 fps, ratio 1.543"
_RATIO_AFTER = re.compile(
    rf"(?<![0-9.\-]){_FIRST}\s?[,，、;]{_LINK}{{1,20}}?(?<![A-Za-z0-9.\-]){_LAST}\s?[,，、;]\s?(?:the\s)?"
    rf"(?:{_RATIO_WORDS})(?:\s(?:is|of)\s|[为:：=\s]){{1,2}}\s?"
    r"(?P<claim>[0-9]{1,4}(?:\.[0-9]{1,9})?)(?![0-9.]*[0-9%])\s?(?P<sign>x\b|×|倍|)",
    re.IGNORECASE,
)
#: A second claim about the same two values: "(0.47% relative)", "，达到原模型精度的99.31%".
_NEXT = re.compile(
    r"(?:(?P<open>[)）]?\s?[(（/]\s?)|\s?[,，]\s?(?:保持|达到?了?|为)?(?:原|FP32|官方|开源|基准|original)[^0-9,，。]{0,12}的\s?)"
    rf"{_CLAIM}(?(open)\s?(?:relative\b|相对)|)\s?(?=[)）。.]|\Z)",
    re.IGNORECASE,
)
#: A percentage after these is a change, not what is left.
_BY = re.compile(r"(?:\bby|\bof|了|低|少|升|高|[-−+])\s?\Z", re.IGNORECASE)
_FOLLOWED = re.compile(rf"(?<![0-9.\-–~])(?:\bby\s){_CLAIM}[,，]\s?from\s{_FIRST}{_TO}{_LAST}", re.IGNORECASE)
_FROM = re.compile(r"(?:\bfrom\s|从|由)\s?\Z", re.IGNORECASE)
_AGAIN = re.compile(rf"{_AGAINST}|\bthan\b", re.IGNORECASE)
#: After the values: the claim may be about something else.
_OTHER = re.compile(r"batch|\bbs|cpu|int8|fp16|fp32|baseline|single|基线|单卡|单线程", re.IGNORECASE)
#: Every claim has one of these; this is quicker than trying all forms on every line.
_SIGN = re.compile(r"[0-9]\s?(?:%|x\b|×|times|-fold|倍|p(?:oint|ercent|p\b)|个?百分)", re.IGNORECASE)
_MORE = re.compile(
    r"fast|more|high|great|larg|improve|increase|gain|boost|better|less|small|low|reduc|提升|提高|增加|增长|快|多|高",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?:[^。；;.]|\.(?!\s|\Z))+")
_VALUE = re.compile(
    rf"(?<![0-9.\-])({_NUMBER}){_END}\s?(fps|qps|(?:images?|imgs?|samples?)/s|帧/秒|ms)(?![a-z])", re.IGNORECASE
)
_TIMES = re.compile(r"(?<![0-9.])([0-9]{1,4}(?:\.[0-9]{1,4})?)\s?(?:倍|times\b|x(?![a-z0-9]))", re.IGNORECASE)
_BOUND = re.compile(
    r"超过|大于|高于|不低于|不小于|以上|目标|要求|需|应|above|over\b|at least|more than|up to|exceed|target"
    r"|should|must|[<>]",
    re.IGNORECASE,
)
_ROUGH = re.compile(r"(?:up to|at least|more than|less than|over|averag\w*|最高|平均|超过)\s?\Z", re.IGNORECASE)
#: The forms, with the groups that must match.
_FORMS = (
    (_AFTER, ()),
    (_BEFORE, ("last_unit",)),
    (_FOLLOWED, ()),
    (_ARROW, ("first_unit",)),
    (_ARROW_OF_COUNTS, ()),
    (_COMPARED, ("first_unit", "last_unit")),
    (_THAN, ("first_unit", "last_unit")),
    (_IS_TIMES, ("first_unit", "last_unit")),
    (_IS_TIMES_OF, ("first_unit", "last_unit")),
    (_TIMES_THEN, ("first_unit", "last_unit")),
    (_RATIO_AFTER, ("first_unit", "last_unit")),
)
_OTHER_BATCH = re.compile(r"batch|\bbs|批", re.IGNORECASE)
_NAMES_RATIO = re.compile(_RATIO_WORDS, re.IGNORECASE)
#: The forms of multiples; they are looked for where there is one.
_MULTIPLES = {_IS_TIMES, _IS_TIMES_OF, _TIMES_THEN}
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Transition:
    """A stated change; ``ways`` are the computations that its "20 %" or "2 x" can mean, with their values."""

    line: int
    stated: Printed
    text: str
    ways: tuple[tuple[str, Bounded], ...]


def read_transitions(document: Document) -> Iterator[Transition]:
    """The changes in prose that are followed by a single number."""
    for line, text in document.prose():
        if len(text) > _LONGEST or not (_SIGN.search(text) or _NAMES_RATIO.search(text)):
            continue
        seen: set[int] = set()
        for match in _matches(text):
            for claim in (match, _NEXT.match(text, match.end())):
                if claim is not None and claim.start("claim") not in seen:
                    seen.add(claim.start("claim"))
                    yield from _read(line, match, claim)
        if "倍" in text or "times" in text or "x" in text:
            yield from (one for one in _of_devices(line, text) if one.stated.start not in seen)


def _matches(text: str) -> Iterator[re.Match[str]]:
    again = _AGAIN.search(text) is not None
    multiple = _TIMES.search(text) is not None
    for pattern, needed in _FORMS:
        if (again or pattern not in {_COMPARED, _THAN}) and (multiple or pattern not in _MULTIPLES):
            for match in pattern.finditer(text):
                if all(match[group] for group in needed) and not _unsaid(pattern, match):
                    yield match


def _unsaid(pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    """Whether the words before a match qualify it ("up to 2x"), or another form reads it."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    if pattern in _MULTIPLES and match["first_unit"].lower() in {"w", "%"}:
        return True  # "100 fps (30 W) is 3x faster than 60 W"
    if pattern in {_TIMES_THEN, _RATIO_AFTER} and _OTHER_BATCH.search(match[0]):
        return True
    if pattern is _ARROW:
        return _FROM.search(before) is not None
    return pattern in {_BEFORE, _FOLLOWED, _TIMES_THEN} and _ROUGH.search(before) is not None


def _of_devices(line: int, text: str) -> Iterator[Transition]:
    """Sentences with one value for each of two devices, and their ratio."""
    for sentence in _SENTENCES.finditer(text):
        claims = list(_TIMES.finditer(sentence[0]))
        if len(claims) != 1 or _BOUND.search(sentence[0]):
            continue
        values = list(_VALUE.finditer(sentence[0], 0, claims[0].start()))
        devices = devices_in(sentence[0])
        owners = [[device.name for device in devices if device.end <= match.start()][-1:] for match in values]
        if len(values) != 2 or [] in owners or owners[0] == owners[1] or values[0][2].lower() != values[1][2].lower():
            continue
        if {device.name for device in devices} != {owners[0][0], owners[1][0]} or devices[-1].end < values[1].end():
            continue  # the claim must name what it compares
        if _OTHER.search(sentence[0], values[1].end()):
            continue
        first, last = (number_from(match[1]) for match in values)
        stated = number_from(claims[0][1], start=sentence.start() + claims[0].start(1))
        if first is None or last is None or stated is None or min(first.value, last.value, stated.value) <= 0:
            continue
        more = _MORE.search(sentence[0], values[1].end()) is not None
        if first.value != last.value:
            ways = tuple(_ways(first, last, "x", percent=False, change=False, more=more))
            yield Transition(line, stated, claims[0][0], ways)


def _read(line: int, match: re.Match[str], claim: re.Match[str]) -> Iterator[Transition]:
    first, last = number_from(match["first"]), number_from(match["last"])
    start, sign = claim.start("claim"), claim["sign"].lower() or "x"
    stated = number_from(claim["claim"], start=start)
    units = {(match[group] or "").lower() for group in ("first_unit", "last_unit")} - {""}
    # "0.4 points (from 76.1 to 75.7)"
    bare = not units and start < match.start("first") and sign.endswith(("points", "point", "百分点"))
    bare |= not units and match.re is _ARROW_OF_COUNTS
    if first is None or last is None or stated is None or not stated.value or not (len(units) == 1 or bare):
        return
    if min(first.bounds.low, last.bounds.low) <= 0 or first.value == last.value:
        return
    change = _BY.search(match.string, max(0, start - 4), start) is not None
    more = _MORE.search(match.string[max(0, start - 20) : claim.end("sign") + 16]) is not None
    ways = tuple(_ways(first, last, sign, percent="%" in units, change=change, more=more))
    yield Transition(line, stated, claim["claim"] + claim["sign"], ways)


def _ways(
    first: Printed, last: Printed, sign: str, *, percent: bool, change: bool, more: bool
) -> Iterator[tuple[str, Bounded]]:
    """The computations that a claim with this sign can mean, the likeliest first."""
    small, large = sorted((first, last), key=lambda one: one.value)
    if sign in {"x", "×", "times", "-fold", "倍"}:
        ratio = large.bounds / small.bounds
        yield f"{large.text} / {small.text}", ratio
        if more:  # "2x faster" is used for both
            yield f"{large.text} / {small.text} - 1", ratio - exactly(1)
        yield f"{small.text} / {large.text}", small.bounds / large.bounds
        return
    gap = large.bounds - small.bounds
    difference = f"{large.text} - {small.text}"
    if percent or sign != "%":
        yield difference, gap
    if sign != "%":
        return
    for base in (first, last):
        yield f"({difference}) / {base.text} x 100", (gap / base.bounds).scaled(100)
    for top, bottom in () if change else ((first, last), (last, first)):
        yield f"{top.text} / {bottom.text} x 100", (top.bounds / bottom.bounds).scaled(100)
