"""``nvidia-smi``: the table, answers of ``--query-gpu`` and ``--query-compute-apps``, ``-q``, ``-L`` and ``dmon``.

A field that the driver does not know fails the whole query; a value that the board does not have is ``[N/A]``,
``[Not Supported]`` or ``[Unknown Error]`` and is None here.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kit.targets.tensorrt.readers.nvidia_dmon import is_process_trace, is_trace, process_samples, samples
from kit.targets.tensorrt.readers.nvidia_gpus import ABSENT, AMOUNT, FAULT, Gpu, GpuProcess, MigDevice, faults_of
from kit.targets.tensorrt.readers.nvidia_query import is_query, query
from kit.targets.tensorrt.readers.nvidia_table import NvidiaTable, is_table
from kit.toollogs.numbers import Number, real
from kit.toollogs.output import Findings, Row, ToolOutput, present
from kit.toollogs.text import lines, narrow

__all__ = ["Gpu", "GpuProcess", "NvidiaSmiReading", "read", "read_query", "sniff"]

_TEXTS = {
    "timestamp", "name", "gpu_name", "uuid", "gpu_uuid", "pci.bus_id", "gpu_bus_id", "driver_version", "vbios_version",
    "compute_mode", "persistence_mode", "pstate", "serial", "gpu_serial", "process_name", "ecc.mode.current",
    "clocks_throttle_reasons.active", "clocks_event_reasons.active",
}  # fmt: skip
_HEADER_WORD = re.compile(r"[a-z][a-z0-9_.]*(?: \[[A-Za-z%/]+\])?\Z")
_BAD_FIELD = re.compile(r"Field \"([^\"]+)\" is not a valid field to query")
_FAILED = re.compile(
    r"NVIDIA-SMI (?:has failed because|couldn't find)[^\n]*|Failed to initialize NVML: [^\n]*|No devices were found"
    r"|nvidia-smi: command not found|Unable to determine the device handle[^\n]*"
)


@dataclass
class NvidiaSmiReading(ToolOutput):
    """``processes`` is None where the text does not say whether there are any."""

    family: ClassVar[str] = "nvidia-smi"

    gpus: list[Gpu]
    tool_version: str | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    processes: list[GpuProcess] | None = None
    mig_devices: list[MigDevice] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        versions = {key: getattr(self, key) for key in ("tool_version", "driver_version", "cuda_version")}
        found = present(**versions) | {"gpus": [gpu.as_json() for gpu in self.gpus]}
        found |= present(mig_devices=[device.as_json() for device in self.mig_devices])
        if self.processes is not None:
            found["processes"] = [process.as_json() for process in self.processes]
        return found

    def rows(self) -> list[Row]:
        cuda = f"CUDA {self.cuda_version}" if self.cuda_version else ""
        table = [] if self.tool_version is None else [Row("nvidia-smi", self.tool_version)]
        table += [Row("driver", self.driver_version, cuda)] if self.driver_version else []
        for position, gpu in enumerate(self.gpus):
            table += gpu.rows(position)
        table += [device.row() for device in self.mig_devices]
        return table + [process.row() for process in self.processes or []]


def sniff(text: str) -> float:
    """How likely the text is to be from ``nvidia-smi``."""
    text = narrow(text)
    if is_query(text) or is_trace(text) or is_process_trace(text) or is_table(text):
        return 1.0
    if _BAD_FIELD.search(text) or _FAILED.search(text):
        return 1.0
    if any(_header(line) is not None for line in text.split("\n", 100)[:100]):
        return 0.9
    if _nameless(text.split("\n", 100)[:100]):
        return 0.7
    return 0.6 if re.search(r"(?m)^\|[^|\n]*\|\s*\d+MiB\s*/\s*\d+MiB\s*\|", text) else 0.0


def read(text: str) -> NvidiaSmiReading:
    """What any form says. The answer of a query without its header line needs :func:`read_query`."""
    rows = lines(text)
    plain = "".join(map(narrow, rows))
    if is_trace(plain) or is_process_trace(plain):
        return _trace(plain, _failures(text))
    if is_query(plain):
        return _tree(plain, _failures(text))
    for position, raw in enumerate(rows):
        header = _header(raw)
        if header is not None:
            before = [row for row in rows[:position] if row.count(",") == len(header) - 1]
            return _query([*before, *rows[position + 1 :]], header, _failures(text))
    if not is_table(plain) and (found := _nameless(rows)):
        names = [f"column {number}" for number in range(1, len(found[0]) + 1)]
        reading = _query([row for row in rows if _guid(row)], names, _failures(text))
        reading.problems.append("the answer has no header line: the meaning of its columns is unknown")
        reading.status = "partial"
        return reading
    return _table(rows, _failures(text))


def read_query(text: str, fields: list[str]) -> NvidiaSmiReading:
    """The answer of ``--query-gpu=FIELDS`` or ``--query-compute-apps=FIELDS`` with ``--format=csv``.

    With or without ``noheader`` and ``nounits``. A row with another number of values is left out and reported.
    """
    rows = lines(text)
    body = [row for row in rows if row.strip() and _header(row) is None]
    return _query(body, fields, _failures(text))


def _trace(text: str, failures: list[str]) -> NvidiaSmiReading:
    """``dmon`` and ``pmon``: every sample, as a query with ``--loop`` gives them."""
    found, left_out = samples(text) if is_trace(text) else ([], 0)
    processes, more = process_samples(text) if is_process_trace(text) else (None, 0)
    findings = Findings(errors=failures)
    if left_out + more:
        findings.missing.append(_left_out(left_out + more))
    usable = bool(found) or processes is not None
    outcome = findings.outcome(usable=usable, nothing="there is no sample in this text")
    return NvidiaSmiReading(*outcome, [Gpu(row) for row in found], processes=processes)


def _left_out(count: int) -> str:
    return f"{count} rows are cut or have another number of values: they are left out"


def _tree(text: str, failures: list[str]) -> NvidiaSmiReading:
    """``-q`` and ``-L``."""
    found = query(text)
    findings = Findings(errors=failures)
    missing = [f"the end of GPU {position}" for position in sorted(found.cut)]
    if found.attached is not None and found.attached > len(found.gpus):
        missing.append(f"{found.attached - len(found.gpus)} of {found.attached} GPUs")
    findings.missing += [f"missing: {', '.join(missing)}"] if missing else []
    buses = [gpu.values.get("pci.bus_id") or gpu.values.get("uuid") for gpu in found.gpus]
    if len(set(buses)) < len(buses):
        findings.contradictions.append("a GPU appears twice: answers from several moments")
    cuda = None if found.cuda == "N/A" else found.cuda
    reading = NvidiaSmiReading("ok", [], found.gpus, None, found.driver, cuda, found.processes, found.mig)
    return _finished(reading, findings, "there is no GPU in this text")


def _finished(reading: NvidiaSmiReading, findings: Findings, nothing: str) -> NvidiaSmiReading:
    """The reading with its problems: faults, and GPUs of which only a MIG instance may have been measured."""
    findings.missing += faults_of(reading.gpus)
    for position, gpu in enumerate(reading.gpus):
        if gpu.values.get("mig.mode.current") == "Enabled":
            index = position if gpu.index is None else gpu.index
            findings.notes.append(
                f"GPU {index} is in MIG mode: what is measured there is of an instance, not of the GPU"
            )
    reading.status, reading.problems = findings.outcome(usable=bool(reading.gpus), nothing=nothing)
    return reading


def _failures(text: str) -> list[str]:
    found = [f"nvidia-smi says: {match[0].strip()}" for match in _FAILED.finditer(text)]
    return found + [f"the driver does not know the field {match[1]}" for match in _BAD_FIELD.finditer(text)]


def _header(raw: str) -> list[str] | None:
    """The field names of a query's header line."""
    words = [word.strip() for word in narrow(raw).strip().split(",")]
    if len(words) < 2 or not all(_HEADER_WORD.match(word) for word in words):
        return None
    names = [re.sub(r" \[.*", "", word) for word in words]
    known = {"name", "index", "uuid", "gpu_uuid", "pid", "driver_version", "timestamp", "gpu_name"}
    return names if known & set(names) else None


