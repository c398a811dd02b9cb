"""Top1 to Top5 of 50,000 result files: against the published script."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable

from benchmarks.corpus import make_results
from benchmarks.table import Row, Settings, alternate, at_least, paired, timed

__all__ = ["measure"]

PART = "Metrics from results"


def measure(settings: Settings) -> list[Row]:
    """Microseconds per file, whole processes with their start; the script on a part, its cost per file is constant."""
    many, few = settings.count(50_000), settings.count(1_500)
    text, binary, labels = make_results(settings.work / "results", many)
    out = settings.work / "metrics"

    def published() -> None:
        settings.python_module("benchmarks.peers", "published-metric", text, labels, few)

    def kit(form: str, workers: int) -> Callable[[], None]:
        folder = {"txt": text, "bin": binary}[form]

        def run() -> None:
            settings.python_module(
                "inside.metrics", "--results", folder, "--format", form, "--suffix", 1, "--classes", 1000,
                "--labels", labels, "--out", out, "--workers", workers,
            )  # fmt: skip

        return run

    kit("txt", 1)()
    ours = json.loads((out / "metrics.json").read_text())
    theirs = json.loads(settings.python_module("benchmarks.peers", "published-metric", text, labels, many // 10))
    kit("bin", 1)()
    if json.loads((out / "metrics.json").read_text())["correct"] != ours["correct"] or ours["n"] != many:
        raise RuntimeError("text and binary results are counted differently")
    if many % 40_000 == 0 and [10 * value for value in theirs["correct"]] != ours["correct"]:
        raise RuntimeError("kit counts otherwise than the published script")
    cores = settings.cores
    seconds = alternate(
        {
            "published": timed(published),
            "txt": timed(kit("txt", 1)),
            "txt on all": timed(kit("txt", cores)),
            "bin": timed(kit("bin", 1)),
            "read": timed(lambda: settings.python_module("benchmarks.peers", "limit-read", binary)),
        },
        settings.rounds,
    )
    each = {
        name: [1e6 * s / (few if name == "published" else many) for s in values] for name, values in seconds.items()
    }

    def row(what: str, name: str, goal: float | None) -> Row:
        return at_least(
            PART, what, f"{statistics.median(each[name]):.1f} us per file", "published script, text",
            f"{statistics.median(each['published']):.0f} us per file", paired(each["published"], each[name]), goal,
        )  # fmt: skip

    return [
        row("text, one core", "txt", 12),
        row(f"text, {cores} cores", "txt on all", 20),
        row("binary, one core", "bin", 100),
        row("opening and reading the binary files, nothing else, one core", "read", None),
    ]
