"""Rows of the table, and runs that take turns so that a noisy machine treats all candidates alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

__all__ = ["ROOT", "Row", "Settings", "alternate", "at_least", "below", "paired", "render", "timed"]

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How much is measured, where, and with what."""

    work: Path  # a folder that can be thrown away
    python: str
    cores: int
    rounds: int = 3
    scale: float = 1.0  # of the numbers of images and files
    image: str | None = None  # a runtime image of kit, for what is measured in a container
    seconds: float = 0.7  # of each measurement of an engine

    def count(self, number: int) -> int:
        """`number` of images or files, scaled."""
        return max(8, int(number * self.scale))

    def environment(self) -> dict[str, str]:
        """For programs: kit's and ours importable, one thread unless a program says otherwise."""
        return {
            "PYTHONPATH": f"{ROOT / 'kit'}:{ROOT}",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "OMP_NUM_THREADS": "1",
            "HOME": str(self.work),
        }

    def python_module(self, *arguments: object) -> str:
        """Run ``python -m ARGUMENTS`` to its end; its output.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        command = [self.python, "-m", *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment(), cwd=self.work, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


@dataclass(frozen=True)
class Row:
    """One line of the table. Ours and the other one are printed values with their units."""

    part: str
    what: str
    ours: str
    against: str = ""  # the peer or limit
    other: str = ""  # its value
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    note: str = field(default="")


def timed(action: Callable[[], object]) -> Callable[[], float]:
    """Seconds that `action` takes, whole processes with their start included."""

    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


def alternate(candidates: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Values of each candidate, one per round; in every other round the order is turned."""
    values: dict[str, list[T]] = {name: [] for name in candidates}
    for number in range(rounds):
        order = list(candidates.items())
        for name, measure in order if number % 2 == 0 else reversed(order):
            values[name].append(measure())
    return values


def paired(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Median over rounds of the quotient of two candidates in the same round."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def at_least(
    part: str, what: str, ours: str, against: str, other: str, ratio: float, goal: float | None, note: str = ""
) -> Row:
    """A row whose ratio must reach a goal."""
    return Row(
        part, what, ours, against, other, f"{ratio:.2f}",
        "" if goal is None else f">= {goal:g}", None if goal is None else ratio >= goal, note,
    )  # fmt: skip


def below(part: str, what: str, value: float, unit: str, goal: float, note: str = "") -> Row:
    """A row whose value must stay below a goal."""
    return Row(part, what, f"{value:.3g} {unit}", goal=f"< {goal:g} {unit}", met=value < goal, note=note)


def render(rows: Sequence[Row], machine: Sequence[tuple[str, str]], notes: Sequence[str]) -> str:
    """The text of RESULTS.md."""
    lines = [
        "# Results",
        "",
        "Made by `make bench`; medians of alternating runs, ratios of runs of the same round.",
        "",
    ]
    lines += ["| machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine), ""]
    for part in dict.fromkeys(row.part for row in rows):
        lines += [
            f"## {part}",
            "",
            "| what | kit | against | its value | ratio | goal | met |",
            "|---|---|---|---|---|---|---|",
        ]
        inside = [row for row in rows if row.part == part]
        for row in inside:
            met = "" if row.met is None else "yes" if row.met else "**no**"
            lines.append(
                f"| {row.what} | {row.ours} | {row.against} | {row.other} | {row.ratio} | {row.goal} | {met} |"
            )
        lines += ["", *(f"- {row.what}: {row.note}" for row in inside if row.note)]
        if any(row.note for row in inside):
            lines.append("")
    lines += [f"- {note}" for note in notes]
    return "\n".join(lines).rstrip() + "\n"