def _value(name: str, word: str) -> Number | str | None:
    if ABSENT.match(word) or FAULT.match(word):
        return None
    found = None if name in _TEXTS else AMOUNT.match(word)
    return real(found[1]) if found else word


def _query(rows: list[str], fields: list[str], failures: list[str]) -> NvidiaSmiReading:
    gpus: list[Gpu] = []
    processes: list[GpuProcess] | None = [] if "pid" in fields else None
    findings = Findings(errors=failures)
    left_out = 0
    for raw in rows:
        if not raw.strip() or _FAILED.search(raw) or _BAD_FIELD.search(raw):
            continue
        if len(fields) > 1 and "," not in raw and raw.endswith("\n"):
            continue  # a prompt or another program's line
        header = _header(raw)
        if header == fields:
            continue
        words = [word.strip() for word in next(csv.reader([narrow(raw).strip()], skipinitialspace=True), [])]
        if header is not None:
            findings.missing.append("another query follows: only the first is read")
            break
        if len(words) != len(fields) or not raw.endswith("\n"):
            left_out += 1
            continue
        values = {name: _value(name, word) for name, word in zip(fields, words, strict=True)}
        if processes is None:
            faults = {name: word for name, word in zip(fields, words, strict=True) if FAULT.match(word)}
            gpus.append(Gpu(values, faults))
        elif process := _process(values):
            processes.append(process)
        else:
            left_out += 1
    if left_out:
        findings.missing.append(_left_out(left_out))
    drivers = {gpu.values.get("driver_version") for gpu in gpus} - {None}
    driver = str(drivers.pop()) if len(drivers) == 1 else None
    reading = NvidiaSmiReading("ok", [], gpus, driver_version=driver, processes=processes)
    nothing = "there is no GPU in this text"
    reading = _finished(reading, findings, nothing)
    if processes is not None and not failures:
        reading.problems = [problem for problem in reading.problems if problem != nothing]
        reading.status = findings.status(usable=True)
    return reading


