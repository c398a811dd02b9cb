"""Kills its own process with SIGKILL at a chosen change of the file system: kit finds it through PYTHONPATH.

``KILL_AT=n``: before the n-th change. ``KILL_COUNT=file``: count only, and write the number there at the end.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import Any

_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_WRITING = os.O_WRONLY | os.O_RDWR
_seen = [0]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    changes = event in _CHANGES or (event == "open" and isinstance(args[2], int) and args[2] & _WRITING)
    if not changes or (event == "open" and str(args[0]).startswith("/dev/")):
        return
    _seen[0] += 1
    if _seen[0] == _at:
        os.kill(os.getpid(), signal.SIGKILL)


_at = int(os.environ.get("KILL_AT", "0"))
if _at or "KILL_COUNT" in os.environ:
    sys.addaudithook(_hook)
    if "KILL_COUNT" in os.environ:
        atexit.register(lambda: Path(os.environ["KILL_COUNT"]).write_text(str(_seen[0])))
