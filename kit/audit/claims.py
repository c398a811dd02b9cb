"""Claims in prose: "reaches 1.268 times the best 310", "above 1.2 times", "1635.3fps > 1.2 * 1361.796fps"."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kit.audit.expressions import comparisons
from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, number_from, show
from kit.audit.products import DEVICE_NUMBERS
from kit.audit.vocabulary import ACCURACY, BEST, THROUGHPUT, Device, batches_in, devices_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.audit.context import Context
    from kit.audit.views import Record, View

__all__ = ["check_claims"]

_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_TIMES: Final = re.compile(
    r"(?<![0-9./*])([0-9]+(?:\.[0-9]+)?)\s*(?:倍|times\b|x(?=\s|$|[,.;，。])|-fold)(以上)?|的\s*([0-9]\.[0-9]+)\s*(?=$|[;，,。])",
    re.IGNORECASE,
)
#: "310P/310=2.40倍" names the two devices itself; other equals signs belong to formulas.
_QUOTIENT: Final = re.compile(
    r"(?:310p?\d?|710|t4|gpu)\s*/\s*(?:310p?\d?|710|t4|gpu)\s*=?=\s*[0-9.]+\s*(?:倍|times|x)", re.IGNORECASE
)
#: "310P > 1.2倍310 310P > 1.6倍T4": the number stands between the two devices.
_BETWEEN: Final = re.compile(
    r"(310p?\d?|710|t4)(?![0-9])[^0-9,;，；。]{0,16}?(?:>=?|≥|大于|高于|超过|达到)\s*([0-9]+(?:\.[0-9]+)?)\s*(?:倍|x|times)\s*的?\s*"
    r"(310p?\d?|710|t4)(?![0-9])",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[,，;。；、]|\.\s|\band\b|并且|同时|而且")
_BOUND: Final = re.compile(
    r"大于|超过|高于|不低于|不小于|以上|优于|above|over|more than|at least|exceed|greater|higher|需要达到|>",
    re.IGNORECASE,
)
_BELOW: Final = re.compile(r"低于|小于|不到|不足|未达|没有达到|未能|below|less than|under\b|<", re.IGNORECASE)
_GAIN: Final = re.compile(r"提升|提高|增加|加速|快|优化前|优化后|improv|faster|gain|speed-?up", re.IGNORECASE)
_ALL: Final = re.compile(r"每个|每一|所有|全部|均|都|各|\bevery\b|\beach\b|\ball\b", re.IGNORECASE)
_REST: Final = re.compile(r"其余|其他|其它|\bother\b|\brest\b|除", re.IGNORECASE)
_FAILED: Final = re.compile(
    r"不达标|未达标|不满足|没有达到|未达到|达不到|\bfails?\b|not (?:met|reached)|does not reach", re.IGNORECASE
)
_CONDITION: Final = re.compile(
    r"如果|若|要求|标准|目标|应|需要?(?!达到)|否则|\bif\b|should|must|require|target", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Claim:
    line: int
    stated: Number
    text: str
    subject: str
    object: str
    bound: bool
    exact: bool
    scope: str
    batches: tuple[int, ...]


def check_claims(context: Context) -> None:
    """Check comparisons of numbers, and sentences that say how many times one device another is."""
    for line, text in enumerate(context.document.lines, start=1):
        if context.document.in_table(line):
            continue
        if any(sign in text for sign in "<>≥≤") and not context.document.is_command(line):
            _comparisons(context, line, text)
        if ("倍" in text or "times" in text or "310" in text or re.search(r"[0-9]x\b", text)) and len(text) < 600:
            if _FAILED.search(text):
                continue  # "the target of 1.2 times is not met" claims nothing
            for claim in _read(line, text):
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


def _read(line: int, text: str) -> list[_Claim]:
    """Claims of a line. A clause without a subject of its own goes on with that of the clause before."""
    claims: list[_Claim] = []
    subject: str | None = None
    lead = ""
    for part in _CLAUSE.split(text):
        clause = part
        for pair in _BETWEEN.finditer(part):
            number = number_from(pair[2])
            top, bottom = devices_in(pair[1]), devices_in(pair[3])
            if number is not None and top and bottom and top[0].name != bottom[0].name:
                subject = top[0].name
                stated = f"{pair[2]}倍" if "倍" in pair[0] else pair[2]
                claims.append(
                    _Claim(line, number, stated, top[0].name, bottom[0].name, True, False, _scope(text), _batches(text))
                )
                clause = clause.replace(pair[0], "")
        devices = devices_in(clause)
        match = _TIMES.search(clause)
        # "For all batches, A is ... B" scopes what follows; a clause that claims something itself does not.
        scope_text = clause if _scoped(clause) or not lead else f"{lead} {clause}"
        lead = "" if match is not None or _BOUND.search(clause) else scope_text
        if match is None:
            if len({device.name for device in devices}) == 1:
                subject = devices[0].name
            continue
        names = _names(devices)
        if ACCURACY.search(clause) or _GAIN.search(clause) or _BELOW.search(clause):
            continue
        if "=" in clause and not _QUOTIENT.search(clause):
            continue
        if len(names) >= 2:
            subject, objects = names[0], names[1:]
        elif len(names) == 1 and subject is not None and subject != names[0]:
            objects = names
        else:
            continue
        printed = match[1] or match[3]
        if _CONDITION.search(clause) and "达标" not in text:
            continue
        number = number_from(printed, start=match.start())
        if number is None or (match[1] and clause[max(0, match.start() - 1) : match.start()] in {"/", "*"}):
            continue
        for name in objects:
            claims.append(  # noqa: PERF401 - one entry per object reads plainer than a generator over a closure
                _Claim(
                    line,
                    number,
                    match[0].strip(),
                    subject,
                    name,
                    _BOUND.search(clause) is not None or match[2] is not None,
                    _QUOTIENT.search(clause) is not None,
                    _scope(scope_text),
                    _batches(scope_text),
                )
            )
    return claims


def _names(devices: list[Device]) -> list[str]:
    names: list[str] = []
    for device in devices:
        if device.name not in names:
            names.append(device.name)
    return names


def _scoped(clause: str) -> bool:
    return bool(BEST.search(clause) or _ALL.search(clause) or _REST.search(clause) or batches_in(clause))


def _scope(text: str) -> str:
    if _REST.search(text):
        return "rest"
    if BEST.search(text):
        return "best"
    if _ALL.search(text):
        return "all"
    return "any"


def _batches(text: str) -> tuple[int, ...]:
    """The batches that a claim is limited to; none for no limit."""
    return tuple(sorted(set(batches_in(text))))


def _check(context: Context, claim: _Claim) -> None:
    ratios, best = _ratios(context, claim)
    stated = claim.text
    if best is None:
        context.ledger.skip(claim.line, Kind.CLAIM, stated)
        return
    wanted = claim.stated.value
    exact = claim.exact or (claim.stated.unit < 0.05 and not claim.bound)
    pool = list(ratios.values())
    named = [ratios[batch] for batch in claim.batches if batch in ratios]
    if named and claim.scope != "best":
        pool, best = named, max(named)
    inputs = f"{claim.subject} / {claim.object}"
    # "Best" means the quotient of the bests alone, and what is to be exceeded is not met by rounding up to it.
    alike = (
        []
        if claim.scope == "all" or (claim.bound and not exact)
        else [best]
        if claim.scope == "best"
        else [best, *pool]
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
    deciding = least if claim.scope == "all" else best
    rounded = agree(claim.stated, deciding) is Agreement.SAME
    if deciding >= wanted - 1e-9 or (rounded and not claim.bound):
        context.ledger.hold(claim.line, Kind.CLAIM, stated, show(deciding), f"{inputs} is {show(deciding)}")
    elif claim.scope == "rest":
        context.ledger.skip(claim.line, Kind.CLAIM, stated)
    else:
        _false(context, claim, deciding, inputs, Severity.DIGITS if rounded else Severity.MAJOR)


def _false(context: Context, claim: _Claim, value: float, inputs: str, severity: Severity) -> None:
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


def _ratios(context: Context, claim: _Claim) -> tuple[dict[int, float], float | None]:
    """Ratio per batch and ratio of the bests, from the last table above the claim (or the first below) with both."""
    views = [view for view in context.views if view.performance and _places(view, claim) is not None]
    above = [view for view in views if view.header_line < claim.line]
    view = above[-1] if above else views[0] if views else None
    if view is not None:
        return _from_view(view, claim)
    return _from_prose(context, claim)


def _places(view: View, claim: _Claim) -> tuple[int, int] | None:
    places = []
    for name in (claim.subject, claim.object):
        found = [place for place, series in enumerate(view.series) if series.device == name and not series.timed]
        if len(found) != 1:
            return None
        places.append(found[0])
    return places[0], places[1]


def _from_view(view: View, claim: _Claim) -> tuple[dict[int, float], float | None]:
    places = _places(view, claim)
    assert places is not None  # noqa: S101 - the view was chosen for having both
    ratios: dict[int, float] = {}
    tops: list[float] = []
    bottoms: list[float] = []
    for index, record in enumerate(view.records):
        top, bottom = (_plain(record, place) for place in places)
        if record.accuracy:
            continue
        tops += [top] if top else []
        bottoms += [bottom] if bottom else []
        if top and bottom and not record.best:
            ratios[record.batch if record.batch is not None else -1 - index] = top / bottom
    return ratios, max(tops) / max(bottoms) if tops and bottoms else None


def _plain(record: Record, place: int) -> float | None:
    cell = record.cells[place]
    return cell.number.value if cell is not None and cell.unit in {"", "rate"} and cell.number.value > 0 else None


def _from_prose(context: Context, claim: _Claim) -> tuple[dict[int, float], float | None]:
    values: dict[str, dict[int, float]] = {claim.subject: {}, claim.object: {}}
    for statement in context.statements:
        device = context.device(statement)
        if device in values and statement.value is not None and statement.value.value > 0:
            batch = context.batch(statement)
            if batch in values[device] and values[device][batch] != statement.value.value:
                return {}, None  # before and after tuning: which one is meant is not known
            values[device][batch] = statement.value.value
    tops, bottoms = values[claim.subject], values[claim.object]
    if not tops or not bottoms:
        return {}, None
    ratios = {batch: value / bottoms[batch] for batch, value in tops.items() if batch in bottoms}
    return ratios, max(tops.values()) / max(bottoms.values())
