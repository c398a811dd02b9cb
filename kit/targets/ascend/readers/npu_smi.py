"""``npu-smi info``: the chips of the machine, what they are called and whether they are idle.

A chip has two rows: card, name, health, power, temperature, huge pages; then chip on the card, device (the N of
``/dev/davinciN``), bus id, AICore use, memory. Newer versions add a table of processes. ``npu-smi info -m`` maps card
and chip to the logic id; ``npu-smi info -t TYPE`` prints ``Key : value`` lines, with ``Chip ID`` before the values of a
chip or after them. Cards of the 910 have a second memory, and their older tables of processes count in bytes.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from kit.targets.ascend.readers.npu_chips import Chip, MappedChip, NpuProcess
from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, integer, real
from kit.toollogs.output import Findings, Row, ToolOutput, present
from kit.toollogs.text import lines, narrow, one_line, short, table_row

__all__ = ["Chip", "MappedChip", "NpuProcess", "NpuSmiReading", "read", "sniff"]

_TITLE = re.compile(r"npu-smi\s+(\d[\w.]*)\s+Version:\s*(\d[\w.]*)")
_HEADER = re.compile(r"\|\s*(?:NPU|Chip)\s+(?:Name|Device|Phy-ID|\|)|\|\s*Chip\s*\|")
_ABSENT = ("NA", "N/A", "-", "--", "")
_BUS = re.compile(r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d\Z")
_HEALTH = ("OK", "WARNING", "ALARM", "CRITICAL", "UNKNOWN")
_FREE = re.compile(r"No running processes found in NPU (\d+)")
_COLUMNS = re.compile(r"[ \t]{2,}|\t")
_METRIC = re.compile(r"[A-Z][A-Za-z0-9 _-]{0,60}\((?:%|MB|MHZ|MHz|C|W|page)\)\Z")
_KEY = re.compile(r"[A-Z][A-Za-z0-9()%./ _-]{0,80}\Z")
_FAILED = re.compile(
    r"dcmi module initialize failed\. ret is -?\d+[^\n]*|DrvMngGetConsoleLogLevel failed\b[^\n]*"
    r"|npu-smi: command not found|npu-smi: No such file or directory|call drvMngGetConsoleLogLevel failed[^\n]*",
    re.IGNORECASE,
)


@dataclass
class NpuSmiReading(ToolOutput):
    """The chips in the order of the table; ``processes`` is None where the version prints no process table."""

    family: ClassVar[str] = "npu-smi"

    chips: list[Chip]
    tool_version: str | None = None
    driver_version: str | None = None
    processes: list[NpuProcess] | None = None
    mapping: list[MappedChip] = field(default_factory=list)
    properties: list[dict[str, str]] = field(default_factory=list)

    def device(self, index: int) -> Chip | None:
        """The chip behind ``/dev/davinci<index>``."""
        return next((chip for chip in self.chips if chip.device == index), None)

    def values(self) -> dict[str, Any]:
        found = present(tool_version=self.tool_version, driver_version=self.driver_version)
        found["chips"] = [present(**asdict(chip)) for chip in self.chips]
        if self.processes is not None:
            found["processes"] = [asdict(process) for process in self.processes]
        mapping = [asdict(chip) for chip in self.mapping]
        return found | present(mapping=mapping, properties=[dict(block) for block in self.properties])

    def rows(self) -> list[Row]:
        table = []
        if self.tool_version:
            table.append(Row("npu-smi", self.tool_version, f"driver {self.driver_version}"))
        for chip in self.chips:
            table += chip.rows()
        for process in self.processes or []:
            memory = "" if process.memory_mb is None else f", {process.memory_mb} MB"
            table.append(Row(f"process {process.pid}", process.name, f"card {process.npu} chip {process.chip}{memory}"))
        table += [
            Row(f"card {m.npu} chip {m.chip}", "-" if m.logic_id is None else str(m.logic_id), m.name)
            for m in self.mapping
        ]
        for block in self.properties:
            place = _place(block)
            table += [Row(f"{place} {key}", value) for key, value in block.items() if key not in ("NPU ID", "Chip ID")]
        return table


def sniff(text: str) -> float:
    """How likely the text is to be from ``npu-smi``."""
    text = narrow(text)
    if _TITLE.search(text) or re.search(r"\|\s*NPU\s+Name\s*\|\s*Health", text):
        return 1.0
    if re.search(r"(?m)^[ \t]*NPU ID[ \t]*:[ \t]*\d+[ \t]*$", text):
        return 0.9
    if re.search(r"NPU ID[ \t]+Chip ID[ \t]+Chip Logic ID", text) or _FAILED.search(text):
        return 1.0
    if re.search(r"(?m)^[ \t]*Aicore Usage Rate\(%\)[ \t]*:", text):
        return 0.8
    first = (_first(table_row(line)) for line in text.split("\n", 400)[:400])
    return 0.6 if any(row and row.health.upper() in _HEALTH for row in first) else 0.0


def read(text: str) -> NpuSmiReading:
    """The chips that the table names. A chip whose second row is cut off is left out and reported as missing."""
    scan = _NpuSmiScan()
    for raw in lines(text):
        if raw.isspace():
            continue
        scan.line(narrow(raw), whole=raw.endswith("\n"))
    return scan.result()


def _first(cells: list[str]) -> Chip | None:
    """The chip of a first row: card and name, health, power and temperature; the name is whatever is there."""
    if len(cells) < 3:
        return None
    number, _, name = cells[0].partition(" ")
    card, name = integer(number), " ".join(name.split())
    # A number of one or two digits is a device, so this is the second row of a chip.
    if card is None or not name or (integer(name) is not None and len(name) < 3):
        return None
    if not re.match(r"[A-Za-z]{1,20}\Z", cells[1]):
        return None
    return Chip(npu=card, chip=-1, device=None, name=name, health=cells[1])


def _words(cell: str) -> list[str]:
    """The values of a cell; used and total, which stand around a slash, are one."""
    found: list[str] = []
    for word in cell.replace("/", " / ").split():
        if found and (word == "/" or found[-1].endswith("/")) and found[-1] not in _ABSENT:
            found[-1] += word
        else:
            found.append(word)
    return found


def _place(block: dict[str, str]) -> str:
    return f"card {block.get('NPU ID', '?')} chip {block.get('Chip ID', '-')}"


class _NpuSmiScan:
    """One pass over tables and ``Key : value`` blocks, which notes what a row lacks."""

    def __init__(self) -> None:
        self.chips: dict[tuple[int, int], Chip] = {}
        self.begun: Chip | None = None
        self.tool: str | None = None
        self.driver: str | None = None
        self.processes: list[NpuProcess] | None = None
        self.mapping: list[MappedChip] = []
        self.findings = Findings()
        self.columns: list[str] = []
        self.bytes = False
        self.table = self.second_table = False  # whether rows of chips, or of processes, are expected
        self.card: dict[str, str] | None = None
        self.card_is_named = False
        self.block: dict[str, str] = {}
        self.leading = False  # whether the values of a chip follow its Chip ID
        self.properties: list[dict[str, str]] = []

    def line(self, line: str, *, whole: bool) -> None:
        if begins_part(line):
            self._drop()
            self._end_card()
            self.table = self.second_table = False
            self.columns = []
        elif found := _TITLE.search(line):
            if whole or "|" in line[found.end() :]:
                self._title(found)
        elif found := _FAILED.search(line):
            self.findings.errors.append(f"npu-smi says: {one_line(found[0])}")
        elif "Chip Logic ID" in line:
            self.columns = _COLUMNS.split(line.strip())
        elif self.columns and whole and self._map(_COLUMNS.split(line.strip())):
            pass
        elif "|" in line:
            self._row(line, table_row(line))
        else:
            self.table = self.table and line.lstrip("#>* ")[:1] in ("+", "-", "=")
            self._property(line, whole=whole)

    def _row(self, line: str, cells: list[str]) -> None:
        if "Process id" in line:
            self._drop()
            self.bytes = "memory(B)" in line
            self.processes, self.second_table = self.processes or [], True
        elif _FREE.search(line):
            self.processes = self.processes or []
        elif _HEADER.search(line):
            self._drop()
            self.table, self.second_table = True, False
        elif self.second_table and len(cells) == 4:
            self._process(cells, line)
        elif self.begun is not None and len(cells) >= 3 and self._is_second(cells):
            self._second(self.begun, cells, line)
        elif (chip := _first(cells)) and (self.table or chip.health.upper() in _HEALTH):
            self._drop()
            self._begin(chip, _words(cells[2]))
        elif self.table or self.begun is not None:
            self._drop()
            self.findings.missing.append(f"missing: a row that cannot be read: {short(line)}")

    def _is_second(self, cells: list[str]) -> bool:
        return cells[1] in _ABSENT or _BUS.match(cells[1]) is not None or cells[0].split()[1:] == []

    def _map(self, cells: list[str]) -> bool:
        """A row of ``info -m``; newer versions have a column more."""
        row = dict(zip(self.columns, cells, strict=False))
        npu, chip = integer(row.get("NPU ID", "")), integer(row.get("Chip ID", ""))
        logic = row.get("Chip Logic ID", "")
        logic_id = integer(logic)
        if len(cells) != len(self.columns) or npu is None or chip is None or (logic_id is None and logic != "-"):
            return False
        self.mapping.append(MappedChip(npu, chip, logic_id, row.get("Chip Name", "")))
        return True

    def _property(self, line: str, *, whole: bool) -> None:
        """A line of ``info -t``. ``Chip ID`` stands before the values of a chip, or after them and then ends them."""
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _KEY.match(key):
            return
        if self.card is None and _METRIC.match(key):
            self.card = {}  # with -i and -c the answer names neither card nor chip
        if not whole:
            if self.card is not None or key == "NPU ID":
                self.findings.missing.append(f"missing: the end of {short(line)!r}")
            return
        if key == "NPU ID":
            self._end_card()
            self.card = {key: value}
        elif self.card is not None and key == "Chip Count":
            self.card[key] = value
        elif self.card is not None and key == "Chip ID":
            self._chip_id(value)
        elif self.card is not None and self.block.setdefault(key, value) != value:
            self.findings.refused.append(f"{_place(self.card)}: {key} appears twice, as {self.block[key]} and {value}")

    def _chip_id(self, value: str) -> None:
        card = self.card or {}
        if self.leading or not self.block:
            self._end_chip()
            self.leading, self.card = True, {**card, "Chip ID": value}
        else:
            self.properties.append({**card, **self.block, "Chip ID": value})
            self.card_is_named = True
            self.block = {}

    def _end_chip(self) -> None:
        """End the values of a chip, in the form with ``Chip ID`` first."""
        if self.leading and self.card is not None:
            self.properties.append({**self.card, **self.block})
            self.card_is_named = True
            self.block = {}

    def _end_card(self) -> None:
        """End the values of a card; some answers name no chip (``-t board``, ``-l``)."""
        if self.leading:
            self._end_chip()
        elif self.card is not None and (self.block or not self.card_is_named):
            self.properties.append(self.card | self.block)
        self.card, self.block, self.leading, self.card_is_named = None, {}, False, False

    def _title(self, found: re.Match[str]) -> None:
        self._drop()
        if self.tool is not None and (self.tool, self.driver) != (found[1], found[2]):
            self.findings.contradictions.append(f"two tables, of npu-smi {self.tool} and {found[1]}")
        self.tool, self.driver = found[1], found[2]
        self.table, self.second_table = True, False

    def _begin(self, chip: Chip, words: list[str]) -> None:
        place = f"card {chip.npu}"
        chip.power_w = self._number(words[:1], f"{place} power")
        chip.temperature_c = self._number(words[1:2], f"{place} temperature")
        chip.hugepages_used, chip.hugepages_total = self._pair(words[2:3], f"{place} huge pages")
        self.begun, self.table = chip, True

    def _second(self, chip: Chip, cells: list[str], line: str) -> None:
        self.begun = None
        ids = cells[0].split()
        numbers = [integer(word) for word in ids]
        if (
            not ids
            or numbers[0] is None
            or not all(n is not None or w in _ABSENT for n, w in zip(numbers, ids, strict=True))
        ):
            self.findings.missing.append(f"missing: second row of card {chip.npu}: {short(line)}")
            return
        chip.chip = numbers[0]
        chip.device = numbers[1] if len(numbers) > 1 else None
        chip.bus_id = None if cells[1] in _ABSENT else cells[1]
        words, place = _words(cells[2]), f"card {chip.npu} chip {chip.chip}"
        chip.aicore_percent = self._number(words[:1], f"{place} AICore")
        # 910 cards print HBM after the memory: the first pair is the memory of the chip.
        chip.memory_used_mb, chip.memory_total_mb = self._pair(words[1:2], f"{place} memory")
        chip.hbm_used_mb, chip.hbm_total_mb = self._pair(words[2:3], f"{place} HBM")
        if (chip.npu, chip.chip) in self.chips:
            self.findings.contradictions.append(f"{place} appears more than once: the last table counts")
            del self.chips[chip.npu, chip.chip]
        self.chips[chip.npu, chip.chip] = chip

    def _number(self, words: list[str], what: str) -> Number | None:
        if not words or words[0] in _ABSENT:
            return None
        value = None if words[0].startswith(".") else real(words[0])  # ".2" has lost its first digit
        if value is None:
            self.findings.missing.append(f"missing: {what}: {short(words[0])!r} is not a number")
        return value

    def _pair(self, words: list[str], what: str) -> tuple[int | None, int | None]:
        if not words or words[0] in _ABSENT:
            return None, None
        used, _, total = words[0].partition("/")
        pair = integer(used), integer(total)
        if None in pair and not (used in _ABSENT and total in _ABSENT):
            self.findings.missing.append(f"missing: {what}: {short(words[0])!r} is not used and total")
        return pair if None not in pair else (None, None)

    def _process(self, cells: list[str], line: str) -> None:
        ids = [integer(word) for word in cells[0].split()]
        pid, memory = integer(cells[1]), integer(cells[3])
        if len(ids) != 2 or ids[0] is None or ids[1] is None or pid is None or self.processes is None:
            self.findings.missing.append(f"missing: a process that cannot be read: {short(line)}")
            return
        self.processes.append(NpuProcess(ids[0], ids[1], pid, cells[2], None if self.bytes else memory))

    def _drop(self) -> None:
        if self.begun is not None:
            self.findings.missing.append(f"missing: second row of card {self.begun.npu}")
            self.begun = None

    def result(self) -> NpuSmiReading:
        self._drop()
        self._end_card()
        found = self.findings
        chips = list(self.chips.values())
        if self.tool and self.driver and self.tool != self.driver:
            found.notes.append(f"npu-smi {self.tool} and driver {self.driver} have different versions")
        found.doubts += [f"{chip.place}: health is {chip.health}" for chip in chips if not chip.healthy]
        found.doubts += [
            f"{_place(block)}: {key} is {value}"
            for block in self.properties
            for key, value in block.items()
            if re.match(r"Health(?: Status)?\Z|NPU Health", key) and value.upper() not in ("OK", *_ABSENT)
        ]
        devices = [chip.device for chip in chips if chip.device is not None]
        if len(set(devices)) < len(devices):
            found.notes.append("two chips have the same device number")
        usable = bool(chips or self.mapping or self.properties)
        outcome = found.outcome(usable=usable, nothing="there is no chip in this text")
        versions = (self.tool, self.driver)
        return NpuSmiReading(*outcome, chips, *versions, self.processes, self.mapping, self.properties)
