"""One number of the report with everything that it was computed from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Literal

from kit.results.conditions import Conditions
from kit.results.digits import justified
from kit.results.evidence import Evidence
from kit.results.measurements import Throughput, plain

__all__ = [
    "Origin",
    "ReportNumber",
    "best_number",
    "difference",
    "mixed",
    "ratio_ends",
    "ratio_number",
    "throughput_numbers",
]

#: ``mixed``: computed from a measured and a published number. Whatever a simulated number touched is simulated.
Origin = Literal["measured", "published", "simulated", "mixed"]

#: Tools print six to eight significant digits; a longer rate is shown with this many.
DIGITS = 9


@dataclass(frozen=True)
class ReportNumber:
    """One number: how it is printed, and where it comes from.

    ``id`` is what ``kit explain`` takes: ``310/bs4``, ``310/best``, ``310P/310@bs4``, ``310/top1``, ``cpu/bs16/p99``;
    ``published:`` or ``simulated:`` comes before it where the report shows another number under the plain name.
    """

    id: str
    value: Decimal
    text: str
    unit: str
    source: Origin
    formula: str
    inputs: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict)
    target: str | None = None
    batch: int | None = None
    mode: str | None = None
    toolchain: str | None = None
    exact: bool = True  # of a throughput: the text holds all digits of the value
    half_width: float | None = None  # half of the 95 % interval as a share of the value, where there is one
    measured: Throughput | None = None  # what a throughput came from, with its conditions
    evidence: Mapping[str, Evidence] = field(default_factory=dict)  # of the raw values, by their field

    def __str__(self) -> str:
        return self.text

    @property
    def simulated(self) -> bool:
        return self.source == "simulated"


def mixed(sources: Iterable[Origin]) -> Origin:
    """Source of what is computed from numbers of these sources."""
    found = set(sources)
    if "simulated" in found:
        return "simulated"
    return found.pop() if len(found) == 1 else "mixed"


def short(value: Decimal) -> str:
    """``value`` with at most as many significant digits as tools print."""
    if len(value.normalize().as_tuple().digits) <= DIGITS:
        return plain(value)
    return plain(value, max(0, DIGITS - 1 - value.adjusted()))


def _justified(value: Decimal, half_width: float | None) -> str:
    """``value`` with the digits that its interval justifies, or as tools print it where it has none."""
    places = justified(float(value), half_width)
    return short(value) if places is None else plain(value, places)


def _milliseconds(value: Decimal) -> str:
    """Four significant digits: more than repeats of one measurement agree in."""
    return plain(value, max(0, 3 - value.adjusted()))


def throughput_numbers(
    prefix: str, target: str, source: Origin, throughput: Throughput, toolchain: str | None
) -> dict[str, ReportNumber]:
    """Numbers of one batch: ``bsN``, and where known ``spread``, ``p50``, ``p90``, ``p99``."""
    base = f"{prefix}{target}/bs{throughput.batch}"
    rate = Decimal(repr(throughput.rate))
    # A rate longer than tools print is shortened before it is multiplied: anyone can check the line by hand.
    # One with an interval is shown with the digits that the interval justifies.
    digits = _justified(rate, throughput.half_width)
    long = Decimal(digits) != rate
    shown = throughput.model_copy(update={"rate": float(digits)}) if long else throughput
    text, formula = plain(shown.value), shown.formula
    raw: dict[str, object] = {"rate": throughput.rate, "factor": throughput.factor, "per": throughput.per}
    if throughput.repeats:
        raw["repeats"] = list(throughput.repeats)
    if throughput.latency_ms:
        raw["latency_ms"] = throughput.latency_ms.model_dump()
    raw.update(throughput.raw)
    if throughput.conditions != Conditions():
        raw["conditions"] = throughput.conditions.model_dump(exclude_none=True)
    if throughput.energy:
        raw["energy"] = throughput.energy.model_dump()
    number = partial(
        ReportNumber, source=source, target=target, batch=throughput.batch, mode=throughput.mode, toolchain=toolchain
    )
    numbers = {
        base: number(
            id=base, value=throughput.value, text=text, unit="fps", formula=formula, raw=raw, exact=not long,
            half_width=throughput.half_width, measured=throughput, evidence=throughput.evidence,
        )
    }  # fmt: skip

    def add(name: str, value: Decimal, text: str, unit: str, formula: str, *fields: str, **raw: object) -> None:
        """A number beside the rate, whose evidence is that of the fields that begin so."""
        evidence = {key: one for key, one in throughput.evidence.items() if key.startswith(fields)}
        id_ = f"{base}/{name}"
        numbers[id_] = number(
            id=id_, value=value, text=text, unit=unit, formula=formula, inputs=(base,), raw=raw, evidence=evidence
        )

    if throughput.interval:
        how = f"95 % confidence interval of the median of {len(throughput.repeats)} rounds, order statistics"
        for name, end in zip(("low", "high"), throughput.interval, strict=True):
            value = Decimal(repr(end)) * throughput.factor
            add(name, value, _justified(value, throughput.half_width), "fps", how, "interval")
    if throughput.spread is not None:
        spread = Decimal(repr(throughput.spread)) * 100
        most, least, middle = (
            _justified(Decimal(repr(one)), throughput.half_width)
            for one in (max(throughput.repeats), min(throughput.repeats), throughput.rate)
        )
        how = f"100 * ({most} - {least}) / {middle} = {plain(spread, 2)} %"
        add("spread", spread, plain(spread, 2), "%", how, "repeats[", repeats=list(throughput.repeats))
    if latency := throughput.latency_ms:
        for name, milliseconds in latency.known.items():
            value = Decimal(repr(milliseconds))
            how = f"{name} of {latency.n} calls by nearest rank = {plain(value)} ms"
            add(name, value, _milliseconds(value), "ms", how, f"latency_ms.{name}", "latency_ms.n", n=latency.n)
    return numbers


def best_number(id_: str, numbers: Mapping[int, ReportNumber]) -> ReportNumber:
    """The highest of the throughputs by batch; the smaller batch where two are equal."""
    listed = [numbers[batch] for batch in sorted(numbers)]
    best = max(listed, key=lambda one: one.value)
    formula = f"max({', '.join(one.text for one in listed)}) = {best.text}, at batch {best.batch}"
    return replace(best, id=id_, formula=formula, inputs=tuple(one.id for one in listed), raw={}, evidence={})


def ratio_number(id_: str, numerator: ReportNumber, denominator: ReportNumber) -> ReportNumber:
    """``numerator / denominator`` from unrounded values.

    Printed with nine decimals where both are shown in full; otherwise with so few that the shown values give them, and
    with the digits that the intervals justify where both have one.
    """
    value = numerator.value / denominator.value
    exact = numerator.exact and denominator.exact
    width = None
    if numerator.half_width is not None and denominator.half_width is not None:
        width = math.hypot(numerator.half_width, denominator.half_width)
    places = justified(float(value), width, digits=1)
    if places is None:
        places = 9 if exact else min(4, max(0, 4 - value.adjusted()))
    text = plain(value, max(places, 1 - value.adjusted()))
    if value < Decimal("1e-8"):
        text = f"{value:.3e}".lower()
    return ReportNumber(
        id=id_, value=value, text=text, unit="", source=mixed((numerator.source, denominator.source)),
        formula=f"{numerator.text} / {denominator.text} = {text}", inputs=(numerator.id, denominator.id),
        batch=numerator.batch, half_width=width,
    )  # fmt: skip


def ratio_ends(number: ReportNumber) -> tuple[str, str] | None:
    """The ends of a ratio's 95 % interval as they are printed; None where it has none."""
    if not number.half_width:
        return None
    low, high = (number.value * Decimal(repr(1 + sign * number.half_width)) for sign in (-1, 1))
    places = max(0, justified(float(number.value), number.half_width) or 0)
    return plain(low, places), plain(high, places)


def difference(id_: str, shown: ReportNumber, against: ReportNumber, unit: Literal["%", "points"]) -> ReportNumber:
    """How far ``shown`` is from ``against``: in percent of it, or in percentage points."""
    value, formula, places = shown.value - against.value, f"{shown.text} - {against.text}", 3
    if unit == "%":
        value, formula, places = 100 * value / against.value, f"100 * ({formula}) / {against.text}", 2
    rounded = plain(value, places)
    text = rounded if rounded.startswith("-") or value <= 0 else f"+{rounded}"
    text = "0" if text in {"-0", "+0"} else text
    return ReportNumber(
        id=id_, value=value, text=text, unit=unit, source=mixed((shown.source, against.source)),
        formula=f"{formula} = {text} {unit}", inputs=(shown.id, against.id), target=shown.target, batch=shown.batch,
    )  # fmt: skip
