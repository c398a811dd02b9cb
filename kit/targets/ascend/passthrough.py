"""Which device nodes, driver files, groups and runtime a container needs for one Ascend chip.

A PCIe card of 310 or 310P needs four kinds of node: ``davinciN`` for each chip, ``davinci_manager``, ``devmm_svm`` and
``hisi_hdc``; and the host's own user-space driver, read-only. No privilege, no capability.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

from kit.planning.step import Devices
from kit.planning.target import DeviceAccess
from kit.targets.cards import host_root

__all__ = ["DRIVER_FILES", "MANAGERS", "RUNTIME", "chip_nodes", "device_access", "has_chip", "has_runtime"]

#: Nodes that every container with a chip needs besides the chip's own.
MANAGERS = ("/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc")
#: Driver files of the host; those that exist are mounted. npu-smi is in sbin on an Atlas 200.
DRIVER_FILES = (
    "/usr/local/Ascend/driver",
    "/usr/local/dcmi",
    "/usr/local/bin/npu-smi",
    "/usr/local/sbin/npu-smi",
    "/etc/ascend_install.info",
)
#: Name of ascend-docker-runtime in the engine's configuration.
RUNTIME = "ascend"


def chip_nodes(device: int) -> tuple[str, ...]:
    """Nodes of the chips from 0 to ``device``.

    A container that has only ``davinci2`` may know that chip as 2 or as 0; which of them no document says. With all
    chips from 0 upwards both ways of counting give the same number.
    """
    return tuple(f"/dev/davinci{number}" for number in range(device + 1))


def has_runtime(top: Path) -> bool:
    """Whether the engine of this host is configured with ascend-docker-runtime, and the program is there."""
    try:
        with (top / "etc/docker/daemon.json").open("rb") as file:
            runtimes = json.loads(file.read(1 << 20)).get("runtimes", {})
        path = runtimes[RUNTIME]["path"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return isinstance(path, str) and (top / path.lstrip("/")).is_file()


def device_access(device: int, way: str = "auto", *, top: Path | None = None) -> DeviceAccess:
    """How a container gets chip ``device``.

    Args:
        device: N of ``/dev/davinciN`` on the host.
        way: ``devices`` for plain nodes, ``runtime`` for ascend-docker-runtime, ``auto`` for the second where it is.
        top: root of the host's files; default: :func:`kit.targets.cards.host_root`.
    """
    top = host_root() if top is None else top
    nodes = (*chip_nodes(device), *MANAGERS)
    groups = _groups(top, nodes)
    present = has_chip(device, top=top)
    # The chip itself first: its name is what a second run finds taken.
    leases = tuple(f"davinci{number}" for number in range(device, -1, -1))
    if way == "runtime" or (way == "auto" and has_runtime(top)):
        chips = "0" if device == 0 else f"0-{device}"
        devices = Devices(groups=groups, runtime=RUNTIME, leases=leases)
        return DeviceAccess(devices, {"ASCEND_VISIBLE_DEVICES": chips}, present)
    files = tuple(_shown(top, path) for path in DRIVER_FILES if _at(top, path).exists())
    shown = tuple(_shown(top, node) for node in nodes)
    return DeviceAccess(Devices(nodes=shown, files=files, groups=groups, leases=leases), present=present)


def has_chip(device: int, *, top: Path | None = None) -> bool:
    """Whether this host has the nodes of that chip."""
    top = host_root() if top is None else top
    return all(_is_node(_at(top, node)) for node in (*chip_nodes(device), *MANAGERS))


def _at(top: Path, path: str) -> Path:
    return top / path.lstrip("/")


def _shown(top: Path, path: str) -> str:
    """The path, or ``source:target`` where the host's files are under another root."""
    return path if top == Path("/") else f"{_at(top, path)}:{path}"


def _is_node(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return False


def _groups(top: Path, nodes: tuple[str, ...]) -> tuple[int, ...]:
    """Groups that open the nodes; none where everybody may."""
    found = set()
    for node in nodes:
        try:
            status = _at(top, node).stat()
        except OSError:
            continue
        if status.st_mode & 0o006 != 0o006 and status.st_mode & 0o060 == 0o060:
            found.add(status.st_gid)
    return tuple(sorted(found))
