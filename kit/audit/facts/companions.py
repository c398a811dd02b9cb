"""The files that a report has to agree with: its other language, result files, the reports it links to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.audit.facts.document import Document, parse
from kit.audit.facts.vocabulary import devices_in, only
from kit.toollogs.numbers import finite, load_json

__all__ = ["Companions", "MeasuredRate", "ReportLink", "companions_of", "links_of"]

_LANGUAGE = re.compile(r"[._-](?:en|zh|cn|zh[-_]cn|en[-_]us|chinese|english)\Z", re.IGNORECASE)
_LINK = re.compile(
    r"\[[^\[\]\n]{0,200}\]\(\s{0,3}([^()\s]{1,300})[^()\n]{0,100}\)|href\s{0,3}=\s{0,3}[\"']([^\"'\s]{1,300})"
)
_DEVICE_KEYS = ("target", "device", "card")
_RATE_KEYS = ("rate", "throughput", "fps", "qps")
_BATCH_KEYS = ("batch", "batch_size", "batchsize", "bs")
_MOST_RESULTS = 16
_MOST_LINKS = 2000
_MOST_VALUES = 20_000


@dataclass(frozen=True, slots=True)
class MeasuredRate:
    """A throughput in a result file: the file, the device as named there, the batch size, its possible values."""

    file: str
    device: str
    batch: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReportLink:
    """A line of an index that links to a report, and that report."""

    line: int
    target: str
    document: Document


@dataclass(frozen=True, slots=True)
class Companions:
    """The other language of a report, by name, the throughputs of result files, and the linked reports by line."""

    twins: tuple[tuple[str, Document], ...] = ()
    rates: tuple[MeasuredRate, ...] = ()
    links: Mapping[int, ReportLink] = field(default_factory=dict)


def companions_of(name: str, names: Sequence[str], read: Callable[[str], str | None]) -> Companions:
    """The companions of the report ``name`` among the files ``names`` (relative to its folder, with "/").

    ``read`` gives the text of one, None if it cannot be read.
    """
    base = _base(name)
    twins = [
        (other, parse(text))
        for other in sorted(names)
        if other != name and "/" not in other and _is_report(other) and _base(other) == base
        if (text := read(other)) is not None
    ]
    rates = [
        rate
        for other in sorted(filter(_is_result, names))[:_MOST_RESULTS]
        if (text := read(other)) is not None
        for rate in _rates(other, text)
    ]
    return Companions(tuple(twins), tuple(rates))


def links_of(text: str, read: Callable[[str], str | None]) -> dict[int, ReportLink]:
    """The reports that the lines of an index link to, by line; ``read`` takes the target as written."""
    found: dict[int, ReportLink] = {}
    known: dict[str, Document | None] = {}
    for line, written in enumerate(text.split("\n"), start=1):
        match = _LINK.search(written) if "](" in written or "href" in written else None
        if match is None or len(known) > _MOST_LINKS:
            continue
        target = (match[1] or match[2]).split("#")[0]
        if not target or ":" in target:
            continue
        if target not in known:
            content = read(target)
            known[target] = parse(content) if content is not None else None
        document = known[target]
        if document is not None:
            found[line] = ReportLink(line, target, document)
    return found


def _is_report(name: str) -> bool:
    return name.lower().endswith((".md", ".markdown"))


def _base(name: str) -> str:
    return _LANGUAGE.sub("", name.rpartition(".")[0]).lower()


def _is_result(name: str) -> bool:
    folder, _, file = name.lower().rpartition("/")
    return file.endswith(".json") and (folder in {"results", "result"} or (not folder and file.startswith("result")))


def _rates(name: str, text: str) -> Iterator[MeasuredRate]:
    try:
        content = load_json(text)
    except ValueError:
        return
    stem = name.rpartition("/")[2].rpartition(".")[0]
    pending: list[tuple[str, Any]] = [(stem, content)]
    looked = 0
    while pending and looked < _MOST_VALUES:
        device, value = pending.pop()
        looked += 1
        if isinstance(value, list):
            pending += [(device, one) for one in value]
        elif isinstance(value, dict):
            device = next((value[key] for key in _DEVICE_KEYS if isinstance(value.get(key), str)), device)
            yield from _rate(name, device, value)
            pending += [(_device_of_key(key) or device, one) for key, one in value.items()]


def _device_of_key(key: str) -> str | None:
    return key if only(devices_in(key)) is not None and len(key) < 20 else None


def _rate(name: str, device: str, value: dict[str, Any]) -> Iterator[MeasuredRate]:
    batch = next((value[key] for key in _BATCH_KEYS if isinstance(value.get(key), int)), None)
    values = [float(value[key]) for key in _RATE_KEYS if finite(value.get(key)) and value[key] > 0]
    if batch is None or isinstance(batch, bool) or not values:
        return
    factor = value.get("factor")
    if finite(factor) and factor:
        values += [rate * float(factor) for rate in values]
    yield MeasuredRate(name, device, batch, tuple(values))
