"""Accuracies of the ported model and of the original."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers, number_from
from kit.audit.facts.tablerows import Table
from kit.audit.facts.views import cell_number
from kit.audit.facts.vocabulary import ACCURACY, devices_in, only

__all__ = ["AccuracyPair", "accuracy_pairs", "stated_pair"]

_JSON_TOP = re.compile(r"\"key\":\s*\"(Top[15]) accuracy\",\s*\"value\":\s*\"([0-9]+(?:\.[0-9]+)?)%\"", re.IGNORECASE)
_TOP_HEADER = re.compile(r"(?:acc@|top-?\s?)1\b.{0,40}?(?:acc@|top-?\s?)5\b", re.IGNORECASE)
_LOWER_IS_BETTER = re.compile(r"loss|error|[WC]ER|EER|FID|MAE|RMSE|误差|err\b|MPJPE|perplexity|ppl", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"官方|官网|pth|开源|论文|github|源码|原模型|基准|目标|T4|gpu|pytorch|onnx|paper|official|original", re.IGNORECASE
)
_PORTED = re.compile(r"(?<![a-z])om(?![a-z])|310|710|离线|npu|ascend", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AccuracyPair:
    """An accuracy of the ported model and of the original, in per cent or as a fraction."""

    what: str
    ported: Printed
    original: Printed
    line: int
    device: str | None = None


#: "om推理box map精度为0.371，官方开源pth推理精度为0.374": both models and their accuracies in one sentence.
_STATED = re.compile(
    r"([^，,。;、0-9]{0,16}(?:310p?|710|t4)?[^，,。;、0-9]{0,24}?(?:精度|准确率|mAP|mIoU|acc(?:uracy)?)(?:[0-9]{2})?(?:精度)?)\s*(?:均?为|是|达到|:|=)?\s*"
    r"([0-9]{1,2}\.[0-9]+|0\.[0-9]+)(?![0-9.])",
    re.IGNORECASE,
)


def accuracy_pairs(document: Document) -> list[AccuracyPair]:
    """All pairs of a report, from its tables or else from quoted results."""
    pairs = [pair for table in document.tables for pair in _table_pairs(table, document)]
    return pairs or _text_pairs(document)


def _table_pairs(table: Table, document: Document) -> list[AccuracyPair]:
    """Rows of the ported model paired with the one row of the original, column by column."""
    header = table.header.cells
    if not ACCURACY.search(" ".join(header)) or _LOWER_IS_BETTER.search(" ".join(header)):
        return []
    labelled = [(row, row.cell(0)) for row in table.rows]
    originals = [row for row, label in labelled if _ORIGINAL.search(label) and not _PORTED.search(label)]
    if len(originals) != 1:
        return []
    pairs = []
    comma = document.decimal_comma
    for row, label in labelled:
        if row is originals[0] or not _PORTED.search(label):
            continue
        for place in range(1, min(len(header), len(row.cells), len(originals[0].cells))):
            ported = cell_number(row.cells[place], row.line, decimal_comma=comma)
            original = cell_number(originals[0].cells[place], row.line, decimal_comma=comma)
            if ported and original and _comparable(ported.number, original.number):
                what = f"{label} {header[place]}"
                pairs.append(AccuracyPair(what, ported.number, original.number, row.line, only(devices_in(label))))
    return pairs


def _text_pairs(document: Document) -> list[AccuracyPair]:
    """Top1 and Top5 from the JSON of the tool, paired with the "Acc@1  Acc@5" of the original."""
    measured: dict[str, Printed] = {}
    original: list[Printed] = []
    at = 0
    lines = document.lines
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
        AccuracyPair(name, measured[name], reference, at)
        for name, reference in zip(("top1", "top5"), original, strict=True)
        if name in measured and _comparable(measured[name], reference)
    ]


def stated_pair(text: str, line: int) -> AccuracyPair | None:
    """The pair in the sentence of a claim, if it states one accuracy of each model."""
    found: dict[bool, list[Printed]] = {True: [], False: []}
    for match in _STATED.finditer(text):
        number = number_from(match[2])
        ported, original = _PORTED.search(match[1]) is not None, _ORIGINAL.search(match[1]) is not None
        if number is not None and ported != original:
            found[ported].append(number)
    if len(found[True]) != 1 or len(found[False]) != 1 or not _comparable(found[True][0], found[False][0]):
        return None
    return AccuracyPair("the accuracy", found[True][0], found[False][0], line)


def _comparable(one: Printed, other: Printed) -> bool:
    """Whether both are percentages or both fractions, and near enough to be the same metric."""
    return 0 < one.value <= 100 and 0 < other.value <= 100 and 0.5 < one.value / other.value < 2
