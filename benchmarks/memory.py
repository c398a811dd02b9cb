"""Peak memory of the largest process, at 5,000 and at 50,000 images or results: it must not grow."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.corpus import PREPROCESS_JSON, make_images, make_results, photo
from benchmarks.table import Row, Settings

__all__ = ["measure"]

PART = "Peak memory of the largest process"
GOAL = 300
SMALL = '{"resize": [36, 36], "crop": [32, 32]}'


def measure(settings: Settings) -> list[Row]:
    """Megabytes. 50,000 small pictures show the growth, some hundred photographs the size."""
    rows = []
    counts = (settings.count(5_000), settings.count(50_000))
    few = settings.count(400)
    images = make_images(settings.work / "memory", few)
    out = settings.work / "memory-out"
    peak = _peak(settings, "inside.preprocess", "--images", images, "--preprocess", PREPROCESS_JSON, "--out", out)
    rows.append(_row("preprocess to `.bin`", (few,), (peak,)))
    folder = _small_images(settings.work / "small", counts[-1])
    options = ("--images", folder, "--preprocess", SMALL, "--layout", "packed", "--out", out)
    peaks = tuple(_peak(settings, "inside.preprocess", *options, "--limit", count) for count in counts)
    rows.append(_row("preprocess, small images", counts, peaks))
    for form in ("txt", "bin"):
        found = []
        for count in counts:
            root = settings.work / f"results-{count}"
            if not root.exists():
                make_results(root, count)
            text, binary, labels = root / "txt", root / "bin", root / "val_label.txt"
            results = text if form == "txt" else binary
            arguments = ("--results", results, "--format", form, "--classes", 1000, "--labels", labels, "--out", out)
            found.append(_peak(settings, "inside.metrics", *arguments))
        rows.append(_row(f"metrics, {form}", counts, tuple(found)))
    return rows


def _peak(settings: Settings, *arguments: object) -> float:
    return float(json.loads(settings.python_module("benchmarks.peers", "peak", *arguments).splitlines()[-1]))


def _row(what: str, counts: tuple[int, ...], peaks: tuple[float, ...]) -> Row:
    """The peak at the largest count; 5 MB of growth are noise."""
    value = ", ".join(f"{peak:.0f} MB at {count:,}" for peak, count in zip(peaks, counts, strict=True))
    met = max(peaks) < GOAL and max(peaks) - peaks[0] < 0.1 * peaks[0] + 30
    return Row(PART, what, value, goal=f"< {GOAL} MB, no growth", met=met)


def _small_images(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:06d}.jpg"
        if number < 50:
            photo(number).resize((80, 60)).save(path)
        else:
            path.hardlink_to(folder / f"{number % 50:06d}.jpg")
    return folder
