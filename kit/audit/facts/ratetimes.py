"""A rate and a time of the same row: how many samples are in flight."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Bounded, exactly
from kit.audit.facts.quantities import TIME_UNITS, Quantity, factor_of_unit, percentile_of, unit_of
from kit.audit.facts.vocabulary import label_batches

__all__ = ["RateTime", "RateTimeRow", "rate_times"]

#: Only the mean latency determines the rate.
_NOT_MEAN = re.compile(
    r"\bmax\b|\bmin\b|最大|最小|worst|\bstd\b|标准差|first|total|train(?:ing)? time|总", re.IGNORECASE
)
#: A total over stages is the time of one sample, but a total in seconds may be that of the whole run.
_WHOLE = re.compile(
    r"(?:total|overall|end-to-end|e2e)(?:\s(?:time|latency))?\s?[(\[]\w{2}[)\]]|总(?:耗时|时延|时间)\s?\(\w{2}\)",
    re.IGNORECASE,
)
_MOST = 6


@dataclass(frozen=True, slots=True)
class RateTimeRow:
    """Rate and time of a row, the samples in flight, and ``share``: rate x time / samples, which should be 1."""

    row: int
    rate: Entry
    time: Entry
    samples: float
    share: Bounded
    text: str


@dataclass(frozen=True, slots=True)
class RateTime:
    """A rate column and a time column, read with one meaning of the samples in flight: "batch", "cards x batch"."""

    rate: Column
    time: Column
    meaning: str
    rows: tuple[RateTimeRow, ...]


def rate_times(grid: Grid) -> Iterator[RateTime]:
    """Each pair of a rate and a time column that can belong together, with each meaning of the samples in flight."""
    rates = grid.of(Quantity.RATE)[:_MOST]
    times = [column for column in grid.columns if _is_mean_time(column)][:_MOST]
    batch, cards = (next(iter(grid.of(quantity)), None) for quantity in (Quantity.BATCH, Quantity.CARDS))
    for rate in rates:
        for time in times:
            if len(times) > 1 and len(rates) > 1 and not _belong(rate, time):
                continue
            for meaning, counts in (
                ("1", []),
                ("batch", [batch]),
                ("cards", [cards]),
                ("cards x batch", [cards, batch]),
            ):
                if all(column is not None for column in counts) or (meaning == "batch" and _labelled(grid)):
                    known = [column for column in counts if column is not None]
                    rows = tuple(_rows(grid, rate, time, known, labelled=meaning == "batch" and batch is None))
                    if rows:
                        yield RateTime(rate, time, meaning, rows)


def _is_mean_time(column: Column) -> bool:
    if _WHOLE.fullmatch(column.title) and unit_of(column.title) in {"ms", "us"}:
        return True
    if column.quantity is not Quantity.TIME or _NOT_MEAN.search(column.title):
        return False
    return percentile_of(column.title) in {None, 50.0}


def _belong(rate: Column, time: Column) -> bool:
    """Whether two titles differ only in their quantity ("Throughput FP16", "Latency FP16")."""
    idle = {"throughput", "latency", "time", "avg", "average", "mean", "ms", "s", "img", "images", "fps", "step", "per"}
    return rate.words - idle == time.words - idle


def _labelled(grid: Grid) -> bool:
    return any(label_batches(label) for label in grid.labels[:8])


def _rows(grid: Grid, rate: Column, time: Column, counts: list[Column], *, labelled: bool) -> Iterator[RateTimeRow]:
    for row in grid.measured_rows:
        own, took = rate.entries[row], time.entries[row]
        entries = [column.entries[row] for column in counts]
        if own is None or took is None or own.value <= 0 or took.value <= 0 or time.factor >= 60:
            continue
        samples = math.prod(entry.value if entry is not None else 0.0 for entry in entries)
        if labelled:
            sizes = label_batches(grid.labels[row])
            samples = float(sizes[0]) if len(set(sizes)) == 1 else 0.0
        if samples <= 0:
            continue
        share = (own.number.bounds * took.number.bounds).scaled(_seconds(time, took)) / exactly(samples)
        text = f"{own.number.text} x {took.number.text} {_unit(time, took)}".strip()
        yield RateTimeRow(row, own, took, samples, share, text)


def _seconds(time: Column, took: Entry) -> float:
    """The unit of a time in seconds; a latency without a unit is in milliseconds."""
    unit = unit_of(took.unit)
    if unit in TIME_UNITS:
        return factor_of_unit(unit)
    return time.factor if time.factor != 1.0 or _says_seconds(time) else 1e-3


def _says_seconds(time: Column) -> bool:
    return re.search(r"\(s\)|\bs\b|sec|秒", time.title) is not None or any(
        entry is not None and entry.unit.startswith("s") for entry in time.entries[:8]
    )


def _unit(time: Column, took: Entry) -> str:
    return took.unit or {1e-3: "ms", 1e-6: "us"}.get(_seconds(time, took), "s")
