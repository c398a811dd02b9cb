"""Steps that run at once: the parts of a data set, each on a device of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from kit.execution.progress import Progress
from kit.planning.step import Step

__all__ = ["SharedProgress", "all_at_once", "groups"]

T = TypeVar("T")


def groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps in their order; neighbours together that are shards with devices of their own."""
    group: list[Step] = []
    for step in steps:
        taken = {lease for one in group for lease in one.devices.leases}
        leases = set(step.devices.leases) if step.shard else set()
        if group and (not leases or not group[-1].shard or not taken or leases & taken):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def all_at_once(work: Callable[[Step], T], steps: Sequence[Step], stop: threading.Event) -> list[T]:
    """Work on all steps, each in a thread; the first error, or an interruption, ends the others and is raised.

    ``stop`` is set when the steps that still run must end.
    """
    with ThreadPoolExecutor(len(steps)) as pool:
        tasks = [pool.submit(work, step) for step in steps]
        try:
            ended, _ = wait(tasks, return_when=FIRST_EXCEPTION)
            failed = next((task for task in ended if task.exception()), None)
            if failed:
                failed.result()
            return [task.result() for task in tasks]
        except BaseException:
            stop.set()
            raise


class SharedProgress(Progress):
    """A progress that the threads of one group of steps may use: one call at a time, one bar that counts for all."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._lock = progress, threading.Lock()
        self._bars: dict[int, tuple[int, int]] = {}

    def cached(self, step: Step) -> None:
        with self._lock:
            self._progress.cached(step)

    def start(self, step: Step, doing: str = "") -> None:
        with self._lock:
            self._progress.start(step, doing)

    def done(self, step: Step, seconds: float) -> None:
        with self._lock:
            self._progress.done(step, seconds)

    def failed(self, step: Step, error: BaseException) -> None:
        with self._lock:
            self._progress.failed(step, error)

    def progress(self, done: int, total: int, unit: str) -> None:
        with self._lock:
            self._bars[threading.get_ident()] = (done, total)
            bars = self._bars.values()
            self._progress.progress(sum(bar[0] for bar in bars), sum(bar[1] for bar in bars), unit)

    def line(self, text: str) -> None:
        with self._lock:
            self._progress.line(text)
