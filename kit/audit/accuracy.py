"""Claims on accuracy: "the loss stays within 1 %", "reaches 99.49 % of the original model"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, find_numbers, number_from, show
from kit.audit.views import cell_number
from kit.audit.vocabulary import ACCURACY, devices_in, only

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.tables import Table

__all__ = ["check_accuracy"]

_WITHIN: Final = re.compile(
    r"(?:精度|准确率|accuracy)[^。\n]{0,60}?(?:下降|损失|误差|降低|drops?|loss)[^。\n]{0,20}?"
    r"(?:在|不超过|小于|低于|不到|within|less than|below|under|at most)\s*([0-9](?:\.[0-9]+)?)\s*"
    r"(?:%|个点|个百分点|percent|points?)",
    re.IGNORECASE,
)
_REACHES: Final = re.compile(
    r"(?:达到了?|为|是|reaches|is)\s*(?:了)?\s*(?:pth|原|开源|官方|官网|基准|gpu|t4)[^0-9。，,;]{0,16}?精?度?的\s*([0-9]{2,3}\.[0-9]+)\s*%",
    re.IGNORECASE,
)
_JSON_TOP: Final = re.compile(
    r"\"key\":\s*\"(Top[15]) accuracy\",\s*\"value\":\s*\"([0-9]+(?:\.[0-9]+)?)%\"", re.IGNORECASE
)
_TOP_HEADER: Final = re.compile(r"(?:acc@|top-?\s?)1\b.{0,40}?(?:acc@|top-?\s?)5\b", re.IGNORECASE)
_LOWER_IS_BETTER: Final = re.compile(
    r"loss|error|[WC]ER|EER|FID|MAE|RMSE|误差|err\b|MPJPE|perplexity|ppl", re.IGNORECASE
)
_ORIGINAL: Final = re.compile(
    r"官方|官网|pth|开源|论文|github|源码|原模型|基准|目标|T4|gpu|pytorch|onnx|paper|official|original", re.IGNORECASE
)
_PORTED: Final = re.compile(r"(?<![a-z])om(?![a-z])|310|710|离线|npu|ascend", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An accuracy of the ported model and of the original, in per cent or as a fraction, with their lines."""

    what: str
    ported: Number
    original: Number
    line: int
    device: str | None = None


#: "om推理box map精度为0.371，官方开源pth推理精度为0.374": the two models and their accuracies in one sentence.
_STATED: Final = re.compile(
    r"([^，,。;、0-9]{0,16}(?:310p?|710|t4)?[^，,。;、0-9]{0,24}?(?:精度|准确率|mAP|mIoU|acc(?:uracy)?)(?:[0-9]{2})?(?:精度)?)\s*(?:均?为|是|达到|:|=)?\s*"
    r"([0-9]{1,2}\.[0-9]+|0\.[0-9]+)(?![0-9.])",
    re.IGNORECASE,
)


def check_accuracy(context: Context) -> None:
    """Hold claims on accuracy against the pairs of values that the report prints."""
    claims = [
        (line, match)
        for line, text in enumerate(context.document.lines, start=1)
        if ("%" in text or "点" in text) and not context.document.in_table(line)
        for match in _WITHIN.finditer(text)
    ]
    reaches = [
        (line, match)
        for line, text in enumerate(context.document.lines, start=1)
        if "%" in text and "的" in text
        for match in _REACHES.finditer(text)
    ]
    if not claims and not reaches:
        return
    pairs = _pairs(context)
    for line, match in claims:
        said = _said(context.document.lines[line - 1][: match.end()], line)
        near = [said] if said else [pair for pair in pairs if pair.line < line] or pairs
        _within(context, line, match, near)
    for line, match in reaches:
        _reaches(context, line, match, [pair for pair in pairs if pair.line < line])


def _within(context: Context, line: int, match: re.Match[str], pairs: list[_Pair]) -> None:
    limit = float(match[1])
    stated = f"{match[1]}%"
    if not pairs or limit <= 0:
        context.ledger.skip(line, Kind.CLAIM, stated)
        return
    worst = max(pairs, key=_drop)
    drop = _drop(worst)
    inputs = f"{worst.what}: {worst.ported.text}, {worst.original.text}"
    if drop <= limit + 1e-9:
        context.ledger.hold(line, Kind.CLAIM, stated, f"{drop:.3g} points", f"largest loss, {inputs}")
        return
    context.ledger.find(
        Finding(
            line,
            Kind.CLAIM,
            stated,
            f"{drop:.3g} points",
            inputs,
            f"the loss is said to stay within {stated}, but {worst.what} falls"
            f" from {worst.original.text} to {worst.ported.text}",
            Severity.MAJOR,
        )
    )


