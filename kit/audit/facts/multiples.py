"""Sentences that give the ratio of two devices, in Chinese and English."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.audit.facts.printednumber import Printed, number_from
from kit.audit.facts.vocabulary import ACCURACY, BEST, DEVICE, batches_in, devices_in

__all__ = ["TimesClaim", "read_times_claims"]

_DEV = rf"(?:{DEVICE}|gpu(?:\s?t4)?)"
#: What may follow the devices of a quotient.
_OF = r"(?:的?(?:最优|最佳|单卡)?(?:\s?(?:batch|bs))?的?(?:性能|吞吐[率量]?)?)"
_TIMES = re.compile(
    r"(?<![0-9./*])([0-9]+(?:\.[0-9]+)?)\s*(?:倍|times\b|x(?=\s|$|[,.;，。])|-fold)(以上)?"
    r"|的\s*([0-9]\.[0-9]+)\s*(?=$|[;，,。])",
    re.IGNORECASE,
)
#: "310P/310=2.40倍", "310P最优 / 310最优 = 1.27": a quotient of devices with its value, not with a formula.
_QUOTIENT = re.compile(
    rf"(?<![0-9a-z])(?P<top>{_DEV}){_OF}\s*/\s*(?P<bottom>{_DEV}){_OF}\s*(?:=|:|约?为)\s*"
    r"(?P<value>[0-9]+(?:\.[0-9]+)?)(?![0-9.])(?!\s*(?:[*/x]\s*[0-9]|fps|qps))倍?",
    re.IGNORECASE,
)
#: "310P > 1.2倍310 310P > 1.6倍T4": the number is between the two devices.
_BETWEEN = re.compile(
    rf"(?P<top>{_DEV})(?![0-9])[^0-9,;，；。]{{0,16}}?(?:>=?|≥|大于|高于|超过|达到)\s*(?P<value>[0-9]+(?:\.[0-9]+)?)\s*"
    rf"(?:倍|x|times)\s*的?\s*(?P<bottom>{_DEV})(?![0-9])",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,，;。；、]|\.\s|\band\b|并且|同时|而且")
_BOUND = re.compile(
    r"大于|超过|高于|不低于|不小于|以上|优于|above|over|more than|at least|exceed|greater|higher|需要达到|>",
    re.IGNORECASE,
)
_BELOW = re.compile(r"低于|小于|不到|不足|未达|没有达到|未能|无法|不能|below|less than|under\b|<", re.IGNORECASE)
_GAIN = re.compile(r"提升|提高|增加|加速|快|优化前|优化后|improv|faster|gain|speed-?up", re.IGNORECASE)
_ABOUT = re.compile(r"约|近|左右|接近|\babout\b|approximately|nearly|roughly", re.IGNORECASE)
_ALL = re.compile(r"每个|每一|所有|全部|均|都|各|\bevery\b|\beach\b|\ball\b", re.IGNORECASE)
_REST = re.compile(r"其余|其他|其它|\bother\b|\brest\b|除", re.IGNORECASE)
#: "The target of 1.2 times is not met" claims nothing.
_FAILED = re.compile(
    r"不达标|未达标|不满足|没有达到|未达到|达不到|\bfails?\b|not (?:met|reached)|does not reach", re.IGNORECASE
)
_RULE = re.compile(r"当.{2,60}时|\bwhen\b|只要|才", re.IGNORECASE)
_CONDITION = re.compile(
    r"如果|若|要求|标准|目标|应|需要?(?!达到)|否则|\bif\b|should|must|require|target", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class TimesClaim:
    """``subject`` is ``stated`` times ``object``.

    ``bound``: at least. ``exact``: a quotient with its value. ``scope``: best, all, rest or any of the batch sizes;
    ``batches``: those that it is limited to, if any. ``about``: only roughly. ``text``: the number as written.
    """

    line: int
    stated: Printed
    text: str
    subject: str
    object: str
    bound: bool
    exact: bool
    scope: str
    batches: tuple[int, ...]
    about: bool = False


def read_times_claims(line: int, text: str) -> list[TimesClaim]:
    """The claims of a line. A clause without a subject continues with that of the clause before."""
    if _FAILED.search(text):
        return []
    claims: list[TimesClaim] = []
    subject: str | None = None
    lead = ""
    for part in _CLAUSE.split(text):
        pairs, clause = _pairs(line, text, part)
        claims += pairs
        subject = pairs[-1].subject if pairs else subject
        # "For all batches, A is ... B" limits what follows; a clause with a claim does not.
        scope_text = f"{lead}, {clause}" if lead else clause  # "all batch sizes, 710 ..." does not name batch 710
        found = list(_TIMES.finditer(clause))
        lead = "" if found or pairs or _BOUND.search(clause) else scope_text
        if not found:
            names = _names(clause)
            subject = names[0] if len(names) == 1 else subject
            continue
        claimed = not (ACCURACY.search(clause) or _GAIN.search(clause) or _BELOW.search(clause) or "=" in clause)
        if _RULE.search(clause) or (_CONDITION.search(clause) and "达标" not in text):
            claimed = False
        start = 0
        for match in found:
            names = _names(clause[start : match.start()] if start else clause[: match.start()]) or _names(clause)
            if len(found) == 1:
                names = _names(clause)  # in English the devices may follow the number
            start = match.end()
            number = number_from(match[1] or match[3], start=match.start())
            if len(names) >= 2:
                subject, objects = names[0], names[1:]
            elif len(names) == 1 and subject not in {None, names[0]}:
                objects = names
            else:
                continue
            if number is None or not claimed or subject is None:
                continue
            bound = _BOUND.search(clause) is not None or match[2] is not None
            about = _ABOUT.search(clause) is not None
            scope, batches = _scope(scope_text), _batches(scope_text)
            claims += [
                TimesClaim(line, number, match[0].strip(), subject, name, bound, False, scope, batches, about)
                for name in objects
            ]
    return claims


def _pairs(line: int, text: str, clause: str) -> tuple[list[TimesClaim], str]:
    """Claims in a form that names both devices, and the clause without them."""
    claims: list[TimesClaim] = []
    rest = clause
    if ACCURACY.search(clause):
        return claims, rest
    for pattern in (_QUOTIENT, _BETWEEN):
        for match in pattern.finditer(clause):
            number = number_from(match["value"])
            subject, other = devices_in(match["top"]), devices_in(match["bottom"])
            rest = rest.replace(match[0], "")
            if number is None or not subject or not other or subject[0].name == other[0].name:
                continue
            exact = pattern is _QUOTIENT
            shown = match["value"] + ("倍" if "倍" in match[0] else "")
            scope = "best" if "最优" in match[0] else _scope(text)
            claims.append(
                TimesClaim(line, number, shown, subject[0].name, other[0].name, not exact, exact, scope, _batches(text))
            )
    return claims, rest


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(device.name for device in devices_in(text)))


def _scope(text: str) -> str:
    if _REST.search(text):
        return "rest"
    if BEST.search(text):
        return "best"
    if _ALL.search(text):
        return "all"
    return "any"


def _batches(text: str) -> tuple[int, ...]:
    return tuple(sorted(set(batches_in(text))))
