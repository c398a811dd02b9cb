"""Options and arguments of commands, declared as the help shows them: ``--target -t NAME``."""

from __future__ import annotations

from typing import Any

import typer

__all__ = ["argument", "goes_with", "option"]


def option(usage: str, says: str, *, env: str | None = None, readable: bool = False, **more: Any) -> Any:
    """An option.

    Args:
        usage: its names and, where it takes a value, what stands for that.
        says: its help.
        env: the environment variable that gives it, too.
        readable: refuse a path that may not be read, in typer's words; otherwise whoever reads it says so, in kit's.
        more: further settings of typer's.
    """
    words = usage.split()
    names = [word for word in words if word.startswith("-")]
    metavar = " ".join(words[len(names) :]) or None
    return typer.Option(*names, metavar=metavar, help=says, envvar=env, readable=readable, **more)


def argument(usage: str | None, says: str) -> Any:
    """An argument, by what stands for it; None: its name."""
    return typer.Argument(metavar=usage, help=says, readable=False)


def goes_with(name: str, given: object, other: str, *, there: bool) -> None:
    """Refuse the option ``name``, where it is given, without the ``other`` one: alone it would do nothing.

    Raises:
        BadParameter: the command line is wrong.
    """
    if given and not there:
        raise typer.BadParameter(f"goes with {other}", param_hint=name)
