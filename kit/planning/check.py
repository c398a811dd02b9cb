"""A check of a machine before a run, as targets and `kit doctor` state it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kit.errors import Exit

__all__ = ["Check", "Finding", "State"]

#: ``fail`` stops a run before anything is built; ``warn`` and ``note`` do not.
State = Literal["ok", "note", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What a check saw, what to do about it, and the vendor's message that it prevents.

    ``exit_code`` is that of the error which a run would end with, where it is not the check's own.
    """

    state: State
    message: str
    remedy: str = ""
    prevents: str = ""
    exit_code: Exit | None = None


@dataclass(frozen=True)
class Check:
    """A named question about the machine; ``run`` answers it without changing anything.

    ``exit_code`` is the family that its failure belongs to: a device by default.
    """

    name: str
    run: Callable[[], Finding]
    exit_code: Exit = Exit.DEVICE
