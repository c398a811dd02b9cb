"""Device nodes and driver files as the tools meet them: missing, not permitted, or fit for use."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from .libraries import find_library, is_stub
from .world import World, mark

__all__ = ["acl_problem", "card_count", "gpu_indices", "node_problem", "npu_indices"]

COMMON = ("davinci_manager", "devmm_svm", "hisi_hdc")


def node_problem(machine: World, name: str) -> str:
    """Why ``/dev/<name>`` cannot be used, or nothing.

    A node made with mknod and no driver behind it answers ENXIO on open: it is mapped and permitted, which is all
    that can be rehearsed. Under a root of its own (tests) a plain file stands for a node.
    """
    path = machine.path(f"/dev/{name}")
    try:
        mode = path.stat().st_mode
    except OSError:
        return f"/dev/{name} is not there"
    if not stat.S_ISCHR(mode) and not (machine.root != Path("/") and stat.S_ISREG(mode)):
        return f"/dev/{name} is not a character device"
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM}:
            return f"/dev/{name}: no permission"
        if error.errno not in {errno.ENXIO, errno.ENODEV, errno.EBUSY}:
            return f"/dev/{name}: {error.strerror}"
    return ""


def npu_indices(machine: World) -> list[int]:
    """Numbers of the chips that this process may use, from the nodes or from the virtual machine."""
    if machine.virtual:
        return list(range(machine.devices))
    return indices(machine, r"davinci(\d+)")


def gpu_indices(machine: World) -> list[int]:
    if machine.virtual:
        return list(range(machine.devices))
    return indices(machine, r"nvidia(\d+)")


def indices(machine: World, pattern: str) -> list[int]:
    try:
        names = os.listdir(machine.path("/dev"))
    except OSError:
        return []
    return sorted(int(match.group(1)) for name in names if (match := re.fullmatch(pattern, name)))


def card_count(machine: World, chips: int) -> int:
    """Cards that carry so many chips: four 310 on one Atlas 300I, one 310P on an Atlas 300I Pro."""
    return -(-chips // 4) if machine.chip == "310" else chips


def acl_problem(machine: World, device: int) -> tuple[str, str]:
    """(call that fails, reason) before a model can be loaded on ``device``; empty where all is well."""
    if machine.has("acl-init") or machine.has("driver-not-loaded"):
        return "aclInit", "injected"
    hal = find_library("libascend_hal.so")
    if hal is not None and is_stub(hal):
        return "aclInit", f"{hal} is the stub to link against (ACL error 100039)"
    if not os.path.isfile(machine.path("/usr/local/Ascend/driver/version.info")):
        return "aclrtSetDevice", "the driver's files are not there: /usr/local/Ascend/driver/version.info"
    if machine.has("acl-set-device"):
        return "aclrtSetDevice", "injected (507033)"
    if machine.virtual:
        mark("virtual devices: no device node is looked at")
        if device not in npu_indices(machine):
            return "aclrtSetDevice", f"there is no device {device} (107001)"
    else:
        for name in (f"davinci{device}", *COMMON):
            problem = node_problem(machine, name)
            if problem:
                return "aclrtSetDevice", f"{problem} ({207006 if 'permission' in problem else 507033})"
    if machine.has("acl-context"):
        return "aclrtCreateContext", "injected"
    return "", ""
