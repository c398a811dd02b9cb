"""What a person sees while steps run: a live list on a terminal, plain lines in CI, JSON lines for machines."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from kit.planning.step import Step
from kit.terminal import unguarded, visible

__all__ = ["JsonProgress", "LiveProgress", "PlainProgress", "Progress", "bar", "choose", "takes_live"]


class Progress:
    """Is notified of what an executor does; this one shows nothing."""

    def plan(self, steps: Sequence[Step]) -> None:
        """These steps will run, in this order."""

    def cached(self, step: Step) -> None:
        """The store has the step already."""

    def start(self, step: Step, doing: str = "") -> None:
        """The step starts."""

    def done(self, step: Step, seconds: float) -> None:
        """The step has finished."""

    def failed(self, step: Step, error: BaseException) -> None:
        """The step has failed or was interrupted."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """How far the running step has come."""

    def line(self, text: str) -> None:
        """A line of a program's own output, or of an image build."""

    def close(self) -> None:
        """The run has ended."""


def choose(*, as_json: bool, verbose: bool, stream: TextIO | None = None) -> Progress:
    """The progress that fits: JSON on request, live on a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    if as_json:
        return JsonProgress(sys.stdout, verbose=verbose)
    if not verbose and takes_live(stream):
        return LiveProgress(unguarded(stream))
    return PlainProgress(stream, verbose=verbose)


def takes_live(stream: TextIO) -> bool:
    """Whether lines on it may be drawn again: a terminal that is not a log of CI."""
    return stream.isatty() and os.environ.get("CI") != "true" and os.environ.get("TERM") != "dumb"


def bar(done: int, total: int, text: str) -> Any:
    """A bar followed by a text, for one field of a live table."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=total, completed=done, width=24), Text(text))
    return grid


class PlainProgress(Progress):
    """One line per finished step, for logs."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream, self._verbose = stream, verbose
        self._total = self._count = 0

    def plan(self, steps: Sequence[Step]) -> None:
        self._total = len(steps)

    def cached(self, step: Step) -> None:
        self._say(step, "unchanged")

    def start(self, step: Step, doing: str = "") -> None:
        if self._verbose:
            self._print(f"--- {step.name}: {doing or step.title}")

    def done(self, step: Step, seconds: float) -> None:
        self._say(step, f"{seconds:.1f} s")

    def failed(self, step: Step, error: BaseException) -> None:
        self._say(step, "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")

    def line(self, text: str) -> None:
        if self._verbose:
            self._print(visible(text))

    def _say(self, step: Step, state: str) -> None:
        self._count += 1
        mark = " SIMULATED" if step.simulated else ""
        self._print(f"[{self._count}/{self._total}] {step.name:<22} {step.title:<28} {state}{mark}")

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class JsonProgress(Progress):
    """One JSON object per line on standard output."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream, self._verbose = stream, verbose
        self._step = ""

    def plan(self, steps: Sequence[Step]) -> None:
        self._say(event="plan", steps=[step.name for step in steps])

    def cached(self, step: Step) -> None:
        self._say(event="unchanged", step=step.name)

    def start(self, step: Step, doing: str = "") -> None:
        self._step = step.name
        self._say(event="start", step=step.name, doing=doing or step.title)

    def done(self, step: Step, seconds: float) -> None:
        self._say(event="done", step=step.name, seconds=seconds, simulated=step.simulated)

    def failed(self, step: Step, error: BaseException) -> None:
        self._say(event="failed", step=step.name, error=str(error) or type(error).__name__)

    def progress(self, done: int, total: int, unit: str) -> None:
        self._say(event="progress", step=self._step, done=done, total=total, unit=unit)

    def line(self, text: str) -> None:
        if self._verbose:
            self._say(event="line", step=self._step, text=text)

    def _say(self, **message: Any) -> None:
        print(json.dumps(message, ensure_ascii=False), file=self._stream, flush=True)


class LiveProgress(Progress):
    """A list of steps with state and time; a bar for the running one."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._steps: list[Step] = []
        self._states: dict[str, tuple[str, str]] = {}
        self._started = 0.0
        self._bar: tuple[int, int, str] | None = None
        self._doing = ""
        self._live = Live(console=Console(file=stream), refresh_per_second=8, get_renderable=self._table)

    def plan(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self._live.start()

    def cached(self, step: Step) -> None:
        self._states[step.name] = ("✓", "unchanged")

    def start(self, step: Step, doing: str = "") -> None:
        self._started, self._bar, self._doing = time.monotonic(), None, visible(doing)
        self._states[step.name] = ("▸", "")

    def done(self, step: Step, seconds: float) -> None:
        self._states[step.name] = ("✓", f"{seconds:.1f} s")

    def failed(self, step: Step, error: BaseException) -> None:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        self._states[step.name] = ("✗", "interrupted" if stopped else "failed")

    def progress(self, done: int, total: int, unit: str) -> None:
        self._bar = (done, total, unit)

    def line(self, text: str) -> None:
        self._doing = visible(text.strip()[:60])

    def close(self) -> None:
        self._live.stop()

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for step in self._steps:
            mark, state = self._states.get(step.name, ("·", ""))
            shown: Any = Text(state)
            if mark == "▸":
                seconds = time.monotonic() - self._started
                shown = Text(f"{seconds:.0f} s  {self._doing}", overflow="ellipsis", no_wrap=True)
                if self._bar and self._bar[1] > 0:
                    done, total, unit = self._bar
                    shown = bar(done, total, f"{done}/{total} {unit}  {seconds:.0f} s")
            style = {"✓": "green", "✗": "red", "▸": "bold"}.get(mark, "dim")
            simulated = " SIMULATED" if step.simulated else ""
            table.add_row(Text(mark, style=style), Text(step.name, style=style), Text(step.title + simulated), shown)
        return table
