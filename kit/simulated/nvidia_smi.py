"""nvidia-smi of a driver with Tesla T4s: table, ``-L``, ``-q``, ``--query-gpu``, ``--query-compute-apps``."""

from __future__ import annotations

import sys
import time
import uuid

from .devices import gpu_indices, node_problem
from .versions import version_of
from .world import World, mark, world

__all__ = ["failure", "main", "uuid_of"]

NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)
RENAMED = {"clocks_throttle_reasons": "clocks_event_reasons"}


def uuid_of(minor: int) -> str:
    """A fixed UUID per device node, so that a GPU can be asked for by UUID."""
    return f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'simulated-gpu-{minor}')}"


def cuda(machine: World) -> str:
    """The newest CUDA that the driver runs."""
    return "13.0" if version_of(machine.gpu_driver) >= (580, 0, 0) else "11.0"


def failure(machine: World) -> tuple[str, int]:
    """(message, status) where the driver cannot be reached; empty and 0 where it can."""
    if machine.has("nvml-mismatch"):
        return "Failed to initialize NVML: Driver/library version mismatch", 18
    if machine.has("nvml-no-driver") or (not machine.virtual and node_problem(machine, "nvidiactl")):
        return NO_DRIVER, 9
    if machine.has("nvml-no-devices") or not gpu_indices(machine):
        return "No devices were found", 6
    return "", 0


def reading(machine: World, index: int) -> dict[str, tuple[str, str]]:
    """Value and unit by field name; readings are made up and steady."""
    busy, hot, throttled = machine.has("gpu-busy"), machine.has("gpu-hot"), machine.has("gpu-throttled")
    active = busy or hot or throttled
    mask = 0x24 if throttled else 0x0 if active else 0x1  # 0x20 software thermal slowdown, 0x4 power cap, 0x1 idle
    total = machine.gpu_memory
    used = 4096 if busy else 0
    minor = gpu_indices(machine)[index]  # NVML counts the GPUs of a container from 0
    bus = f"00000000:{0x13 + minor:02X}:00.0"
    sm = "1590" if active else "300"
    plain = {
        "timestamp": time.strftime("%Y/%m/%d %H:%M:%S.000"),
        "index": str(index),
        "count": str(len(gpu_indices(machine))),
        "name": machine.gpu,
        "gpu_name": machine.gpu,
        "uuid": uuid_of(minor),
        "gpu_uuid": uuid_of(minor),
        "serial": "[N/A]",
        "pci.bus_id": bus,
        "gpu_bus_id": bus,
        "driver_version": machine.gpu_driver,
        "vbios_version": "90.04.38.00.03",
        "persistence_mode": "Enabled",
        "compute_mode": "Default",
        "compute_cap": "7.5",
        "display_active": "Disabled",
        "display_mode": "Disabled",
        "ecc.mode.current": "Enabled",
        "ecc.mode.pending": "Enabled",
        "mig.mode.current": "[N/A]",
        "fan.speed": "[N/A]",
        "pstate": "P0" if active else "P8",
        "temperature.gpu": "90" if hot else "55",
        "pcie.link.gen.current": "3" if active else "1",
        "pcie.link.gen.max": "3",
        "pcie.link.width.current": "16",
        "pcie.link.width.max": "16",
        "clocks_throttle_reasons.active": f"0x{mask:016X}",
        "clocks_throttle_reasons.supported": "0x00000000000001FF",
    }
    for bit, name in (
        (0x1, "gpu_idle"),
        (0x2, "applications_clocks_setting"),
        (0x4, "sw_power_cap"),
        (0x8, "hw_slowdown"),
        (0x10, "sync_boost"),
        (0x20, "sw_thermal_slowdown"),
        (0x40, "hw_thermal_slowdown"),
        (0x80, "hw_power_brake_slowdown"),
    ):
        plain[f"clocks_throttle_reasons.{name}"] = "Active" if mask & bit else "Not Active"
    measured = {
        "power.draw": ("34.00" if active else "16.31", "W"),
        "power.limit": ("70.00", "W"),
        "enforced.power.limit": ("70.00", "W"),
        "power.max_limit": ("70.00", "W"),
        "clocks.current.sm": (sm, "MHz"),
        "clocks.sm": (sm, "MHz"),
        "clocks.current.graphics": (sm, "MHz"),
        "clocks.gr": (sm, "MHz"),
        "clocks.current.memory": ("5000" if active else "405", "MHz"),
        "clocks.mem": ("5000" if active else "405", "MHz"),
        "clocks.max.sm": ("1590", "MHz"),
        "clocks.max.graphics": ("1590", "MHz"),
        "clocks.max.memory": ("5001", "MHz"),
        "clocks.applications.graphics": ("585", "MHz"),
        "clocks.applications.memory": ("5001", "MHz"),
        "utilization.gpu": ("98" if busy else "6" if hot else "0", "%"),
        "utilization.memory": ("41" if busy else "0", "%"),
        "memory.used": (str(used), "MiB"),
        "memory.total": (str(total), "MiB"),
        "memory.free": (str(total - used), "MiB"),
    }
    fields = {name: (value, "") for name, value in plain.items()} | measured
    if int(machine.gpu_driver.split(".")[0]) >= 535:
        for old, new in RENAMED.items():
            fields |= {name.replace(old, new): value for name, value in fields.items() if name.startswith(old)}
    return fields


