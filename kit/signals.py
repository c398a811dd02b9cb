"""What a signal does to a command: it ends in order, and some work is not cut in half."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import NoReturn

__all__ = ["heeded_signals", "uninterrupted"]

#: Interruptions that came where Python could raise nothing.
_lost: list[BaseException] = []


@contextlib.contextmanager
def heeded_signals() -> Iterator[None]:
    """Let signals end a command in order; after it they end the process at once, and without a trace of Python."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # the terminal is gone; `nohup` says that this is fine
        signal.signal(signal.SIGHUP, _terminate)
    if getattr(sys.unraisablehook, "func", None) is not _not_lost:
        sys.unraisablehook = partial(_not_lost, sys.unraisablehook)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is _again:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is _terminate:
                signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay an interruption until a short piece of work has ended; a second one takes effect at once."""
    came: list[int] = []

    def later(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if threading.current_thread() is not threading.main_thread():  # only the main thread is interrupted
        handlers = {}
    handlers = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in handlers:
            signal.signal(number, later)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would cut the cleanup short; SIGKILL is always there
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _not_lost(usual: Callable[[sys.UnraisableHookArgs], object], unraisable: sys.UnraisableHookArgs) -> None:
    """Raise an interruption again that came where Python can raise nothing: in a destructor, or right after a fork."""
    error = unraisable.exc_value
    release = getattr(sys.modules.get("logging"), "_releaseLock", None)
    if isinstance(error, RuntimeError) and release is not None and unraisable.object is release:
        return  # after a fork: the interruption came while logging took its lock, and is about to be raised again
    if not isinstance(error, KeyboardInterrupt | SystemExit):
        usual(unraisable)
        return
    _lost.append(error)
    signal.signal(signal.SIGALRM, _again)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def _again(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _lost.pop()
