"""A sentence says that one device is N times as fast as another, and the measurements disagree.

This is the sentence that managers read, and it decides whether a port is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kit.audit.facts.deviceratios import DeviceRatios, RatioSource
from kit.audit.facts.multiples import TimesClaim
from kit.audit.facts.printednumber import Agreement, agree, show
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Severity, Unknown, Wrong

__all__ = ["RULE"]

#: A claim that is further than this from every ratio in the report is about none of them.
_ABOUT = 0.3


@dataclass(frozen=True, slots=True)
class _Readings:
    """The ratios that a claim can be about: that of the best values, and those of its batch sizes."""

    best: float
    rows: tuple[float, ...]
    pool: tuple[float, ...]
    named: bool


def _check(facts: Facts) -> Outcomes:
    source = RatioSource(facts)
    for claim in facts.claims:
        yield _compared(_with_npu(claim, facts.npu), source)


def _with_npu(claim: TimesClaim, npu: str | None) -> TimesClaim:
    if npu is None:
        return claim
    subject, other = (npu if name == "NPU" else name for name in (claim.subject, claim.object))
    return replace(claim, subject=subject, object=other)


def _compared(claim: TimesClaim, source: RatioSource) -> Outcome:
    readings = _readings(claim, source.of(claim)) if claim.subject != claim.object else None
    if readings is None:
        return Unknown(claim.line, claim.text)
    inputs = f"{claim.subject} / {claim.object}"
    wanted = claim.stated.value
    right = Held(claim.line, claim.text, show(readings.best), f"{inputs} is {show(readings.best)}")
    if claim.about:
        near = any(abs(value - wanted) <= 0.1 * wanted for value in (readings.best, *readings.pool))
        values = (readings.best, *readings.rows, *readings.pool)
        if not near and not min(values) * (1 - _ABOUT) <= wanted <= max(values) * (1 + _ABOUT):
            return _false(claim, readings.best, Severity.MAJOR)
        return right if near else Unknown(claim.line, claim.text)
    exact = claim.exact or (claim.stated.unit < 0.05 and not claim.bound)
    alike = _alike(claim, readings, exact=exact)
    if any(agree(claim.stated, value) is Agreement.SAME for value in alike):
        return right
    if exact:
        nearest = min(alike or [readings.best], key=lambda value: abs(value - wanted))
        slip = agree(claim.stated, nearest) is Agreement.SLIP
        return _false(claim, nearest if slip else readings.best, Severity.DIGITS if slip else Severity.MAJOR)
    return _bound(claim, readings)


def _readings(claim: TimesClaim, ratios: DeviceRatios) -> _Readings | None:
    if ratios.best is None:
        return None
    named = [ratios.batches[batch] for batch in claim.batches if batch in ratios.batches]
    if claim.batches and not named and claim.scope != "best" and any(batch > 0 for batch in ratios.batches):
        return None  # the report has only other batch sizes
    if named and claim.scope != "best":
        return _Readings(max(named), ratios.rows, tuple(named), named=True)
    return _Readings(ratios.best, ratios.rows, tuple(ratios.batches.values()), named=bool(named))


def _alike(claim: TimesClaim, readings: _Readings, *, exact: bool) -> list[float]:
    """The ratios that the claim may print.

    "Best" means only the quotient of the best values, and a bound is not met by rounding up to it.
    """
    if claim.scope == "all" or (claim.bound and not exact):
        return []
    bests = [readings.best, *readings.rows]
    return bests if claim.scope == "best" else [*bests, *readings.pool]


def _bound(claim: TimesClaim, readings: _Readings) -> Outcome:
    """The outcome of a claim with a bound, such as "at least 2 times"."""
    deciding = readings.best
    if claim.scope == "all":
        deciding = min(readings.pool, default=readings.best)
    elif readings.rows and not readings.named:
        deciding = max(readings.best, *readings.rows)
    rounded = agree(claim.stated, deciding) is Agreement.SAME
    measured = claim.stated.unit < 0.05  # "above 1.46 times" quotes a ratio, "above 1.2 times" a target
    if deciding >= claim.stated.value - 1e-9 or (rounded and (measured or not claim.bound)):
        note = f"{claim.subject} / {claim.object} is {show(deciding)}"
        return Held(claim.line, claim.text, show(deciding), note)
    if claim.scope == "rest":
        return Unknown(claim.line, claim.text)
    return _false(claim, deciding, Severity.DIGITS if rounded else Severity.MAJOR)


def _false(claim: TimesClaim, value: float, severity: Severity) -> Wrong:
    pair = f"{claim.subject} / {claim.object}"
    how = f"{pair} = {show(value)}"
    message = (
        f"{claim.subject} is said to reach {claim.stated.text} times {claim.object}, but reaches {show(value)} times"
    )
    return Wrong(claim.line, claim.text, show(value), pair, message, severity, computation=how, subject=pair)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
# Performance

| batch | 310P | T4 |
| --- | --- | --- |
| 1 | 300.5 | 100.5 |

310P is 3.99 times T4.
""",
    corrections={"3.99": "2.99"},
    check=_check,
)
