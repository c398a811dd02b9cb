"""Which batch is the best: in sentences ("310最优batch为：bs16", "在310P上，batchsize为4时性能最优"), in a best row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.vocabulary import devices_in

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_best_batches"]

_SENTENCE: Final = re.compile(
    r"(?<![0-9a-z/])(310p?\d?|710|t4)\s*(?:上|的)?\s*(?:最优|最佳|best)\s*的?\s*(?:batch[\s_]?size|batch|bs)?\s*(?:为|是|is|[:=])[\s:]*"
    r"(?:batch[\s_]?size|batch|bs)?\s*=?\s*([0-9]{1,4})(?![0-9.]|\s*(?:fps|倍))",
    re.IGNORECASE,
)
#: "On the 310P device, performance is best at batch size 4": much may stand between, but no other device.
_AT_BATCH: Final = re.compile(
    r"(?:(?<![0-9a-z/])|(?<=ascend))(310p?\d?|710|t4|npu|gpu)\s*(?:设备|芯片|卡)?\)?\s*(?:上|在(?=\s?b))[^。;\n]{0,300}?(?:batch[\s_]?size|batch|bs)\s*(?:(?:设置?)?为|是|取|=)?\s*"
    r"([0-9]{1,4})\s*时[^。;,，、]{0,12}?(?:性能|吞吐率?)[^。;,，、]{0,4}?(?:最优|最佳|最好|最高)",
    re.IGNORECASE,
)
#: "性能最优batchsize为16", in a report about one device.
_ALONE: Final = re.compile(
    r"(?:最优|最佳)的?\s*(?:batch[\s_]?size|batch|bs)\s*(?:为|是|[:=])[\s:]*(?:batch[\s_]?size|batch|bs)?\s*=?\s*"
    r"([0-9]{1,4})(?![0-9.]|\s*(?:fps|倍))",
    re.IGNORECASE,
)
_EXACT: Final = re.compile("310|710|t4", re.IGNORECASE)
_VAGUE: Final = re.compile("[ng]pu", re.IGNORECASE)
_LEAD: Final = re.compile(
    r"^\W*(?:bs|batch)?\s?([0-9]{1,4})\s*:\s*[0-9]|^\W*(?:bs|batch)\s?([0-9]{1,4})\s+[0-9]", re.IGNORECASE
)


def check_best_batches(context: Context) -> None:
    """Hold each named best batch against the column of its device."""
    measured = {series.device for view in context.views if view.performance for series in view.series} - {None}
    alone = measured.pop() if len(measured) == 1 else None
    for line, text in enumerate(context.document.lines, start=1):
        exact = _EXACT.search(text) is not None
        if exact or _VAGUE.search(text):
            for match in (*_SENTENCE.finditer(text), *_AT_BATCH.finditer(text)):
                device = devices_in(match[1])
                if device and {other.name for other in devices_in(match[0])} == {device[0].name}:
                    name = context.npu or "NPU" if device[0].name == "NPU" else device[0].name
                    _sentence(context, line, name, int(match[2]), match[0])
        if (
            not exact
            and alone is not None
            and ("最优" in text or "最佳" in text)
            and not context.document.in_table(line)
        ):
            for match in _ALONE.finditer(text):
                _sentence(context, line, alone, int(match[1]), match[0])
    for view in context.views:
        for record in view.records:
            if not record.best or record.accuracy or not view.performance:
                continue
            for place, series in enumerate(view.series):
                cell, lead = record.cells[place], _LEAD.match(record.texts[place].strip("*` "))
                if cell is None or lead is None or series.sides is not None:
                    continue
                batch = int(lead[1] or lead[2])
                same = [
                    row.batch
                    for row in view.records
                    if not row.best
                    and (other := row.cells[place]) is not None
                    and other.number.value == cell.number.value
                ]
                rows = {row.batch for row in view.records}
                if len(same) == 1 and same[0] is not None and batch in rows:
                    _enter(
                        context,
                        cell.line,
                        Kind.LABEL,
                        f"bs{batch}",
                        f"bs{same[0]}",
                        f"{cell.number.text} of {series.header}",
                    )


def _sentence(context: Context, line: int, device: str, stated: int, text: str) -> None:
    cells = context.cells(device)
    values = {batch: cell.number.value for batch, cell in cells}
    several = any(cell.number.value != values[batch] for batch, cell in cells)  # of two models, before and after tuning
    if len(values) < 2 or stated not in values or several:
        context.ledger.skip(line, Kind.CLAIM, text)
        return
    best = max(values, key=lambda batch: values[batch])
    if values[stated] == values[best]:
        best = stated
    _enter(context, line, Kind.CLAIM, f"bs{stated}", f"bs{best}", f"best batch of {device}")


def _enter(context: Context, line: int, kind: Kind, stated: str, right: str, what: str) -> None:
    if stated == right:
        context.ledger.hold(line, kind, stated, right, what)
        return
    message = f"{what}: {stated} is printed, but the table has it at {right}"
    context.ledger.find(Finding(line, kind, stated, right, what, message, Severity.MAJOR))
