"""How containers get the chip: through ascend-docker-runtime, or as plain device nodes."""

from __future__ import annotations

from kit.doctor import Finding
from kit.errors import EngineError
from kit.planning.target import Job
from kit.targets.ascend.config import options_of
from kit.targets.ascend.passthrough import RUNTIME, device_access

__all__ = ["check"]


def check(job: Job) -> Finding:
    """Runtime of the engine."""
    from kit.containers.client import connect

    way = device_access(job.device, options_of(job).passthrough)
    if way.devices.runtime is None:
        return Finding("ok", "containers get plain device nodes")
    try:
        known = connect().info().get("Runtimes", {})
    except EngineError as error:
        return Finding("note", f"the engine cannot be asked for its runtimes: {error.what}", error.remedy)
    if RUNTIME not in known:
        return Finding(
            "fail",
            f"the engine does not know the runtime {RUNTIME}",
            "restart the engine after installing ascend-docker-runtime, or set options -> passthrough: devices",
            prevents=f"unknown or invalid runtime name: {RUNTIME}",
        )
    chips = way.environment["ASCEND_VISIBLE_DEVICES"]
    return Finding("ok", f"containers get chips {chips} through ascend-docker-runtime")
