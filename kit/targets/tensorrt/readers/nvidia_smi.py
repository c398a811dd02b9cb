"""``nvidia-smi``: the table, answers of ``--query-gpu`` and ``--query-compute-apps``, ``-q``, ``-L`` and ``dmon``.

A field that the driver does not know fails the whole query; a value that the board does not have is ``[N/A]``,
``[Not Supported]`` or ``[Unknown Error]`` and is None here.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import Any

from kit.targets.tensorrt.readers.nvidia_dmon import is_trace, samples
from kit.targets.tensorrt.readers.nvidia_query import is_query, query
from kit.toollogs.numbers import Number, real
from kit.toollogs.reader import Row, Status, status_of
from kit.toollogs.text import lines, narrow, short

__all__ = ["THROTTLE_BITS", "Gpu", "GpuProcess", "NvidiaSmiReading", "read", "read_query", "sniff", "throttle_reasons"]

#: Bits of clocks_throttle_reasons.active (NVML).
THROTTLE_BITS = {
    0x1: "gpu_idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake",
    0x100: "display_clock_setting",
}
_ABSENT = re.compile(
    r"\[?(?:N/A|Not Supported|Unknown Error|Not Found|Insufficient Permissions|GPU requires reset)\]?\Z"
)
_UNIT = re.compile(r"(-?\d+(?:\.\d+)?) ?(?:MiB|W|MHz|%|C|MB)?\Z")
_TEXTS = {
    "timestamp", "name", "gpu_name", "uuid", "gpu_uuid", "pci.bus_id", "gpu_bus_id", "driver_version", "vbios_version",
    "compute_mode", "persistence_mode", "pstate", "serial", "gpu_serial", "process_name", "ecc.mode.current",
    "clocks_throttle_reasons.active", "clocks_event_reasons.active",
}  # fmt: skip
_HEADER_WORD = re.compile(r"[a-z][a-z0-9_.]*(?: \[[A-Za-z%/]+\])?\Z")
_TITLE = re.compile(
    r"NVIDIA-SMI\s+(\d[\d.]*)\s+(?:Driver Version|KMD Version):\s+(\d[\d.]*)\s+CUDA Version:\s+(\d[\d.]*|N/A)"
)
_OLD_TITLE = re.compile(r"NVIDIA-SMI\s+(\d[\d.]*)\s+Driver Version:\s+(\d[\d.]*)")
_FIRST = re.compile(
    r"^\|\s+(\d+)\s+(\S.*?)\s+(On|Off|N/A|ERR!|WDDM|TCC|MCDM)?\s*\|\s*([0-9A-Fa-f]{4,8}:[0-9A-Fa-f:.]+)"
    r"\s+(?:On|Off|N/A|ERR!)?\s*\|"
)
_NONE = r"N/A|ERR!|Unknown Error|Not Supported|\?"
_USE = re.compile(
    rf"^\|\s*(?:\d+%|{_NONE})\s+(?:(\d+)C|{_NONE})\s+(P\d+|{_NONE})\s+(?:(\d+)W|{_NONE})\s*/\s*(?:(\d+)W|{_NONE})"
    rf"\s*\|\s*(?:(?:(\d+)MiB|{_NONE})\s*/\s*(?:(\d+)MiB|{_NONE})|{_NONE})\s*\|\s*(?:(\d+)%|{_NONE})\s"
)
#: A first or second row of a GPU, whatever stands in it: one that cannot be read is missing, not absent.
_ROW = re.compile(r"^\|\s*\d+\s+[^|]+\|\s*[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[^|]*\|[^|]*\|")
_PROCESS = re.compile(r"^\|\s+(\d+)\s+(?:\S+\s+\S+\s+)?(\d+)\s+(C\+G|C|G|M\+C)\s+(\S.*?)\s+(?:(\d+)MiB|N/A)\s*\|")
_BAD_FIELD = re.compile(r"Field \"([^\"]+)\" is not a valid field to query")
_FAILED = re.compile(
    r"NVIDIA-SMI (?:has failed because|couldn't find)[^\n]*|Failed to initialize NVML: [^\n]*|No devices were found"
    r"|nvidia-smi: command not found|Unable to determine the device handle[^\n]*"
)


@dataclass(slots=True)
class GpuProcess:
    """A process on a GPU; memory in MiB, None where the driver does not say it (other containers, WSL)."""

    pid: int
    name: str
    memory_mib: Number | None = None
    gpu: int | None = None
    gpu_uuid: str | None = None
    type: str | None = None


@dataclass(slots=True)
class Gpu:
    """One GPU: ``values`` by the field names of ``--query-gpu``; the table fills those that it shows."""

    values: dict[str, Number | str | None] = field(default_factory=dict)

    @property
    def index(self) -> int | None:
        """The index that nvidia-smi gives it."""
        value = self.values.get("index")
        return value if isinstance(value, int) else None

    @property
    def name(self) -> str | None:
        """The board, for example Tesla T4."""
        value = self.values.get("name", self.values.get("gpu_name"))
        return value if isinstance(value, str) else None

    @property
    def throttle(self) -> list[str]:
        """The reasons that hold the clocks down, from the mask."""
        for key in ("clocks_throttle_reasons.active", "clocks_event_reasons.active"):
            value = self.values.get(key)
            if isinstance(value, str):
                return throttle_reasons(value)
        return []


@dataclass(slots=True)
class NvidiaSmiReading:
    """``processes`` is None where the text does not say whether there are any."""

    gpus: list[Gpu]
    status: Status
    problems: list[str]
    tool_version: str | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    processes: list[GpuProcess] | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints."""
        found: dict[str, Any] = {"family": "nvidia-smi"}
        for key in ("tool_version", "driver_version", "cuda_version"):
            if getattr(self, key) is not None:
                found[key] = getattr(self, key)
        found["gpus"] = []
        for gpu in self.gpus:
            item = dict(gpu.values)
            if gpu.throttle:
                item["throttle_reasons"] = ",".join(gpu.throttle)
            found["gpus"].append(item)
        if self.processes is not None:
            found["processes"] = [
                {
                    key: value
                    for key, value in (
                        ("gpu", process.gpu),
                        ("gpu_uuid", process.gpu_uuid),
                        ("pid", process.pid),
                        ("type", process.type),
                        ("name", process.name),
                        ("memory_mib", process.memory_mib),
                    )
                    if value is not None
                }
                for process in self.processes
            ]
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        table = [Row("driver", self.driver_version, f"CUDA {self.cuda_version}")] if self.driver_version else []
        for position, gpu in enumerate(self.gpus):
            place = position if gpu.index is None else gpu.index
            table += [
                Row(f"GPU {place} {key}", "not said" if value is None else str(value))
                for key, value in gpu.values.items()
                if key != "index"
            ]
            table += [Row(f"GPU {place} throttle reasons", ", ".join(gpu.throttle))] if gpu.throttle else []
        for process in self.processes or []:
            memory = "" if process.memory_mib is None else f"{process.memory_mib} MiB"
            table.append(Row(f"process {process.pid}", process.name, memory))
        return table


