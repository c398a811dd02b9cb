"""Bytes of a file that the user names: only regular files up to a limit, and nothing that could block."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kit.errors import DamagedError, InvalidInputError, MissingError, ResourceError

__all__ = ["absent", "read_input"]

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def absent(what: str, path: Path, remedy: str) -> MissingError:
    """The error for a path where the expected file or folder is missing; it says what is there instead."""
    try:
        what += f": this is {_KINDS.get(stat.S_IFMT(path.stat().st_mode), 'something else')}"
    except FileNotFoundError:
        what += ": the link leads nowhere" if path.is_symlink() else ""
    except OSError as error:
        what += f": {error.strerror}"
    return MissingError(what, where=str(path), remedy=remedy)


def read_input(path: Path, limit: int, kind: str = "input") -> bytes:
    """The whole file, at most ``limit`` bytes; ``kind`` names it in messages ("log", "report").

    A pipe, a device and a directory are refused without waiting for them, a larger file without reading it.

    Raises:
        MissingError: there is no such file.
        DamagedError: it is larger than the limit.
        ResourceError: it may not be read.
        InvalidInputError: it is not a regular file, or the path is not valid.
    """
    where = str(path)
    try:
        # Without O_NONBLOCK, opening a named pipe waits for somebody to write.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        state = os.fstat(handle)
        if stat.S_ISDIR(state.st_mode):  # of which no file object can be made
            os.close(handle)
            raise InvalidInputError(f"this is a directory, not a {kind}", where=where, remedy="name the files in it")
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(state.st_mode):
                raise InvalidInputError(
                    "this is not a regular file (a pipe, a socket or a device)",
                    where=where,
                    remedy="write what it gives to a file first, and name that",
                )
            # Files of /proc and /sys say size 0 and may have no end: what is read counts, too.
            data = file.read(limit + 1) if state.st_size <= limit else b""
    except FileNotFoundError as error:
        raise MissingError(f"there is no such {kind}", where=where, remedy="check the path") from error
    except PermissionError as error:
        raise ResourceError(
            f"the {kind} may not be read", where=where, remedy="give yourself permission to read it"
        ) from error
    except (OSError, ValueError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidInputError(f"the {kind} cannot be read: {words}", where=where, remedy="check the path") from error
    if state.st_size > limit or len(data) > limit:
        raise DamagedError(
            f"the {kind} is larger than the limit of {limit >> 20} MiB", where=where, remedy="give the part that counts"
        )
    return data
