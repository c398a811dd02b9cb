"""Whether somebody uses the GPU: asked on the host, because a container does not see other containers' processes."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.faults import NVIDIA_SMI
from kit.targets.tensorrt.gpus import request
from kit.targets.tensorrt.readers import nvidia_smi
from kit.toollogs.messages import explain

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check"]

_FIELDS = ["uuid", "memory.used", "utilization.gpu", "temperature.gpu"]
_APPS = ["gpu_uuid", "pid", "process_name", "used_memory"]
_SAMPLES, _PAUSE_S = 3, 1.0
_IDLE_MIB, _IDLE_PERCENT = 64, 10
_PREVENTS = "no error: the throughput would only be too low"


class _AskError(Exception):
    pass


def _ask(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _AskError(f"nvidia-smi does not answer: {error}") from error
    text = done.stdout.decode("utf-8", "replace")
    known = explain(NVIDIA_SMI, text, done.stderr.decode("utf-8", "replace"))
    if known:
        raise _AskError(known.what, known.remedy)
    if done.returncode:
        raise _AskError(f"nvidia-smi ended with {done.returncode}")
    return text


def _look(job: Job) -> Finding:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("note", "nvidia-smi is not on this host, so nobody can say whether the GPU is idle")
    gpu = request(job.device, options_of(job).gpu)
    try:
        for sample in range(_SAMPLES):
            if sample:
                time.sleep(_PAUSE_S)
            finding = _sample(program, gpu, options_of(job).idle_celsius)
            if finding:
                return finding
        text = _ask(program, f"--query-compute-apps={','.join(_APPS)}", "--format=csv,noheader", f"--id={gpu}")
    except _AskError as error:
        remedy = str(error.args[1]) if len(error.args) > 1 else "check the driver"
        return Finding("fail", str(error.args[0]), remedy, prevents="NVIDIA-SMI has failed; Failed to initialize NVML")
    apps = nvidia_smi.read_query(text, _APPS).processes or []
    if apps:
        return Finding(
            "fail",
            f"{len(apps)} programs use the GPU, the first is {apps[0].name} ({apps[0].pid})",
            "end them, or choose another GPU with --device N",
            _PREVENTS,
        )
    return Finding("ok", f"GPU {gpu} is idle")


def _sample(program: str, gpu: str, hottest: int) -> Finding | None:
    text = _ask(program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits", f"--id={gpu}")
    found = nvidia_smi.read_query(text, _FIELDS).gpus
    if not found:
        raise _AskError(f"nvidia-smi knows no GPU {gpu}", "list them with nvidia-smi -L")
    used, load, heat = (
        float(value) if isinstance(value, int | float) else 0.0 for value in map(found[0].values.get, _FIELDS[1:])
    )
    if used > _IDLE_MIB or load > _IDLE_PERCENT:
        return Finding(
            "fail",
            f"the GPU is in use: {used:.0f} MiB, {load:.0f} %",
            "end the other programs, or choose another GPU with --device N",
            _PREVENTS,
        )
    if heat > hottest:
        return Finding(
            "fail", f"the GPU has {heat:.0f} C while idle, more than {hottest} C", "let it cool down", _PREVENTS
        )
    return None


def check(job: Job) -> Check:
    """Memory, load, temperature and processes."""
    return Check("idle GPU", lambda: _look(job))
