"""The JSON that ``vision_metric_ImageNet.py`` writes: number of images and classes, Top1 to Top5 in per cent."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kit.toollogs.numbers import integer, real
from kit.toollogs.output import Findings, Row, ToolOutput, numbered, present, present_rows, rows_of, runs_json
from kit.toollogs.text import clean

__all__ = ["VisionMetricReading", "VisionMetricResult", "read", "sniff"]

_PAIR = re.compile(r"\{\s*\"key\"\s*:\s*\"([^\"\\]{0,80})\"\s*,\s*\"value\"\s*:\s*\"([^\"\\]{0,80})\"\s*\}")
_TOP = re.compile(r"Top(\d+) accuracy\Z")
_PERCENT = re.compile(r"\d+(?:\.\d+)?%\Z")
_NEXT = re.compile(r"\s*,\s*\Z")
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
        """What the script always writes and the text lacks."""
        absent = [] if self.images is not None else ["Number of images"]
        few = self.classes if self.classes is not None else 5
        return absent + [f"Top{k} accuracy" for k in (1, 5) if k not in self.accuracy and k <= few]

    def contradictions(self) -> list[str]:
        """Impossible values."""
        found = ["no image was scored: the result folder was empty"] if self.images == 0 else []
        ladder = sorted(self.accuracy.items())
        found += [f"Top{k} accuracy {value:g} % is above 100 %" for k, value in ladder if value > 100]
        for (k, value), (more, larger) in itertools.pairwise(ladder):
            if larger < value:
                found.append(f"Top{more} accuracy {larger:g} % is below Top{k} accuracy {value:g} %")
        # The script rounds a share of the images to two digits, so it must follow from a whole count.
        images = self.images if self.images and self.images < 5000 else None
        for k, value in ladder if images else []:
            if images and abs(round(value / 100 * images) / images * 100 - value) > 0.0051:
                found.append(f"Top{k} accuracy {value:g} % is not a share of {images} images")
        return found

    def as_json(self) -> dict[str, Any]:
        """The result as ``kit read --json`` prints it, without family, status and problems."""
        top = {f"top{k}": value for k, value in sorted(self.accuracy.items())}
        return present(images=self.images, classes=self.classes, **top)

    def rows(self) -> list[Row]:
        """The table for people."""
        accuracy = ((f"Top{k} accuracy", value, "%") for k, value in sorted(self.accuracy.items()))
        return present_rows(("images", self.images, ""), ("classes", self.classes, ""), *accuracy)


@dataclass
class VisionMetricReading(ToolOutput):
    """Every result of the text, in its order."""

    family: ClassVar[str] = "vision_metric"

    results: list[VisionMetricResult]

    @property
    def result(self) -> VisionMetricResult | None:
        """The result, if there is exactly one."""
        return self.results[0] if len(self.results) == 1 else None

    def values(self) -> dict[str, Any]:
        return runs_json(self.results)

    def rows(self) -> list[Row]:
        return rows_of(self.results, "result")


def sniff(text: str) -> float:
    """How likely the text is to be such a JSON."""
    if "Overall statistical evaluation" in text:
        return 1.0
    return 0.9 if any(_TOP.match(found[1]) or found[1] == "Number of images" for found in _PAIR.finditer(text)) else 0.0


def read(text: str) -> VisionMetricReading:
    """The values of the JSON; of a cut one, the pairs that are whole. A report may quote several results."""
    text = clean(text)
    results: list[VisionMetricResult] = []
    seen: set[str] = set()
    end = 0
    for found in _PAIR.finditer(text):
        # The pairs of one result are in one list: anything else between two of them separates two results.
        if not results or found[1] in seen or not _NEXT.match(text[end : min(found.start(), end + 1000)]):
            results.append(VisionMetricResult())
            seen = set()
        seen.add(found[1])
        _take(results[-1], found[1], found[2])
        end = found.end()
        results[-1].whole = _END.match(text, end) is not None
    results = [result for result in results if result.as_json() or result.refused]
    findings = Findings()
    for place, result in numbered(results, "result"):
        cut = [] if result.whole else ["the JSON is cut off"]
        missing = [f"missing: {', '.join(result.missing)}"] if result.missing else []
        said = Findings(missing=missing + cut, refused=result.refused, contradictions=result.contradictions())
        findings.add(said, place)
    usable = any(result.accuracy and result.images != 0 for result in results)
    return VisionMetricReading(*findings.outcome(usable=usable, nothing="there is no accuracy in this text"), results)


def _take(result: VisionMetricResult, key: str, value: str) -> None:
    top = _TOP.match(key)
    if top:
        k, share = integer(top[1]), real(value[:-1]) if _PERCENT.match(value) else None
        if k is None or share is None:
            result.refused.append(f"{key[:30]}: {value[:30]!r} is not per cent")
        else:
            result.accuracy[k] = float(share)
    elif key in ("Number of images", "Number of classes"):
        count = integer(value)
        if count is None or count < 0:
            result.refused.append(f"{key}: {value[:30]!r} is not a count")
        elif key == "Number of images":
            result.images = count
        else:
            result.classes = count
