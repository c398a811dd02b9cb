"""Whether the engine can give a container a GPU: the NVIDIA container toolkit."""

from __future__ import annotations

import shutil

from kit.doctor import Finding
from kit.errors import EngineError
from kit.planning.target import Job

__all__ = ["check"]

#: The engine registers its GPU driver if it finds one of these on its PATH when it starts.
_HOOKS = ("nvidia-container-runtime-hook", "nvidia-container-toolkit")


def check(job: Job) -> Finding:  # noqa: ARG001 - the same for every job
    """The hook or runtime that gives containers a GPU."""
    from kit.containers.client import connect

    try:
        runtimes = connect().info().get("Runtimes", {})
    except EngineError as error:
        return Finding("fail", f"the engine cannot be asked: {error.what}", error.remedy)
    hook = next((name for name in _HOOKS if shutil.which(name)), None)
    if hook is None and "nvidia" not in runtimes:
        return Finding(
            "fail",
            "the NVIDIA container toolkit is not installed",
            "install nvidia-container-toolkit, then restart the engine: it looks for it at its start only",
            prevents='could not select device driver "" with capabilities: [[gpu]]',
        )
    return Finding("ok", f"{hook or 'runtime nvidia'} is installed")
