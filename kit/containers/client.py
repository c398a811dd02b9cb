"""The container engine, through its SDK: connection, errors as sentences."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from kit.containers.address import EngineAddress, find_engine
from kit.errors import EngineError, KitError
from kit.toollogs.messages import explain, load_faults

__all__ = ["FIRST_ANSWER_S", "LONG_S", "REQUEST_S", "available", "connect", "engine_errors", "patience", "version"]

#: Seconds within which an engine has to answer at all; a later question; a build, a pull, a start. docs/security.md.
FIRST_ANSWER_S, REQUEST_S, LONG_S = 10, 60, 600


def available() -> str | None:
    """None if an engine answers, else the reason."""
    try:
        connect()
    except EngineError as error:
        return error.what
    return None


def connect() -> Any:
    """A client of the engine that :func:`kit.containers.address.find_engine` finds.

    It waits :data:`REQUEST_S` for each answer; see :func:`patience` for requests that take longer.

    Raises:
        EngineError: none answers within :data:`FIRST_ANSWER_S`.
    """
    found = _connected()
    if isinstance(found, EngineError):
        raise EngineError(found.what, where=found.where, remedy=found.remedy)
    return found


@cache
def _connected() -> Any:
    """The client, or the error, cached: several checks connect, and must wait for an engine that hangs only once."""
    try:
        address = find_engine()
    except EngineError as error:
        return error
    place = f"{address.url} ({address.origin})"
    answers: list[Any] = []
    # In a thread: a peer that sends a byte now and then, or a host name that never resolves, defeats other timeouts.
    asking = threading.Thread(target=lambda: answers.append(_first_answer(address)), daemon=True)
    asking.start()
    asking.join(FIRST_ANSWER_S)
    if not answers:
        return EngineError(
            f"something accepts the connection, but no engine answers within {FIRST_ANSWER_S} s",
            where=place,
            remedy="restart Docker, or point to another engine with DOCKER_HOST, or use --runner local",
        )
    answer = answers[0]
    if not isinstance(answer, Exception):
        return answer
    if "Permission denied" in str(answer):
        remedy = "join the group of the socket (docker), or run as root"
        return EngineError("permission denied", where=place, remedy=remedy)
    remedy = "start Docker, point to it with DOCKER_HOST, or use --runner local"
    return EngineError("no engine answers", where=place, remedy=remedy)


def _first_answer(address: EngineAddress) -> Any:
    """A client that got an answer, or the error."""
    import docker
    import docker.tls

    try:
        tls: Any = False
        if folder := address.certificates:
            pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
            tls = docker.tls.TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=address.verify)
        client = docker.DockerClient(base_url=address.url, tls=tls, timeout=FIRST_ANSWER_S)
        client.ping()
    except Exception as error:  # noqa: BLE001 - a peer that is not an engine can make the SDK raise anything
        return error
    client.api.timeout = REQUEST_S
    return client


@contextlib.contextmanager
def patience(client: Any) -> Iterator[None]:
    """Wait longer for answers inside this context: builds, pulls and steps take their time."""
    before, client.api.timeout = client.api.timeout, LONG_S
    try:
        yield
    finally:
        client.api.timeout = before


@cache
def version() -> str:
    """The engine's name and version, for a run record."""
    facts = connect().version()
    parts = [str(part.get("Name", "")) for part in facts.get("Components") or []]
    name = "Podman" if any(part.startswith("Podman") for part in parts) else "Docker"
    return f"{name} {facts.get('Version', 'unknown')}"


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn the SDK's errors into sentences; ``doing`` names the request."""
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
    known = explain(load_faults(Path(__file__).with_name("faults.toml"))["engine"], words)
    if known:
        return type(known)(f"{known.what} ({words})", remedy=known.remedy)
    return EngineError(f"the engine refused {doing}: {words}", remedy="see `docker info`, then run again")
