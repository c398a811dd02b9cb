"""Runners: they execute one step, in a container or, without an engine, in this environment."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kit.errors import DamagedError, DeviceError, InvalidInputError, KitError, MissingError, ResourceError, StepError
from kit.planning.step import Outcome, Step

__all__ = ["Binding", "Listener", "Messages", "Runner", "at_host", "links"]

#: The prefix of ``inside.protocol`` for lines that are meant for the runner.
MARK = "@kit "
_KINDS: dict[str, type[KitError]] = {
    "invalid": InvalidInputError,
    "missing": MissingError,
    "damaged": DamagedError,
    "tolerance": StepError,
    "resource": ResourceError,
    "device": DeviceError,
}


@dataclass(frozen=True)
class Binding:
    """What connects a step to the host: the folder or file of each input, the folders for its outputs and its logs."""

    fingerprint: str
    inputs: Mapping[str, Path]
    out: Path
    logs: Path
    image_id: str
    stop: threading.Event = field(default_factory=threading.Event)  # set to end the step


class Listener(Protocol):
    """Receives the messages of a running step."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """``done`` of ``total`` are finished."""

    def line(self, text: str) -> None:
        """A line of the program's own output."""


class Runner(Protocol):
    """Executes steps. All runners pass the same contract test."""

    name: str
    containerized: bool

    def image_id(self, image: str) -> str:
        """Identity of the image (or environment) that a step names, without an engine where it is known already."""

    def prepare(self, image: str) -> str:
        """Make sure that the image is there, and return its id."""

    def run(self, step: Step, binding: Binding, listener: Listener) -> Outcome:
        """Execute; the outputs are in ``binding.out``, the streams in ``binding.logs``."""

    def command_line(self, step: Step, binding: Binding) -> str:
        """What would be executed, for a shell."""

    def host(self) -> dict[str, str]:
        """The runner's part of a run record: engine and version."""


@dataclass
class Messages:
    """Separates a stream: progress and errors for the runner, everything else for the log."""

    listener: Listener
    error: KitError | None = None
    _rest: bytes = field(default=b"", repr=False)

    def feed(self, data: bytes) -> bytes:
        """The part of ``data`` that belongs into the log."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > (1 << 16):  # a line this long is not a message
            lines, self._rest = [*lines, self._rest], b""
        return b"".join(self._line(line) for line in lines)

    def end(self) -> bytes:
        """What is left when the stream ends."""
        rest, self._rest = self._rest, b""
        return self._line(rest)[:-1] if rest else b""

    def _line(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace")
        if text.startswith(MARK):
            try:
                self._message(json.loads(text[len(MARK) :]))
            except (ValueError, KeyError, TypeError, AttributeError):
                pass  # a line of the program that only looks like a message
            else:
                return b""
        self.listener.line(text)
        return line + b"\n"

    def _message(self, message: dict[str, Any]) -> None:
        if "progress" in message:
            done, total = message["progress"]
            self.listener.progress(int(done), int(total), str(message.get("unit", "")))
        else:
            error = message["error"]
            kind = _KINDS.get(error["kind"], StepError)
            self.error = kind(str(error["what"]), where=error.get("where"), remedy=str(error["remedy"]))


def at_host(error: KitError, places: Mapping[str, str]) -> KitError:
    """The same error with the places of a container as those of this machine; longest place first."""
    what, where = error.what, error.where
    for inside, outside in sorted(places.items(), key=lambda item: -len(item[0])):
        pattern = re.compile(rf"(?<![\w/]){re.escape(inside)}(?![\w])")
        literal = outside.replace("\\", r"\\")
        what = pattern.sub(literal, what)
        where = pattern.sub(literal, where) if where else where
    return type(error)(what, where=where, remedy=error.remedy)


@contextlib.contextmanager
def links(step: Step, out: Path, place: Callable[[str], str]) -> Iterator[None]:
    """The step's links in its output folder while it runs; they are not part of what it makes."""
    made = {out / name: place(target) for name, target in step.links.items()}
    try:
        for link, target in made.items():
            link.symlink_to(target)
        yield
    finally:
        for link in made:
            if link.is_symlink():
                link.unlink()
