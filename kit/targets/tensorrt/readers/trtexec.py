"""Performance of ``trtexec``, TensorRT 6 to 10.

Three forms: up to 6.0 only lines ``Average over 10 runs is 1.2 ms (...)``; before 8.0 a heading on its own line
(``GPU Compute``), then ``mean: 1.2 ms`` lines; from 8.0 on one line per section (``GPU Compute Time: min = 1.1 ms,
...``). The printed throughput counts enqueues, not images: images/s is qps x batch. Before 8.0 it is 0 for ONNX models,
which is not a rate: images/s then come from ``--exportTimes``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.targets.tensorrt.readers import trtexec_lines as printed
from kit.targets.tensorrt.readers.trtexec_run import SECTIONS, TrtexecRun, check_run
from kit.targets.tensorrt.readers.trtexec_scan import TrtexecScan, version_of
from kit.toollogs.output import Findings, Row, ToolOutput, numbered, rows_of, runs_json
from kit.toollogs.text import lines, narrow

__all__ = ["SECTIONS", "TrtexecReading", "TrtexecRun", "read", "sniff", "version_of"]


@dataclass
class TrtexecReading(ToolOutput):
    """Every run of the text, in its order."""

    family: ClassVar[str] = "trtexec"

    runs: list[TrtexecRun]

    @property
    def run(self) -> TrtexecRun | None:
        """The run, if there is exactly one."""
        return self.runs[0] if len(self.runs) == 1 else None

    def values(self) -> dict[str, Any]:
        return runs_json(self.runs)

    def rows(self) -> list[Row]:
        return rows_of(self.runs)


def sniff(text: str) -> float:
    """How likely the text is to be from ``trtexec``."""
    if re.search(r"&&&& (?:RUNNING|PASSED|FAILED) TensorRT\.trtexec", text):
        return 1.0
    plain = narrow(text)
    for title in printed.TITLE.finditer(plain):
        found = printed.PAIR.search(plain, title.end(), title.end() + 400)
        if found and found["value"]:
            return 1.0
    if re.search(
        r"(?i)\bthroughput: \S+ qps|Average on \d+ runs - GPU latency|Average over \d+ runs is"
        r"|Timing trace has \d+ queries|=== Performance summary ===",
        plain,
    ):
        return 0.9
    if re.search(rf"(?m)^[ \t]*(?:{printed.STAMP} )*\[[IWEFV]\] ", plain):
        return 0.6
    return 0.2 if any(found["value"] for found in printed.PAIR.finditer(plain)) else 0.0


def read(text: str) -> TrtexecReading:
    """Every run that the text holds.

    The text may be both streams of trtexec in any order, an excerpt, or a report that quotes them. A value is used
    only when it is certainly complete and has its unit; a section with contradictory statistics is rejected.
    """
    scan = TrtexecScan()
    for raw in lines(text):
        scan.line(raw)
    runs = [run for run in scan.result() if run.begun or run.refused or run.rejected or run.cut]
    findings = Findings()
    for place, run in numbered(runs):
        findings.add(check_run(run), place)
    usable = any(run.usable for run in runs)
    outcome = findings.outcome(usable=usable, nothing="there is no performance summary in this text")
    return TrtexecReading(*outcome, runs)
