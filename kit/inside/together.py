"""One command on several devices at once: what a whole card does, measured and not multiplied.

Command line::

    python3 -m inside.together --devices 0,1,2,3 --out DIR -- benchmark.x86_64 -round=50 -device_id={device} ...

``{device}`` in the command is the number of a device. Each runs in its own folder ``DIR/device<N>``, where its streams
are ``stdout.txt`` and ``stderr.txt``; they start right after each other, and their output is repeated at the end.
It runs in the vendor's image, with whatever Python 3 that has. The exit status is the first that is not 0.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """The command line of this module."""
    words = sys.argv[1:] if argv is None else argv
    place = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="together", description="One command on several devices at once.")
    parser.add_argument("--devices", required=True, help="numbers, comma-separated")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(words[:place])
    command = words[place + 1 :]
    if not command or shutil.which(command[0]) is None:
        parser.error("there is no command after --")
    started = []
    for device in arguments.devices.split(","):
        folder = os.path.join(arguments.out, "device{}".format(device))  # noqa: UP032 - Python 3.7 reads both
        os.makedirs(folder, mode=0o750)
        streams = [os.path.join(folder, name) for name in ("stdout.txt", "stderr.txt")]
        with open(streams[0], "wb") as out, open(streams[1], "wb") as err:
            one = [word.replace("{device}", device) for word in command]
            started.append((folder, subprocess.Popen(one, cwd=folder, stdout=out, stderr=err)))
    codes = [process.wait() for _, process in started]
    for folder, _ in started:
        for name, stream in (("stdout.txt", sys.stdout), ("stderr.txt", sys.stderr)):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                shutil.copyfileobj(file, stream)
    failed = [code for code in codes if code]
    return (failed[0] if failed[0] > 0 else 128 - failed[0]) if failed else 0


if __name__ == "__main__":
    sys.exit(main())
