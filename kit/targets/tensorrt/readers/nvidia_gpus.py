"""What ``nvidia-smi`` says of a GPU, its MIG devices and the processes on it, in whatever form it was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from kit.toollogs.numbers import Number
from kit.toollogs.output import Row, present

__all__ = [
    "ABSENT", "AMOUNT", "FAULT", "THROTTLE_BITS", "Gpu", "GpuProcess", "MigDevice", "faults_of", "throttle_reasons",
]  # fmt: skip

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
#: In place of a value that the board does not have.
ABSENT = re.compile(r"\[?(?:N/A|Not Supported|Not Found|Unknown Error|Unknown|None|Insufficient Permissions|\?)?\]?\Z")
#: In place of a value of a board that no longer answers.
FAULT = re.compile(r"\[?(?:ERR!|GPU requires reset|GPU is lost)\]?\Z")
#: A number with its unit.
AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?)(?:x| ?(?:MiB|MB|W|MHz|%|C))?\Z")


@dataclass(slots=True)
class GpuProcess:
    """A process on a GPU; memory in MiB, None where the driver does not say it (other containers, WSL).

    ``use`` holds what ``pmon`` samples: per cent of sm, mem, enc and dec.
    """

    pid: int
    name: str
    memory_mib: Number | None = None
    gpu: int | None = None
    gpu_uuid: str | None = None
    type: str | None = None
    gpu_instance: int | None = None
    use: dict[str, Number | str | None] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The process as ``kit read --json`` prints it."""
        order = ("gpu", "gpu_uuid", "gpu_instance", "pid", "type", "name", "memory_mib", "use")
        return present(**{key: getattr(self, key) for key in order})

    def row(self) -> Row:
        """The process in the table for people."""
        parts = [] if self.memory_mib is None else [f"{self.memory_mib} MiB"]
        parts += [] if self.gpu is None else [f"GPU {self.gpu}"]
        parts += [] if self.gpu_instance is None else [f"instance {self.gpu_instance}"]
        parts += [] if self.gpu_uuid is None else [self.gpu_uuid]
        parts += [f"{key} {value}" for key, value in self.use.items() if value is not None]
        return Row(f"process {self.pid}", self.name, ", ".join(parts))


@dataclass(slots=True)
class MigDevice:
    """A slice of a GPU; memory in MiB, ``multiprocessors`` of its own. None where the form does not say it."""

    gpu: int
    device: int
    gpu_instance: int | None = None
    compute_instance: int | None = None
    memory_used_mib: Number | None = None
    memory_total_mib: Number | None = None
    multiprocessors: int | None = None
    profile: str | None = None
    uuid: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The device as ``kit read --json`` prints it."""
        return present(**asdict(self))

    def row(self) -> Row:
        """The device in the table for people."""
        named = {
            "instance": self.gpu_instance,
            "compute instance": self.compute_instance,
            "SM": self.multiprocessors,
        }
        parts = [f"{label} {value}" for label, value in named.items() if value is not None]
        parts += [text for text in (self.profile, self.uuid) if text is not None]
        memory = "" if self.memory_total_mib is None else f"{self.memory_used_mib} / {self.memory_total_mib} MiB"
        return Row(f"GPU {self.gpu} MIG device {self.device}", memory, ", ".join(parts))


@dataclass(slots=True)
class Gpu:
    """One GPU: ``values`` by the field names of ``--query-gpu``; ``faults`` are fields that say ERR! or the like."""

    values: dict[str, Number | str | None] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

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

    def as_json(self) -> dict[str, Any]:
        """The GPU as ``kit read --json`` prints it."""
        return self.values | present(throttle_reasons=",".join(self.throttle), faults=dict(self.faults))

    def rows(self, position: int) -> list[Row]:
        """The GPU in the table for people; ``position`` names it where nvidia-smi does not."""
        place = f"GPU {position if self.index is None else self.index}"
        table = [
            Row(f"{place} {key}", self.faults.get(key, "not said" if value is None else str(value)))
            for key, value in self.values.items()
            if key != "index"
        ]
        return table + ([Row(f"{place} throttle reasons", ", ".join(self.throttle))] if self.throttle else [])


def faults_of(gpus: Iterable[Gpu]) -> list[str]:
    """A sentence about each GPU that is in error."""
    found = []
    for position, gpu in enumerate(gpus):
        if gpu.faults:
            index = position if gpu.index is None else gpu.index
            said = ", ".join(sorted(set(gpu.faults.values())))
            found.append(f"GPU {index} {gpu.name or ''}".strip() + f" is in error: {said} for {', '.join(gpu.faults)}")
    return found


def throttle_reasons(mask: str) -> list[str]:
    """``0x0000000000000004`` -> [sw_power_cap]; unknown bits as ``bit 0x200``."""
    if not re.match(r"(?:0[xX])?[0-9a-fA-F]{1,16}\Z", mask):
        return []
    value = int(mask, 16)
    known = [name for bit, name in THROTTLE_BITS.items() if value & bit]
    rest = value & ~sum(THROTTLE_BITS)
    return known + ([f"bit {rest:#x}"] if rest else [])