def query(machine: World, names: list[str], chosen: list[int], style: set[str]) -> int:
    """``--query-gpu``: one row per GPU; an unknown field fails the whole query."""
    rows = [reading(machine, index) for index in chosen]
    for name in names:
        if name not in reading(machine, 0):
            print(f'Field "{name}" is not a valid field to query.\n')
            return 2
    if "noheader" not in style:
        units = reading(machine, 0)
        print(", ".join(f"{name} [{units[name][1]}]" if units[name][1] else name for name in names))
    for row in rows:
        pairs = [row[name] for name in names]
        print(", ".join(value if not unit or "nounits" in style else f"{value} {unit}" for value, unit in pairs))
    return 0


def applications(machine: World, names: list[str], chosen: list[int], style: set[str]) -> int:
    known: tuple[str, ...] = (
        "gpu_uuid",
        "gpu_name",
        "gpu_bus_id",
        "gpu_serial",
        "timestamp",
        "pid",
        "process_name",
        "name",
        "used_memory",
    )
    known += ("used_gpu_memory",)
    for name in names:
        if name not in known:
            print(f'Field "{name}" is not a valid field to query.\n')
            return 2
    if "noheader" not in style:
        print(", ".join(f"{name} [MiB]" if name.startswith("used") else name for name in names))
    if machine.has("gpu-busy"):
        memory = "4096" if "nounits" in style else "4096 MiB"
        values = {"pid": "4242", "process_name": "python3", "name": "python3", "used_memory": memory}
        values |= {
            "used_gpu_memory": memory,
            "gpu_uuid": uuid_of(gpu_indices(machine)[chosen[0]]),
            "gpu_name": machine.gpu,
        }
        print(", ".join(values.get(name, "[N/A]") for name in names))
    return 0


def table(machine: World, chosen: list[int]) -> str:
    """The table, in the width of R450."""
    bar = "+-----------------------------------------------------------------------------+"
    cells = "|-------------------------------+----------------------+----------------------+"
    driver = f"{machine.gpu_driver:<13}"
    title = f"| NVIDIA-SMI {driver}Driver Version: {driver}CUDA Version: {cuda(machine):<9}|"
    lines = [time.strftime("%a %b %e %H:%M:%S %Y"), bar, title, cells]
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


def full(machine: World, chosen: list[int]) -> str:
    """``-q``: key and value lines."""
    lines = ["", "==============NVSMI LOG==============", ""]
    for key, value in (
        ("Timestamp", time.strftime("%a %b %e %H:%M:%S %Y")),
        ("Driver Version", machine.gpu_driver),
        ("CUDA Version", cuda(machine)),
        ("Attached GPUs", str(len(gpu_indices(machine)))),
    ):
        lines.append(f"{key:<42}: {value}")
    for index in chosen:
        row = {name: " ".join(filter(None, pair)) for name, pair in reading(machine, index).items()}
        lines.append(f"GPU {row['pci.bus_id']}")
        for key, name in (
            ("Product Name", "name"),
            ("Persistence Mode", "persistence_mode"),
            ("GPU UUID", "uuid"),
            ("VBIOS Version", "vbios_version"),
            ("Performance State", "pstate"),
            ("Compute Mode", "compute_mode"),
            ("GPU Current Temp", "temperature.gpu"),
            ("Power Draw", "power.draw"),
        ):
            lines.append(f"    {key:<38}: {row[name]}")
    return "\n".join(lines)


def main(program: str, argv: list[str]) -> int:
    """Run nvidia-smi."""
    del program
    machine = world()
    if argv and argv[0] in {"-h", "--help"}:
        print(
            "nvidia-smi [OPTION1 [ARG1]] [OPTION2 [ARG2]] ...\n"
            "    -L, -q, -i, --query-gpu=, --query-compute-apps=, --format="
        )
        return 0
    message, status = failure(machine)
    if status:
        print(message)
        return status
    mark("nvidia-smi: readings are made up")
    options: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in {"-i", "--id", "-f", "--filename"} and not equals:
            value = next(words, "")
        options[{"--id": "-i", "--list-gpus": "-L", "--query": "-q"}.get(name, name)] = value
    minors = gpu_indices(machine)
    everything = list(range(len(minors)))
    chosen = everything
    if "-i" in options:
        wanted = options["-i"].split(",")
        chosen = [index for index in everything if str(index) in wanted or uuid_of(minors[index]) in wanted]
        if not chosen:
            print("No devices were found")
            return 6
    style = {item.strip() for item in options.get("--format", "").split(",")}
    for name, run in (("--query-gpu", query), ("--query-compute-apps", applications)):
        if name in options:
            if "csv" not in style:
                print('"--format=" switch is missing. "csv" is required.')
                return 2
            return run(machine, [item.strip() for item in options[name].split(",")], chosen, style)
    if "-L" in options:
        for index in chosen:
            print(f"GPU {index}: {machine.gpu} (UUID: {uuid_of(minors[index])})")
        return 0
    unknown = set(options) - {"-i", "-q", "-d", "-x"}
    if unknown:
        # Settings (-pm, -ac, -lgc) are refused: a rehearsal must not pretend to have locked clocks.
        print(
            "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help. "
            f"({' '.join(sorted(unknown))})"
        )
        return 1
    print(full(machine, chosen) if "-q" in options else table(machine, chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main("nvidia-smi", sys.argv[1:]))
