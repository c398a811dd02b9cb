"""``npu-smi info``: the chips of the machine, what they are called and whether they are idle.

Two rows stand for one chip: card, name, health, power, temperature, huge pages; then chip on the card, device (the N of
``/dev/davinciN``), bus id, AICore use, memory. Newer versions add a table of processes. ``npu-smi info -m`` maps card
and chip to the logic id; ``npu-smi info -t TYPE`` prints ``Key : value`` lines, ``Chip ID`` last for each chip. Cards
of the 910 have a second memory, and their older tables of processes count in bytes.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from kit.toollogs.numbers import Number, real
from kit.toollogs.reader import Row, Status, status_of
from kit.toollogs.text import lines, narrow, short

__all__ = ["Chip", "MappedChip", "NpuProcess", "NpuSmiReading", "read", "sniff"]

_TITLE = re.compile(r"npu-smi\s+(\d[\w.]*)\s+Version:\s*(\d[\w.]*)")
_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)\Z")
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")
_NAME = re.compile(r"(?:\d{3}|Ascend)[\w-]*\Z")
_ABSENT = ("NA", "N/A", "-", "")
_FREE = re.compile(r"No running processes found in NPU (\d+)")
_COLUMNS = re.compile(r"[ \t]{2,}|\t")
_METRIC = re.compile(r"[A-Z][A-Za-z0-9 _-]*\((?:%|MB|MHZ|MHz|C|W|page)\)\Z")
_KEY_VALUE = re.compile(r"^[ \t]*([A-Z][A-Za-z0-9()%./ _-]*?)[ \t]*:[ \t]*(\S.*?)?[ \t]*\n")
_FAILED = re.compile(
    r"dcmi module initialize failed\. ret is -?\d+|DrvMngGetConsoleLogLevel failed\b[^\n]*|npu-smi: command not found"
    r"|npu-smi: No such file or directory|call drvMngGetConsoleLogLevel failed[^\n]*",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Chip:
    """One chip. None where npu-smi says NA or the log does not say it."""

    npu: int
    chip: int
    device: int | None
    name: str
    health: str
    power_w: Number | None = None
    temperature_c: Number | None = None
    hugepages_used: int | None = None
    hugepages_total: int | None = None
    bus_id: str | None = None
    aicore_percent: Number | None = None
    memory_used_mb: int | None = None
    memory_total_mb: int | None = None
    hbm_used_mb: int | None = None
    hbm_total_mb: int | None = None

    @property
    def place(self) -> str:
        """How messages name the chip."""
        return f"card {self.npu} chip {self.chip}" if self.device is None else f"device {self.device}"

    @property
    def soc_version(self) -> str:
        """What ``atc --soc_version`` takes for this chip."""
        return self.name if self.name.startswith("Ascend") else f"Ascend{self.name}"


@dataclass(slots=True)
class NpuProcess:
    """A process that uses a chip (newer versions only)."""

    npu: int
    chip: int
    pid: int
    name: str
    memory_mb: int | None


@dataclass(slots=True)
class MappedChip:
    """A row of ``npu-smi info -m``; the management controller has no logic id."""

    npu: int
    chip: int
    logic_id: int | None
    name: str


@dataclass(slots=True)
class NpuSmiReading:
    """The chips in the order of the table; ``processes`` is None where the version prints no process table."""

    chips: list[Chip]
    status: Status
    problems: list[str]
    tool_version: str | None = None
    driver_version: str | None = None
    processes: list[NpuProcess] | None = None
    mapping: list[MappedChip] = field(default_factory=list)
    properties: list[dict[str, str]] = field(default_factory=list)

    def device(self, index: int) -> Chip | None:
        """The chip behind ``/dev/davinci<index>``."""
        return next((chip for chip in self.chips if chip.device == index), None)

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints."""
        found: dict[str, Any] = {"family": "npu-smi"}
        if self.tool_version is not None:
            found["tool_version"] = self.tool_version
        if self.driver_version is not None:
            found["driver_version"] = self.driver_version
        found["chips"] = [{k: v for k, v in asdict(chip).items() if v is not None} for chip in self.chips]
        if self.processes is not None:
            found["processes"] = [asdict(process) for process in self.processes]
        if self.mapping:
            found["mapping"] = [asdict(chip) for chip in self.mapping]
        if self.properties:
            found["properties"] = [dict(block) for block in self.properties]
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        table = []
        if self.tool_version:
            table.append(Row("npu-smi", self.tool_version, f"driver {self.driver_version}"))
        for chip in self.chips:
            table.append(Row(chip.place, chip.soc_version, f"card {chip.npu} chip {chip.chip}, {chip.health}"))
            if chip.aicore_percent is not None:
                table.append(Row(f"{chip.place} AICore", str(chip.aicore_percent), "%"))
            if chip.memory_total_mb is not None:
                table.append(Row(f"{chip.place} memory", f"{chip.memory_used_mb} / {chip.memory_total_mb}", "MB"))
            if chip.hbm_total_mb is not None:
                table.append(Row(f"{chip.place} HBM", f"{chip.hbm_used_mb} / {chip.hbm_total_mb}", "MB"))
        table += [Row(f"process {p.pid}", p.name, f"card {p.npu} chip {p.chip}") for p in self.processes or []]
        table += [
            Row(f"card {m.npu} chip {m.chip}", "-" if m.logic_id is None else str(m.logic_id), m.name)
            for m in self.mapping
        ]
        for block in self.properties:
            place = f"card {block.get('NPU ID', '?')} chip {block.get('Chip ID', '-')}"
            table += [Row(f"{place} {key}", value) for key, value in block.items() if key not in ("NPU ID", "Chip ID")]
        return table


