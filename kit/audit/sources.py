"""Formulas against the tool output that they quote: a rate that is multiplied, a mean time that is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, same_number

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Mark, Statement
    from kit.audit.toolblocks import ToolBlock

__all__ = ["check_sources", "mark_of"]


def check_sources(context: Context) -> None:
    """Tie each statement to the tool output above it; compare what it quotes, and its label with the heading."""
    used: dict[int, Statement] = {}
    for statement in context.statements:
        quoted = _quoted(context, statement)
        if quoted is None:
            continue
        number, tools = quoted
        block = _block(context, statement, number, tools)
        if block is None:
            continue
        _quote(context, statement, number, block)
        if id(block) not in used:
            used[id(block)] = statement
            _heading(context, statement, number, block)


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


def _block(context: Context, statement: Statement, number: Number, tools: tuple[str, ...]) -> ToolBlock | None:
    """The run that a statement quotes: one above with that very number, else the only one since the last statement."""
    section = context.document.section(statement.line)
    above = [block for block in context.blocks if block.tool in tools and block.end < statement.line]
    same = [block for block in above if _main(block) and same_number(number, _main(block)[1])]  # type: ignore[index]
    if same:
        return same[-1]
    last = max((other.line for other in context.statements if other.line < statement.line), default=0)
    between = [block for block in above if block.start > last and context.document.section(block.start) == section]
    return between[0] if len(between) == 1 and statement.line - between[0].end <= 8 else None


def _main(block: ToolBlock) -> tuple[int, Number] | None:
    return block.values.get("mean") if block.tool == "trtexec" else block.rate


def _quote(context: Context, statement: Statement, number: Number, block: ToolBlock) -> None:
    main = _main(block)
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
    mark = mark_of(context, block)
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


def mark_of(context: Context, block: ToolBlock) -> Mark | None:
    """The line that announces a block: the last mark above it, with no other block and no section between."""
    above = [mark for mark in context.marks if mark.line < block.start]
    if not above:
        return None
    mark = above[-1]
    between = any(mark.line < other.start < block.start for other in context.blocks)
    section = context.document.section(block.start)
    if between or block.start - mark.line > 25 or section > mark.line:
        return None
    stated = any(mark.line < other.line < block.start for other in context.statements)
    return None if stated else mark


def _heading(context: Context, statement: Statement, number: Number, block: ToolBlock) -> None:
    """The label of a statement against the heading above its block; files named after the batch must not contradict."""
    mark, main = mark_of(context, block), _main(block)
    if not statement.labelled:
        return
    if mark is None or main is None or not same_number(number, main[1]):
        return
    if any(other.line < statement.line and other.line > block.end for other in context.statements):
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
