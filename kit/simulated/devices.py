"""Device nodes, driver files and libraries as the tools find them: missing, not permitted, or usable."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from .machine import SimulatedMachine, mark

__all__ = ["COMMON", "acl_problem", "device_indices", "missing_library", "node_problem"]

COMMON = ("davinci_manager", "devmm_svm", "hisi_hdc")


def find_library(name: str) -> Path | None:
    """The first hit on LD_LIBRARY_PATH, where the dynamic loader would look."""
    folders = filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    return next((path for folder in folders if (path := Path(folder) / name).is_file()), None)


def missing_library(*names: str) -> str:
    """The loader's message about the first library that is not found, or nothing."""
    missing = next((name for name in names if find_library(name) is None), None)
    if missing is None:
        return ""
    return f"error while loading shared libraries: {missing}: cannot open shared object file: No such file or directory"


def node_problem(machine: SimulatedMachine, name: str) -> str:
    """Why ``/dev/<name>`` cannot be used, or nothing.

    A node made with mknod that has no driver gives ENXIO on open: it is mapped and permitted, which is all that can be
    rehearsed. Below another root (in tests) a regular file takes the place of a node.
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


def device_indices(machine: SimulatedMachine, prefix: str) -> list[int]:
    """Numbers of the chips (``davinci``) or GPUs (``nvidia``), from their nodes or from the virtual machine."""
    if machine.virtual:
        return list(range(machine.devices))
    try:
        names = os.listdir(machine.path("/dev"))
    except OSError:
        return []
    return sorted(int(match[1]) for name in names if (match := re.fullmatch(prefix + r"(\d+)", name)))


def acl_problem(machine: SimulatedMachine, device: int) -> tuple[str, str]:
    """(call that fails, reason) before a model can be loaded on ``device``; empty where all is well."""
    if machine.has("acl-init") or machine.has("driver-not-loaded"):
        return "aclInit", "injected"
    hal = find_library("libascend_hal.so")
    if hal is not None and {"stub", "devlib"} & set(hal.parts):
        return "aclInit", f"{hal} is the stub to link against (ACL error 100039)"
    if not machine.path("/usr/local/Ascend/driver/version.info").is_file():
        return "aclrtSetDevice", "the driver's files are not there: /usr/local/Ascend/driver/version.info"
    if machine.has("acl-set-device"):
        return "aclrtSetDevice", "injected (507033)"
    if machine.virtual:
        mark("virtual devices: no device node is looked at")
        if device not in device_indices(machine, "davinci"):
            return "aclrtSetDevice", f"there is no device {device} (107001)"
    else:
        for name in (f"davinci{device}", *COMMON):
            problem = node_problem(machine, name)
            if problem:
                return "aclrtSetDevice", f"{problem} ({207006 if 'permission' in problem else 507033})"
    if machine.has("acl-context"):
        return "aclrtCreateContext", "injected"
    return "", ""
