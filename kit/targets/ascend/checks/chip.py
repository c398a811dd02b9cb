"""What npu-smi of the host says: the chip's name against soc_version, its health, and whether somebody uses it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.targets.ascend.config import soc_of
from kit.targets.ascend.faults import NPU_SMI
from kit.targets.ascend.readers import npu_smi
from kit.targets.ascend.success import same_soc
from kit.targets.cards import host_root
from kit.toollogs.messages import explain

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check", "npu_smi_program"]

_SECONDS = 30


def npu_smi_program() -> Path | None:
    """The host's npu-smi."""
    places = (host_root() / "usr/local/bin/npu-smi", host_root() / "usr/local/sbin/npu-smi")
    return next((place for place in places if place.is_file()), None)


def _look(job: Job) -> Finding:
    program = npu_smi_program()
    if program is None:
        return Finding("note", "npu-smi is not there, so the chip cannot be asked", "install the driver")
    try:
        done = subprocess.run(
            [str(program), "info"], capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("fail", f"npu-smi does not answer: {error}", "load the driver again, or restart the host")
    text = done.stdout.decode("utf-8", "replace")
    known = explain(NPU_SMI, text, done.stderr.decode("utf-8", "replace"))
    if known:
        return Finding("fail", known.what, known.remedy, prevents=text.strip()[:200])
    chip = npu_smi.read(text).device(job.device)
    if chip is None:
        return Finding(
            "fail",
            f"npu-smi shows no device {job.device}",
            "choose one of those that `npu-smi info` shows, with --device N",
            prevents="ACL 107001: invalid device id",
        )
    wanted = soc_of(job)
    if not same_soc(chip.soc_version, wanted):
        return Finding(
            "fail",
            f"the chip is {chip.soc_version}, engines would be made for {wanted}",
            f"set targets -> {job.target} -> options -> chip: {chip.name}, or choose another target",
            prevents="EE1001: ModelCheckCompatibility failed; ACL 507008",
        )
    if chip.health not in {"OK", "Warning"}:
        return Finding("fail", f"the chip's health is {chip.health}", "look it up with npu-smi info -t health")
    if (chip.aicore_percent or 0) > 0:
        return Finding(
            "fail",
            f"device {job.device} is in use: AICore {chip.aicore_percent} %",
            "wait until it is idle, or choose another one with --device N",
            prevents="no error: the throughput would only be too low",
        )
    return Finding(
        "warn" if chip.health == "Warning" else "ok",
        f"device {job.device} is an {chip.soc_version}, health {chip.health}, idle",
    )


def check(job: Job) -> Check:
    """``npu-smi info``."""
    return Check("chip", lambda: _look(job))
