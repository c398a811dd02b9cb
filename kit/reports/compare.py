"""Verdicts: a number against the published one, an accuracy against the open-source reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kit.recipe.schema import PublishedThroughput, Recipe
from kit.reports.reportnumber import ReportNumber
from kit.results.differences import differences
from kit.results.measurements import Throughput
from kit.results.resultsfile import Results

__all__ = [
    "AccuracyCheck",
    "Reason",
    "Verdict",
    "accuracy_reasons",
    "outcome",
    "same_toolchain",
    "throughput_reasons",
]

Outcome = Literal["same", "different", "not comparable"]
#: Why two numbers cannot be compared.
Reason = Literal["simulated", "toolchain", "weights", "dataset", "mode", "unit", "conditions", "spread"]


@dataclass(frozen=True)
class Verdict:
    """One number of a target against the published one. ``low`` to ``high``: interval or range of the repeats."""

    target: str
    quantity: str  # "top1", "bs16"
    shown: ReportNumber
    published: ReportNumber
    delta: ReportNumber
    outcome: Outcome
    reasons: tuple[Reason, ...]
    tolerance: str  # "0.5 points", "10 %"
    low: str = ""
    high: str = ""

    @property
    def ok(self) -> bool | None:
        """None where the two cannot be compared."""
        return None if self.outcome == "not comparable" else self.outcome == "same"


@dataclass(frozen=True)
class AccuracyCheck:
    """An accuracy against the open-source reference."""

    target: str
    k: int
    shown: ReportNumber
    reference: ReportNumber
    delta: ReportNumber
    low: ReportNumber
    high: ReportNumber
    met: bool  # not below reference minus tolerance
    inside: bool  # the reference is within the interval: the difference may be chance
    complete: bool  # over as many images as the recipe's data set has

    @property
    def ok(self) -> bool | None:
        """None where only a part of the images was seen."""
        return self.met if self.complete else None


_VERSION = re.compile(r"\s*(?P<name>[^\s\d][^\d]*?)[\s=:]+v?(?P<version>\d\S*)\s*$")


def _versions(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        match = _VERSION.match(part)
        if match:
            found[match["name"].strip().casefold()] = match["version"].casefold()
        elif part.strip():
            found[part.strip().casefold()] = ""
    return found


def _matches(stated: str, real: str) -> bool:
    """``8.2`` stated holds for ``8.2.0.41``, and ``11.0`` not for ``11.3``."""
    wanted, found = stated.split("."), real.split(".")
    return wanted == found[: len(wanted)]


def same_toolchain(stated: str, real: str, environment: Mapping[str, str]) -> bool:
    """Whether a run used the stated toolchain: one name must be known, and no known one may differ."""
    wanted = _versions(stated)
    found = {**{name.casefold(): version.casefold() for name, version in environment.items()}, **_versions(real)}
    known = [name for name in wanted if name in found]
    return bool(known) and all(_matches(wanted[name], found[name]) for name in known)


def _common_reasons(recipe: Recipe, results: Results, stated: str | None) -> list[Reason]:
    reasons: list[Reason] = []
    if results.source == "simulated":
        reasons.append("simulated")
    if stated and not same_toolchain(stated, results.toolchain, results.environment):
        reasons.append("toolchain")
    if _other_weights(recipe, results):
        reasons.append("weights")
    return reasons


def _other_weights(recipe: Recipe, results: Results) -> bool:
    """Whether the run recorded a checkpoint, and not the recipe's."""
    weights = recipe.weights
    files = [one for one in results.artifacts if one.step == "weights" or one.path == weights.filename]
    return bool(files) and not any(
        one.md5 == weights.md5 or (weights.sha256 is not None and one.sha256 == weights.sha256) for one in files
    )


def accuracy_reasons(recipe: Recipe, results: Results, stated: str | None) -> tuple[Reason, ...]:
    """Why the accuracy of a run cannot be compared with a published one; empty where it can."""
    reasons = _common_reasons(recipe, results, stated)
    if results.accuracy and results.accuracy.n != recipe.dataset.count:
        reasons.append("dataset")
    return tuple(reasons)


def throughput_reasons(
    recipe: Recipe, results: Results, throughput: Throughput, published: PublishedThroughput, published_factor: int
) -> tuple[Reason, ...]:
    """Why a throughput of a run cannot be compared with a published one; empty where it can."""
    reasons = _common_reasons(recipe, results, published.toolchain)
    stated = throughput.model_copy(update={"mode": published.mode, "conditions": published.conditions})
    found = {one.name for one in differences(throughput, stated)} - set(recipe.comparison.accept)
    if throughput.mode != published.mode:
        reasons.append("mode")
    if found:
        reasons.append("conditions")
    other_card = throughput.per == "device" and throughput.factor != published_factor
    if throughput.unit != published.unit or throughput.per != published.per or other_card:
        reasons.append("unit")
    return tuple(reasons)


def outcome(reasons: tuple[Reason, ...], *, same: bool) -> Outcome:
    """The verdict on two numbers that agree or do not; none where there are reasons against comparing them."""
    return "not comparable" if reasons else "same" if same else "different"
