"""npu-smi: ``info`` in the 310 layout of 21.0 and the 310P layout of 22.0, ``info -m | -l | -t TYPE -i CARD``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from .devices import COMMON, node_problem, npu_indices
from .world import World, mark, world

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


def chips(machine: World) -> list[StandInChip]:
    """The chips with steady, made-up readings: a table of real ones cannot be mistaken for a measurement of speed."""
    busy = machine.has("npu-busy")
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


def table(machine: World) -> str:
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


def mapping(machine: World) -> str:
    lines = ["".join(f"{text:<31}" for text in ("NPU ID", "Chip ID", "Chip Logic ID")) + "Chip Name"]
    found = chips(machine)
    for card in sorted({chip.card for chip in found}):
        mine = [chip for chip in found if chip.card == card]
        lines += [f"{card:<31}{chip.index:<31}{chip.device:<31}Ascend {machine.chip}" for chip in mine]
        lines.append(f"{card:<31}{len(mine):<31}{'-':<31}Mcu")
    return "\n".join(lines)


def listing(machine: World) -> str:
    found = chips(machine)
    cards = sorted({chip.card for chip in found})
    rows: list[tuple[str, object]] = [("Total Count", len(cards))]
    for card in cards:
        rows += [("NPU ID", card), ("Chip Count", sum(chip.card == card for chip in found))]
    return pairs(rows)


def pairs(rows: list[tuple[str, object]]) -> str:
    return "\n".join(f"\t{key:<30} : {value}" for key, value in rows)


def details(machine: World, kind: str, card: int, only: int | None) -> str | None:
    """``info -t TYPE -i CARD [-c CHIP]``: key and value lines, ``Chip ID`` last in each block; None: no such card."""
    found = [chip for chip in chips(machine) if chip.card == card and only in {None, chip.index}]
    if not found:
        return None
    rows: list[tuple[str, object]] = [("NPU ID", card)]
    if only is None:
        rows.append(("Chip Count", len(found)))
    for chip in found:
        if kind == "usages":
            rows += [
                ("DDR Capacity(MB)", chip.total),
                ("DDR Usage Rate(%)", 100 * chip.used // chip.total),
                ("Aicore Usage Rate(%)", chip.aicore),
                ("Aicpu Usage Rate(%)", 0),
                ("Ctrlcpu Usage Rate(%)", 0),
                ("DDR Bandwidth Usage Rate(%)", 0),
            ]
        elif kind == "common":
            rows += [
                ("Aicore Usage Rate(%)", chip.aicore),
                ("Temperature(C)", chip.temperature),
                ("NPU Real-time Power(W)", chip.power),
                ("Health", chip.health),
            ]
        elif kind == "board":
            rows += [("Chip Type", "Ascend"), ("Chip Name", machine.chip), ("PCIe Bus Info", chip.bus)]
            rows += [("Software Version", machine.driver_version), ("Firmware Version", machine.driver_version)]
        else:
            rows += [("Product Type", "IT21MDCP" if machine.chip == "310" else "Atlas 300I Pro")]
        rows.append(("Chip ID", chip.index))
    return pairs(rows)


def main(program: str, argv: list[str]) -> int:
    """Run npu-smi; failures are printed to stdout, as the real one does, with status 255."""
    del program
    machine = world()
    if argv in (["-v"], ["--version"]):
        print(f"npu-smi version: {machine.driver_version}")
        return 0
    if not argv or argv[0] != "info" or argv[1:2] in (["-h"], ["--help"]):
        print(USAGE)
        return 0 if argv[:1] == ["info"] or argv in ([], ["-h"], ["--help"]) else 1
    mark("npu-smi: the chips shown do not exist" if machine.virtual else "npu-smi: readings are made up")
    problem = refusal(machine)
    if problem:
        mark(problem)
        if machine.has("driver-mismatch"):
            print("DrvMngGetConsoleLogLevel failed. (ret=4)")
        print(NOT_READY)
        return 255
    rest = argv[1:]
    if not rest:
        print(table(machine))
        return 0
    if rest == ["-m"]:
        print(mapping(machine))
        return 0
    if rest == ["-l"]:
        print(listing(machine))
        return 0
    options = dict(zip(rest[::2], rest[1::2], strict=False))
    kind = options.get("-t", "")
    card, chip = options.get("-i", ""), options.get("-c", "")
    if kind not in {"common", "usages", "board", "product"} or not card.isdigit() or (chip and not chip.isdigit()):
        print("Error parameter of -t." if kind else USAGE)
        return 1
    text = details(machine, kind, int(card), int(chip) if chip else None)
    if text is None:
        print("The NPU ID is invalid. Please check whether the input is correct.")
        return 1
    print(text)
    return 0


def refusal(machine: World) -> str:
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


if __name__ == "__main__":
    sys.exit(main("npu-smi", sys.argv[1:]))
