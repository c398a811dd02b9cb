"""Units, formulas, intervals: the only place where a throughput is multiplied.

Arithmetic is decimal and starts from the printed digits of the raw number, so a product is exactly what a reader gets
who multiplies by hand. Ratios are computed from unrounded values.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import sqrt
from statistics import median
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kit.results.conditions import Conditions
from kit.results.evidence import Evident

__all__ = [
    "Accuracy",
    "Energy",
    "Interval",
    "Latency",
    "Mode",
    "Per",
    "Source",
    "Throughput",
    "percent",
    "plain",
    "wilson",
]

Source = Literal["measured", "published", "simulated"]
Mode = Literal["dataset", "synthetic"]
#: What one raw rate counts: images of one device, enqueues of one batch, or images of the whole target.
Per = Literal["device", "enqueue", "image"]

Interval = tuple[float, float]
Rate = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0, strict=True)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Accuracy(Evident):
    """Top1 to Top5 over a data set: ``correct[k-1]`` of ``n`` images have their label among the best k.

    Formula: TopK = 100 * correct[k-1] / n, in percent.
    """

    n: Annotated[int, Field(gt=0, strict=True)]
    classes: Annotated[int, Field(gt=0, strict=True)]
    correct: tuple[Count, Count, Count, Count, Count]
    ties: Count = Field(0, description="Images whose Top5 was decided by the rule: equal scores, lowest class first.")

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if list(self.correct) != sorted(self.correct) or self.correct[-1] > self.n:
            raise ValueError(f"counts {self.correct} of {self.n} images cannot be Top1 to Top5")
        if self.ties > self.n:
            raise ValueError(f"{self.ties} ties of {self.n} images cannot be")
        return self

    @property
    def places(self) -> range:
        """Each k whose TopK says something: a model of three classes has no Top5."""
        return range(1, min(len(self.correct), self.classes) + 1)

    def top(self, k: int) -> Decimal:
        """TopK in percent, unrounded."""
        return Decimal(100) * self.correct[k - 1] / self.n

    def formula(self, k: int) -> str:
        """TopK as it is computed."""
        return f"100 * {self.correct[k - 1]} / {self.n} = {percent(self.top(k))} %"

    def interval(self, k: int) -> Interval:
        """95 % Wilson interval of TopK, in percent."""
        return wilson(self.correct[k - 1], self.n)


class Latency(_Value):
    """Milliseconds per call of one whole batch; percentiles by nearest rank over ``n`` calls.

    A percentile that too few calls would decide is left out.
    """

    p50: Rate
    p90: Rate | None = None
    p99: Rate | None = None
    n: Annotated[int, Field(gt=0, strict=True)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        values = list(self.known.values())
        if values != sorted(values):
            raise ValueError(f"{' <= '.join(self.known)} does not hold for {', '.join(map(str, values))} ms")
        return self

    @property
    def known(self) -> dict[str, float]:
        """Percentiles by name, without those that are left out."""
        found = {"p50": self.p50, "p90": self.p90, "p99": self.p99}
        return {name: value for name, value in found.items() if value is not None}


class Energy(_Value):
    """Joules per image, from a counter or from sampled power."""

    joules_per_image: Rate
    method: str = Field(description="Which counter, over what, and what it counts in addition to the engine.")


class Throughput(Evident):
    """Images per second of a target at one batch.

    Formula: value = rate * factor. ``per`` says what the rate counts and so what the factor is: the devices of a card
    (``device``), the batch (``enqueue``), or 1 (``image``).
    """

    computed: ClassVar[frozenset[str]] = frozenset({"batch", "factor"})

    batch: Annotated[int, Field(gt=0, strict=True)]
    rate: Rate
    per: Per
    factor: Annotated[int, Field(gt=0, strict=True)]
    unit: Literal["fps", "qps"] = "fps"
    mode: Mode
    repeats: tuple[Rate, ...] = Field((), description="Rates of the repeats; the rate is their median.")
    interval: tuple[Rate, Rate] | None = Field(None, description="95 % confidence interval of the rate.")
    unstable: tuple[str, ...] | None = Field(
        None, description="Why the rate is not to be relied on; empty: it is; absent: nobody looked."
    )
    conditions: Conditions = Conditions()
    energy: Energy | None = None
    latency_ms: Latency | None = None
    raw: dict[str, float] = Field(
        default_factory=dict, description="Further numbers of the same run, by name and unit."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.per == "enqueue" and self.factor != self.batch:
            raise ValueError(f"factor {self.factor} of a rate per enqueue is not batch {self.batch}")
        if self.per == "image" and self.factor != 1:
            raise ValueError(f"factor {self.factor} of a rate in images is not 1")
        if self.repeats and abs(median(self.repeats) - self.rate) > 1e-9 * self.rate:
            raise ValueError(f"rate {self.rate} is not the median of its repeats")
        if self.interval and not self.interval[0] <= self.rate <= self.interval[1]:
            raise ValueError(f"rate {self.rate} is outside of its interval {self.interval}")
        return self

    def unproven(self) -> list[str]:
        """Raw numbers without evidence; a rate over repeats is their median, and they have it."""
        return [name for name in super().unproven() if not (name == "rate" and self.repeats)]

    @property
    def value(self) -> Decimal:
        """Images per second, exact in the printed digits of the rate."""
        return _decimal(self.rate) * self.factor

    @property
    def formula(self) -> str:
        """The product as it is written in a report: ``678.142 * 4 = 2712.568``."""
        return f"{plain(_decimal(self.rate))} * {self.factor} = {plain(self.value)}"

    @property
    def extent(self) -> tuple[Decimal, Decimal]:
        """Images per second from low to high: the confidence interval, or else that of the repeats; or the value."""
        rates = self.interval or self.repeats or (self.rate,)
        return _decimal(min(rates)) * self.factor, _decimal(max(rates)) * self.factor

    @property
    def half_width(self) -> float | None:
        """Half of the confidence interval, as a share of the rate; None where there is no interval."""
        return (self.interval[1] - self.interval[0]) / 2 / self.rate if self.interval else None

    @property
    def spread(self) -> float | None:
        """(max - min) / median of the repeats; None for a single run."""
        if len(self.repeats) < 2:
            return None
        return (max(self.repeats) - min(self.repeats)) / self.rate


def _decimal(value: float) -> Decimal:
    """The number as it is printed: the shortest digits that give it back."""
    return Decimal(repr(value))


#: Digits enough for any quotient of two floats: the usual 28 would make rounding of a large one an error.
_WIDE = Context(prec=700)


def plain(value: Decimal | float, places: int | None = None) -> str:
    """``value`` without exponent and without trailing zeros, rounded to ``places`` decimals if given."""
    number = value if isinstance(value, Decimal) else _decimal(value)
    if places is not None:
        number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _WIDE)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Decimal | float) -> str:
    """A percentage with at most two decimals, as the published metric prints it (``74.2``, ``91.94``)."""
    return plain(value if isinstance(value, Decimal) else _decimal(value), 2)


def wilson(successes: int, n: int) -> Interval:
    """95 % Wilson score interval of a proportion, in percent.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    z, p = 1.959963984540054, successes / n
    centre = p + z * z / (2 * n)
    margin = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - margin) / (1 + z * z / n), (centre + margin) / (1 + z * z / n)
    return 100 * max(0.0, low), 100 * min(1.0, high)
