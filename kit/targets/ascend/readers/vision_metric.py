"""The JSON that ``vision_metric_ImageNet.py`` writes: number of images and classes, Top1 to Top5 in per cent."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from kit.logtext import clean
from kit.readers import Row, Status, status_of

__all__ = ["VisionMetricReading", "read", "sniff"]

_PAIR = re.compile(r"\{\s*\"key\"\s*:\s*\"([^\"\\]*)\"\s*,\s*\"value\"\s*:\s*\"([^\"\\]*)\"\s*\}")
_TOP = re.compile(r"Top(\d+) accuracy\Z")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%\Z")


@dataclass(slots=True)
class VisionMetricReading:
    """``accuracy[k]`` is TopK in per cent (0 to 100), rounded to two digits by the script."""

    images: int | None
    classes: int | None
    status: Status
    problems: list[str]
    accuracy: dict[int, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints."""
        found: dict[str, Any] = {"family": "vision_metric"}
        if self.images is not None:
            found["images"] = self.images
        if self.classes is not None:
            found["classes"] = self.classes
        found |= {f"top{k}": value for k, value in sorted(self.accuracy.items())}
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        table = [] if self.images is None else [Row("images", str(self.images))]
        table += [] if self.classes is None else [Row("classes", str(self.classes))]
        return table + [Row(f"Top{k} accuracy", f"{value:g}", "%") for k, value in sorted(self.accuracy.items())]


def sniff(text: str) -> float:
    """How surely the text is such a JSON."""
    if "Overall statistical evaluation" in text:
        return 1.0
    return 0.9 if any(_TOP.match(found[1]) or found[1] == "Number of images" for found in _PAIR.finditer(text)) else 0.0


def read(text: str) -> VisionMetricReading:
    """The values of the JSON; of a cut one, the pairs that are whole."""
    text = clean(text)
    pairs = [(found[1], found[2]) for found in _PAIR.finditer(text)]
    problems: list[str] = []
    whole = True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # A report quotes the JSON between other lines; then the list has to be closed.
        whole = bool(re.search(r"\}\s*\]\s*\}", text))
    counts: dict[str, int] = {}
    accuracy: dict[int, float] = {}
    twice: set[str] = set()
    seen: dict[str, str] = {}
    for key, value in pairs:
        if seen.setdefault(key, value) != value:
            twice.add(key)
        top = _TOP.match(key)
        if top and _PERCENT.match(value):
            accuracy[int(top[1])] = float(value[:-1])
        elif top:
            problems.append(f"{key}: {value[:30]!r} is not per cent")
        elif value.isdecimal() and len(value) < 16:
            counts[key] = int(value)
    for key in sorted(twice):
        problems.append(f"{key} is there twice with different values: neither is taken")
        counts.pop(key, None)
        if top := _TOP.match(key):
            accuracy.pop(int(top[1]), None)
    images, classes = counts.get("Number of images"), counts.get("Number of classes")
    contradictions = _contradictions(accuracy, images)
    missing = [] if images is not None else ["Number of images"]
    missing += [f"Top{k} accuracy" for k in (1, 5) if k not in accuracy and (classes is None or classes >= k)]
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
    if not whole:
        problems.append("the JSON is cut off")
    usable = bool(accuracy) and images != 0
    status = status_of(usable=usable, missing=bool(missing) or not whole or bool(twice), odd=bool(contradictions))
    return VisionMetricReading(images, classes, status, problems + contradictions, accuracy)


def _contradictions(accuracy: dict[int, float], images: int | None) -> list[str]:
    found = ["no image was scored: the result folder was empty"] if images == 0 else []
    ladder = sorted(accuracy.items())
    found += [f"Top{k} accuracy {value:g} % is above 100 %" for k, value in ladder if value > 100]
    for (k, value), (more, larger) in itertools.pairwise(ladder):
        if larger < value:
            found.append(f"Top{more} accuracy {larger:g} % is below Top{k} accuracy {value:g} %")
    if images:
        for k, value in ladder:
            # The script rounds a share of the images to two digits: some whole count has to give it.
            if images < 5000 and abs(round(value / 100 * images) / images * 100 - value) > 0.0051:
                found.append(f"Top{k} accuracy {value:g} % is no share of {images} images")
    return found
