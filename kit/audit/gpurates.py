"""Throughputs of the GPU that are given without their formula, against the mean time of the run above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.lines import Lines
from kit.audit.numbers import show

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Statement
    from kit.audit.toolblocks import ToolBlock

__all__ = ["check_gpu_rates"]

#: The rate that the tool prints and the one of the mean time differ by so much, relatively.
_EQUAL: Final = 0.01
#: No two batches in use have rates so near each other by their batch alone.
_NEAR: Final = 0.05
_REACH: Final = 12


def check_gpu_rates(context: Context) -> None:
    """Find the label of another batch: under "batch16", 1000 * 16 / mean is printed as the throughput of batch 32."""
    lines = Lines.of(context)
    for statement in context.statements:
        if statement.formula is not None or not statement.labelled or context.device(statement) != "T4":
            continue
        above = lines.blocks_above(statement.line, ("trtexec",))
        if not above or statement.line - above[0].end > _REACH or lines.stated(above[0].end, statement.line):
            continue
        _check(lines, statement, above[0])


def _check(lines: Lines, statement: Statement, block: ToolBlock) -> None:
    context, mark, mean, value = lines.context, lines.mark_of(block), block.values.get("mean"), statement.value
    if mark is None or mean is None or value is None or not mean[1].value or statement.line in context.batches:
        return
    own, marked = (1000 * batch / mean[1].value for batch in (statement.batch, mark.batch))
    label = f"batch{statement.batch}"
    if abs(value.value - own) <= _EQUAL * own:
        context.ledger.hold(statement.line, Kind.CLAIM, value.text, show(own), f"1000 x batch / mean of line {mean[0]}")
    elif mark.batch != statement.batch and abs(value.value - marked) <= _NEAR * marked:
        context.batches[statement.line] = mark.batch
        message = (
            f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line}),"
            f" whose mean {mean[1].text} ms makes {show(marked)}"
        )
        context.ledger.find(
            Finding(statement.line, Kind.LABEL, label, f"batch{mark.batch}", mean[1].text, message, Severity.MAJOR)
        )
    else:
        context.ledger.skip(statement.line, Kind.CLAIM, value.text)
