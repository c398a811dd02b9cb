"""How long a step may take, how long it may be silent, and how much it may print.

A model from a stranger may loop forever. kit's own programs report how far they are, so ten minutes of silence
are one call of a model that took ten minutes. A vendor's compiler may be silent for hours: only the whole step has a
limit then.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Self

from kit.errors import InvalidInputError, StepError
from kit.planning.step import Step

__all__ = ["Alarm", "Watch"]

_LOOK_EVERY_S = 1.0
#: What a step may print; its log is on the disk of the store.
_MOST_BYTES = 256 << 20


class Watch:
    """The limits of a running step."""

    def __init__(self, step: Step, stop: threading.Event) -> None:
        """Starts now.

        Args:
            step: the step.
            stop: set to end it early.

        Raises:
            InvalidInputError: KIT_STEP_SECONDS or KIT_STEP_SILENCE is not a number of seconds.
        """
        self._step, self._stop = step, stop
        self._total = _chosen("KIT_STEP_SECONDS", step.limits.seconds)
        self._silence = _chosen("KIT_STEP_SILENCE", step.limits.silence_s) if step.code else None
        self._started = self._heard = time.monotonic()
        self._said = 0

    def heard(self, count: int) -> None:
        """The step printed so many bytes."""
        self._heard = time.monotonic()
        self._said += count

    def overdue(self) -> StepError | None:
        """Why the step has to be stopped; None while it may run."""
        now = time.monotonic()
        if self._stop.is_set():
            return StepError(f"step {self._step.name} was stopped", remedy="run the same command again")
        if self._said > _MOST_BYTES:
            return StepError(
                f"step {self._step.name} was stopped: it printed more than {_MOST_BYTES >> 20} MiB",
                remedy="see its log for what it prints, and check that it ends",
            )
        if self._silence is not None and now - self._heard > self._silence:
            what, name = f"it said nothing for {self._silence} s", "KIT_STEP_SILENCE"
        elif now - self._started > self._total:
            what, name = f"it ran for {self._total} s", "KIT_STEP_SECONDS"
        else:
            return None
        return StepError(
            f"step {self._step.name} was stopped: {what}",
            remedy=f"check that the program does not loop forever; if this machine is only slow, raise {name}",
        )


class Alarm:
    """Checks a watch in its own thread, for a runner that waits for a stream; stops the step when it is overdue.

    ``with Alarm(watch, stop) as alarm: ...``, then ``alarm.error`` says why the step was stopped, if it was.
    """

    def __init__(self, watch: Watch, stop: Callable[[], object]) -> None:
        self.error: StepError | None = None
        self._watch, self._stop = watch, stop
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            self.error = self._watch.overdue()
            if self.error:
                self._stop()
                return


def _chosen(name: str, usual: int) -> int:
    text = os.environ.get(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 9 and int(text)):
        raise InvalidInputError(f"{name} is not a number of seconds: {text!r}", remedy=f"write for example {name}=600")
    return int(text)
