"""The data set on the CPU from end to end, against its two bounds: decoding alone and the engine alone."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable

from benchmarks.corpus import PREPROCESS_JSON, make_images
from benchmarks.model import model
from benchmarks.table import Row, Settings, alternate

__all__ = ["measure"]

PART = "Data set on the CPU, end to end"


def measure(settings: Settings) -> list[Row]:
    """Seconds inside the programs, without their start.

    A pipeline gives some cores to the engine and the rest to the decoder, and the slower one is its bound. kit's
    workers do both, on all cores; what bounds them is the work of both.
    """
    count = settings.count(256)
    images = make_images(settings.work / "pipeline", count)
    onnx = model(settings)
    cores, spare = settings.cores, max(1, settings.cores // 4)
    engine_cores = max(1, cores - spare)

    def whole() -> float:
        settings.python_module(
            "inside.evaluate", "--model", onnx, "--images", images, "--preprocess", PREPROCESS_JSON,
            "--out", settings.work / "evaluated",
        )  # fmt: skip
        facts = json.loads((settings.work / "evaluated" / "evaluate.json").read_text())
        return float(facts["seconds"]["total"])

    def engine(threads: int) -> Callable[[], float]:
        return lambda: float(json.loads(settings.python_module("benchmarks.peers", "bare", onnx, 32, threads, count)))

    def decode() -> float:
        return float(json.loads(settings.python_module("benchmarks.peers", "fill", images, PREPROCESS_JSON)))

    whole()  # programs and files come into memory
    candidates = {
        "whole": whole,
        "one": engine(1),
        "some": engine(engine_cores),
        "all": engine(cores),
        "decode": decode,
    }
    seconds = alternate(candidates, settings.rounds)
    slower = [max(a, b / spare) for a, b in zip(seconds["some"], seconds["decode"], strict=True)]
    both = [(a + b) / cores for a, b in zip(seconds["one"], seconds["decode"], strict=True)]
    what = f"{count} photographs, {cores} cores"
    divided = f"slower of bare engine on {engine_cores} and decoding on the spare {spare}"
    return [
        _row(what, count, seconds["whole"], slower, divided, 1.1),
        _row(what, count, seconds["whole"], both, "work of both, spread evenly over all cores", None),
        _row(what, count, seconds["whole"], seconds["all"], "bare engine on all cores, nothing decoded", None),
    ]


def _row(what: str, count: int, ours: list[float], bound: list[float], against: str, goal: float | None) -> Row:
    ratio = statistics.median(a / b for a, b in zip(ours, bound, strict=True))
    return Row(
        PART, what, f"{count / statistics.median(ours):.0f} images/s", against,
        f"{count / statistics.median(bound):.0f} images/s", f"{ratio:.2f} (time)",
        "" if goal is None else f"<= {goal:g}", None if goal is None else ratio <= goal,
    )  # fmt: skip
