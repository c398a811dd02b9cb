"""What ``npu-smi`` prints about a chip, a process on it, and its place in the machine."""

from __future__ import annotations

from dataclasses import dataclass

from kit.toollogs.numbers import Number
from kit.toollogs.output import Row, present_rows

__all__ = ["Chip", "MappedChip", "NpuProcess"]


@dataclass(slots=True)
class Chip:
    """One chip. None where npu-smi prints NA or the log lacks the value."""

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
    def healthy(self) -> bool:
        """Whether npu-smi reports the chip as healthy."""
        return self.health.upper() == "OK"

    @property
    def place(self) -> str:
        """How messages name the chip."""
        return f"card {self.npu} chip {self.chip}" if self.device is None else f"device {self.device}"

    def rows(self) -> list[Row]:
        """The chip in the table for people."""
        place = self.place
        return [
            Row(place, self.soc_version, f"card {self.npu} chip {self.chip}, {self.health}"),
            *present_rows(
                (f"{place} power", self.power_w, "W"),
                (f"{place} temperature", self.temperature_c, "C"),
                (f"{place} AICore", self.aicore_percent, "%"),
                (f"{place} huge pages", _used_of(self.hugepages_used, self.hugepages_total), "pages"),
                (f"{place} memory", _used_of(self.memory_used_mb, self.memory_total_mb), "MB"),
                (f"{place} HBM", _used_of(self.hbm_used_mb, self.hbm_total_mb), "MB"),
                (f"{place} bus", self.bus_id, ""),
            ),
        ]

    @property
    def soc_version(self) -> str:
        """What ``atc --soc_version`` takes for this chip."""
        return f"Ascend{self.name}" if self.name[:1].isdigit() else self.name


def _used_of(used: int | None, total: int | None) -> str | None:
    return None if total is None else f"{used} / {total}"


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
