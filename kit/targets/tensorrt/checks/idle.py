"""Whether the GPU is in use: asked on the host, because a container does not see other containers' processes."""

from __future__ import annotations

import shutil
import time
from functools import partial

from kit.doctor import Finding
from kit.errors import DeviceError, KitError
from kit.planning.target import Job
from kit.targets.cards import ask_tool
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.faults import NVIDIA_SMI
from kit.targets.tensorrt.gpus import request
from kit.targets.tensorrt.readers import nvidia_smi
from kit.targets.tensorrt.readers.nvidia_smi import Gpu
from kit.toollogs.messages import excerpt

__all__ = ["busy", "check"]

_FIELDS = ["uuid", "memory.used", "utilization.gpu", "temperature.gpu"]
_APPS = ["gpu_uuid", "pid", "process_name", "used_memory"]
_SAMPLES, _PAUSE_S = 3, 1.0
#: More than the driver itself takes, and more than the query itself causes.
_IDLE_MIB, _IDLE_PERCENT = 64, 10
_PREVENTS = "no error: the throughput would only be too low"


def check(job: Job) -> Finding:
    """Memory, load, temperature and processes."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("note", "nvidia-smi is not on this host, so it is unknown whether the GPU is idle")
    gpu = request(job.device, options_of(job).gpu)
    ask = partial(ask_tool, program, f"--id={gpu}", faults=NVIDIA_SMI)
    try:
        for sample in range(_SAMPLES):
            if sample:
                time.sleep(_PAUSE_S)
            text = ask(f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits")
            found = nvidia_smi.read_query(text, _FIELDS).gpus
            if not found:
                raise DeviceError(f"nvidia-smi knows no GPU {gpu}", remedy="list them with nvidia-smi -L")
            if finding := busy(job, found[0]):
                return finding
        text = ask(f"--query-compute-apps={','.join(_APPS)}", "--format=csv,noheader")
    except KitError as error:
        prevents = "NVIDIA-SMI has failed; Failed to initialize NVML"
        return Finding("fail", error.what, error.remedy, prevents=prevents)
    apps = nvidia_smi.read_query(text, _APPS).processes or []
    if apps:
        return Finding(
            "fail",
            f"{len(apps)} programs use the GPU, the first is {excerpt(apps[0].name)} ({apps[0].pid})",
            "stop them, or choose another GPU with --device N",
            _PREVENTS,
        )
    return Finding("ok", f"GPU {gpu} is idle")


def busy(job: Job, gpu: Gpu) -> Finding | None:
    """Why a GPU is not idle, or too hot for a measurement; None where it is neither."""
    used, load, heat = (
        float(value) if isinstance(value, int | float) else 0.0 for value in map(gpu.values.get, _FIELDS[1:])
    )
    hottest = options_of(job).idle_celsius
    if used > _IDLE_MIB or load > _IDLE_PERCENT:
        return Finding(
            "fail",
            f"the GPU is in use ({used:.0f} MiB, {load:.0f} %), so its numbers would be too low",
            "stop the other programs (nvidia-smi on the host lists them), or choose another GPU with --device N",
            _PREVENTS,
        )
    if heat > hottest:
        return Finding(
            "fail",
            f"the GPU has {heat:.0f} C before anything runs, more than {hottest} C",
            "let it cool down, or check the air flow: a T4 has no fan; options -> idle_celsius sets the limit",
            _PREVENTS,
        )
    return None
