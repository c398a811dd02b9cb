"""Published reports with known truth: collected only where they lie beside the checkout (see conftest.py)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from kit.audit import Severity, audit_file
from kit.audit.audit import audit_text
from kit.audit.facts.encoding import decode

SHARED = Path(__file__).parents[3] / "shared"
TRUTH = SHARED / "examples" / "truth.json"
SEED = SHARED / "seed" / "README.md"


def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(TRUTH.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", sorted(truth()) if TRUTH.exists() else [])
def test_major_findings_are_found_and_right_statements_are_not_flagged(name: str) -> None:
    known = truth()[name]
    findings = audit_file(SHARED / "examples" / "reports" / name).diagnostics
    found = {(one.line, one.kind.value) for one in findings}
    sure = {
        (one["line"], one["kind"])
        for one in known["findings"]
        if one["confidence"] == "sure" and one["severity"] != "optional"
    }
    assert sure <= found
    major = {(one.line, one.kind.value) for one in findings if one.severity is Severity.MAJOR}
    assert major <= {(one["line"], one["kind"]) for one in known["findings"]}
    right = {(one["line"], one["kind"], str(one["stated"])) for one in known["correct"]}
    assert not right & {(one.line, one.kind.value, one.stated) for one in findings}


def test_the_seed() -> None:
    findings = audit_file(SEED).diagnostics
    assert [(one.line, one.kind.value) for one in findings] == [
        (108, "command"),
        (156, "command"),
        (160, "command"),
        (202, "duplicate-header"),
        (235, "arithmetic"),
        (259, "label"),
        (283, "label"),
        (283, "label"),
        (293, "label"),
    ]
    assert {one.severity for one in findings} == {Severity.MAJOR}


ENGLISH = [
    ("单卡吞吐率：", " throughput per card: "),
    ("性能数据", " performance data"),
    ("性能对比表格如下：", "Performance comparison:"),
    ("性能对比", "Performance comparison"),
    ("最优batch", "Best batch"),
    ("最优的310P性能达到了最优的310性能的1.268倍，达到最优的T4性能的1.655倍。",
     "The best 310P reaches 1.268 times the best 310, and 1.655 times the best T4."),
    ("，即是batch1 310P单卡吞吐率", ", that is the throughput of batch1 on one 310P card"),
    ("上各batch的吞吐率：", ": throughput by batch"),
]  # fmt: skip


def test_an_english_twin_of_the_seed_has_the_same_findings() -> None:
    text = SEED.read_text(encoding="utf-8")
    for chinese, english in sorted(ENGLISH, key=lambda pair: -len(pair[0])):
        assert chinese in text
        text = text.replace(chinese, english)
    twin, original = audit_text(text), audit_file(SEED)
    assert [(one.line, one.kind) for one in twin.diagnostics] == [(one.line, one.kind) for one in original.diagnostics]
    assert len(twin.verified) == len(original.verified)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8-sig", "utf-16"])
def test_the_seed_in_other_encodings(encoding: str) -> None:
    text = SEED.read_text(encoding="utf-8").replace("\n", "\r\n")
    findings = audit_text(decode(text.encode(encoding), "seed"), str(SEED)).diagnostics
    assert findings == audit_file(SEED).diagnostics


@pytest.mark.slow
def test_two_hundred_reports_take_seconds() -> None:
    paths = sorted((SHARED / "examples" / "reports").iterdir())
    start = time.process_time()  # of this process: other work on the machine does not count
    for index in range(200):
        audit_file(paths[index % len(paths)])
    assert time.process_time() - start < 10
