"""A sentence about accuracy loss contradicts the accuracies in the report.

Accuracy loss decides whether a port may be used, and people read the sentence rather than the table.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from kit.audit.facts.accuracies import AccuracyPair, accuracy_pairs, stated_pair
from kit.audit.facts.printednumber import Agreement, agree, exactly, number_from, show
from kit.audit.facts.vocabulary import devices_in
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Unknown, Wrong
from kit.audit.verdict import compared

__all__ = ["RULE"]

_WITHIN = re.compile(
    r"(?:精度|准确率|accuracy)[^。\n]{0,60}?(?:下降|损失|误差|降低|drops?|loss)[^。\n]{0,20}?"
    r"(?:在|不超过|小于|低于|不到|within|less than|below|under|at most)\s*([0-9](?:\.[0-9]+)?)\s*"
    r"(?:%|个点|个百分点|percent|points?)",
    re.IGNORECASE,
)
_REACHES = re.compile(
    r"(?:达到了?|为|是|reaches|is)\s*(?:了)?\s*(?:pth|原|开源|官方|官网|基准|gpu|t4)[^0-9。，,;]{0,16}?精?度?的\s*([0-9]{2,3}\.[0-9]+)\s*%",
    re.IGNORECASE,
)
#: How many pairs above a claim are compared; no report has more.
_REACH = 20


def _check(facts: Facts) -> Outcomes:
    pairs: list[AccuracyPair] | None = None
    for line, text in enumerate(facts.document.lines, start=1):
        if not ("%" in text or "点" in text):
            continue
        within = [] if facts.document.in_table(line) else list(_WITHIN.finditer(text))
        reaches = list(_REACHES.finditer(text)) if "的" in text else []
        if not within and not reaches:
            continue
        if pairs is None:
            pairs = sorted(accuracy_pairs(facts.document), key=lambda pair: pair.line)
        place = bisect_left(pairs, line, key=lambda pair: pair.line)
        above = pairs[max(0, place - _REACH) : place]
        for match in within:
            said = stated_pair(text[: match.end()], line)
            yield _within(line, match, [said] if said else above or pairs[:_REACH])
        for match in reaches:
            yield _reaches(line, match, text[: match.start()], above)


def _within(line: int, match: re.Match[str], pairs: list[AccuracyPair]) -> Outcome:
    limit = float(match[1])
    stated = f"{match[1]}%"
    if not pairs or limit <= 0:
        return Unknown(line, stated)
    worst = max(pairs, key=_drop)
    drop = _drop(worst)
    inputs = f"{worst.what}: {worst.ported.text}, {worst.original.text}"
    if drop <= limit + 1e-9:
        return Held(line, stated, f"{drop:.3g} points", f"largest loss, {inputs}")
    message = (
        f"the loss is said to be within {stated}, but {worst.what} falls"
        f" from {worst.original.text} to {worst.ported.text}"
    )
    return Wrong(line, stated, f"{drop:.3g} points", inputs, message, start=match.start(1))


def _drop(pair: AccuracyPair) -> float:
    """The loss in points or in per cent of the original, whichever is smaller."""
    scale = 100 if pair.original.value <= 1 else 1
    points = (pair.original.value - pair.ported.value) * scale
    return min(points, 100 * (pair.original.value - pair.ported.value) / pair.original.value)


def _reaches(line: int, match: re.Match[str], before: str, pairs: list[AccuracyPair]) -> Outcome:
    number = number_from(match[1], start=match.start(1))
    devices = devices_in(before)
    device = devices[-1].name if devices else None
    fitting = [pair for pair in pairs if pair.device == device] or pairs
    stated = f"{match[1]}%"
    if number is None or not fitting:
        return Unknown(line, stated)
    for pair in fitting:
        share = (pair.ported.bounds / pair.original.bounds).scaled(100)
        if agree(number, share) is Agreement.SAME:
            return Held(line, stated, show(share.value), "share of the original accuracy")
    if len(fitting) > 1:
        return Unknown(line, stated)
    inputs = f"{fitting[0].ported.text}, {fitting[0].original.text}"
    share = exactly(100 * fitting[0].ported.value / fitting[0].original.value)
    return compared(line, number, share, inputs=inputs, note="share")


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
|  | Top1 accuracy |
| --- | --- |
| official | 76.1% |
| 310P | 72.4% |

精度下降在1%范围之内，故精度达标。
""",
    corrections={"72.4%": "75.9%"},
    check=_check,
)
