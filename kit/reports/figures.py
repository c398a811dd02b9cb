"""The numbers of one target from one source: measured, published, or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kit.recipe.schema import PublishedAccuracy, Recipe, Text
from kit.reports.reportnumber import ReportNumber, best_number, throughput_numbers
from kit.reports.targetfacts import TargetFacts, factor
from kit.results.measurements import Source, Throughput, percent, plain, wilson
from kit.results.resultsfile import Results

__all__ = ["TOPS", "Figures", "NumberIndex", "published_figures", "reference", "run_figures"]

#: The TopK that reports of this family publish.
TOPS = (1, 5)


class NumberIndex(dict[str, ReportNumber]):
    """All numbers by id."""

    def keep(self, number: ReportNumber) -> ReportNumber:
        return self.setdefault(number.id, number)


@dataclass(frozen=True)
class Figures:
    """The numbers of one target from one source."""

    target: str
    source: Source
    accuracy: Mapping[int, ReportNumber]  # k -> TopK
    intervals: Mapping[int, tuple[ReportNumber, ReportNumber]]
    throughput: Mapping[int, Throughput]  # batch -> measurement
    numbers: Mapping[int, ReportNumber]  # batch -> images per second
    best: ReportNumber | None
    toolchain: str
    conflicts: tuple[Text, ...] = ()
    command: str | None = None

    @property
    def simulated(self) -> bool:
        return self.source == "simulated"

    def unstable(self, percent: float) -> dict[int, tuple[str, ...]]:
        """Batch -> why a second run may not give its number again.

        What the measurement itself says of it; where it says nothing, a spread of its repeats of more than `percent`.
        """
        found = {}
        for batch, one in self.throughput.items():
            if one.unstable:
                found[batch] = one.unstable
            elif one.unstable is None and one.spread and 100 * one.spread > percent:
                found[batch] = (f"the repeats differ by {100 * one.spread:.1f} %",)
        return found

    @property
    def mode(self) -> str | None:
        """``dataset`` or ``synthetic``, where all batches agree."""
        modes = {one.mode for one in self.throughput.values()}
        return modes.pop() if len(modes) == 1 else None


def run_figures(name: str, results: Results, numbers: NumberIndex) -> Figures:
    """What a run of the target gave; numbers of a simulated one have their own names."""
    prefix = "simulated:" if results.source == "simulated" else ""
    accuracy, intervals = {}, {}
    if found := results.accuracy:
        for k in found.places:
            correct = found.correct[k - 1]
            fields = {f"correct[{k - 1}]", "n", "ties"}
            accuracy[k] = numbers.keep(
                ReportNumber(
                    id=f"{prefix}{name}/top{k}", value=found.top(k), text=percent(found.top(k)), unit="%",
                    source=results.source, formula=found.formula(k), target=name, toolchain=results.toolchain,
                    raw={"correct": correct, "n": found.n, "ties": found.ties},
                    evidence={field: one for field, one in found.evidence.items() if field in fields},
                )
            )  # fmt: skip
            intervals[k] = _interval(accuracy[k], correct, found.n, numbers)
    throughput = {one.batch: one for one in sorted(results.throughput, key=lambda one: one.batch)}
    rates, best = _rates(name, results.source, prefix, throughput, results.toolchain, numbers)
    return Figures(name, results.source, accuracy, intervals, throughput, rates, best, results.toolchain)


def published_figures(
    recipe: Recipe, name: str, facts: TargetFacts, numbers: NumberIndex, *, accuracy_prefix: str, throughput_prefix: str
) -> Figures:
    """What the recipe says was published; a prefix distinguishes them from measured ones of the same name."""
    stated = recipe.published.accuracy.get(name)
    given = recipe.published.throughput.get(name)
    accuracy, intervals = {}, {}
    if stated:
        n = recipe.dataset.count
        for k in _stated_places(recipe):
            accuracy[k] = numbers.keep(_stated(f"{accuracy_prefix}{name}/top{k}", stated, k, recipe, target=name))
            intervals[k] = _interval(accuracy[k], round(accuracy[k].value * n / 100), n, numbers)
    throughput = {} if given is None else {
        batch: Throughput(
            batch=batch, rate=rate, per=given.per, factor=factor(given, batch, facts), unit=given.unit,
            mode=given.mode, conditions=given.conditions,
        )
        for batch, rate in sorted(given.rates.items())
    }  # fmt: skip
    toolchain = (given.toolchain if given else None) or (stated.toolchain if stated else None) or ""
    rates, best = _rates(name, "published", throughput_prefix, throughput, toolchain, numbers)
    return Figures(
        name, "published", accuracy, intervals, throughput, rates, best, toolchain,
        conflicts=given.conflicts if given else (), command=given.command if given else None,
    )  # fmt: skip


def _rates(
    name: str, source: Source, prefix: str, throughput: Mapping[int, Throughput], toolchain: str, numbers: NumberIndex
) -> tuple[dict[int, ReportNumber], ReportNumber | None]:
    """Images per second by batch, and the best of them; they and what was measured with them come into the index."""
    rates = {}
    for batch, one in throughput.items():
        for number in throughput_numbers(prefix, name, source, one, toolchain).values():
            numbers.keep(number)
        rates[batch] = numbers[f"{prefix}{name}/bs{batch}"]
    return rates, numbers.keep(best_number(f"{prefix}{name}/best", rates)) if rates else None


def _stated(id_: str, stated: PublishedAccuracy, k: int, recipe: Recipe, target: str | None) -> ReportNumber:
    number = stated.top1 if k == 1 else stated.top5
    value = Decimal(repr(number))
    text = f"{value:.{stated.digits[TOPS.index(k)]}f}" if stated.digits else plain(value)
    where = stated.source or recipe.published.report
    return ReportNumber(
        id=id_, value=value, text=text, unit="%", source="published", formula=f"{text} % as published", target=target,
        toolchain=stated.toolchain, raw={"published": number, "at": where} if where else {"published": number},
    )  # fmt: skip


def reference(recipe: Recipe, numbers: NumberIndex) -> dict[int, ReportNumber]:
    """The open-source accuracy: k -> TopK."""
    stated = recipe.published.reference
    if stated is None:
        return {}
    return {
        k: numbers.keep(_stated(f"reference:top{k}", stated, k, recipe, target=None)) for k in _stated_places(recipe)
    }


def _stated_places(recipe: Recipe) -> tuple[int, ...]:
    """The published TopK that say something: there is no Top5 of three classes."""
    return tuple(k for k in TOPS if k <= recipe.model.classes)


def _interval(number: ReportNumber, successes: int, n: int, numbers: NumberIndex) -> tuple[ReportNumber, ReportNumber]:
    low, high = wilson(successes, n)

    def end(name: str, value: Decimal) -> ReportNumber:
        return numbers.keep(
            ReportNumber(
                id=f"{number.id}/{name}", value=value, text=f"{value:.2f}", unit="%", source=number.source,
                formula=f"95 % Wilson interval of {successes} of {n}: {low:.2f} to {high:.2f} %",
                inputs=(number.id,), raw={"correct": successes, "n": n}, target=number.target,
            )
        )  # fmt: skip

    return end("low", Decimal(repr(low))), end("high", Decimal(repr(high)))
