"""nvidia-smi of a driver with Tesla T4s: the table, and ``--query-gpu``; nothing else is rehearsed."""

from __future__ import annotations

import time
import uuid

from .devices import device_indices, node_problem
from .machine import SimulatedMachine, mark, this_machine
from .versions import version_of

__all__ = ["failure", "main", "uuid_of"]

NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)


def uuid_of(minor: int) -> str:
    """A fixed UUID per device node, so that a GPU can be asked for by UUID."""
    return f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'simulated-gpu-{minor}')}"


def failure(machine: SimulatedMachine) -> tuple[str, int]:
    """(message, status) where the driver cannot be reached; empty and 0 where it can."""
    if machine.has("nvml-mismatch"):
        return "Failed to initialize NVML: Driver/library version mismatch", 18
    if machine.has("nvml-no-driver") or (not machine.virtual and node_problem(machine, "nvidiactl")):
        return NO_DRIVER, 9
    if machine.has("nvml-no-devices") or not device_indices(machine, "nvidia"):
        return "No devices were found", 6
    return "", 0


def reading(machine: SimulatedMachine, index: int) -> dict[str, tuple[str, str]]:
    """Value and unit by field name; readings are made up and steady."""
    busy, hot, throttled = machine.has("gpu-busy"), machine.has("gpu-hot"), machine.has("gpu-throttled")
    active = busy or hot or throttled
    mask = 0x24 if throttled else 0x0 if active else 0x1  # 0x20 software thermal slowdown, 0x4 power cap, 0x1 idle
    total = machine.gpu_memory
    used = 4096 if busy else 0
    minor = device_indices(machine, "nvidia")[index]  # NVML counts the GPUs of a container from 0
    return {
        "index": (str(index), ""),
        "name": (machine.gpu, ""),
        "uuid": (uuid_of(minor), ""),
        "pci.bus_id": (f"00000000:{0x13 + minor:02X}:00.0", ""),
        "driver_version": (machine.gpu_driver, ""),
        "vbios_version": ("90.04.38.00.03", ""),
        "persistence_mode": ("Enabled", ""),
        "compute_mode": ("Default", ""),
        "compute_cap": ("7.5", ""),
        "ecc.mode.current": ("Enabled", ""),
        "mig.mode.current": ("[N/A]", ""),
        "pstate": ("P0" if active else "P8", ""),
        "temperature.gpu": ("90" if hot else "55", ""),
        "pcie.link.gen.current": ("3" if active else "1", ""),
        "pcie.link.width.current": ("16", ""),
        "clocks_throttle_reasons.active": (f"0x{mask:016X}", ""),
        "power.draw": ("34.00" if active else "16.31", "W"),
        "power.limit": ("70.00", "W"),
        "clocks.current.sm": ("1590" if active else "300", "MHz"),
        "clocks.current.memory": ("5000" if active else "405", "MHz"),
        "clocks.max.sm": ("1590", "MHz"),
        "clocks.applications.graphics": ("585", "MHz"),
        "utilization.gpu": ("98" if busy else "6" if hot else "0", "%"),
        "memory.used": (str(used), "MiB"),
        "memory.total": (str(total), "MiB"),
        "memory.free": (str(total - used), "MiB"),
    }


def query(machine: SimulatedMachine, names: list[str], chosen: list[int], style: set[str]) -> int:
    """``--query-gpu``: one row per GPU; an unknown field fails the whole query."""
    known = reading(machine, 0)
    for name in names:
        if name not in known:
            print(f'Field "{name}" is not a valid field to query.\n')
            return 2
    if "noheader" not in style:
        print(", ".join(f"{name} [{known[name][1]}]" if known[name][1] else name for name in names))
    for index in chosen:
        pairs = [reading(machine, index)[name] for name in names]
        print(", ".join(value if not unit or "nounits" in style else f"{value} {unit}" for value, unit in pairs))
    return 0


def table(machine: SimulatedMachine, chosen: list[int]) -> str:
    """The table, in the width of R450."""
    bar = "+-----------------------------------------------------------------------------+"
    rule = "|-------------------------------+----------------------+----------------------+"
    driver = f"{machine.gpu_driver:<13}"
    cuda = "13.0" if version_of(machine.gpu_driver) >= (580, 0, 0) else "11.0"
    title = f"| NVIDIA-SMI {driver}Driver Version: {driver}CUDA Version: {cuda:<9}|"
    lines = [time.strftime("%a %b %e %H:%M:%S %Y"), bar, title, rule]
    lines += [
        "| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |",
        "| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |",
        "|                               |                      |               MIG M. |",
        "|===============================+======================+======================|",
    ]
    for index in chosen:
        row = {name: value for name, (value, _) in reading(machine, index).items()}
        power = f"{float(row['power.draw']):.0f}W / {float(row['power.limit']):3.0f}W"
        memory = f"{row['memory.used']}MiB / {row['memory.total']}MiB"
        lines += [
            f"| {index:>3}  {row['name']:<20}On   | {row['pci.bus_id']} Off | {'0':>20} |",
            (
                f"| N/A  {row['temperature.gpu']:>3}C    {row['pstate']:<2}{power:>14} | {memory:>20} | "
                f"{row['utilization.gpu'] + '%':>7} {'Default':>12} |"
            ),
            f"|                               |                      | {'N/A':>20} |",
            "+-------------------------------+----------------------+----------------------+",
        ]
    lines += ["", bar, f"| {'Processes:':<76}|"]
    lines += [
        "|  GPU   GI   CI        PID   Type   Process name                  GPU Memory |",
        "|        ID   ID                                                   Usage      |",
        "|=============================================================================|",
    ]
    if machine.has("gpu-busy"):
        lines.append(f"| {chosen[0]:>4}   N/A  N/A      4242      C   {'python3':<31}{'4096MiB':>9} |")
    else:
        lines.append("|  No running processes found                                                 |")
    return "\n".join([*lines, bar])


def main(program: str, argv: list[str]) -> int:
    """Run nvidia-smi."""
    del program
    machine = this_machine()
    message, status = failure(machine)
    if status:
        print(message)
        return status
    mark("nvidia-smi: readings are made up; the table and --query-gpu are rehearsed")
    options: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in {"-i", "--id"}:
            name, value = "--id", value if equals else next(words, "")
        options[name] = value
    minors = device_indices(machine, "nvidia")
    chosen = list(range(len(minors)))
    if "--id" in options:
        wanted = options["--id"].split(",")
        chosen = [index for index in chosen if str(index) in wanted or uuid_of(minors[index]) in wanted]
        if not chosen:
            print("No devices were found")
            return 6
    unknown = sorted(set(options) - {"--id", "--query-gpu", "--format"})
    if unknown:
        # Settings (-pm, -ac, -lgc) are refused: a rehearsal must not pretend to have locked clocks.
        print(f"Invalid combination of input arguments. Please run 'nvidia-smi -h' for help. ({' '.join(unknown)})")
        return 1
    if "--query-gpu" not in options:
        print(table(machine, chosen))
        return 0
    style = {item.strip() for item in options.get("--format", "").split(",")}
    if "csv" not in style:
        print('"--format=" switch is missing. "csv" is required.')
        return 2
    return query(machine, [item.strip() for item in options["--query-gpu"].split(",")], chosen, style)
