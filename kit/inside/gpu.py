"""What ``nvidia-smi`` reports of one GPU: whether it is in use, its power, whether it is throttled."""

from __future__ import annotations

import subprocess

from .protocol import UserError

__all__ = ["query", "refuse_busy"]

#: More than a driver with an idle context takes, and more than the query itself causes.
_IDLE_MIB, _IDLE_PERCENT = 1024, 10


def query(number: int, *fields: str) -> dict[str, str]:
    """Fields of ``nvidia-smi --query-gpu`` by name; empty where there is no such program or GPU."""
    command = ["nvidia-smi", f"--id={number}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = [one.strip() for one in done.stdout.strip().split(",")]
    return dict(zip(fields, values, strict=True)) if not done.returncode and len(values) == len(fields) else {}


def refuse_busy(number: int) -> None:
    """Refuse a GPU that another program uses: its numbers would be too low.

    Raises:
        UserError: it is in use.
    """
    found = query(number, "memory.used", "utilization.gpu")
    try:
        used, load = float(found["memory.used"]), float(found["utilization.gpu"])
    except (KeyError, ValueError):
        return
    if used > _IDLE_MIB or load > _IDLE_PERCENT:
        what = f"the GPU is in use ({used:.0f} MiB, {load:.0f} %), so its numbers would be too low"
        raise UserError(what, "End the other programs, or choose another GPU with --device N.", kind="device")
