"""trtexec's logger: where a line goes, with which stamp, and the ``&&&&`` lines around a run.

``putOutput`` of samples/common/logging.h (7.2) writes the stamp to stdout whatever the severity, and the text of
warnings and errors to stderr: a redirected stdout keeps orphan stamps without a newline.
"""

from __future__ import annotations

import sys
import time

from .versions import Version

__all__ = ["Console"]


class Console:
    """One run's log; ``end`` gives the exit status."""

    def __init__(self, version: Version, argv: list[str]) -> None:
        self.argv = " ".join(argv)
        major, minor, patch = version
        # 8205 up to 9.3, 101600 from 10.0 on; the build number came with 10.4.
        number = major * 10000 + minor * 100 + patch if major >= 10 else major * 1000 + minor * 100 + patch
        build = " [b1]" if version >= (10, 4, 0) else ""
        self.tag = f"TensorRT.trtexec [TensorRT v{number}]{build}" if major >= 8 else "TensorRT.trtexec"

    def start(self) -> None:
        print(f"&&&& RUNNING {self.tag} # {self.argv}", flush=True)

    def end(self, passed: bool) -> int:
        print(f"&&&& {'PASSED' if passed else 'FAILED'} {self.tag} # {self.argv}", flush=True)
        return 0 if passed else 1

    @staticmethod
    def stamp() -> str:
        return time.strftime("[%m/%d/%Y-%H:%M:%S] ")

    def info(self, *lines: str) -> None:
        for line in lines:
            sys.stdout.write(f"{self.stamp()}[I] {line}\n")
        sys.stdout.flush()

    def trt(self, *lines: str) -> None:
        self.info(*(f"[TRT] {line}" for line in lines))

    def warning(self, line: str) -> None:
        self.split("W", line)

    def error(self, line: str) -> None:
        self.split("E", line)

    def split(self, letter: str, line: str) -> None:
        sys.stdout.write(self.stamp())
        sys.stdout.flush()
        print(f"[{letter}] {line}", file=sys.stderr, flush=True)
