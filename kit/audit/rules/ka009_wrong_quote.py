"""A statement quotes a measurement that differs from the tool output above it.

The output is the evidence. A number that is not in it was never measured, or belongs to another run.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import Agreement, agree, same_number
from kit.audit.facts.quoting import Quote, quote_of
from kit.audit.facts.statements import Statement
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Unknown
from kit.audit.verdict import misprinted, severity_of

__all__ = ["RULE"]

_WORDS = {
    ("benchmark", "rate"): "Interface throughputRate",
    ("pure", "rate"): "ave_throughputRate",
    ("ais", "rate"): "throughput",
    ("trtexec", "qps"): "throughput",
}


def _check(facts: Facts) -> Outcomes:
    for statement in facts.near.statements:
        quote = quote_of(facts.near, statement, facts.labels.device(statement), facts.labels.batch(statement))
        if quote is not None:
            yield from _compared(facts, statement, quote)


def _compared(facts: Facts, statement: Statement, quote: Quote) -> Outcomes:
    main = quote.printed
    if main is None:
        return
    line, value = main
    number = quote.number
    what = _WORDS.get((quote.run.tool, quote.value), quote.value)
    if same_number(number, value):
        note = f"{number.text} equals the {what} of line {line}"
        yield Held(statement.line, number.text, value.text, note)
        return
    also = [name for name, (_, other) in quote.run.values.items() if same_number(number, other)]
    if statement.formula is None:
        times_four = agree(number, 4 * value.value) is not Agreement.DIFFERENT
        if times_four or ("interface" not in statement.text.lower() and also):
            return
    mark = facts.near.mark_of(quote.run)
    if mark is not None and mark.batch != facts.labels.batch(statement):
        yield Unknown(statement.line, number.text)  # the run is an example with another batch size
        return
    message = f"{number.text} is quoted, but the {what} of the run above (line {line}) is {value.text}"
    if also:
        message += f"; {number.text} is its {also[0]}"
    severity = severity_of(number, value.value)
    inputs, how = f"{what} of line {line}", f"line {line}: {what} = {value.text}"
    subject = f"{what} of batch {statement.batch}"
    yield misprinted(statement.line, number, value.text, inputs, message, severity, how=how, subject=subject)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
### 7.1 310性能数据

```
[e2e] throughputRate: 243.034, latency: 205733
[infer] throughputRate: 251.37, Interface throughputRate: 271.263, moduleLatency: 3.58
```

batch1 310单卡吞吐率：217.263x4=869.052fps
""",
    corrections={"310单卡吞吐率：217.263x4=869.052fps": "310单卡吞吐率：271.263x4=1085.052fps"},
    check=_check,
)