def _drop(pair: _Pair) -> float:
    """Loss in points or in per cent of the original, whichever reads smaller."""
    scale = 100 if pair.original.value <= 1 else 1
    points = (pair.original.value - pair.ported.value) * scale
    return min(points, 100 * (pair.original.value - pair.ported.value) / pair.original.value)


def _reaches(context: Context, line: int, match: re.Match[str], pairs: list[_Pair]) -> None:
    number = number_from(match[1])
    before = context.document.lines[line - 1][: match.start()]
    devices = devices_in(before)
    device = devices[-1].name if devices else None
    fitting = [pair for pair in pairs if pair.device == device] or pairs
    if number is None or not fitting:
        context.ledger.skip(line, Kind.CLAIM, f"{match[1]}%")
        return
    values = [100 * pair.ported.value / pair.original.value for pair in fitting]
    for value in values:
        if agree(number, value) is Agreement.SAME:
            context.ledger.hold(line, Kind.CLAIM, f"{match[1]}%", show(value), "share of the original accuracy")
            return
    if len(values) == 1:
        context.compare(
            line,
            Kind.CLAIM,
            number,
            values[0],
            inputs=f"{fitting[0].ported.text}, {fitting[0].original.text}",
            note="share",
        )
    else:
        context.ledger.skip(line, Kind.CLAIM, f"{match[1]}%")


def _pairs(context: Context) -> list[_Pair]:
    pairs = [pair for table in context.document.tables for pair in _table_pairs(table, context)]
    return pairs or _text_pairs(context)


def _table_pairs(table: Table, context: Context) -> list[_Pair]:
    """Rows of the ported model against one row of the original, column by column."""
    header = table.header.cells
    if not ACCURACY.search(" ".join(header)) or _LOWER_IS_BETTER.search(" ".join(header)):
        return []
    labelled = [(row, row.cells[0]) for row in table.rows if row.cells]
    originals = [row for row, label in labelled if _ORIGINAL.search(label) and not _PORTED.search(label)]
    if len(originals) != 1:
        return []
    pairs = []
    comma = context.document.decimal_comma
    for row, label in labelled:
        if row is originals[0] or not _PORTED.search(label):
            continue
        for place in range(1, min(len(header), len(row.cells), len(originals[0].cells))):
            ported = cell_number(row.cells[place], row.line, decimal_comma=comma)
            original = cell_number(originals[0].cells[place], row.line, decimal_comma=comma)
            if ported and original and _comparable(ported.number, original.number):
                what = f"{label} {header[place]}"
                pairs.append(_Pair(what, ported.number, original.number, row.line, only(devices_in(label))))
    return pairs


def _text_pairs(context: Context) -> list[_Pair]:
    """Top1 and Top5 of the tool's JSON against "Acc@1  Acc@5" columns of the original."""
    measured: dict[str, Number] = {}
    original: list[Number] = []
    at = 0
    lines = context.document.lines
    for line, text in enumerate(lines, start=1):
        for match in _JSON_TOP.finditer(text):
            number = number_from(match[2])
            if number is not None:
                measured[match[1].lower()] = number
                at = line
        if _TOP_HEADER.search(text) and "{" not in text and "|" not in text and line < len(lines):
            numbers = find_numbers(lines[line])
            decimals = [number for number in numbers if number.unit < 1]
            if len(decimals) == 2 and not original and not _PORTED.search(lines[line]):
                original = decimals
                at = max(at, line + 1)
    if len(original) != 2:
        return []
    return [
        _Pair(name, measured[name], reference, at)
        for name, reference in zip(("top1", "top5"), original, strict=True)
        if name in measured and _comparable(measured[name], reference)
    ]


def _said(text: str, line: int) -> _Pair | None:
    """The pair that the sentence of a claim itself states, where it states one of each model."""
    found: dict[bool, list[Number]] = {True: [], False: []}
    for match in _STATED.finditer(text):
        number = number_from(match[2])
        ported, original = _PORTED.search(match[1]) is not None, _ORIGINAL.search(match[1]) is not None
        if number is not None and ported != original:
            found[ported].append(number)
    if len(found[True]) != 1 or len(found[False]) != 1 or not _comparable(found[True][0], found[False][0]):
        return None
    return _Pair("the accuracy", found[True][0], found[False][0], line)


def _comparable(one: Number, other: Number) -> bool:
    """Both per cent or both fractions, and near enough to be the same metric."""
    return 0 < one.value <= 100 and 0 < other.value <= 100 and 0.5 < one.value / other.value < 2
