"""Whether the GPU is there, and is the one of the target."""

from __future__ import annotations

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.cards import host_root
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.gpus import gpus

__all__ = ["check"]


def check(job: Job) -> Finding:
    """The GPU by the driver's own list."""
    known, wanted = gpus(), options_of(job).gpu
    if not known:
        return Finding(
            "fail",
            "this machine has no NVIDIA GPU",
            f"run on the machine that has the {job.hardware}, or rehearse with --simulate",
            prevents="No devices were found; Cuda failure: no CUDA-capable device is detected",
        )
    found = [gpu for gpu in known if gpu.uuid == wanted] if wanted else known[job.device : job.device + 1]
    if not found:
        what = wanted or f"number {job.device}"
        return Finding(
            "fail",
            f"there is no GPU {what}; this machine has {len(known)}",
            "list them with nvidia-smi -L, and choose with --device N or options -> gpu",
            prevents="could not find the requested device: no such device",
        )
    gpu = found[0]
    if job.hardware not in gpu.model.replace("-", " ").split():
        return Finding(
            "fail",
            f"the GPU is {gpu.model or 'unknown'}, the target is {job.hardware}",
            "choose another GPU with --device N, or another target",
            prevents="numbers of one card in the column of another",
        )
    missing = [node for node in ("nvidiactl", "nvidia-uvm") if not (host_root() / "dev" / node).exists()]
    if missing:
        return Finding(
            "warn",
            f"/dev/{' and /dev/'.join(missing)} {'is' if len(missing) == 1 else 'are'} not there yet",
            "run nvidia-smi once, or start nvidia-persistenced",
            prevents="CUDA initialization failure with error 999",
        )
    return Finding("ok", f"{gpu.model}, {gpu.uuid or 'UUID not known yet'}")
