"""The container engine, through its SDK: connection, errors as sentences."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from kit.errors import BusyError, DeviceError, EngineError, KitError, ResourceError

__all__ = ["available", "connect", "engine_errors", "version"]

#: Part of the engine's message -> family, what happened, remedy. The engine's own words follow in brackets.
_FAULTS: tuple[tuple[str, type[KitError], str, str], ...] = (
    (
        "no space left on device",
        ResourceError,
        "the engine's disk is full",
        "free space, for example with `docker image prune`",
    ),
    (
        "could not select device driver",
        DeviceError,
        "the engine has no driver for the requested GPU",
        "install the vendor's container toolkit and restart the engine",
    ),
    (
        "unsatisfied condition: cuda",
        DeviceError,
        "the GPU driver is too old for the image",
        "update the driver, or use an older image",
    ),
    (
        "driver not loaded",
        DeviceError,
        "the GPU driver is not loaded",
        "load the driver, then check with the vendor's tool",
    ),
    (
        "nvidia-container-cli",
        DeviceError,
        "the GPU cannot be handed to the container",
        "check the driver with the vendor's tool",
    ),
    (
        "error gathering device information",
        DeviceError,
        "a device node is missing on this host",
        "check the driver, and the device number with `kit doctor`",
    ),
    ("not a device node", DeviceError, "what should be a device node is none", "check the driver with `kit doctor`"),
    (
        "unknown or invalid runtime name",
        EngineError,
        "the engine does not know that container runtime",
        "install the vendor's container runtime and restart the engine",
    ),
    (
        "unknown runtime specified",
        EngineError,
        "the engine does not know that container runtime",
        "install the vendor's container runtime and restart the engine",
    ),
    (
        "is already in use by container",
        BusyError,
        "the device is held by another container",
        "wait until that container has ended, or remove it",
    ),
    (
        "exec format error",
        EngineError,
        "the image is for another processor architecture",
        "build it on this machine with `kit build`",
    ),
    (
        "bind source path does not exist",
        EngineError,
        "the engine does not see a folder of this machine",
        "use an engine on this machine, not a remote one",
    ),
)


def available() -> str | None:
    """None if an engine answers, else the reason in a few words."""
    try:
        connect()
    except EngineError as error:
        return error.what
    return None


@cache
def connect() -> Any:
    """A client of the engine that DOCKER_HOST, or the usual socket, leads to.

    Raises:
        EngineError: none answers.
    """
    import docker
    import docker.errors

    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        where = os.environ.get("DOCKER_HOST") or "/var/run/docker.sock"
        reason = "permission denied" if "Permission denied" in str(error) else "no engine answers"
        remedy = (
            "join the group of the socket (docker), or run as root"
            if reason == "permission denied"
            else "start Docker, point to it with DOCKER_HOST, or use --runner local"
        )
        raise EngineError(reason, where=where, remedy=remedy) from error
    return client


@cache
def version() -> str:
    """The engine's name and version, for a run record."""
    return f"Docker {connect().version().get('Version', 'unknown')}"


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn the SDK's errors into sentences; ``doing`` says what was asked for."""
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    try:
        yield
    except docker.errors.APIError as error:
        raise _translated(doing, str(error.explanation or error)) from error
    except (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        ConnectionError,
    ) as error:
        raise EngineError(
            f"the engine stopped answering while {doing}",
            remedy="start it and run the same command again: finished steps are kept",
        ) from error


def _translated(doing: str, words: str) -> KitError:
    words = " ".join(words.split())
    for pattern, family, what, remedy in _FAULTS:
        if pattern in words.lower():
            return family(f"{what} ({words})", remedy=remedy)
    return EngineError(f"the engine refused {doing}: {words}", remedy="see `docker info`, then run again")
