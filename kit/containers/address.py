"""Where the container engine is: DOCKER_HOST, the docker context that is chosen, or the usual socket.

Podman serves the same API (`podman system service`); its sockets are looked for where Docker has none.

The order is that of the command `docker`: DOCKER_HOST, DOCKER_CONTEXT, ``currentContext`` of its configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kit.errors import EngineError, KitError
from kit.storage.inputs import read_input

__all__ = ["EngineAddress", "find_engine"]

SOCKET = "/var/run/docker.sock"
#: Configuration and contexts of `docker` are files of a few kilobytes.
_LIMIT = 1 << 20
_EXAMPLES = "unix:///var/run/docker.sock or tcp://HOST:PORT"


@dataclass(frozen=True)
class EngineAddress:
    """An address for the SDK, its origin, and a folder of certificates for TLS."""

    url: str
    origin: str  # "DOCKER_HOST", "docker context NAME", or "the usual socket"
    certificates: Path | None = None
    verify: bool = True


def find_engine() -> EngineAddress:
    """The address, with its form checked, before any connection.

    Raises:
        EngineError: the address has a form that cannot work, or the chosen context is not there.
    """
    host = os.environ.get("DOCKER_HOST")
    if host:
        verify = os.environ.get("DOCKER_TLS_VERIFY") or ""
        folder = os.environ.get("DOCKER_CERT_PATH") or (_folder() if verify else None)
        found = EngineAddress(host, "DOCKER_HOST", Path(folder) if folder else None, bool(verify))
    else:
        name = os.environ.get("DOCKER_CONTEXT") or _current_context()
        found = _of_context(name) if name != "default" else _usual()
    _check(found)
    return found


def _usual() -> EngineAddress:
    if not Path(SOCKET).exists():
        own = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        for path in (f"{own}/podman/podman.sock", "/run/podman/podman.sock"):
            if Path(path).exists():
                return EngineAddress(f"unix://{path}", "Podman's usual socket")
    return EngineAddress(f"unix://{SOCKET}", "the usual socket")


def _folder() -> Path:
    """Where `docker` keeps its configuration."""
    given = os.environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path(os.path.expanduser("~")) / ".docker"  # noqa: PTH111 - needs no home


def _read(path: Path) -> Any:
    """A JSON object; empty where there is none or it cannot be read."""
    try:
        tree = json.loads(read_input(path, _LIMIT))
    except (KitError, ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _current_context() -> str:
    name = _read(_folder() / "config.json").get("currentContext")
    return name if isinstance(name, str) and name else "default"


def _of_context(name: str) -> EngineAddress:
    identity = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    contexts = _folder() / "contexts"
    place = contexts / "meta" / identity / "meta.json"
    try:
        endpoint = _read(place)["Endpoints"]["docker"]
        url, skip = endpoint["Host"], bool(endpoint.get("SkipTLSVerify"))
        if not isinstance(url, str):
            raise TypeError("an address is text")
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"there is no docker context {name!r}",
            where=str(place),
            remedy="see `docker context ls`, and choose with `docker context use` or DOCKER_CONTEXT",
        ) from error
    certificates = contexts / "tls" / identity / "docker"
    return EngineAddress(url, f"docker context {name}", certificates if certificates.is_dir() else None, not skip)


def _check(address: EngineAddress) -> None:
    try:
        parts = urlsplit(address.url)
        scheme, has_host = parts.scheme, bool(parts.hostname and parts.port)
    except ValueError:
        scheme, has_host = "", False
    if scheme == "ssh":
        raise _refused(
            address,
            "an engine on another machine (ssh://) does not see the folders of this one, which steps need",
            f"run kit on that machine, or name an engine of this one: {_EXAMPLES}",
        )
    if scheme == "fd":
        raise _refused(
            address,
            "fd:// is only how the engine gets its socket from systemd; nobody can connect to it",
            f"name the socket itself: unix://{SOCKET}",
        )
    if scheme == "unix":
        _check_socket(address, parts.netloc + parts.path)
    elif scheme not in {"tcp", "http", "https"} or not has_host:
        raise _refused(address, f"{address.url!r} is not the address of an engine", f"write it as {_EXAMPLES}")


def _check_socket(address: EngineAddress, path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except PermissionError:
        return  # reported when it is opened
    except (OSError, ValueError) as error:
        raise _refused(
            address, "no engine answers: there is no such socket", "start Docker, or use --runner local"
        ) from error
    if not stat.S_ISSOCK(mode):
        raise _refused(address, "no engine answers: this is not a socket", f"name the engine's socket: unix://{SOCKET}")


def _refused(address: EngineAddress, what: str, remedy: str) -> EngineError:
    return EngineError(what, where=f"{address.url} ({address.origin})", remedy=remedy)