def throttle_reasons(mask: str) -> list[str]:
    """``0x0000000000000004`` -> [sw_power_cap]; unknown bits as ``bit 0x200``."""
    try:
        value = int(mask, 16)
    except ValueError:
        return []
    known = [name for bit, name in THROTTLE_BITS.items() if value & bit]
    rest = value & ~sum(THROTTLE_BITS)
    return known + ([f"bit {rest:#x}"] if rest else [])


def sniff(text: str) -> float:
    """How surely the text is of ``nvidia-smi``."""
    text = narrow(text)
    if (
        is_query(text)
        or is_trace(text)
        or _TITLE.search(text)
        or _OLD_TITLE.search(text)
        or _BAD_FIELD.search(text)
        or _FAILED.search(text)
    ):
        return 1.0
    if any(_header(line) is not None for line in text.split("\n", 100)[:100]):
        return 0.9
    return 0.6 if re.search(r"(?m)^\|[^|\n]*\|\s*\d+MiB\s*/\s*\d+MiB\s*\|", text) else 0.0


def read(text: str) -> NvidiaSmiReading:
    """What any form says. The answer of a query without its header line needs :func:`read_query`."""
    rows = lines(text)
    plain = "".join(map(narrow, rows))
    if is_trace(plain):
        return _trace(plain, _failures(text))
    if is_query(plain):
        return _tree(plain, _failures(text))
    for position, raw in enumerate(rows):
        header = _header(raw)
        if header is not None:
            return _query(rows[position + 1 :], header, _failures(text))
    return _table(rows, _failures(text))


