"""The JSON that ``vision_metric_ImageNet.py`` writes: number of images and classes, Top1 to Top5 in per cent."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from kit.toollogs.reader import Row, Status, status_of
from kit.toollogs.text import clean

__all__ = ["VisionMetricReading", "VisionMetricResult", "read", "sniff"]

_PAIR = re.compile(r"\{\s*\"key\"\s*:\s*\"([^\"\\]{0,80})\"\s*,\s*\"value\"\s*:\s*\"([^\"\\]{0,80})\"\s*\}")
_TOP = re.compile(r"Top(\d+) accuracy\Z")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%\Z")
_END = re.compile(r"\s*\]\s*\}")


@dataclass(slots=True)
class VisionMetricResult:
    """One result: ``accuracy[k]`` is TopK in per cent (0 to 100), rounded to two digits by the script."""

    images: int | None = None
    classes: int | None = None
    accuracy: dict[int, float] = field(default_factory=dict)
    whole: bool = False
    refused: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """What the script always writes, and the text does not hold."""
        absent = [] if self.images is not None else ["Number of images"]
        few = self.classes if self.classes is not None else 5
        return absent + [f"Top{k} accuracy" for k in (1, 5) if k not in self.accuracy and k <= few]

    def contradictions(self) -> list[str]:
        """Values that cannot be."""
        found = ["no image was scored: the result folder was empty"] if self.images == 0 else []
        ladder = sorted(self.accuracy.items())
        found += [f"Top{k} accuracy {value:g} % is above 100 %" for k, value in ladder if value > 100]
        for (k, value), (more, larger) in itertools.pairwise(ladder):
            if larger < value:
                found.append(f"Top{more} accuracy {larger:g} % is below Top{k} accuracy {value:g} %")
        # The script rounds a share of the images to two digits: some whole count has to give it.
        images = self.images if self.images and self.images < 5000 else None
        for k, value in ladder if images else []:
            if images and abs(round(value / 100 * images) / images * 100 - value) > 0.0051:
                found.append(f"Top{k} accuracy {value:g} % is no share of {images} images")
        return found

    def as_json(self) -> dict[str, Any]:
        """The result as ``kit read --json`` prints it, without family, status and problems."""
        found: dict[str, Any] = {}
        if self.images is not None:
            found["images"] = self.images
        if self.classes is not None:
            found["classes"] = self.classes
        return found | {f"top{k}": value for k, value in sorted(self.accuracy.items())}

    def rows(self) -> list[Row]:
        """The table for people."""
        table = [] if self.images is None else [Row("images", str(self.images))]
        table += [] if self.classes is None else [Row("classes", str(self.classes))]
        return table + [Row(f"Top{k} accuracy", f"{value:g}", "%") for k, value in sorted(self.accuracy.items())]


@dataclass(slots=True)
class VisionMetricReading:
    """Every result of the text, in its order."""

    results: list[VisionMetricResult]
    status: Status
    problems: list[str]

    @property
    def result(self) -> VisionMetricResult | None:
        """The one result; None where there is none or more than one."""
        return self.results[0] if len(self.results) == 1 else None

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints: the values of one result beside ``family``, several as ``runs``."""
        found: dict[str, Any] = {"family": "vision_metric"}
        if len(self.results) == 1:
            found |= self.results[0].as_json()
        elif self.results:
            found["runs"] = [result.as_json() for result in self.results]
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        table = []
        for index, result in enumerate(self.results, 1):
            table += [Row(f"result {index}", "")] if len(self.results) > 1 else []
            table += result.rows()
        return table


def sniff(text: str) -> float:
    """How surely the text is such a JSON."""
    if "Overall statistical evaluation" in text:
        return 1.0
    return 0.9 if any(_TOP.match(found[1]) or found[1] == "Number of images" for found in _PAIR.finditer(text)) else 0.0


def read(text: str) -> VisionMetricReading:
    """The values of the JSON; of a cut one, the pairs that are whole. A report may quote several results."""
    text = clean(text)
    results: list[VisionMetricResult] = []
    seen: set[str] = set()
    for found in _PAIR.finditer(text):
        if not results or results[-1].whole or found[1] in seen:
            results.append(VisionMetricResult())
            seen = set()
        seen.add(found[1])
        _take(results[-1], found[1], found[2])
        results[-1].whole = _END.match(text, found.end()) is not None
    results = [result for result in results if result.as_json() or result.refused]
    problems: list[str] = []
    missing = odd = False
    for index, result in enumerate(results, 1):
        place = f"result {index}: " if len(results) > 1 else ""
        said = [f"missing: {', '.join(result.missing)}"] if result.missing else []
        said += ["the JSON is cut off"] if not result.whole else []
        missing = missing or bool(said)
        said += result.refused + result.contradictions()
        odd = odd or bool(said)
        problems += [place + problem for problem in said]
    usable = any(result.accuracy and result.images != 0 for result in results)
    if not usable and not problems:
        problems.append("there is no accuracy in this text")
    return VisionMetricReading(results, status_of(usable=usable, missing=missing, odd=odd), problems)


def _take(result: VisionMetricResult, key: str, value: str) -> None:
    top = _TOP.match(key)
    if top and _PERCENT.match(value):
        result.accuracy[int(top[1])] = float(value[:-1])
    elif top:
        result.refused.append(f"{key}: {value[:30]!r} is not per cent")
    elif value.isascii() and value.isdecimal() and len(value) < 16:
        if key == "Number of images":
            result.images = int(value)
        elif key == "Number of classes":
            result.classes = int(value)
