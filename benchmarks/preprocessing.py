"""Preprocessing to ``.bin``: against the published script, and against what decoding alone costs."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus import PREPROCESS_JSON, make_images
from benchmarks.table import Row, Settings, alternate, at_least, paired, timed

__all__ = ["measure"]

PART = "Preprocessing"


def measure(settings: Settings) -> list[Row]:
    """Images per second, whole processes with their start.

    Over files of a run before, for kit and for the script: the memory of new files is touched for the first time, and
    a virtual machine gets such pages from its host one by one. New files have rows, and a limit, of their own.
    """
    many, few = settings.count(3200), settings.count(640)
    images = make_images(settings.work / "images", many)
    out, theirs = settings.work / "out", settings.work / "theirs"

    def published() -> None:
        settings.python_module("benchmarks.peers", "published-preprocess", images, theirs, few)

    def limit(cores: int, count: int, *to: Path) -> Callable[[], None]:
        def run() -> None:
            settings.python_module("benchmarks.peers", "limit-decode", images, count, cores, *to)

        return run

    def kit(cores: int, count: int, layout: str = "bin") -> Callable[[], None]:
        def run() -> None:
            settings.python_module(
                "inside.preprocess", "--images", images, "--preprocess", PREPROCESS_JSON, "--out", out,
                "--workers", cores, "--limit", count, "--layout", layout,
            )  # fmt: skip

        return run

    cores = settings.cores
    check(settings, images)
    published()
    candidates = {
        "published": timed(published),
        "limit": timed(limit(cores, many)),
        "limit on one": timed(limit(1, many // 4)),
        "limit, written": fresh(out, limit(cores, many, out)),
        "kit on one": fresh(out, kit(1, many // 4)),
        "packed": fresh(out, kit(cores, many, "packed")),
        "kit": fresh(out, kit(cores, many)),
        "again": timed(kit(cores, many)),  # over the files that the run before left
    }
    seconds = alternate_in_order(candidates, settings.rounds)
    shutil.rmtree(out, ignore_errors=True)
    counts = {"published": few, "limit on one": many // 4, "kit on one": many // 4}
    rates = {name: [counts.get(name, many) / value for value in values] for name, values in seconds.items()}

    def row(what: str, ours: str, against: str, label: str, goal: float | None) -> Row:
        return at_least(
            PART, what, text(rates[ours]), label, text(rates[against]), paired(rates[ours], rates[against]), goal
        )

    script, bound = "published script, one process", "decode + RGB + region resize"
    existing, new = f"to `.bin`, {cores} cores", f"to new `.bin` files, {cores} cores"
    limit_of_new, goal = "the limit and zeros into new files", 4.5 if cores == 2 else None
    return [
        row(existing, "again", "published", script, goal),
        row(existing, "again", "limit", f"{bound}, {cores} processes", 0.85),
        row("to new `.bin` files, one worker", "kit on one", "published", script, None),
        row("to new `.bin` files, one worker", "kit on one", "limit on one", f"{bound}, one process", None),
        row(new, "kit", "published", script, goal),
        row(new, "kit", "limit, written", f"{limit_of_new}, {cores} processes", None),
        row(f"{limit_of_new}, {cores} processes", "limit, written", "published", script, None),
        row(f"to one new packed file, {cores} cores", "packed", "published", script, None),
    ]


def alternate_in_order(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """As :func:`alternate`, but never turned: one candidate writes over the files of the one before it."""
    values: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, found in alternate(candidates, 1).items():
            values[name] += found
    return values


def fresh(out: Path, action: Callable[[], None]) -> Callable[[], float]:
    """Seconds of `action` alone, its output folder removed before."""
    measure = timed(action)

    def run() -> float:
        shutil.rmtree(out, ignore_errors=True)
        return measure()

    return run


def text(rates: list[float]) -> str:
    return f"{statistics.median(rates):.0f} images/s"


def check(settings: Settings, images: Path) -> None:
    """The first hundred images, bit for bit; this also brings files and programs into memory.

    Raises:
        RuntimeError: a tensor differs from the published one.
    """
    ours, theirs = settings.work / "ours", settings.work / "theirs"
    settings.python_module("benchmarks.peers", "published-preprocess", images, theirs, 100)
    settings.python_module(
        "inside.preprocess", "--images", images, "--preprocess", PREPROCESS_JSON, "--out", ours, "--limit", 100
    )
    for path in sorted(theirs.iterdir()):
        if path.read_bytes() != (ours / path.name).read_bytes():
            raise RuntimeError(f"{path.name} differs from the published preprocessing")
    shutil.rmtree(ours)
    shutil.rmtree(theirs)