def read_query(text: str, fields: list[str]) -> NvidiaSmiReading:
    """The answer of ``--query-gpu=FIELDS`` or ``--query-compute-apps=FIELDS`` with ``--format=csv``.

    With or without ``noheader`` and ``nounits``. A row with another number of values is left out and reported.
    """
    rows = lines(text)
    body = [row for row in rows if row.strip() and _header(row) is None]
    return _query(body, fields, _failures(text))


def _trace(text: str, failures: list[str]) -> NvidiaSmiReading:
    """``dmon``: every sample, as a query with ``--loop`` gives them."""
    found, left_out = samples(text)
    problems = list(failures)
    if left_out:
        problems.append(f"{left_out} rows are cut or have another number of values: they are left out")
    if not found and not problems:
        problems.append("there is no sample in this text")
    status = status_of(usable=bool(found), missing=left_out > 0, odd=bool(failures))
    return NvidiaSmiReading([Gpu(row) for row in found], status, problems)


def _tree(text: str, failures: list[str]) -> NvidiaSmiReading:
    """``-q`` and ``-L``."""
    found = query(text)
    missing = [f"the end of GPU {position}" for position, gpu in enumerate(found.gpus) if not gpu.whole]
    if found.attached is not None and found.attached > len(found.gpus):
        missing.append(f"{found.attached - len(found.gpus)} of {found.attached} GPUs")
    problems = [*failures, *([f"missing: {', '.join(missing)}"] if missing else [])]
    buses = [gpu.values.get("pci.bus_id") or gpu.values.get("uuid") for gpu in found.gpus]
    twice = len(set(buses)) < len(buses)
    if twice:
        problems.append("a GPU is there twice: answers of several moments")
    if not found.gpus and not problems:
        problems.append("there is no GPU in this text")
    processes = None
    if any(gpu.processes is not None for gpu in found.gpus):
        processes = [
            GpuProcess(pid, name, memory, gpu=position, type=kind)
            for position, gpu in enumerate(found.gpus)
            for pid, kind, name, memory in gpu.processes or ()
        ]
    return NvidiaSmiReading(
        [Gpu(gpu.values) for gpu in found.gpus],
        status_of(usable=bool(found.gpus), missing=bool(missing), odd=bool(failures) or twice),
        problems,
        driver_version=found.driver,
        cuda_version=None if found.cuda == "N/A" else found.cuda,
        processes=processes,
    )


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
    if not word or _ABSENT.match(word):
        return None
    if name in _TEXTS:
        return word
    if found := _UNIT.match(word):
        return real(found[1])
    return word


