"""Which runner executes the steps: containers, or this environment where there is no engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.containers.docker import DockerRunner
from kit.containers.images import Images
from kit.containers.runner import Runner
from kit.errors import EngineError

__all__ = ["choose_runner"]


def choose_runner(name: str, images: Images, store: Path, needed: Sequence[str]) -> tuple[Runner, str]:
    """The runner, and a sentence where reports should come from another one.

    ``auto`` asks the engine only where an image was never built: a run that the store answers needs none.

    Raises:
        EngineError: neither an engine nor the packages that the images hold.
    """
    docker = DockerRunner(images, store)
    if name == "docker" or (name == "auto" and all(images.known_id(image) for image in needed)):
        return docker, ""
    reason: str | None = "--runner local was chosen"
    if name == "auto":
        from kit.containers.client import available

        reason = available()
        if reason is None:
            return docker, ""
    from kit.containers.local import LocalRunner

    local = LocalRunner()
    for image in needed:
        try:
            local.image_id(image)
        except EngineError as error:
            raise EngineError(f"{reason}, and {error.what}", remedy=error.remedy) from error
    return local, f"not containerized: {reason}, so the steps run in this environment and the report says so"
