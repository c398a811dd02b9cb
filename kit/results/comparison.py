"""Two results side by side: per number the same, faster, slower, or not comparable, with the interval of the ratio.

One rule for every throughput, that of ``kit compare`` and that of a report against published values: :func:`classify`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from kit.results.differences import differences
from kit.results.measurements import Accuracy, Throughput, percent, wilson
from kit.results.metrics import Metric
from kit.results.resultsfile import Results

__all__ = ["Compared", "Margins", "Outcome", "Relation", "classify", "compare", "pairs"]

Relation = Literal["same", "more", "less", "unclear"]
Outcome = Literal["same", "faster", "slower", "better", "worse", "not comparable"]

#: The reason of a number that has no other to be compared with.
_ALONE: tuple[str, ...] = ("only in one of the two",)
_OUTCOMES: dict[Relation, Outcome] = {
    "same": "same", "more": "faster", "less": "slower", "unclear": "not comparable"
}  # fmt: skip


@dataclass(frozen=True)
class Margins:
    """What still counts as the same, and which differences of conditions are accepted."""

    margin_percent: float = 5.0
    accuracy_points: float = 0.5
    accept: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One number of the first results against that of the second."""

    target: str  # "cpu", or "cpu / openvino"
    quantity: str  # "bs8", "top1"
    unit: str
    one: float | None
    other: float | None
    ratio: float | None = None  # of the second to the first; None where they are not comparable
    low: float | None = None  # 95 % interval of the ratio
    high: float | None = None
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()  # why the two measurements themselves are not to be relied on

    @property
    def worse(self) -> bool:
        return self.outcome in {"slower", "worse"}

    def as_json(self) -> dict[str, Any]:
        """For ``--format json``."""
        return dict(vars(self))


def classify(value: Decimal, extent: tuple[Decimal, Decimal], reference: Decimal, margin_percent: float) -> Relation:
    """Whether a value is the reference.

    The same within the margin, unless the interval reaches beyond it on both sides and so says nothing; more or less
    where the whole interval is beyond the margin; otherwise unclear.
    """
    margin = abs(reference) * Decimal(repr(margin_percent)) / 100
    low, high = reference - margin, reference + margin
    if low <= value <= high:
        return "unclear" if extent[0] < low and extent[1] > high else "same"
    if extent[0] <= high and extent[1] >= low:
        return "unclear"
    return "more" if value > reference else "less"


def pairs(
    one: Mapping[str, Results], other: Mapping[str, Results]
) -> tuple[list[tuple[str, Results, Results]], list[str]]:
    """Targets of both that belong together: those of one name, or the only one of each; and names without a partner."""
    common = [name for name in one if name in other]
    if not common and len(one) == len(other) == 1:
        (name, first), (partner, second) = *one.items(), *other.items()
        return [(f"{name} / {partner}", first, second)], []
    alone = [name for name in [*one, *other] if name not in common]
    return [(name, one[name], other[name]) for name in common], alone


def compare(name: str, one: Results, other: Results, rule: Margins) -> list[Compared]:
    """Every number of two results of a target."""
    reasons = _reasons(one, other)
    counted = one.target == other.target  # two targets may differ in them: cards have different numbers of devices
    mine, theirs = ({each.batch: each for each in results.throughput} for results in (one, other))
    return [
        *_accuracy(name, one.accuracy, other.accuracy, reasons, rule),
        *_metrics(name, one, other, reasons, rule),
        *(
            _throughput(name, batch, mine.get(batch), theirs.get(batch), reasons, rule, counted=counted)
            for batch in sorted(mine.keys() | theirs.keys())
        ),
    ]


def _reasons(one: Results, other: Results) -> tuple[str, ...]:
    """Why no number of the two can be compared."""
    reasons = []
    if "simulated" in {one.source, other.source}:
        reasons.append("SIMULATED")
    if one.model != other.model:
        reasons.append(f"model {one.model} against {other.model}")
    weights = [{file.sha256 for file in each.artifacts if file.step == "weights"} for each in (one, other)]
    if all(weights) and weights[0] != weights[1]:
        reasons.append("other weights")
    return tuple(reasons)


