"""Output of vendor tools quoted in a report: benchmark, pure inference, ais_bench, trtexec; fenced or not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from kit.audit.facts.printednumber import Printed, find_numbers, number_from

if TYPE_CHECKING:
    from kit.audit.facts.document import Document

__all__ = ["ToolRun", "file_batch", "find_runs"]

_NUM = r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)"
_STAGE = re.compile(r"\[\s*(e2e|data read|preprocess|infer(?:ence)?|post(?:process)?)\s*\]", re.IGNORECASE)
_RATE = re.compile(rf"(?<!Interface )th ?rough?put ?Rate\s*:\s*{_NUM}", re.IGNORECASE)
_INTERFACE = re.compile(rf"Interface\s+th ?rough?put ?Rate\s*:\s*{_NUM}", re.IGNORECASE)
_LATENCY = re.compile(rf"(?:module)?latency\s*:\s*{_NUM}", re.IGNORECASE)
_PURE = re.compile(
    rf"ave_tho?rough?putRate\s*[:=]\s*{_NUM}\s*samples/s[\s,;，]*ave_latency\s*[:=]\s*{_NUM}\s*ms", re.IGNORECASE
)
_TRT_HEAD = re.compile(r"GPU Compute\b", re.IGNORECASE)
_TRT_OTHER = re.compile(r"Host Latency|Enqueue Time|H2D Latency|D2H Latency|End-to-End", re.IGNORECASE)
#: A quote whose heading was cut off: of the sections, only the one of the GPU is ever quoted alone.
_TRT_CUT = re.compile(r"\s*\[[^\]]*\]\s*\[I\]\s*min\s*:")
_TRT_VALUE = re.compile(rf"\b(min|max|mean|median)\s*[:=]\s*{_NUM}\s*ms")
_AIS_MEAN = re.compile(rf"NPU_compute_time[^\n]{{0,200}}?\bmean\b\"?\s*[=:]\s*{_NUM}")
_AIS_RATE = re.compile(
    r"\"?throughput\"?\s*(?:\(?\s*1000\s*\*\s*batchsize(?:\.mean)?(?:\((?P<batch>[0-9]+)\))?\s*/\s*NPU_compute_time"
    r"(?:\.mean)?(?:\((?P<mean>[0-9.]+)\))?\s*\)?)?\s*:\s*(?P<rate>[0-9]+(?:\.[0-9]+)?)"
)
_MEAN_FIELD = re.compile(rf"\"mean\"\s*:\s*{_NUM}")
_FILE_BATCH = re.compile(r"(?:batchsize_|_bs|_batch)([0-9]{1,3})(?![0-9])", re.IGNORECASE)


@dataclass(slots=True)
class ToolRun:
    """Values of one run. ``tool`` is benchmark, pure, ais or trtexec; ``values`` maps field to (line, number).

    Fields: benchmark ``interface``, ``<stage> rate``, ``<stage> latency``; pure ``rate``, ``latency`` (ms per sample);
    ais ``rate``, ``mean`` (ms per batch), ``batch``; trtexec ``min``, ``max``, ``mean``, ``median`` (ms per batch).
    """

    tool: str
    start: int
    end: int
    values: dict[str, tuple[int, Printed]] = field(default_factory=dict)

    @property
    def rate(self) -> tuple[int, Printed] | None:
        """Throughput of one device, samples per second."""
        return self.values.get("interface") or self.values.get("rate")


def _number(match: re.Match[str], group: int | str = 1) -> Printed | None:
    return number_from(match[group], start=match.start(group))


def find_runs(document: Document) -> list[ToolRun]:
    """All tool outputs of a report, in order of their first line."""
    blocks: list[ToolRun] = []
    gpu_compute = logged = False
    in_ais = 0
    for line, text in enumerate(document.lines, start=1):
        lower = text.lower()
        if "throughputrate" in lower or "roughputrate" in lower or "latency" in lower:
            _benchmark(blocks, line, text)
            _pure(blocks, line, text)
        if "gpu compute" in lower or "mean" in lower or "ms" in lower or "latency" in lower:
            if _TRT_OTHER.search(text) and not _TRT_HEAD.search(text):
                gpu_compute = False
            elif _TRT_HEAD.search(text) or (not logged and _TRT_CUT.match(text)):
                gpu_compute = True
            if "end to end" not in lower and "npu_compute" not in lower and "latency" not in lower:
                _trtexec(blocks, line, text, headed=gpu_compute)
        elif not text.strip().startswith("["):
            gpu_compute = False
        logged = text.lstrip().startswith("[")
        in_ais = _ais(blocks, line, text, in_ais)
    return sorted(blocks, key=lambda block: block.start)


def _last(blocks: list[ToolRun], tool: str) -> ToolRun | None:
    """The last run of a tool, if it is among the last few of all."""
    return next((block for block in islice(reversed(blocks), 20) if block.tool == tool), None)


def _put(blocks: list[ToolRun], tool: str, line: int, name: str, number: Printed | None, *, reach: int) -> None:
    """Add a value to the open block of the tool; a repeated name or a distant line begins the next."""
    if number is None:
        return
    last = _last(blocks, tool)
    if last is None or name in last.values or line - last.end > reach:
        last = ToolRun(tool, line, line)
        blocks.append(last)
    last.values[name] = (line, number)
    last.end = line


def _benchmark(blocks: list[ToolRun], line: int, text: str) -> None:
    stages = list(_STAGE.finditer(text))
    for place, stage in enumerate(stages):
        stop = stages[place + 1].start() if place + 1 < len(stages) else len(text)
        part = text[stage.end() : stop]
        name = {"inference": "infer", "postprocess": "post"}.get(stage[1].lower(), stage[1].lower())
        for label, pattern in (("interface", _INTERFACE), (f"{name} rate", _RATE), (f"{name} latency", _LATENCY)):
            match = pattern.search(part)
            if match:
                _put(blocks, "benchmark", line, label, _number(match), reach=2)


def _pure(blocks: list[ToolRun], line: int, text: str) -> None:
    for match in _PURE.finditer(text):
        block = ToolRun("pure", line, line)
        rate, latency = _number(match, 1), _number(match, 2)
        if rate is not None and latency is not None:
            block.values = {"rate": (line, rate), "latency": (line, latency)}
            blocks.append(block)


def _trtexec(blocks: list[ToolRun], line: int, text: str, *, headed: bool) -> None:
    values = list(_TRT_VALUE.finditer(text))
    if not values:
        return
    alone = text.strip().startswith(("mean", "[")) or len(values) >= 3
    if headed or (alone and len(values) == 1 and text.strip().startswith("mean")):
        for match in values:
            _put(blocks, "trtexec", line, match[1], _number(match, 2), reach=3)


def _ais(blocks: list[ToolRun], line: int, text: str, open_until: int) -> int:
    """ais_infer and ais_bench, as text or as JSON over several lines. Returns up to which line a summary is open."""
    if "NPU_compute_time" in text and "throughput 1000" not in text and "throughput (1000" not in text:
        mean = _AIS_MEAN.search(text)
        if mean:
            _put(blocks, "ais", line, "mean", _number(mean), reach=6)
        elif '"NPU_compute_time"' in text:
            open_until = line + 8
    elif line <= open_until and '"mean"' in text:
        match = _MEAN_FIELD.search(text)
        if match:
            _put(blocks, "ais", line, "mean", _number(match), reach=12)
            open_until = 0
    if "throughput" in text:
        rate = _AIS_RATE.search(text)
        formula = rate is not None and "NPU_compute_time" in rate[0]
        last = _last(blocks, "ais")
        near = last is not None and line - last.end <= 25 and "rate" not in last.values
        if rate is not None and (formula or (near and '"throughput"' in text)):
            if rate["mean"] and not (near and last is not None and "mean" in last.values):
                numbers = find_numbers(rate["mean"])
                if numbers:
                    _put(blocks, "ais", line, "mean", numbers[0], reach=0)
            _put(blocks, "ais", line, "rate", _number(rate, "rate"), reach=25)
            if rate["batch"]:
                _put(blocks, "ais", line, "batch", _number(rate, "batch"), reach=25)
    return open_until


def file_batch(text: str) -> int | None:
    """Batch size in the name of a result file on the line, if there is one."""
    match = _FILE_BATCH.search(text)
    return int(match[1]) if match else None