def sniff(text: str) -> float:
    """How surely the text is of ``npu-smi``."""
    text = narrow(text)
    if _TITLE.search(text) or re.search(r"\|\s*NPU\s+Name\s*\|\s*Health", text):
        return 1.0
    if re.search(r"(?m)^[ \t]*NPU ID[ \t]*:[ \t]*\d+[ \t]*$", text):
        return 0.9
    if re.search(r"NPU ID[ \t]+Chip ID[ \t]+Chip Logic ID", text) or _FAILED.search(text):
        return 1.0
    if re.search(r"(?m)^[ \t]*Aicore Usage Rate\(%\)[ \t]*:", text):
        return 0.8
    return 0.6 if any(_first(_cells(line)) for line in text.split("\n", 400)[:400]) else 0.0


def read(text: str) -> NpuSmiReading:
    """The chips that the table names. A chip whose second row is cut off is left out and said to be missing."""
    scan = _Scan()
    for raw in lines(text):
        if raw.isspace():
            continue
        scan.line(narrow(raw), whole=raw.endswith("\n"))
    return scan.result()


def _cells(line: str) -> list[str]:
    """The cells of a table row; nothing unless the row is closed."""
    body = line.strip().lstrip("#>* ")
    return [cell.strip() for cell in body[1:-1].split("|")] if len(body) > 2 and body[0] == body[-1] == "|" else []


def _first(cells: list[str]) -> tuple[int, str] | None:
    """Card and name, if the row is the first one of a chip."""
    if len(cells) < 3:
        return None
    words = cells[0].split()
    if len(words) != 2 or not words[0].isdigit() or not _NAME.match(words[1]):
        return None
    return (int(words[0]), words[1]) if re.match(r"[A-Za-z]+\Z", cells[1]) else None


def _value(word: str) -> Number | None:
    return real(word) if _PLAIN_NUMBER.match(word) else None


