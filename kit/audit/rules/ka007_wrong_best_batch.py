"""A sentence names a best batch size that is not the best in the table.

People deploy with the batch size that a report recommends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from kit.audit.facts.printednumber import Printed
from kit.audit.facts.vocabulary import DEVICE, devices_in
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Unknown, Wrong

__all__ = ["RULE"]

_SIZE = r"(?:batch[\s_]?size|batch|bs|批(?:次|处理)?大小)"
_NUMBER = r"(?P<batch>[0-9]{1,4})"
#: "310最优batch为：bs16"
_SENTENCE = re.compile(
    rf"(?<![0-9a-z/])(?P<device>{DEVICE})\s{{0,9}}(?:上|的)?\s{{0,9}}(?:最优|最佳|best)\s{{0,9}}的?\s{{0,9}}"
    rf"{_SIZE}?\s{{0,9}}(?:为|是|is|[:=])[\s:]{{0,9}}"
    rf"{_SIZE}?\s{{0,9}}=?\s{{0,9}}{_NUMBER}(?![0-9.]|\s{{0,9}}(?:fps|倍))",
    re.IGNORECASE,
)
#: "On the 310P device, performance is best at batch size 4": much may come in between, but no other device.
_AT_BATCH = re.compile(
    rf"(?:(?<![0-9a-z/])|(?<=ascend))(?P<device>{DEVICE}|npu|gpu)\s{{0,9}}(?:设备|芯片|卡)?\)?\s{{0,9}}(?:上|在(?=\s?b))"
    rf"[^。;\n]{{0,300}}?{_SIZE}\s{{0,9}}(?:(?:设置?)?为|是|取|=)?\s{{0,9}}"
    rf"{_NUMBER}\s{{0,9}}时[^。;,，、]{{0,12}}?(?:性能|吞吐率?)[^。;,，、]{{0,4}}?(?:最优|最佳|最好|最高)",
    re.IGNORECASE,
)
#: "性能最优batchsize为16", in a report about one device.
_ALONE = re.compile(
    rf"(?:最优|最佳)的?\s{{0,9}}{_SIZE}\s{{0,9}}(?:为|是|[:=])[\s:]{{0,9}}{_SIZE}?"
    rf"\s{{0,9}}=?\s{{0,9}}{_NUMBER}(?![0-9.]|\s{{0,9}}(?:fps|倍))",
    re.IGNORECASE,
)
_DEV = rf"(?:the\s)?(?:ascend\s?)?(?P<device>{DEVICE})(?![0-9a-z])"
#: "The best batch size of the T4 is 16".
_BATCH_OF = re.compile(
    rf"(?:best|optimal|optimum)\s(?:throughput\s)?batch(?:[\s_-]?size)?\s(?:of|for|on)\s{_DEV}\s(?:card\s|device\s)?"
    rf"(?:is|=|:)\s{{0,3}}(?:bs|batch)?\s?{_NUMBER}(?!\.?[0-9]|\s?(?:fps|x\b|times))",
    re.IGNORECASE,
)
#: "The 310P performs best at batch size 8", "reaches its highest throughput with batch 8".
_BEST_AT = re.compile(
    rf"{_DEV}\s[^.;,\n]{{0,40}}?(?:performs\sbest|is\s(?:the\s)?fastest|peaks|"
    r"(?:its|the)\s(?:best|highest|peak|maximum|optimal)\s(?:throughput|performance)|performance\sis\s(?:best|optimal))"
    rf"\s[^.;,\n]{{0,30}}?batch(?:[\s_-]?size)?\s(?:of\s|is\s|=\s?)?{_NUMBER}(?!\.?[0-9])",
    re.IGNORECASE,
)
#: "On the 310P, batch size 8 gives the best performance".
_GIVES = re.compile(
    rf"\bon\s{_DEV}(?:\scard|\sdevice)?,?\s(?:a\s|the\s)?batch(?:[\s_-]?size)?\s(?:of\s)?{_NUMBER}\s"
    r"(?:gives|reaches|achieves|has|yields|delivers)\s(?:the|its)\s(?:best|highest|peak|maximum|optimal)\s(?:throughput|performance)",
    re.IGNORECASE,
)
#: "The optimal batch size is 8 for the 310P and 16 for the T4".
_FOR = re.compile(rf"(?<![0-9.]){_NUMBER}\s(?:for|on)\s{_DEV}", re.IGNORECASE)
_FOR_LEAD = re.compile(r"(?:best|optimal|optimum)\sbatch(?:[\s_-]?size)?s?\s(?:is|are)\s", re.IGNORECASE)
_EXACT = re.compile("[379]10|t4|[av]10", re.IGNORECASE)
_VAGUE = re.compile("[ng]pu", re.IGNORECASE)
_BEST = re.compile("最优|最佳|最好|最高|best|optim|fastest|peak|highest|maximum", re.IGNORECASE)

_Values = Callable[[str], dict[int, Printed] | None]


def _check(facts: Facts) -> Outcomes:
    measured = {series.device for view in facts.views if view.performance for series in view.series} - {None}
    alone = measured.pop() if len(measured) == 1 else None
    values = cache(facts.column)
    for line, text in enumerate(facts.document.lines, start=1):
        if not _BEST.search(text):
            continue
        exact = _EXACT.search(text) is not None
        if exact or _VAGUE.search(text):
            for device, match in _sentences(text, exact=exact):
                yield _compared(values, line, (facts.npu or device) if device == "NPU" else device, match)
        if not exact and alone is not None and not facts.document.in_table(line):
            for match in _ALONE.finditer(text):
                yield _compared(values, line, alone, match)


def _sentences(text: str, *, exact: bool) -> Iterator[tuple[str, re.Match[str]]]:
    """The sentences about one device, with its name; ``exact`` if the text names a card."""
    english = exact and "batch" in text.lower()
    patterns = [_SENTENCE, *([_AT_BATCH] if "时" in text else []), *([_BATCH_OF, _BEST_AT, _GIVES] if english else [])]
    for pattern in patterns:
        for match in pattern.finditer(text):
            device = devices_in(match["device"])
            if device and {other.name for other in devices_in(match[0])} == {device[0].name}:
                yield device[0].name, match
    lead = _FOR_LEAD.search(text) if english else None
    for match in _FOR.finditer(text, lead.end()) if lead else ():
        yield devices_in(match["device"])[0].name, match


def _compared(values_of: _Values, line: int, device: str, match: re.Match[str]) -> Outcome:
    stated = int(match["batch"])
    values = values_of(device)
    if values is None or stated not in values:
        return Unknown(line, match[0])
    best = max(values, key=lambda batch: values[batch].value)
    what = f"best batch of {device}"
    if values[stated].value == values[best].value:
        return Held(line, f"bs{stated}", f"bs{stated}", what)
    message = f"{what}: bs{stated} is printed, but the table has it at bs{best}"
    return Wrong(line, f"bs{stated}", f"bs{best}", what, message, start=match.start("batch"), subject=what)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
# 性能

在310P设备上，当batchsize为8时模型性能最优。

| batch | 310P |
| --- | --- |
| 1 | 138.5 |
| 8 | 128.5 |
""",
    corrections={"在310P设备上，当batchsize为8时模型性能最优。": "在310P设备上，当batchsize为1时模型性能最优。"},
    check=_check,
)
