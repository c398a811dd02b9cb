"""What an audit finds in a text, in short, and a table for it to read."""

from __future__ import annotations

from kit.audit import audit_text

#: Throughputs of three devices with their ratios.
TABLE = """## 7 性能对比
| batch | 310 | 310P | T4 | 310P/310 | 310P/T4 |
|---|---|---|---|---|---|
| bs1 | 400.0 | 500.5 | 250.25 | 1.251 | 2.0 |
| bs4 | 800.0 | 900.9 | 300.3 | 1.126 | 3.0 |
| bs8 | 700.0 | 990.99 | 310.1 | 1.4157 | 3.1957 |
"""


def findings(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.kind.value, one.severity.value) for one in audit_text(text).diagnostics]


def held(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.kind.value, one.stated) for one in audit_text(text).verified]
