"""Claims in prose: "reaches 1.268 times the best 310", "above 1.2 times", "1635.3fps > 1.2 * 1361.796fps"."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kit.audit.expressions import comparisons
from kit.audit.findings import Finding, Kind, Severity
from kit.audit.multiples import TimesClaim, read_times_claims
from kit.audit.numbers import Agreement, agree, number_from, show
from kit.audit.products import DEVICE_NUMBERS
from kit.audit.vocabulary import ACCURACY, LATENCY, THROUGHPUT, batches_in, devices_in, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.audit.context import Context
    from kit.audit.views import Record, View

__all__ = ["check_claims"]

#: "310P: 41.78", "T4上性能--789.266fps": one device and its value; with how many lines of it a claim belongs.
_PIECE: Final = re.compile(
    r"(?:(?:bs|batch)\s?[0-9]{1,4}\s*:\s*)?([^0-9]{0,20}(?:310|710|4)[^0-9:]{0,20}?)"
    r"\s*(?::|--|=)\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(fps|qps)?"
)
_SEPARATORS: Final = re.compile("[;。、\uff0c]|(?<![0-9]),|,(?![0-9])")
_NEAR: Final = 8
_LONGEST: Final = 300
#: A column of fewer values is an example.
_TABLE: Final = 3

_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def check_claims(context: Context) -> None:
    """Check comparisons of numbers, and sentences that say how many times one device another is."""
    for line, text in enumerate(context.document.lines, start=1):
        if context.document.in_table(line):
            continue
        if any(sign in text for sign in "<>≥≤") and not context.document.is_command(line):
            _comparisons(context, line, text)
        if ("倍" in text or "times" in text or "310" in text or re.search(r"[0-9]x\b", text)) and len(text) < 600:
            for claim in read_times_claims(line, text):
                _check(context, claim)


def _comparisons(context: Context, line: int, text: str) -> None:
    for comparison in comparisons(text, decimal_comma=context.document.decimal_comma):
        rated = any(side.unit in {"fps", "qps"} or side.compound for side in (comparison.left, comparison.right))
        if not rated and not devices_in(text) and not batches_in(text) and not THROUGHPUT.search(text):
            continue  # versions are compared like this
        stated = f"{comparison.left.text} {comparison.sign} {comparison.right.text}"
        left, right = comparison.left.value, comparison.right.value
        if any(
            side.number is not None and side.value in DEVICE_NUMBERS for side in (comparison.left, comparison.right)
        ):
            context.ledger.skip(line, Kind.CLAIM, stated)  # "710 > 1.2*310" compares devices
            continue
        shown = f"{show(left)} vs {show(right)}"
        if _SIGNS[comparison.sign](left, right) or abs(left - right) <= 1e-9 * abs(left):
            context.ledger.hold(line, Kind.CLAIM, stated, shown, "comparison holds")
            continue
        context.ledger.find(
            Finding(
                line,
                Kind.CLAIM,
                stated,
                shown,
                f"{show(left)}, {show(right)}",
                f"{stated} does not hold: the sides are {shown}",
                Severity.MAJOR,
            )
        )


@dataclass(frozen=True, slots=True)
class _Ratios:
    """Ratios of two devices: per batch, of their best values, and as the best row of the table has them."""

    batches: dict[int, float]
    best: float | None
    rows: tuple[float, ...] = ()


def _check(context: Context, claim: TimesClaim) -> None:
    if context.npu is not None:
        subject, other = (context.npu if name == "NPU" else name for name in (claim.subject, claim.object))
        claim = replace(claim, subject=subject, object=other)
    found = _ratios(context, claim)
    ratios, best = found.batches, found.best
    stated = claim.text
    if best is None or claim.subject == claim.object:
        context.ledger.skip(claim.line, Kind.CLAIM, stated)
        return
    wanted = claim.stated.value
    exact = claim.exact or (claim.stated.unit < 0.05 and not claim.bound)
    pool = list(ratios.values())
    named = [ratios[batch] for batch in claim.batches if batch in ratios]
    if claim.batches and not named and claim.scope != "best" and any(batch > 0 for batch in ratios):
        context.ledger.skip(claim.line, Kind.CLAIM, stated)  # the report has other batches only
        return
    if named and claim.scope != "best":
        pool, best = named, max(named)
    inputs = f"{claim.subject} / {claim.object}"
    if claim.about:
        if any(abs(value - wanted) <= 0.1 * wanted for value in [best, *pool]):
            context.ledger.hold(claim.line, Kind.CLAIM, stated, show(best), f"{inputs} is {show(best)}")
        else:
            context.ledger.skip(claim.line, Kind.CLAIM, stated)
        return
    # "Best" means the quotient of the bests alone, and what is to be exceeded is not met by rounding up to it.
    alike = (
        []
        if claim.scope == "all" or (claim.bound and not exact)
        else [best, *found.rows]
        if claim.scope == "best"
        else [best, *found.rows, *pool]
    )
    if any(agree(claim.stated, value) is Agreement.SAME for value in alike):
        context.ledger.hold(claim.line, Kind.CLAIM, stated, show(best), f"{inputs} is {show(best)}")
        return
    if exact:
        nearest = min(alike or [best], key=lambda value: abs(value - wanted))
        slip = agree(claim.stated, nearest) is Agreement.SLIP
        if slip:
            best = nearest
        _false(context, claim, best, inputs, Severity.DIGITS if slip else Severity.MAJOR)
        return
    least = min(pool, default=best)
    deciding = least if claim.scope == "all" else max(best, *found.rows) if found.rows and not named else best
    rounded = agree(claim.stated, deciding) is Agreement.SAME
    measured = claim.stated.unit < 0.05  # "above 1.46 times" quotes a ratio, "above 1.2 times" a target
    if deciding >= wanted - 1e-9 or (rounded and (measured or not claim.bound)):
        context.ledger.hold(claim.line, Kind.CLAIM, stated, show(deciding), f"{inputs} is {show(deciding)}")
    elif claim.scope == "rest":
        context.ledger.skip(claim.line, Kind.CLAIM, stated)
    else:
        _false(context, claim, deciding, inputs, Severity.DIGITS if rounded else Severity.MAJOR)


def _false(context: Context, claim: TimesClaim, value: float, inputs: str, severity: Severity) -> None:
    context.ledger.find(
        Finding(
            claim.line,
            Kind.CLAIM,
            claim.text,
            show(value),
            inputs,
            f"{claim.subject} is said to reach {claim.stated.text} times {claim.object}, but it is {show(value)} times",
            severity,
        )
    )


def _ratios(context: Context, claim: TimesClaim) -> _Ratios:
    """Ratio per batch and ratio of the bests, from the last table above the claim (or the first below) with both."""
    views = [view for view in context.views if view.performance and _places(view, claim) is not None]
    above = [view for view in views if view.header_line < claim.line]
    section = context.document.section(claim.line)
    below = [view for view in views if context.document.section(view.header_line) == section]
    view = above[-1] if above else below[0] if below else None
    if view is not None:
        return _from_view(view, claim)
    return _from_tables(context, claim) or _from_prose(context, claim)


def _places(view: View, claim: TimesClaim) -> tuple[int, int] | None:
    places = []
    for name in (claim.subject, claim.object):
        found = [place for place, series in enumerate(view.series) if series.device == name and not series.timed]
        if len(found) != 1:
            return None
        places.append(found[0])
    return places[0], places[1]


def _from_view(view: View, claim: TimesClaim) -> _Ratios:
    places = _places(view, claim)
    assert places is not None  # noqa: S101 - the view was chosen for having both
    ratios: dict[int, float] = {}
    rows: list[float] = []
    tops: list[float] = []
    bottoms: list[float] = []
    for index, record in enumerate(view.records):
        top, bottom = (_plain(record, place) for place in places)
        if record.accuracy:
            continue
        tops += [top] if top else []
        bottoms += [bottom] if bottom else []
        if top and bottom and record.best:
            rows.append(top / bottom)
        elif top and bottom:
            ratios[record.batch if record.batch is not None else -1 - index] = top / bottom
    return _Ratios(ratios, max(tops) / max(bottoms) if tops and bottoms else None, tuple(rows))


def _from_tables(context: Context, claim: TimesClaim) -> _Ratios | None:
    """Ratios of two devices that have a table each; None where there are none, or several values for a batch."""
    columns: list[dict[int, float]] = []
    for name in (claim.subject, claim.object):
        cells = context.cells(name)
        column = {batch: cell.number.value for batch, cell in cells if cell.number.value > 0}
        if len(column) != len(cells) or len(column) < _TABLE:
            return None
        columns.append(column)
    top, bottom = columns
    ratios = {batch: value / bottom[batch] for batch, value in top.items() if batch in bottom}
    return _Ratios(ratios, max(top.values()) / max(bottom.values()))


def _plain(record: Record, place: int) -> float | None:
    cell = record.cells[place]
    return cell.number.value if cell is not None and cell.unit in {"", "rate"} and cell.number.value > 0 else None


def _from_prose(context: Context, claim: TimesClaim) -> _Ratios:
    values: dict[str, dict[int, float]] = {claim.subject: {}, claim.object: {}}
    section = context.document.section(claim.line)
    own = [one for one in context.statements if context.document.section(one.line) == section and one.value]
    compared = {claim.subject, claim.object} <= {context.device(one) for one in own}  # here, and for this claim
    for statement in own if compared else context.statements:
        device = context.device(statement)
        if device in values and statement.value is not None and statement.value.value > 0:
            batch = context.batch(statement)
            if batch in values[device] and values[device][batch] != statement.value.value:
                return _Ratios({}, None)  # before and after tuning: which one is meant is not known
            values[device][batch] = statement.value.value
    tops, bottoms = values[claim.subject], values[claim.object]
    if not tops or not bottoms:
        return _from_pieces(context, claim)
    ratios = {batch: value / bottoms[batch] for batch, value in tops.items() if batch in bottoms}
    if claim.batches and not set(claim.batches) & set(ratios):
        pieces = _from_pieces(context, claim)
        if pieces.best is not None or claim.scope != "best":
            return pieces
    return _Ratios(ratios, max(tops.values()) / max(bottoms.values()))


def _from_pieces(context: Context, claim: TimesClaim) -> _Ratios:
    """Ratio of two values given shortly above the claim as "310P: 41.78" and "T4: 26.74", or on one line."""
    lines = context.document.lines
    values: dict[str, tuple[float, tuple[int, ...], bool]] = {}
    for line in range(claim.line, max(context.document.section(claim.line), claim.line - _NEAR), -1):
        text = lines[line - 1]
        if len(text) > _LONGEST or context.document.in_table(line) or context.document.is_command(line):
            continue
        if LATENCY.search(text) or ACCURACY.search(text):
            continue
        for piece in _SEPARATORS.split(text):
            match = _PIECE.fullmatch(piece.strip())
            device = only(devices_in(match[1])) if match else None
            number = number_from(match[2]) if match else None
            if device in {claim.subject, claim.object} and device not in values and number is not None:
                values[device] = (number.value, tuple(batches_in(text)), match is not None and bool(match[3]))
    if len(values) < 2 or min(value for value, _, _ in values.values()) <= 0:
        return _Ratios({}, None)
    (top, first, rated), (bottom, second, also) = values[claim.subject], values[claim.object]
    if first != second or (claim.batches and first and set(claim.batches) != set(first)):
        return _Ratios({}, None)
    if (top < bottom) == (claim.stated.value > 1) and not (rated and also):
        return _Ratios({}, None)  # these may be times
    return _Ratios({}, top / bottom)