def _throughput(
    name: str,
    batch: int,
    one: Throughput | None,
    other: Throughput | None,
    reasons: tuple[str, ...],
    rule: Margins,
    *,
    counted: bool,
) -> Compared:
    known = partial(
        Compared, target=name, quantity=f"bs{batch}", unit="fps",
        one=float(one.value) if one else None, other=float(other.value) if other else None,
    )  # fmt: skip
    if one is None or other is None:
        return known(outcome="not comparable", reasons=_ALONE)
    shaky = tuple(dict.fromkeys([*(one.unstable or ()), *(other.unstable or ())]))
    why = [*reasons, *(str(each) for each in differences(one, other) if each.name not in rule.accept)]
    if counted and (one.unit, one.per, one.factor) != (other.unit, other.per, other.factor):
        why.append(" against ".join(f"{each.unit} per {each.per} times {each.factor}" for each in (one, other)))
    if why:
        return known(outcome="not comparable", reasons=tuple(why), unstable=shaky)
    ratio, width = other.value / one.value, _width(one, other)
    low, high = (ratio * Decimal(repr(1 + side * width)) for side in (-1, 1))
    relation = "same" if one == other else classify(ratio, (low, high), Decimal(1), rule.margin_percent)
    unclear = (f"the interval is too wide for a margin of {rule.margin_percent:g} %",)
    return known(
        ratio=float(ratio), low=float(low) if width else None, high=float(high) if width else None,
        outcome=_OUTCOMES[relation], reasons=unclear if relation == "unclear" else (), unstable=shaky,
    )  # fmt: skip


def _width(one: Throughput, other: Throughput) -> float:
    """Half of the ratio's interval as a share of it, or of the range of the repeats without one; 0: unknown."""
    widths = [float((each.extent[1] - each.extent[0]) / 2 / each.value) for each in (one, other)]
    return math.hypot(*widths)


def _accuracy(
    name: str, one: Accuracy | None, other: Accuracy | None, reasons: tuple[str, ...], rule: Margins
) -> Iterator[Compared]:
    known = [each for each in (one, other) if each]
    for k in (1, 5) if known else ():
        if not all(k in each.places for each in known):
            continue
        outcome: Outcome = "not comparable"
        why = _ALONE
        if one and other:
            why = reasons if one.n == other.n else (*reasons, f"{one.n} images against {other.n}")
            outcome = outcome if why else _classify_accuracy(one, other, k, rule.accuracy_points)
        first, second = (float(percent(each.top(k))) if each else None for each in (one, other))
        yield Compared(
            target=name, quantity=f"top{k}", unit="%", one=first, other=second, outcome=outcome, reasons=why
        )  # fmt: skip


def _metrics(name: str, one: Results, other: Results, reasons: tuple[str, ...], rule: Margins) -> Iterator[Compared]:
    """Metrics of tasks that do not count classes, by name."""
    mine, theirs = ({each.name: each for each in results.metrics} for results in (one, other))
    for quantity in dict.fromkeys([*mine, *theirs]):
        first, second = mine.get(quantity), theirs.get(quantity)
        outcome: Outcome = "not comparable"
        why = _ALONE
        if first and second:
            facts = [(what, getattr(first, what), getattr(second, what)) for what in ("unit", "better", "samples")]
            why = (*reasons, *(f"{what} {left} against {right}" for what, left, right in facts if left != right))
            outcome = outcome if why else _classify_metric(first, second, rule)
        yield Compared(
            target=name, quantity=quantity, unit=(first or theirs[quantity]).unit, one=first.value if first else None,
            other=second.value if second else None, outcome=outcome, reasons=why,
        )  # fmt: skip


def _classify_metric(one: Metric, other: Metric, rule: Margins) -> Outcome:
    """As an accuracy; a unit that is not a share takes the margin of throughputs for its tolerance."""
    shares = {"percent": rule.accuracy_points, "fraction": rule.accuracy_points / 100}
    tolerance = shares.get(one.unit, abs(one.value) * rule.margin_percent / 100)
    delta = other.value - one.value
    if abs(delta) <= tolerance or (other.interval and other.interval[0] <= one.value <= other.interval[1]):
        return "same"
    return "better" if (delta > 0) == (one.better == "higher") else "worse"


def _classify_accuracy(one: Accuracy, other: Accuracy, k: int, points: float) -> Outcome:
    """Better or worse where the distance is beyond the tolerance and chance does not explain it."""
    delta = other.top(k) - one.top(k)
    low, high = wilson(other.correct[k - 1], other.n)
    if abs(delta) <= Decimal(repr(points)) or low <= float(one.top(k)) <= high:
        return "same"
    return "better" if delta > 0 else "worse"
