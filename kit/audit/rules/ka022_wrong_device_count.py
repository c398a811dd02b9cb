"""A 310 card is given the throughput of one device, or a 310P card four times its own.

A 310 card has four devices and a 310P card has one; a factor of four decides every comparison.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import same_number, show
from kit.audit.facts.statements import Statement
from kit.audit.rule import Facts, Kind, Outcomes, Rule
from kit.audit.verdict import misprinted

__all__ = ["RULE"]

_CARD = re.compile("单卡|card", re.IGNORECASE)
_TIMES_FOUR = re.compile(r"[x*]\s{0,9}4(?![0-9.])|乘|times (?:4|four)", re.IGNORECASE)
_NEAR = 12


def _check(facts: Facts) -> Outcomes:
    for statement in facts.near.statements:
        if statement.line in facts.labels.devices:
            continue
        if statement.device == "310" and statement.formula is None:
            yield from _not_multiplied(facts, statement)
        elif statement.device == "310P" and statement.formula is not None:
            yield from _multiplied(facts, statement)


def _not_multiplied(facts: Facts, statement: Statement) -> Outcomes:
    """Find "310 card: X" where X is what the tool just above printed for one device."""
    value = statement.value
    if value is None or value.unit >= 1 or not _CARD.search(statement.text) or _TIMES_FOUR.search(statement.text):
        return
    runs = facts.near.runs_above(statement.line, ("benchmark", "pure"))
    rates = [rate for run in runs if statement.line - run.end <= _NEAR and (rate := run.rate) is not None]
    if not any(same_number(value, rate[1]) for rate in rates):
        return
    if any(same_number(value, cell.number) for cell in facts.cells("310", facts.labels.batch(statement))[:_NEAR]):
        return  # the report gives all throughputs per device
    product = show(4 * value.value)
    message = f"{value.text} is the throughput of one device; a 310 card has four, which gives {product}"
    yield misprinted(statement.line, value, product, f"{value.text}, 4", message, subject="310 card")


def _multiplied(facts: Facts, statement: Statement) -> Outcomes:
    """Find "310P card: X * 4" where X is what the tool printed for the one device of the card."""
    formula = statement.formula
    if formula is None or len(formula.formula.operands) != 2:
        return
    one, factor = formula.formula.operands
    if factor.value != 4 or factor.unit < 1 or one.unit >= 1 or "/" in formula.formula.text:
        return
    if statement.batch == 4:
        runs = facts.near.runs_above(statement.line, ("benchmark", "pure", "ais", "trtexec"))
        if not any(rate is not None and same_number(one, rate[1]) for rate in (run.rate for run in runs)):
            return
    message = f"a 310P card has one device, so its throughput is {one.text}, not {formula.formula.text}"
    yield misprinted(statement.line, formula.stated, one.text, f"{one.text}, 4", message, subject="310P card")


RULE = Rule(
    kind=Kind.UNIT,
    bad="""\
### 7.2 310P性能数据

batch8 310P单卡吞吐率：1351.14 * 4 = 5404.56 fps
""",
    corrections={"* 4 = 5404.56 fps": "fps"},
    check=_check,
)
