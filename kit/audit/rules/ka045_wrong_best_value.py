"""A sentence states a best throughput that is not the best in the table.

The sentence is what people quote.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import Printed, same_number, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.vocabulary import DEVICE, RATE_UNIT, devices_in, only
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Unknown
from kit.audit.verdict import misprinted

__all__ = ["RULE"]

_DEVICE = rf"(?P<device>{DEVICE})(?![0-9a-z/])"
_NUMBER = r"(?P<value>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)(?![0-9.]|\s?(?:倍|x\b|times|%))"
_CHINESE = re.compile(
    rf"(?<![0-9a-z/]){_DEVICE}\s?(?:上|的)?\s?(?:单卡)?(?:最优|最高|最佳|最大|峰值)的?\s?(?:吞吐[率量]?|性能|帧率)"
    rf"\s?(?:约?为|达到?了?|是|:|=)\s?{_NUMBER}",
    re.IGNORECASE,
)
#: "在310P上，批大小32时吞吐率最高，为2013.05fps": the device comes before.
_AFTER = re.compile(
    rf"(?:吞吐[率量]?|性能|帧率)(?:最优|最高|最佳|最好|最大)\s?[，,:]?\s?(?:约?为|达到?了?|是)\s?{_NUMBER}",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    rf"(?:best|highest|peak|maximum)\s(?:throughput|performance)\s(?:of|on|for)\s(?:the\s)?(?:ascend\s)?{_DEVICE}"
    rf"(?:\scard)?\s?(?:is|=|:|reaches)\s?{_NUMBER}",
    re.IGNORECASE,
)
_WORDS = ("最", "峰值", "best", "Best", "highest", "Highest", "peak", "Peak", "maximum", "Maximum")
#: With fewer rows there is no best.
_SEVERAL = 2
#: "Peak throughput of 645.0 img/s is reached at batch 16", over a table of one device.
_REACHED = re.compile(
    rf"(?:best|highest|peak|maximum)\sthroughput\s(?:of|is|:)\s{_NUMBER}[^.;,\n]{{0,30}}?\s(?:at|with|for)\s(?:a\s)?"
    r"batch(?:[\s_-]?size)?\s(?:of\s|=\s?)?(?P<batch>[0-9]{1,4})(?!\.?[0-9])",
    re.IGNORECASE,
)


def _check(facts: Facts) -> Outcomes:
    stated = {one.line for one in facts.near.statements if one.value is not None}
    for line, match, number in facts.claimed([_REACHED, _CHINESE, _ENGLISH, _AFTER], _WORDS):
        if match.re is _REACHED and not devices_in(match.string):
            yield from _reached(facts, line, number, float(match["batch"]))
        elif match.re is _AFTER:
            before = re.split(r"[。;]", match.string[: match.start()])[-1]
            device = only(devices_in(before))
            if device is not None and line not in stated and RATE_UNIT.match(match.string, match.end("value")):
                yield _compared(facts, line, number, device)
        elif match.re is not _REACHED and RATE_UNIT.match(match.string, match.end("value")):
            yield _compared(facts, line, number, devices_in(match["device"])[0].name)


def _reached(facts: Facts, line: int, number: Printed, batch: float) -> Outcomes:
    """Compare a best rate and its batch size with the only table of the section, if it has one column of each."""
    section = facts.document.section
    grids = [grid for grid in facts.grids if not grid.sideways and section(grid.line) == section(line)]
    if len(grids) != 1:
        return
    rates, batches = grids[0].of(Quantity.RATE), grids[0].of(Quantity.BATCH)
    if len(rates) != 1 or len(batches) != 1:
        return
    rows = zip(batches[0].entries, rates[0].entries, strict=True)
    measured = [(size.value, rate.number) for size, rate in rows if size is not None and rate is not None]
    if len(measured) < _SEVERAL or len({size for size, _ in measured}) != len(measured):
        return
    size, best = max(measured, key=lambda one: one[1].value)
    equal = same_number(number, best)
    if equal and size == batch:
        yield Held(line, number.text, best.text, "best throughput")
    elif equal or size == batch:
        message = (
            f"{number.text} at batch {batch:g} is printed, but the table has its best, {best.text}, at batch {size:g}"
        )
        yield misprinted(line, number, best.text, best.text, message, subject="best throughput")


def _compared(facts: Facts, line: int, number: Printed, device: str) -> Outcome:
    cells = facts.column(device)
    if cells is None:
        return Unknown(line, number.text)
    batch, best = max(cells.items(), key=lambda item: item[1].value)
    what = f"best throughput of {device}"
    if same_number(number, best):
        return Held(line, number.text, best.text, what)
    message = f"{what}: {number.text} is printed, but the table has {best.text} at batch {batch}"
    inputs = ", ".join(show(one.value) for one in cells.values())
    return misprinted(line, number, best.text, inputs, message, subject=what)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
# 性能

| batch | 310P | T4 |
| --- | --- | --- |
| 1 | 300.1 | 150.2 |
| 8 | 801.4 | 287.6 |

310P最优吞吐率为810.4fps。
""",
    corrections={"310P最优吞吐率为810.4fps。": "310P最优吞吐率为801.4fps。"},
    check=_check,
)
