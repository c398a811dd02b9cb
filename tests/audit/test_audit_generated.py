"""Reports made at random: what is right is never flagged, what is corrupted is found on its line, nothing raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.audit import Severity, audit_text
from kit.audit.facts.encoding import decode
from kit.errors import KitError

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES = (1, 4, 8, 16, 32, 64)
WORDS = {
    "zh": {
        "head": "## 7 性能对比",
        "310": "### 7.1 310性能数据",
        "310P": "### 7.2 310P性能数据",
        "T4": "### 7.3 T4性能数据",
        "table": "### 7.4 性能对比",
        "line": "batch{b} {d}单卡吞吐率：{f} fps",
        "best": "最优batch",
        "claim": "最优的310P性能达到了最优的310性能的{a}倍，达到最优的T4性能的{b}倍。",
    },
    "en": {
        "head": "## 7 Performance comparison",
        "310": "### 7.1 Performance on 310",
        "310P": "### 7.2 Performance on 310P",
        "T4": "### 7.3 Performance on T4",
        "table": "### 7.4 Performance comparison",
        "line": "batch {b} {d} throughput per card: {f} fps",
        "best": "Best batch",
        "claim": "The best 310P performance reaches {a} times that of the best 310, and {b} times that of the best T4.",
    },
}


@dataclass
class Report:
    """Lines, and the derived numbers in them as (line, text, what is wrong when it is changed)."""

    lines: list[str] = field(default_factory=list)
    derived: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, line: str, *derived: tuple[str, str]) -> None:
        self.lines.append(line)
        self.derived += [(len(self.lines), text, kind) for text, kind in derived]


def printer(places: int, *, cut: bool) -> Callable[[Decimal], str]:
    step = Decimal(1).scaleb(-places)
    return lambda value: str(value.quantize(step, ROUND_DOWN if cut else ROUND_HALF_UP))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    words = WORDS[draw(st.sampled_from(sorted(WORDS)))]
    count = draw(st.integers(3, 6))
    batches = BATCHES[:count]
    show = printer(draw(st.integers(4, 9)), cut=draw(st.booleans()))
    device = {
        "310P": draw(st.sampled_from(["310P", "Ascend310P", "310p", "710"])),
        "310": "310",
        "T4": draw(st.sampled_from(["T4", "t4"])),
    }
    sign = draw(st.sampled_from([" * ", "*", "x", "×", " × "]))
    values = st.integers(500_000, 5_000_000).map(lambda number: Decimal(number) / 1000)
    distinct = st.lists(values, min_size=count, max_size=count, unique=True)
    single, card, gpu = draw(distinct), draw(distinct), draw(distinct)
    quotient = draw(st.booleans())  # 1000/(mean/B) or qps x B

    report = Report()
    report.add(words["head"])
    columns: dict[str, list[str]] = {"310": [], "310P": [], "T4": []}
    report.add(words["310"])
    for batch, value in zip(batches, single, strict=True):
        result = str((value * 4).normalize().__format__("f"))
        columns["310"].append(result)
        formula = f"{value}{sign}4={result}"
        report.add(words["line"].format(b=batch, d=device["310"], f=formula), (result, "arithmetic"))
        report.add("")
    report.add(words["310P"])
    for batch, value in zip(batches, card, strict=True):
        columns["310P"].append(str(value))
        report.add(words["line"].format(b=batch, d=device["310P"], f=str(value)))
        report.add("")
    report.add(words["T4"])
    for batch, value in zip(batches, gpu, strict=True):
        if quotient:
            result = show(1000 / (value / batch))
            formula = f"1000/({value}/{batch})={result}"
        else:
            result = str((value * batch).normalize().__format__("f"))
            formula = f"{value} * {batch} = {result}"
        columns["T4"].append(result)
        report.add(words["line"].format(b=batch, d=device["T4"], f=formula), (result, "arithmetic"))
        report.add("")
    report.add(words["table"])
    names = [device["310"], device["310P"], device["T4"]]
    report.add(f"| | {' | '.join(names)} | {names[1]}/{names[0]} | {names[1]}/{names[2]} |")
    report.add("|---|---|---|---|---|---|")
    rows = [(f"bs{batch}", [columns[name][index] for name in columns]) for index, batch in enumerate(batches)]
    best = [max(column, key=Decimal) for column in columns.values()]
    for label, cells in [*rows, (words["best"], best)]:
        ratios = [show(Decimal(cells[1]) / Decimal(cells[0])), show(Decimal(cells[1]) / Decimal(cells[2]))]
        derived = [(ratio, "ratio") for ratio in ratios]
        if label == words["best"]:
            derived += [(cell, "best-row") for cell in cells]
        report.add(f"| {label} | {' | '.join([*cells, *ratios])} |", *derived)
    report.add("")
    ratios = [show(Decimal(best[1]) / Decimal(best[0])), show(Decimal(best[1]) / Decimal(best[2]))]
    report.add(words["claim"].format(a=ratios[0], b=ratios[1]), *((ratio, "claim") for ratio in ratios))
    return report


quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(reports())
def test_a_correct_report_has_no_finding(report: Report) -> None:
    text = "\n".join(report.lines)
    result = audit_text(text)
    assert [one.message for one in result.diagnostics] == []
    assert len(result.verified) >= len(report.derived)


@quick
@given(reports(), st.data())
def test_a_corrupted_number_is_found_on_its_line(report: Report, data: st.DataObject) -> None:
    line, text, kind = data.draw(st.sampled_from(report.derived))
    factor = data.draw(st.sampled_from([Decimal("1.07"), Decimal("0.9"), Decimal("1.5"), Decimal("3.3")]))
    places = -int(Decimal(text).as_tuple().exponent)
    wrong = printer(max(places, 3), cut=False)(Decimal(text) * factor)
    lines = list(report.lines)
    # The number as a whole: 625 also stands in 0.062599.
    whole = list(re.finditer(rf"(?<![0-9.]){re.escape(text)}(?![0-9.]*[0-9])", lines[line - 1]))
    start, end = whole[0 if kind == "claim" else -1].span()
    lines[line - 1] = lines[line - 1][:start] + wrong + lines[line - 1][end:]
    found = audit_text("\n".join(lines)).diagnostics
    major = {(one.line, one.kind.value) for one in found if one.severity is Severity.MAJOR}
    assert any(place == line for place, _ in major), (line, text, wrong, lines[line - 1])


@settings(max_examples=120, deadline=None)
@given(st.text())
def test_any_text_is_audited_without_an_error(text: str) -> None:
    assert audit_text(text).lines >= 1


PIECES = st.sampled_from(
    ["|", "\n", "---", "|--|--|\n", "310P/310", "310", "T4", "bs1", "batch", "最优", "1.2", "=", "*", "4", "/", "(",
     ")", "倍", "fps", "```", "#", "<table>", "<tr>", "<td colspan=9>", "[e2e] throughputRate: ", "GPU Compute", "0",
     ",", "达到", "Interface throughputRate: 1,", "mean: 0 ms", "1e308", "的", ">", "1000/(", "9" * 400, "%", "\x00",
     "\ud7ff", "１", "，", "\\"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_text_made_of_the_words_of_the_family_is_audited_without_an_error(text: str) -> None:
    audit_text(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        text = decode(data, "report.md")
    except KitError as error:
        assert error.remedy
    else:
        audit_text(text)