def _query(rows: list[str], fields: list[str], failures: list[str]) -> NvidiaSmiReading:
    gpus: list[Gpu] = []
    processes: list[GpuProcess] | None = [] if "pid" in fields else None
    problems = list(failures)
    left_out = 0
    for raw in rows:
        if not raw.strip() or _FAILED.search(raw) or _BAD_FIELD.search(raw):
            continue
        if len(fields) > 1 and "," not in raw and raw.endswith("\n"):
            continue  # a prompt or another program's line
        words = [word.strip() for word in next(csv.reader([narrow(raw).strip()], skipinitialspace=True), [])]
        if len(words) != len(fields) or not raw.endswith("\n"):
            left_out += 1
            continue
        values = {name: _value(name, word) for name, word in zip(fields, words, strict=True)}
        if processes is None:
            gpus.append(Gpu(values))
        elif isinstance(values["pid"], int):
            memory = values.get("used_memory", values.get("used_gpu_memory"))
            uuid = values.get("gpu_uuid")
            processes.append(
                GpuProcess(
                    pid=values["pid"],
                    name=str(values.get("process_name", values.get("name", "")) or ""),
                    memory_mib=memory if isinstance(memory, int | float) else None,
                    gpu_uuid=uuid if isinstance(uuid, str) else None,
                )
            )
        else:
            left_out += 1
    if left_out:
        problems.append(f"{left_out} rows are cut or have another number of values: they are left out")
    usable = bool(gpus) or (processes is not None and not failures)
    if not usable and not problems:
        problems.append("there is no GPU in this text")
    drivers = {gpu.values.get("driver_version") for gpu in gpus} - {None}
    driver = str(drivers.pop()) if len(drivers) == 1 else None
    status = status_of(usable=usable, missing=left_out > 0, odd=bool(failures))
    return NvidiaSmiReading(gpus, status, problems, driver_version=driver, processes=processes)


def _table(rows: list[str], failures: list[str]) -> NvidiaSmiReading:
    gpus: list[Gpu] = []
    processes: list[GpuProcess] | None = None
    problems = list(failures)
    versions: tuple[str | None, str | None, str | None] = (None, None, None)
    begun: Gpu | None = None
    missing: list[str] = []
    tables = 0
    for raw in rows:
        line = narrow(raw).strip().lstrip("#> ")
        if (title := _TITLE.search(line)) or ((title := _OLD_TITLE.search(line)) and line.endswith("|")):
            cuda = title[3] if title.re is _TITLE else "N/A"
            versions = (title[1], title[2], None if cuda == "N/A" else cuda)
            tables += 1
            if tables > 1:  # what nvidia-smi said before is of another moment
                gpus, processes, begun = [], None, None
        elif processes is None and (first := _FIRST.match(line)):
            if begun is not None:
                missing.append(f"second row of GPU {begun.index}")
            begun = Gpu({"index": int(first[1]), "name": first[2], "pci.bus_id": first[4]})
            if first[3] in ("On", "Off"):
                begun.values["persistence_mode"] = "Enabled" if first[3] == "On" else "Disabled"
        elif processes is None and _ROW.match(line):
            missing.append(f"a row that cannot be read: {short(line)}")
        elif begun is not None and (use := _USE.match(line)):
            begun.values |= _used(use)
            gpus.append(begun)
            begun = None
        elif "Processes:" in line:
            processes = []
        elif processes is not None and (process := _PROCESS.match(line)):
            processes.append(
                GpuProcess(
                    pid=int(process[2]),
                    name=process[4],
                    memory_mib=int(process[5]) if process[5] else None,
                    gpu=int(process[1]),
                    type=process[3],
                )
            )
    if begun is not None:
        missing.append(f"second row of GPU {begun.index}")
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
    if tables > 1:
        problems.append(f"{tables} tables: the last one counts")
    if not gpus and not problems:
        problems.append("there is no GPU in this text; a query without header needs its field names")
    status = status_of(usable=bool(gpus), missing=bool(missing), odd=bool(failures) or tables > 1)
    return NvidiaSmiReading(gpus, status, problems, *versions, processes=processes)


def _used(use: re.Match[str]) -> dict[str, Number | str | None]:
    return {
        "temperature.gpu": int(use[1]) if use[1] else None,
        "pstate": use[2] if use[2].startswith("P") else None,
        "power.draw": int(use[3]) if use[3] else None,
        "power.limit": int(use[4]) if use[4] else None,
        "memory.used": int(use[5]) if use[5] else None,
        "memory.total": int(use[6]) if use[6] else None,
        "utilization.gpu": int(use[7]) if use[7] else None,
    }
