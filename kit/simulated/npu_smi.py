"""npu-smi: ``info`` in the 310 layout of 21.0 and the 310P layout of 22.0; nothing else is rehearsed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .devices import COMMON, device_indices, node_problem
from .machine import SimulatedMachine, mark, this_machine

__all__ = ["main"]

NOT_READY = "dcmi module initialize failed. ret is -8005"
USAGE = "Usage: npu-smi info <watch|proc|-h|-m|-l|-t type> [Options...]"
#: Width of the title, widths of the columns, two lines of headings, and the two rows of a chip.
LAYOUT_21 = (
    78,
    (19, 17, 40),
    "| NPU     Name      | Health          | Power(W)          Temp(C)              |",
    "| Chip    Device    | Bus-Id          | AICore(%)         Memory-Usage(MB)     |",
    "| {card:<8}{name:<10}| {health:<16}| {power:<18}{temperature:<21}|",
    "| {index:<8}{device:<10}| {bus:<16}| {aicore:<18}{memory:<21}|",
)
LAYOUT_22 = (
    92,
    (19, 17, 54),
    "| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |",
    "| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |",
    "| {card:<8}{name:<10}| {health:<16}| {power:<13}{temperature:<18}0    / 0              |",
    "| {index:<8}{device:<10}| {bus:<16}| {aicore:<13}{memory:<40}|",
)


def chips(machine: SimulatedMachine) -> list[dict[str, object]]:
    """The chips, with constant, made-up readings."""
    busy = machine.has("npu-busy") or _at_work()
    small = machine.chip == "310"
    used, total = (2621, 8192) if small else (1074, 21534)
    return [
        {
            "card": device // 4 if small else device,
            "index": device % 4 if small else 0,
            "device": device,
            "name": machine.chip,
            "health": "Alarm" if machine.has("npu-alarm") else "OK",
            "bus": f"0000:{0x81 + device:02X}:00.0",
            "power": "12.8" if small else "15.8",
            "temperature": str(46 + device % 4),
            "aicore": 87 if busy else 0,
            "memory": f"{used + 3000 * busy:<4d} / {total}",
        }
        for device in device_indices(machine, "davinci")
    ]


def _at_work() -> bool:
    """Whether the caller also runs an inference tool: a stand-in sees no chip, so it looks at its siblings."""
    with contextlib.suppress(OSError):
        parent = Path("/proc", str(os.getppid()))
        for task in (parent / "task").iterdir():
            for child in (task / "children").read_text().split():
                words = Path("/proc", child, "cmdline").read_bytes().split(b"\0")
                if any(name in word for word in words[:5] for name in (b"ais_bench", b"benchmark.")):
                    return True
    return False


def table(machine: SimulatedMachine) -> str:
    """The table of ``npu-smi info``, whose rows match published tables to the column."""
    tool = machine.driver_version
    driver = "22.0.2" if machine.has("npu-version-mismatch") else tool
    old = machine.chip == "310" and not tool.startswith("22")
    width, columns, head, second_head, row, second_row = LAYOUT_21 if old else LAYOUT_22
    thin, thick = ("+" + "+".join(sign * size for size in columns) + "+" for sign in "-=")
    title = f" {f'npu-smi {tool}':<37}Version: {driver}"
    lines = ["+" + "-" * width + "+", f"|{title:<{width}}|", thin, head, second_head, thick]
    found = chips(machine)
    for chip, following in zip(found, [*found[1:], None], strict=True):
        last = following is None or following["card"] != chip["card"]
        lines += [row.format_map(chip), second_row.format_map(chip), thick if last else thin]
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
    chips_here = device_indices(machine, "davinci")
    names = [COMMON[0], *(f"davinci{index}" for index in chips_here or [0])]
    return next(filter(None, (node_problem(machine, name) for name in names)), "")
