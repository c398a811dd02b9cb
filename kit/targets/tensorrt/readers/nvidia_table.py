"""The table of ``nvidia-smi``: three rows of three columns for each GPU (two before MIG); MIG devices; processes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kit.targets.tensorrt.readers.nvidia_gpus import ABSENT, AMOUNT, FAULT, Gpu, GpuProcess, MigDevice
from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, integer, real
from kit.toollogs.text import narrow, short, table_row

__all__ = ["NvidiaTable", "is_table"]

_TITLE = re.compile(
    r"NVIDIA-SMI\s+(\d[\d.]*)\s+(?:Driver Version|KMD Version):\s+(\d[\d.]*)(?:\s+CUDA Version:\s+(\d[\d.]*|N/A|ERR!))?"
)
_BUS = re.compile(r"(?:[0-9A-Fa-f]{4,8}:[0-9A-Fa-f:.]+|N/A|ERR!)\Z")
_PERSISTENCE = {"On": "Enabled", "Off": "Disabled"}
_MODES = ("On", "Off", "N/A", "ERR!", "WDDM", "TCC", "MCDM")
_TYPES = ("C", "G", "C+G", "M+C", "M", "M+C+G")
_SPACED = re.compile(
    r"(Unknown|Not|Insufficient|GPU)[ \t]+(Error|Supported|Permissions|requires[ \t]+reset|is[ \t]+lost)"
)


def is_table(text: str) -> bool:
    """Whether the text holds the title of such a table."""
    return _TITLE.search(text) is not None


def _words(cell: str) -> list[str]:
    """The values of a cell; a slash between two of them is left out."""
    words = _SPACED.sub(lambda found: found[0].replace(" ", "_"), cell).split()
    return [word.replace("_", " ") if _SPACED.match(word.replace("_", " ")) else word for word in words if word != "/"]


@dataclass(slots=True)
class NvidiaTable:
    """One pass over the lines: the GPUs of the last table, and what of it could not be read."""

    gpus: list[Gpu] = field(default_factory=list)
    processes: list[GpuProcess] | None = None
    mig: list[MigDevice] = field(default_factory=list)
    versions: tuple[str | None, str | None, str | None] = (None, None, None)
    missing: list[str] = field(default_factory=list)
    tables: int = 0
    _gpu: Gpu | None = None
    _row: int = 0  # which row of the GPU comes next
    _part: str = "gpus"

    def line(self, raw: str) -> None:
        """Take the next line."""
        line = narrow(raw)
        if begins_part(raw):
            self.end()
            self._part = "gpus"
        elif title := _TITLE.search(line):
            if raw.endswith("\n"):
                self._title(title)
        elif "MIG devices:" in line:
            self.end()
            self._part = "mig"
        elif "Processes:" in line:
            self.end()
            self._part, self.processes = "processes", self.processes or []
        elif cells := table_row(line):
            self._cells(cells, line)
        elif line.lstrip("#> ").startswith("+") and self._gpu is not None and self._row > 1:
            self._gpu = None

    def end(self) -> None:
        """Drop a GPU whose second row is missing when something else begins."""
        if self._gpu is not None and self._row == 1:
            self.missing.append(f"second row of GPU {self._gpu.index}")
            self.gpus.remove(self._gpu)
        self._gpu = None

    def _title(self, title: re.Match[str]) -> None:
        self.end()
        self.versions = (title[1], title[2], title[3] if title[3] and title[3][0].isdigit() else None)
        self.tables += 1
        if self.tables > 1:  # an earlier table is of another moment
            self.gpus, self.processes, self.mig = [], None, []
        self._part = "gpus"

    def _cells(self, cells: list[str], line: str) -> None:
        if self._part == "processes" and len(cells) == 1:
            self._process(cells[0], line)
        elif self._part == "mig" and len(cells) >= 3:
            self._mig_device(cells, line)
        elif self._part == "gpus" and len(cells) == 3:
            self._gpu_row(cells, line)

    def _gpu_row(self, cells: list[str], line: str) -> None:
        number, _, rest = cells[0].partition(" ")
        bus = _words(cells[1])[:1]
        if number[:1].isdigit() and rest and bus and _BUS.match(bus[0]) and "/" not in cells[1].replace("N/A", ""):
            self.end()
            self._first(integer(number), rest.split(), cells, line)
        elif self._gpu is not None and self._row == 1:
            self._second(self._gpu, cells, line)
        elif self._gpu is not None and self._row == 2 and not cells[0] and cells[2]:
            self._put(self._gpu, "mig.mode.current", cells[2])
            self._gpu = None
        elif number[:1].isdigit() and not number.endswith(("%", "C", "W")):
            self.missing.append(f"a row that cannot be read: {short(line)}")

    def _first(self, index: int | None, words: list[str], cells: list[str], line: str) -> None:
        mode = words.pop() if words and words[-1] in _MODES else ""
        if index is None or not words:
            self.missing.append(f"a row that cannot be read: {short(line)}")
            return
        gpu = Gpu({"index": index, "name": " ".join(words)})
        bus, *display = _words(cells[1])
        self._put(gpu, "pci.bus_id", bus)
        if mode in (*_PERSISTENCE, "ERR!"):
            self._put(gpu, "persistence_mode", _PERSISTENCE.get(mode, mode))
        if display and display[0] not in ("On", "Off", "N/A", "ERR!"):
            self.missing.append(f"a row that cannot be read: {short(line)}")
        elif display and display[0] != "N/A":
            self._put(gpu, "display_active", _PERSISTENCE.get(display[0], display[0]))
        self._put(gpu, "ecc.errors.uncorrected.volatile.total", cells[2])
        self.gpus.append(gpu)
        self._gpu, self._row = gpu, 1

    def _second(self, gpu: Gpu, cells: list[str], line: str) -> None:
        state, memory, use = _words(cells[0]), _words(cells[1]), _words(cells[2])
        if len(memory) == 1:
            memory *= 2  # "Not Supported" is said once
        if len(state) == 4:
            state.insert(0, "N/A")  # boards without a fan column
        if len(state) != 5 or len(memory) != 2 or not use:
            self.missing.append(f"a row that cannot be read: {short(line)}")
            self.gpus.remove(gpu)
            self._gpu = None
            return
        names = ("fan.speed", "temperature.gpu", "pstate", "power.draw", "power.limit")
        for name, word in zip((*names, "memory.used", "memory.total"), (*state, *memory), strict=True):
            self._put(gpu, name, word)
        self._put(gpu, "utilization.gpu", use[0])
        if use[1:]:
            self._put(gpu, "compute_mode", " ".join(use[1:]))
        self._row = 2

    def _put(self, gpu: Gpu, name: str, word: str) -> None:
        """A value of the table, a fault, or None where the board has none."""
        value: Number | str | None = None
        if FAULT.match(word):
            gpu.faults[name] = word
        elif amount := AMOUNT.match(word):
            value = real(amount[1])
        elif not ABSENT.match(word):
            value = word
        gpu.values[name] = value

    def _mig_device(self, cells: list[str], line: str) -> None:
        """``GPU GI CI device | used / total | SM ...``; the row below it, without numbers, is of BAR1."""
        if not cells[0] or not cells[0][0].isdigit():
            return
        ids, memory, sm = cells[0].split(), _words(cells[1]), cells[2].split()
        numbers = [value for word in ids if (value := integer(word)) is not None]
        if len(numbers) != 4 or len(ids) != 4:
            self.missing.append(f"a MIG device that cannot be read: {short(line)}")
            return
        amounts = [real(found[1]) if (found := AMOUNT.match(word)) else None for word in memory[:2]] + [None, None]
        self.mig.append(
            MigDevice(
                gpu=numbers[0],
                device=numbers[3],
                gpu_instance=numbers[1],
                compute_instance=numbers[2],
                memory_used_mib=amounts[0],
                memory_total_mib=amounts[1],
                multiprocessors=integer(sm[0]) if sm else None,
            )
        )

    def _process(self, cell: str, line: str) -> None:
        words = cell.split()
        gpu = integer(words[0]) if words else None
        if gpu is None:
            if words and words[0][0].isdigit():
                self.missing.append(f"a process that cannot be read: {short(line)}")
            return
        place = 2 if words[2:3] and words[2] in _TYPES else 4 if words[4:5] and words[4] in _TYPES else 0
        pid = integer(words[place - 1]) if place else None
        memory = AMOUNT.match(words[-1])
        if pid is None or len(words) < place + 3 or self.processes is None:
            self.missing.append(f"a process that cannot be read: {short(line)}")
            return
        instance = integer(words[1]) if place == 4 else None
        name = " ".join(words[place + 1 : -1])
        self.processes.append(
            GpuProcess(pid, name, real(memory[1]) if memory else None, gpu, type=words[place], gpu_instance=instance)
        )
