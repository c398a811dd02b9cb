"""The head of a cluster: where it is, whether anybody listens there, and why it refuses a connection."""

from __future__ import annotations

import re
import socket

from kit.errors import EngineError, InvalidInputError

__all__ = ["AUTO", "CLIENT", "knock", "place_of", "refused"]

#: The cluster that runs on this machine.
AUTO = "auto"
#: Before the address of its port for programs that do not run on a host of the cluster.
CLIENT = "ray://"
#: Seconds within which a head accepts a connection.
_TIMEOUT_S = 3.0
_FORM = re.compile(rf"(?:{CLIENT})?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9._-]*)):([0-9]{{1,5}})")
_VERSIONS = re.compile(r"Version mismatch: .*?Ray: (\S+) Python: (\S+) .*?Ray: (\S+) Python: (\S+)")


def place_of(address: str) -> tuple[str, int]:
    """Host and port of an address.

    Raises:
        InvalidInputError: it is not one.
    """
    found = _FORM.fullmatch(address)
    if found is None or not 0 < int(found[3]) < 1 << 16:
        raise InvalidInputError(
            f"{address!r} is not the address of a cluster",
            remedy="give ray://HEAD:10001, or on a host of the cluster HEAD:6379 or auto",
        )
    return found[1] or found[2], int(found[3])


def knock(place: tuple[str, int]) -> None:
    """Connect to the head, and leave.

    Raises:
        EngineError: nobody listens there.
    """
    try:
        socket.create_connection(place, _TIMEOUT_S).close()
    except OSError as error:
        raise EngineError(
            f"no cluster answers: {error.strerror or error}",
            where=":".join(map(str, place)),
            remedy="start it with the lines of `kit worker --resources`, and check address, port and network",
        ) from error


def refused(address: str, error: Exception) -> EngineError:
    """What an error of Ray says to a user."""
    words = " ".join(str(error).split())
    if "Traceback" in words:  # of Ray's server: its last line says what it was
        words = str(error).strip().splitlines()[-1]
    if differ := _VERSIONS.search(words):
        there, here = (f"Ray {differ[at]} on Python {differ[at + 1]}" for at in (1, 3))
        return EngineError(
            f"the cluster has {there}, this machine {here}",
            where=address,
            remedy="install the same versions on all hosts and on this machine",
        )
    if "token" in words.lower() or "unauthenticated" in words.lower():
        return EngineError(
            "the cluster wants a token, or another one than this machine has",
            where=address,
            remedy="copy ~/.ray/auth_token of the head to this machine, or name it with RAY_AUTH_TOKEN_PATH",
        )
    return EngineError(
        f"no cluster answers, or it does not take this machine's token ({words[:200] or type(error).__name__})",
        where=address,
        remedy="start it with the lines of `kit worker --resources`, and check address, port and ~/.ray/auth_token",
    )
