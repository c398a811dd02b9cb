"""Which tool run a statement quotes."""

from __future__ import annotations

from dataclasses import dataclass

from kit.audit.facts.neighbours import Neighbours
from kit.audit.facts.printednumber import Printed, same_number
from kit.audit.facts.statements import Mark, Statement
from kit.audit.facts.toolruns import ToolRun

__all__ = ["Quote", "heading_of_quote", "quote_of"]

#: Entries of a list follow each other, with at most one empty line in between.
_ENTRY = 2
#: A result is at most so many lines below its run.
_NEAR = 8


@dataclass(frozen=True, slots=True)
class Quote:
    """A measured number that a statement uses, the run it was taken from, and which of its values it is."""

    number: Printed
    run: ToolRun
    value: str

    @property
    def printed(self) -> tuple[int, Printed] | None:
        """The value in the run, with its line."""
        return _value_of(self.run, self.value)


def _value_of(run: ToolRun, value: str) -> tuple[int, Printed] | None:
    return run.rate if value == "rate" else run.values.get(value)


def quote_of(near: Neighbours, statement: Statement, device: str | None, batch: int) -> Quote | None:
    """The run that a statement quotes: one above with the same number, else the only one since the last statement."""
    quoted = _quoted(statement, device)
    if quoted is None:
        return None
    number, tools, value = quoted
    above = near.runs_above(statement.line, tools)
    announced = bool(above) and _announced(near, statement, above[0], batch)
    for run in above:
        main = _value_of(run, value)
        if main is not None and same_number(number, main[1]):
            mark = near.mark_of(run) if announced else None
            foreign = run is not above[0] and mark is not None and mark.batch != batch
            return Quote(number, above[0] if foreign else run, value)
    below = near.run_below(statement.line, tools)
    main = _value_of(below, value) if below else None
    if below is not None and main is not None and same_number(number, main[1]):
        return Quote(number, below, value)  # the result is above its run
    if announced:
        return Quote(number, above[0], value)
    section = near.document.section
    last = near.last_statement(statement)
    between = [run for run in above if run.start > last and section(run.start) == section(statement.line)]
    if len(between) != 1 or statement.line - between[0].end > _NEAR or _of_a_list(near, statement, between[0], value):
        return None
    own = between[0].values.get("batch")
    return Quote(number, between[0], value) if own is None or own[1].value == batch else None


def heading_of_quote(
    near: Neighbours, statement: Statement, device: str | None, batch: int
) -> tuple[ToolRun, Mark | None] | None:
    """The run that a statement quotes, and the heading with its batch size, or None if that is unclear."""
    quote = quote_of(near, statement, device, batch)
    if quote is None:
        return None
    mark, main = near.mark_of(quote.run), quote.printed
    sure = statement.labelled and main is not None and same_number(quote.number, main[1])
    return quote.run, mark if sure and not near.stated(quote.run.end, statement.line) else None


def _quoted(statement: Statement, device: str | None) -> tuple[Printed, tuple[str, ...], str] | None:
    """The measured number that a statement uses, the tools it can come from, and which of their values it is."""
    if statement.formula is not None:
        operands = statement.formula.formula.operands
        measured = [operand for operand in operands if operand.unit < 1]
        if len(measured) != 1:
            return None
        if any(operand.value == 1000 for operand in operands):
            tools = {"T4": ("trtexec",), None: ("trtexec",), "310P": ("ais",)}.get(device)
            return (measured[0], tools, "mean") if tools else None
        pair = len(operands) == 2 and not any(sign in statement.formula.formula.text for sign in "/+-")
        if pair and device == "T4":
            return measured[0], ("trtexec",), "qps"
        if pair and any(operand.value == 4 and operand.unit >= 1 for operand in operands):
            return measured[0], ("benchmark", "pure"), "rate"
        return None
    if statement.value is not None and device in {"310", "310P"}:
        return statement.value, ("benchmark", "pure", "ais"), "rate"
    return None


def _announced(near: Neighbours, statement: Statement, run: ToolRun, batch: int) -> bool:
    """Whether the heading of the run just above has the batch size of the statement."""
    mark = near.mark_of(run)
    close = statement.line - run.end <= _NEAR and not near.stated(run.end, statement.line)
    return close and statement.labelled and mark is not None and mark.batch == batch


def _of_a_list(near: Neighbours, statement: Statement, run: ToolRun, value: str) -> bool:
    """Whether one run is shown above a list of results, so that it may belong to another entry."""
    below = near.statements_below(statement.line)
    if below and below[0].line - statement.line <= _ENTRY and near.mark_of(run) is None:
        return True
    main = _value_of(run, value)
    quotes = (_quoted(other, other.target) for other in below)
    return main is not None and any(quote is not None and same_number(quote[0], main[1]) for quote in quotes)
