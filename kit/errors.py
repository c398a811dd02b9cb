"""The two error families and the exit codes.

A :class:`KitError` is the user's: one sentence on what happened and where, one on what to do, an exit code, no trace.
Anything else that escapes is ours: it ends with a traceback, what to send us, and exit code 1.
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial
from typing import Any

__all__ = [
    "BusyError",
    "CheckFailedError",
    "DamagedError",
    "DeviceError",
    "EngineError",
    "Exit",
    "InvalidInputError",
    "KitError",
    "MissingError",
    "ResourceError",
    "StepError",
]


class Exit(IntEnum):
    """Exit codes of every command; ``docs/errors.md`` is the table for people."""

    OK = 0
    INTERNAL = 1  # a defect of kit itself
    USAGE = 2  # wrong command line
    INVALID = 3  # a file that the user wrote or gave is not of the right form: recipe, labels, images, log
    MISSING = 4  # weights, data set, installer or artifact is not there
    DAMAGED = 5  # a digest or a structure is wrong: weights, artifact, checkpoint
    CHECK_FAILED = 6  # verify, audit or a gate found a difference
    ENGINE = 7  # the container engine is absent, stopped or refused
    DEVICE = 8  # an accelerator, its driver or its permission is missing, or it is taken
    STEP = 9  # a program in a container failed, or its result is beyond tolerance
    RESOURCE = 10  # disk full, out of memory, too many processes, no permission to write
    BUSY = 11  # another kit holds the store, the report or the device
    HANGUP = 129  # SIGHUP: the terminal has gone
    INTERRUPTED = 130  # SIGINT
    TERMINATED = 143  # SIGTERM


class KitError(Exception):
    """A mistake or a condition that the user can fix.

    ``what`` says what happened, ``where`` the file or place (optional), ``remedy`` what to do: one sentence each.
    """

    exit_code: Exit = Exit.INVALID

    def __init__(self, what: str, *, remedy: str, where: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """The form that goes from a process of an audit to the next; pickle itself cannot give arguments by name."""
        return partial(type(self), self.what, remedy=self.remedy, where=self.where), (), self.__dict__

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}"


class InvalidInputError(KitError):
    """A recipe, label file, image, log or report is not of the right form."""

    exit_code = Exit.INVALID


class MissingError(KitError):
    """Something that the user has to provide is not there."""

    exit_code = Exit.MISSING


class DamagedError(KitError):
    """A digest or a structure is wrong."""

    exit_code = Exit.DAMAGED


class CheckFailedError(KitError):
    """A comparison that guards a result found a difference."""

    exit_code = Exit.CHECK_FAILED


class EngineError(KitError):
    """The container engine is absent, stopped, or refused a request."""

    exit_code = Exit.ENGINE


class DeviceError(KitError):
    """An accelerator, its driver or its permission is missing, or it is taken."""

    exit_code = Exit.DEVICE


class StepError(KitError):
    """A program in a container failed, or what it made is beyond tolerance."""

    exit_code = Exit.STEP


class ResourceError(KitError):
    """Disk, memory, processes or permissions ran out."""

    exit_code = Exit.RESOURCE


class BusyError(KitError):
    """Another kit holds the store, the report or the device."""

    exit_code = Exit.BUSY
