"""The GPUs of this host as its driver lists them, without running a vendor's program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kit.planning.step import Devices
from kit.planning.target import DeviceAccess
from kit.targets.cards import host_root

__all__ = ["HostGpu", "device_access", "driver_version", "gpus", "request"]

_UUID = re.compile(r"GPU-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VERSION = re.compile(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)")


@dataclass(frozen=True)
class HostGpu:
    """One GPU. ``uuid`` is None while the driver has not initialised it."""

    bus: str
    model: str
    uuid: str | None


def driver_version(top: Path | None = None) -> str | None:
    """Version of the loaded kernel module; None where it is not loaded."""
    try:
        text = ((host_root() if top is None else top) / "proc/driver/nvidia/version").read_text(errors="replace")
    except OSError:
        return None
    match = _VERSION.search(text)
    return match[1] if match else "unknown"


def gpus(top: Path | None = None) -> list[HostGpu]:
    """The GPUs in the order of their bus addresses, which is the order in which nvidia-smi counts them."""
    folder = (host_root() if top is None else top) / "proc/driver/nvidia/gpus"
    found = []
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
    for name in names:
        try:
            text = (folder / name / "information").read_text(errors="replace")
        except OSError:
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        uuid = facts.get("GPU UUID", "").strip()
        found.append(HostGpu(name, facts.get("Model", "").strip(), uuid if _UUID.fullmatch(uuid) else None))
    return found


def request(device: int, uuid: str | None) -> str:
    """The UUID of the GPU, which no restart renumbers, or its index where none is known."""
    if uuid:
        return uuid
    known = gpus()
    found = known[device].uuid if device < len(known) else None
    return found or str(device)


def device_access(device: int, uuid: str | None) -> DeviceAccess:
    """How a container gets that GPU, which is GPU 0 in the container whatever its number on the host."""
    gpu = request(device, uuid)
    devices = Devices(gpus=(gpu,), leases=(f"gpu-{gpu}",))
    return DeviceAccess(devices, {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}, present=bool(gpus()))