def _process(values: dict[str, Number | str | None]) -> GpuProcess | None:
    pid = values["pid"]
    memory = values.get("used_memory", values.get("used_gpu_memory"))
    uuid = values.get("gpu_uuid")
    if not isinstance(pid, int):
        return None
    return GpuProcess(
        pid=pid,
        name=str(values.get("process_name", values.get("name", "")) or ""),
        memory_mib=memory if isinstance(memory, int | float) else None,
        gpu_uuid=uuid if isinstance(uuid, str) else None,
    )


def _guid(row: str) -> bool:
    """Whether a row of values names a GPU: its UUID, or a board of NVIDIA's."""
    return (
        row.count(",") > 0
        and re.search(r"(?:^|,)[ \t]*(?:GPU-[0-9a-f]{8}-|Tesla |NVIDIA |GeForce |Quadro )", row) is not None
    )


def _nameless(rows: list[str]) -> list[list[str]]:
    """The rows of an answer without its header line: all have as many values, and each names a GPU."""
    found = [row.split(",") for row in rows if "," in row]
    same = len({len(row) for row in found}) == 1 and not any("|" in row for row in rows)
    return found if same and all(_guid(",".join(row)) for row in found) else []


def _table(rows: list[str], failures: list[str]) -> NvidiaSmiReading:
    table = NvidiaTable()
    for raw in rows:
        table.line(raw)
    table.end()
    findings = Findings(errors=failures)
    findings.missing += [f"missing: {', '.join(table.missing)}"] if table.missing else []
    if table.tables > 1:
        findings.contradictions.append(f"{table.tables} tables: the last one counts")
    if any("nvgpu" in (gpu.name or "") for gpu in table.gpus):
        findings.notes.append("nvidia-smi shows nothing about an integrated GPU: use tegrastats")
    reading = NvidiaSmiReading("ok", [], table.gpus, *table.versions, processes=table.processes, mig_devices=table.mig)
    return _finished(reading, findings, "there is no GPU in this text; a query without header needs its field names")
