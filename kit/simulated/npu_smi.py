"""npu-smi: ``info`` in the 310 layout of 21.0 and the 310P layout of 22.0; nothing else is rehearsed."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from .devices import COMMON, node_problem, npu_indices
from .machine import SimulatedMachine, mark, this_machine

__all__ = ["main"]

NOT_READY = "dcmi module initialize failed. ret is -8005"
USAGE = "Usage: npu-smi info <watch|proc|-h|-m|-l|-t type> [Options...]"


@dataclass(frozen=True)
class StandInChip:
    card: int
    index: int  # on its card
    device: int  # davinciN
    bus: str
    power: float
    temperature: int
    aicore: int
    used: int
    total: int
    health: str = "OK"


def chips(machine: SimulatedMachine) -> list[StandInChip]:
    """The chips with steady, made-up readings: a table of real ones cannot be mistaken for a measurement of speed."""
    busy = machine.has("npu-busy") or _at_work()
    health = "Alarm" if machine.has("npu-alarm") else "OK"
    small = machine.chip == "310"
    return [
        StandInChip(
            card=device // 4 if small else device,
            index=device % 4 if small else 0,
            device=device,
            bus=f"0000:{0x81 + device:02X}:00.0",
            power=12.8 if small else 15.8,
            temperature=46 + device % 4,
            aicore=87 if busy else 0,
            used=(2621 if small else 1074) + (3000 if busy else 0),
            total=8192 if small else 21534,
            health=health,
        )
        for device in npu_indices(machine)
    ]


def _at_work() -> bool:
    """Whether who asks started an inference tool as well: a stand-in sees no chip, so it looks at its siblings."""
    with contextlib.suppress(OSError):
        parent = Path("/proc", str(os.getppid()))
        for task in (parent / "task").iterdir():
            for child in (task / "children").read_text().split():
                words = Path("/proc", child, "cmdline").read_bytes().split(b"\0")
                if any(name in word for word in words[:5] for name in (b"ais_bench", b"benchmark.")):
                    return True
    return False


def table(machine: SimulatedMachine) -> str:
    """The table of ``npu-smi info``; rows are printf formats that reproduce published tables to the column."""
    tool = machine.driver_version
    driver = "22.0.2" if machine.has("npu-version-mismatch") else tool
    old = not tool.startswith("22") and machine.chip == "310"
    if old:
        width, first, second = (
            78,
            "| {:<8d}{:<10s}| {:<16s}| {:<18s}{:<21s}|",
            "| {:<8d}{:<10d}| {:<16s}| {:<18d}{:<21s}|",
        )
        heads = (
            "| NPU     Name      | Health          | Power(W)          Temp(C)              |",
            "| Chip    Device    | Bus-Id          | AICore(%)         Memory-Usage(MB)     |",
        )
        columns = (19, 17, 40)
    else:
        width, first = 92, "| {:<8d}{:<10s}| {:<16s}| {:<13s}{:<18s}{:<22s}|"
        second = "| {:<8d}{:<10d}| {:<16s}| {:<13d}{:<40s}|"
        heads = (
            "| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |",
            "| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |",
        )
        columns = (19, 17, 54)

    def rule(sign: str) -> str:
        return "+" + "+".join(sign * size for size in columns) + "+"

    title = f"npu-smi {tool}"
    lines = [
        "+" + "-" * width + "+",
        "|" + f" {title:<37}Version: {driver}".ljust(width) + "|",
        rule("-"),
        *heads,
        rule("="),
    ]
    found = chips(machine)
    for number, chip in enumerate(found):
        memory = f"{chip.used:<4d} / {chip.total:d}"
        power, heat = f"{chip.power:g}", str(chip.temperature)
        if old:
            lines.append(first.format(chip.card, machine.chip, chip.health, power, heat))
        else:
            lines.append(first.format(chip.card, machine.chip, chip.health, power, heat, "0    / 0"))
        lines.append(second.format(chip.index, chip.device, chip.bus, chip.aicore, memory))
        last = number + 1 == len(found) or found[number + 1].card != chip.card
        lines.append(rule("=" if last else "-"))
    return "\n".join(lines)


def main(program: str, argv: list[str]) -> int:
    """Run npu-smi; failures are printed to stdout, as the real one does, with status 255."""
    del program
    machine = this_machine()
    if argv != ["info"]:
        mark("npu-smi: only `npu-smi info` is rehearsed")
        print(USAGE)
        return 0 if argv in ([], ["-h"], ["--help"], ["info", "-h"]) else 1
    mark("npu-smi: the chips shown do not exist" if machine.virtual else "npu-smi: readings are made up")
    problem = refusal(machine)
    if problem:
        mark(problem)
        if machine.has("driver-mismatch"):
            print("DrvMngGetConsoleLogLevel failed. (ret=4)")
        print(NOT_READY)
        return 255
    print(table(machine))
    return 0


def refusal(machine: SimulatedMachine) -> str:
    """Why the management library cannot start, or nothing."""
    if machine.has("driver-not-loaded") or machine.has("driver-mismatch"):
        return "injected"
    for path in ("/usr/local/Ascend/driver/version.info", "/usr/local/dcmi"):
        if not os.path.exists(machine.path(path)):
            return f"{path} is not there"
    if machine.virtual:
        return ""
    if not npu_indices(machine):
        return "/dev/davinci0 is not there"
    names = [COMMON[0], *(f"davinci{index}" for index in npu_indices(machine))]
    return next(filter(None, (node_problem(machine, name) for name in names)), "")
