"""How a program in a container talks to the runner outside: lines on standard output, and the exit code.

A line that starts with ``@kit `` holds one JSON object; everything else on either stream is plain log::

    @kit {"progress": [120, 500], "unit": "images"}
    @kit {"error": {"kind": "damaged", "what": "…", "where": "weights.pth.tar", "remedy": "…"}}

Exit codes: 0 done; 64 the user can fix it (an error line was printed); 70 a defect (a traceback is on standard error);
130 and 143 stopped by SIGINT and SIGTERM.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

__all__ = [
    "EXIT_DEFECT", "EXIT_USER", "KINDS", "MARK", "OWN_LOG", "UserError", "oneline", "progress", "run",
    "write_bytes", "write_json",
]  # fmt: skip

MARK = "@kit "
#: As the place of an error: what the program wrote to standard error, wherever the runner keeps that.
OWN_LOG = "stderr.txt"
#: EX_USAGE and EX_SOFTWARE of sysexits.h, which no shell, interpreter or container engine uses.
EXIT_USER, EXIT_DEFECT = 64, 70
#: What the runner turns into its error families: see kit/errors.py.
KINDS = frozenset({"invalid", "missing", "damaged", "tolerance", "resource", "device"})

#: Seconds between two progress lines: a person sees motion, a log of a long run stays short.
_PERIOD = 0.2
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, a quota, a limit on the size of files
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_LIMITS = {
    errno.EAGAIN: "the limit of processes and threads is reached",
    errno.ENOMEM: "the limit of memory is reached",
    errno.EMFILE: "the limit of open files is reached",
    errno.ENFILE: "this machine's limit of open files is reached",
}
_last_progress = -1.0


class UserError(Exception):
    """A mistake or condition that the user can fix: what happened, where (optional), what to do; one sentence each."""

    def __init__(self, what: str, remedy: str, where: str | None = None, kind: str = "invalid") -> None:
        if kind not in KINDS:
            message = f"unknown kind of error {kind!r}"
            raise ValueError(message)
        self.what, self.remedy, self.where, self.kind = what, remedy, where, kind
        super().__init__(f"{where}: {what}" if where else what)


_PLACE = re.compile(r"/\S+\.(?:h|cc|cpp|cu):\d+ [^()]*(?:\([^()]*\)(?: const)?)? ")


def oneline(error: BaseException) -> str:
    """An exception's message on one line, not longer than a sentence; its type where it says nothing."""
    # A place in the engine's own C++ sources is longer than the cause that comes after it.
    text = _PLACE.sub("", " ".join(str(error).split())[:2000])
    return text[:300] or type(error).__name__


def progress(done: int, total: int, unit: str) -> None:
    """Report that `done` of `total` are finished; prints at most five lines a second, and always the last one."""
    global _last_progress  # noqa: PLW0603 - one process, one stream
    now = time.monotonic()
    if done < total and 0 <= now - _last_progress < _PERIOD and _last_progress >= 0:
        return
    _last_progress = now
    _say({"progress": [done, total], "unit": unit})


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as JSON, keys sorted: either the whole file is on disk, or none. NaN is refused."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"
    write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file: either the whole of it is on disk, or none."""
    target = os.fspath(path)
    partial = f"{target}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def run(main: Callable[[list[str] | None], None], argv: list[str] | None = None) -> NoReturn:
    """Run `main` and end the process with the exit code of this protocol, whatever `main` raises."""
    previous = signal.signal(signal.SIGTERM, _terminated)
    try:
        code = _outcome(main, argv)
    finally:
        signal.signal(signal.SIGTERM, previous)
    try:
        sys.stdout.flush()
    except OSError:  # the reader has ended; without this the interpreter reports it again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _outcome(main: Callable[[list[str] | None], None], argv: list[str] | None) -> int:
    try:
        main(argv)
    except UserError as error:
        return _fail(error)
    except MemoryError:
        return _fail(UserError("the program ran out of memory", "Raise the memory limit of the step.", kind="resource"))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader has ended: exit quietly, as every filter does
        return 128 + signal.SIGPIPE
    except OSError as error:
        known = _from_os_error(error)
        if known is not None:
            return _fail(known)
        traceback.print_exc()
        return EXIT_DEFECT
    except Exception:  # noqa: BLE001 - the last resort, and it says everything it knows
        traceback.print_exc()
        return EXIT_DEFECT
    return 0


def _from_os_error(error: OSError) -> UserError | None:
    """The user error for an operating system error, or None where it is a defect of ours."""
    where = str(error.filename) if error.filename is not None else None
    if error.errno in _FULL:
        return UserError(
            "no space left to write to", "Free some space, or move the store to another disk.", where, "resource"
        )
    if error.errno in _DENIED:
        return UserError(
            f"not permitted: {error.strerror}", "Let the calling user read and write there.", where, "resource"
        )
    if error.errno in _LIMITS:
        what = f"{_LIMITS[error.errno]} ({error.strerror})"
        return UserError(what, "Raise that limit of the step, or let it use fewer cores.", where, "resource")
    return None


def _fail(error: UserError) -> int:
    with contextlib.suppress(BrokenPipeError):  # the reader has ended; the exit code remains
        # A library may have printed half a line, as PyTorch does with a graph: the error gets its own line.
        sys.stdout.write("\n")
        _say({"error": {"kind": error.kind, "what": error.what, "where": error.where, "remedy": error.remedy}})
    return EXIT_USER


def _say(message: dict[str, Any]) -> None:
    # One write per line, so that lines of threads and forked workers never mix; ASCII, so that no locale can fail.
    sys.stdout.write(f"{MARK}{json.dumps(message)}\n")
    sys.stdout.flush()


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    # An exception, so that `finally` blocks remove partial files.
    sys.exit(128 + signal.SIGTERM)
