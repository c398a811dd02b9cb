"""Worker processes that share work, with results in order, bounded memory, errors for the user, and no orphans.

Each worker has its own pipe: nothing is locked, so a killed worker cannot block the others, and a worker whose parent
is killed reads the end of its pipe and exits.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import connection
from typing import Any, Generic, Self, TypeVar

from .protocol import UserError

__all__ = ["Pool", "cores", "reuse_freed_memory"]

T = TypeVar("T")
R = TypeVar("R")

#: Seconds that a worker has to end before it is killed.
_GRACE = 0.2


def cores() -> int:
    """Cores that this process may use: its affinity, and the quota of its container where there is one."""
    count = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        count = min(count, max(1, math.ceil(int(quota) / int(period))))
    return count


def reuse_freed_memory() -> None:
    """Let freed arrays of up to 16 MB be reused instead of returned to the kernel.

    glibc maps large arrays anew each time, and the kernel clears their pages, which costs as much as the computation.
    It stops doing so up to the size of the largest one that was ever freed (``mallopt(3)``, M_MMAP_THRESHOLD).
    """
    bytearray(16 << 20)


class Pool(Generic[T, R]):
    """Processes that each make their own worker with ``setup(*args)`` and then call it once per task.

    Use it as a context manager: leaving it, by whatever exception, ends every process within half a second.
    `setup` and its arguments must be picklable: the processes start afresh, so that they inherit no thread and no lock.
    """

    def __init__(self, count: int, setup: Callable[..., Callable[[T], R]], *args: Any) -> None:
        self._setup = (setup, args)
        self._count = count
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._pipes: list[connection.Connection] = []

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        try:
            for _ in range(self._count):
                ours, theirs = context.Pipe()
                self._pipes.append(ours)
                process = context.Process(target=_serve, args=(theirs, *self._setup), daemon=True)
                self._processes.append(process)
                process.start()
                theirs.close()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def map(self, tasks: Iterable[T], window: int) -> Iterator[R]:
        """Results in the order of `tasks`; at most `window` tasks are sent whose results were not yet taken.

        Raises:
            UserError: the first one, in the order of the tasks, that a worker raised; or a worker was killed.
        """
        source = enumerate(tasks)
        waiting: dict[int, tuple[bool, Any]] = {}
        load = [0] * len(self._pipes)
        given = wanted = 0
        more = True
        while True:
            while more and given - wanted < window:
                task = next(source, None)
                if task is None:
                    more = False
                    break
                idlest = load.index(min(load))
                self._send(idlest, task)
                load[idlest] += 1
                given += 1
            if wanted == given:
                return
            while wanted not in waiting:
                for ready in connection.wait(self._pipes):
                    worker = self._pipes.index(ready)  # type: ignore[arg-type]
                    index, done, value = self._receive(worker)
                    load[worker] -= 1
                    waiting[index] = done, value
            done, value = waiting.pop(wanted)
            if not done:
                raise value
            wanted += 1
            yield value

    def _send(self, worker: int, task: tuple[int, T]) -> None:
        try:
            self._pipes[worker].send(task)
        except OSError:
            self._receive(worker)  # raises why it could not start, if it said so
            raise self._killed(worker) from None

    def _receive(self, worker: int) -> tuple[int, bool, Any]:
        try:
            index, kind, value = self._pipes[worker].recv()
        except (EOFError, OSError):
            raise self._killed(worker) from None
        if kind == "done":
            return index, True, value
        error: Exception
        if kind == "user":
            error = UserError(*value)
        elif kind == "system":
            error = OSError(*value)
        else:
            error = RuntimeError(f"a worker process failed:\n{value}")
        if index < 0:
            raise error
        return index, False, error

    def _killed(self, worker: int) -> UserError:
        process = self._processes[worker]
        process.join(1)
        code = process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        remedy = "Give the step more memory, or fewer workers, and run it again."
        return UserError(f"a worker process ended {how}", remedy, kind="resource")

    def _stop(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        started = [process for process in self._processes if process.pid is not None]
        for process in started:
            process.terminate()
        end = time.monotonic() + _GRACE
        for process in started:
            process.join(max(0.0, end - time.monotonic()))
        for process in started:
            if process.is_alive():
                process.kill()
            process.join()


def _serve(pipe: connection.Connection, setup: Callable[..., Callable[[Any], Any]], args: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the whole process group; the parent decides, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work: Callable[[Any], Any] | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent has ended
        while True:
            index, task = (-1, None) if work is None else pipe.recv()
            try:
                if work is None:
                    work = setup(*args)
                    continue
                reply: tuple[int, str, Any] = (index, "done", work(task))
            except UserError as error:
                reply = (index, "user", (error.what, error.remedy, error.where, error.kind))
            except MemoryError:
                value = ("a worker process ran out of memory", "Give the step more memory.", None, "resource")
                reply = (index, "user", value)
            except OSError as error:
                reply = (index, "system", (error.errno, error.strerror, error.filename))
            except Exception:  # noqa: BLE001 - the parent raises it
                reply = (index, "defect", traceback.format_exc())
            pipe.send(reply)
            if work is None:
                return