class _Scan:
    def __init__(self) -> None:
        self.chips: list[Chip] = []
        self.begun: Chip | None = None
        self.tool: str | None = None
        self.driver: str | None = None
        self.processes: list[NpuProcess] | None = None
        self.mapping: list[MappedChip] = []
        self.cut: list[str] = []
        self.errors: list[str] = []
        self.odd: list[str] = []
        self.columns: list[str] = []
        self.bytes = False
        self.second_table = False
        self.card: dict[str, str] | None = None
        self.block: dict[str, str] = {}
        self.properties: list[dict[str, str]] = []

    def line(self, line: str, *, whole: bool) -> None:
        if found := _TITLE.search(line):
            if whole or "|" in line[found.end() :]:
                self._title(found)
            return
        if found := _FAILED.search(line):
            self.errors.append(found[0].strip())
            return
        if "Chip Logic ID" in line:
            self.columns = _COLUMNS.split(line.strip())
            return
        cells = _cells(line)
        if self.columns and whole and self._map(_COLUMNS.split(line.strip())):
            pass
        elif "Process id" in line:
            self._drop()
            self.bytes = "memory(B)" in line
            self.processes, self.second_table = self.processes or [], True
        elif _FREE.search(line):
            self.processes = self.processes or []
        elif self.second_table and len(cells) == 4:
            self._process(cells)
        elif first := _first(cells):
            self._drop()
            self.begun = self._chip(first, cells)
        elif self.begun is not None and len(cells) >= 3:
            self._second(self.begun, cells, line)
        elif found := _KEY_VALUE.match(line):
            self._property(found[1], found[2] or "")

    def _map(self, cells: list[str]) -> bool:
        """A row of ``info -m``; newer versions have a column more."""
        row = dict(zip(self.columns, cells, strict=False))
        npu, chip, logic = (row.get(name, "") for name in ("NPU ID", "Chip ID", "Chip Logic ID"))
        if len(cells) != len(self.columns) or not (
            npu.isdigit() and chip.isdigit() and (logic.isdigit() or logic == "-")
        ):
            return False
        name = row.get("Chip Name", "")
        self.mapping.append(MappedChip(int(npu), int(chip), None if logic == "-" else int(logic), name))
        return True

    def _property(self, key: str, value: str) -> None:
        """A line of ``info -t``: what stands before the first chip is of the card, ``Chip ID`` ends a chip."""
        if self.card is None and _METRIC.match(key):
            self.card = {}  # with -i and -c the answer names neither card nor chip
        if key == "NPU ID":
            self._end_card()
            self.card, self.block = {key: value}, {}
        elif self.card is not None and key == "Chip Count":
            self.card[key] = value
        elif self.card is not None and key == "Chip ID":
            self.properties.append(self.card | self.block | {key: value})
            self.block = {}
        elif self.card is not None:
            self.block[key] = value

    def _end_card(self) -> None:
        """What was said of a card that names no chip (``-t board``, ``-l``)."""
        known = any(block.get("NPU ID") == self.card.get("NPU ID") for block in self.properties) if self.card else True
        if self.card is not None and (self.block or not known):
            self.properties.append(self.card | self.block)

    def _title(self, found: re.Match[str]) -> None:
        if self.tool is not None and (self.tool, self.driver) != (found[1], found[2]):
            self.odd.append(f"two tables, of npu-smi {self.tool} and {found[1]}")
        self.tool, self.driver = found[1], found[2]
        self.second_table = False

    def _chip(self, first: tuple[int, str], cells: list[str]) -> Chip:
        words = re.sub(r"\s*/\s*", "/", cells[2]).split()
        pair = _PAIR.match(words[-1]) if len(words) > 2 else None
        return Chip(
            npu=first[0],
            chip=-1,
            device=None,
            name=first[1],
            health=cells[1],
            power_w=_value(words[0]) if words else None,
            temperature_c=_value(words[1]) if len(words) > 1 else None,
            hugepages_used=int(pair[1]) if pair else None,
            hugepages_total=int(pair[2]) if pair else None,
        )

    def _second(self, chip: Chip, cells: list[str], line: str) -> None:
        self.begun = None
        ids = cells[0].split()
        if not ids or not ids[0].isdigit() or not all(word.isdigit() or word in _ABSENT for word in ids):
            self.cut.append(f"second row of card {chip.npu}: {short(line)}")
            return
        chip.chip = int(ids[0])
        chip.device = int(ids[1]) if len(ids) > 1 and ids[1].isdigit() else None
        chip.bus_id = None if cells[1] in _ABSENT else cells[1]
        words = re.sub(r"\s*/\s*", "/", cells[2]).split()
        chip.aicore_percent = _value(words[0]) if words else None
        # 910 cards print HBM after the memory: the first pair is the memory of the chip.
        pairs = [_PAIR.match(word) for word in words[1:3]]
        if pairs and pairs[0]:
            chip.memory_used_mb, chip.memory_total_mb = int(pairs[0][1]), int(pairs[0][2])
        if len(pairs) > 1 and pairs[1]:
            chip.hbm_used_mb, chip.hbm_total_mb = int(pairs[1][1]), int(pairs[1][2])
        if any(known.npu == chip.npu and known.chip == chip.chip for known in self.chips):
            self.odd.append(f"card {chip.npu} chip {chip.chip} is there more than once: the last table counts")
            self.chips = [known for known in self.chips if (known.npu, known.chip) != (chip.npu, chip.chip)]
        self.chips.append(chip)

    def _process(self, cells: list[str]) -> None:
        ids = cells[0].split()
        if len(ids) == 2 and all(word.isdigit() for word in ids) and cells[1].isdigit() and self.processes is not None:
            memory = int(cells[3]) if cells[3].isdigit() and not self.bytes else None
            self.processes.append(NpuProcess(int(ids[0]), int(ids[1]), int(cells[1]), cells[2], memory))

    def _drop(self) -> None:
        if self.begun is not None:
            self.cut.append(f"second row of card {self.begun.npu}")
            self.begun = None

    def result(self) -> NpuSmiReading:
        self._drop()
        self._end_card()
        problems = [f"npu-smi says: {error}" for error in self.errors]
        problems += [f"missing: {cut}" for cut in self.cut] + self.odd
        if self.tool and self.driver and self.tool != self.driver:
            problems.append(f"npu-smi {self.tool} and driver {self.driver} are of different versions")
        problems += [f"{chip.place}: health is {chip.health}" for chip in self.chips if chip.health.upper() != "OK"]
        devices = [chip.device for chip in self.chips if chip.device is not None]
        if len(set(devices)) < len(devices):
            problems.append("two chips have the same device number")
        usable = bool(self.chips or self.mapping or self.properties)
        if not usable and not problems:
            problems.append("there is no chip in this text")
        status = status_of(usable=usable, missing=bool(self.cut), odd=bool(self.errors or self.odd))
        return NpuSmiReading(
            self.chips, status, problems, self.tool, self.driver, self.processes, self.mapping, self.properties
        )
