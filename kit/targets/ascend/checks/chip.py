"""What npu-smi on the host says: the chip's name against soc_version, its health, and whether it is in use."""

from __future__ import annotations

from kit.doctor import Finding
from kit.errors import KitError
from kit.planning.target import Job
from kit.targets.ascend.checks.driver import npu_smi_program
from kit.targets.ascend.config import soc_of
from kit.targets.ascend.faults import NPU_SMI
from kit.targets.ascend.readers import npu_smi
from kit.targets.ascend.readers.npu_smi import NpuSmiReading
from kit.targets.cards import ask_tool
from kit.toollogs.messages import excerpt

__all__ = ["check", "examine"]

#: Names of one chip over the years.
_OLD_NAMES = {"Ascend710": "Ascend310P3"}


def check(job: Job) -> Finding:
    """``npu-smi info``."""
    program = npu_smi_program()
    if program is None:
        return Finding("note", "npu-smi is not installed, so the chip cannot be checked", "install the driver")
    try:
        text = ask_tool(str(program), "info", faults=NPU_SMI)
    except KitError as error:
        return Finding("fail", error.what, error.remedy, prevents="dcmi module initialize failed. ret is -8005")
    return examine(job, npu_smi.read(text))


def examine(job: Job, reading: NpuSmiReading) -> Finding:
    """Whether the job's chip is the right one, healthy and idle."""
    chip = reading.device(job.device)
    if chip is None:
        shown = ", ".join(str(one.device) for one in reading.chips) or "none"
        return Finding(
            "fail",
            f"npu-smi shows no device {job.device} (it shows {shown})",
            "choose one that `npu-smi info` shows, with --device N",
            prevents="ACL 107001: invalid device id",
        )
    wanted = soc_of(job)
    if _OLD_NAMES.get(chip.soc_version, chip.soc_version) != _OLD_NAMES.get(wanted, wanted):
        return Finding(
            "fail",
            f"the chip is {excerpt(chip.soc_version)}, the engines are made for {wanted}",
            f"set targets -> {job.target} -> options -> chip: {excerpt(chip.name)}, or choose another target",
            prevents="EE1001: ModelCheckCompatibility failed; ACL 507008",
        )
    if chip.health not in {"OK", "Warning"}:
        return Finding("fail", f"the chip's health is {excerpt(chip.health)}", "look it up with npu-smi info -t health")
    users = [one for one in reading.processes or [] if (one.npu, one.chip) == (chip.npu, chip.chip)]
    if (chip.aicore_percent or 0) > 0 or users:
        by = f", by {excerpt(users[0].name)} ({users[0].pid})" if users else ""
        return Finding(
            "fail",
            f"device {job.device} is in use{by}: AICore {chip.aicore_percent or 0} %, so its numbers would be too low",
            "wait until it is idle (npu-smi info), or choose another one with --device N",
            prevents="no error: the throughput would only be too low",
        )
    return Finding(
        "warn" if chip.health == "Warning" else "ok",
        f"device {job.device} is an {chip.soc_version}, health {chip.health}, idle",
    )
