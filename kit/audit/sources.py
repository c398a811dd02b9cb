"""Formulas against the tool output that they quote: a rate that is multiplied, a mean time that is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.lines import Lines
from kit.audit.numbers import Agreement, Number, agree, same_number

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Statement
    from kit.audit.toolblocks import ToolBlock

__all__ = ["check_sources"]

#: The entries of a list follow each other, with an empty line between at most.
_ENTRY: Final = 2
#: A result stands this near below its run.
_NEAR: Final = 8


def check_sources(context: Context) -> None:
    """Tie each statement to the tool output above it; compare what it quotes, and its label with the heading."""
    used: set[int] = set()
    lines = Lines.of(context)
    for statement in context.statements:
        quoted = _quoted(context, statement)
        if quoted is None:
            continue
        number, tools = quoted
        block = _block(lines, statement, number, tools)
        if block is None:
            continue
        _quote(lines, statement, number, block)
        if id(block) not in used:
            used.add(id(block))
            _heading(lines, statement, number, block)


def _quoted(context: Context, statement: Statement) -> tuple[Number, tuple[str, ...]] | None:
    """The measured number that a statement works with, and the tools that it can come from."""
    device = context.device(statement)
    if statement.formula is not None:
        operands = statement.formula.formula.operands
        measured = [operand for operand in operands if operand.unit < 1]
        if len(measured) != 1:
            return None
        if any(operand.value == 1000 for operand in operands):
            return (measured[0], ("trtexec",)) if device in {"T4", None} else None
        four = len(operands) == 2 and any(operand.value == 4 and operand.unit >= 1 for operand in operands)
        if four and device != "T4":
            return measured[0], ("benchmark", "pure")
        return None
    if statement.value is not None and device in {"310", "310P"}:
        return statement.value, ("benchmark", "pure", "ais")
    return None


def _block(lines: Lines, statement: Statement, number: Number, tools: tuple[str, ...]) -> ToolBlock | None:
    """The run that a statement quotes: one above with that very number, else the only one since the last statement."""
    above = lines.blocks_above(statement.line, tools)
    for block in above:
        main = _main(block)
        if main is not None and same_number(number, main[1]):
            return block
    below = lines.block_below(statement.line, tools)
    main = _main(below) if below else None
    if main is not None and same_number(number, main[1]):
        return below  # the result stands above the run
    if above and _announced(lines, statement, above[0]):
        return above[0]
    section = lines.context.document.section
    last = lines.last_statement(statement.line)
    between = [block for block in above if block.start > last and section(block.start) == section(statement.line)]
    if len(between) != 1 or statement.line - between[0].end > _NEAR:
        return None
    return None if _of_a_list(lines, statement, between[0]) else between[0]


def _announced(lines: Lines, statement: Statement, block: ToolBlock) -> bool:
    """Whether the run just above has the batch of the statement in its heading."""
    mark = lines.mark_of(block)
    near = statement.line - block.end <= _NEAR and not lines.stated(block.end, statement.line)
    return near and statement.labelled and mark is not None and mark.batch == lines.context.batch(statement)


def _of_a_list(lines: Lines, statement: Statement, block: ToolBlock) -> bool:
    """Whether one run is shown above a list of results, so that it may be the run of another entry."""
    below = lines.statements_below(statement.line)
    if below and below[0].line - statement.line <= _ENTRY and lines.mark_of(block) is None:
        return True
    main = _main(block)
    quotes = (_quoted(lines.context, other) for other in below)
    return main is not None and any(quote is not None and same_number(quote[0], main[1]) for quote in quotes)


def _main(block: ToolBlock) -> tuple[int, Number] | None:
    return block.values.get("mean") if block.tool == "trtexec" else block.rate


def _quote(lines: Lines, statement: Statement, number: Number, block: ToolBlock) -> None:
    main, context = _main(block), lines.context
    if main is None:
        return
    line, value = main
    what = {"trtexec": "mean", "pure": "ave_throughputRate", "ais": "throughput"}.get(
        block.tool, "Interface throughputRate"
    )
    if same_number(number, value):
        context.ledger.hold(
            statement.line, Kind.CLAIM, number.text, value.text, f"{number.text} equals the {what} of line {line}"
        )
        return
    if statement.formula is None:
        times_four = agree(number, 4 * value.value) is not Agreement.DIFFERENT
        if times_four or ("interface" not in statement.text.lower() and _among(number, block)):
            return
    mark = lines.mark_of(block)
    if mark is not None and mark.batch != context.batch(statement):
        context.ledger.skip(statement.line, Kind.CLAIM, number.text)  # the run is shown as an example of another batch
        return
    also = [name for name, (_, other) in block.values.items() if same_number(number, other)]
    context.ledger.find(
        Finding(
            statement.line,
            Kind.CLAIM,
            number.text,
            value.text,
            f"{what} of line {line}",
            f"{number.text} is quoted, but the {what} of the run above (line {line}) is {value.text}"
            + (f"; {number.text} is its {also[0]}" if also else ""),
            Severity.MAJOR if agree(number, value.value) is Agreement.DIFFERENT else Severity.DIGITS,
        )
    )


def _among(number: Number, block: ToolBlock) -> bool:
    return any(same_number(number, other) for _, other in block.values.values())


def _heading(lines: Lines, statement: Statement, number: Number, block: ToolBlock) -> None:
    """The label of a statement against the heading above its block; files named after the batch must not contradict."""
    mark, main, context = lines.mark_of(block), _main(block), lines.context
    if not statement.labelled or mark is None or main is None or not same_number(number, main[1]):
        return
    if lines.stated(block.end, statement.line):
        return
    label = f"batch{statement.batch}"
    if mark.batch == statement.batch:
        context.ledger.hold(
            statement.line, Kind.LABEL, label, str(mark.batch), f"label equals the heading of line {mark.line}"
        )
        return
    if statement.line in context.batches or mark.file == statement.batch:
        return
    context.batches[statement.line] = mark.batch
    context.ledger.find(
        Finding(
            statement.line,
            Kind.LABEL,
            label,
            f"batch{mark.batch}",
            f"heading of line {mark.line}",
            f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line})",
            Severity.MAJOR,
        )
    )
