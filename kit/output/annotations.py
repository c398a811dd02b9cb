"""Workflow commands of GitHub: a message at a line of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: one command takes one line, and
what a message quotes must not begin another one.
"""

from __future__ import annotations

from typing import Literal

from kit.terminal import visible

__all__ = ["Level", "annotation"]

Level = Literal["error", "warning", "notice"]


def annotation(level: Level, title: str, message: str, *, file: str | None = None, line: int | None = None) -> str:
    """One annotation, on one line.

    Args:
        level: how it is shown; only ``error`` looks like a failure.
        title: short, above the message.
        message: its line ends are kept, in GitHub's own form.
        file: path in the repository that it belongs to.
        line: the line there, from 1.
    """
    places = {"file": file, "line": line, "title": title}
    written = ",".join(f"{name}={_property(value)}" for name, value in places.items() if value is not None)
    return f"::{level} {written}::{_message(message)}"


def _message(text: str) -> str:
    # GitHub's escapes first: of the other control characters, none is known to it.
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(value: object) -> str:
    return _message(str(value)).replace(":", "%3A").replace(",", "%2C")
