"""Scores with a fixed order: Top5 is at least Top1, AP50 at least the mean AP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Score", "complement", "score_of"]

_TOP = re.compile(r"(?:top|acc(?:uracy)?)\s?[-_@ ]?\s?([15])(?![0-9])|\bR(?:ank)?[-_@ ]?(1|5|10)\b", re.IGNORECASE)
_AP = re.compile(
    r"m?AP(?:[\s_^]?(?:val|test|dev|box|mask|bb|segm?)){0,2}\s{0,3}[@_^ ]?\s{0,3}\(?\s{0,3}(?:IoU\s?=\s?)?"
    r"(?P<at>0?\.50?\s{0,3}[:\-~]\s{0,3}0?\.95|50\s{0,3}[:\-~]\s{0,3}95|0?\.50?(?![0-9:\-~])|50(?![0-9:\-~])"
    r"|0?\.75(?![0-9])|75(?![0-9]))?",
    re.IGNORECASE,
)
_SIZE = re.compile(r"AP_?\s?[SML]\b|\b(?:small|medium|large)\b|AR", re.IGNORECASE)
_ERROR = re.compile(r"\berr(?:or)?s?\b|误差|错误", re.IGNORECASE)
_CHANGE = re.compile(
    r"diff|delta|[Δ△+]|drop|\bgain|\bloss|\brank\b(?!\W?[0-9])|ratio|change|improve|decrease|increase|差|损失|提升|下降",
    re.IGNORECASE,
)
#: Words that only say that a number is a score or an error.
_PLAIN = re.compile(
    r"accuracy|\bacc\b|error|\berrs?\b|\brate\b|准确率|正确率|精度|错误率|误差|[%％()\[\]._-]|\s", re.IGNORECASE
)
_RIGHT = re.compile(r"accuracy|\bacc\b|准确率|正确率|精度|\btop-?\s?[15]\b", re.IGNORECASE)
_NOT_WORD = re.compile(r"[^a-z0-9\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Score:
    """What a title measures: ``family`` (top, ap), ``group`` (its other words) and ``rank``.

    Of two scores with the same family and group, the one with the higher rank cannot be lower.
    """

    family: str
    group: str
    rank: int


@lru_cache(maxsize=1024)
def score_of(title: str, context: str = "") -> Score | None:
    """The score that a title names, with a negative rank for errors, as they fall; None for others and for changes."""
    title = title.replace("_", " ")
    if len(title) > 80 or _CHANGE.search(title):
        return None
    tops = list(_TOP.finditer(title))
    error = _ERROR.search(title) is not None
    if len(tops) == 1 and (error or not _ERROR.search(context)):
        sign, family = (-1, "top error") if error else (1, "top")
        return Score(family, _group(title, tops[0]), sign * int(tops[0][1] or tops[0][2]))
    if error or _ERROR.search(context):
        return None
    found = [match for match in _AP.finditer(title) if match[0]]
    if len(found) != 1 or _SIZE.search(title) or not _bounded(title, found[0]):
        return None
    at = (found[0]["at"] or "").replace(" ", "")
    rank = 2 if at in {"0.5", ".5", "0.50", ".50", "50"} else 1
    family = "ap" if not at or rank == 2 or "95" in at else "ap75"
    return Score(family, _group(title, found[0]), rank)


@lru_cache(maxsize=1024)
def complement(title: str) -> tuple[bool, str] | None:
    """Whether a title names an error or an accuracy, which add up to one, and of what; None for other titles."""
    title = title.replace("_", " ")
    error = _ERROR.search(title) is not None
    if len(title) > 80 or _CHANGE.search(title) or not (error or _RIGHT.search(title)):
        return None
    return error, _PLAIN.sub("", title.lower())


def _bounded(title: str, match: re.Match[str]) -> bool:
    """Whether the match is a separate word: "AP50", and not the "ap" in "mapping"."""
    before, after = title[match.start() - 1 : match.start()], title[match.end() : match.end() + 1]
    return not (before.isalnum() and before.isascii()) and not (after.isalpha() and after.isascii())


def _group(title: str, match: re.Match[str]) -> str:
    rest = (title[: match.start()] + " " + title[match.end() :]).lower()
    return " ".join(word for word in _NOT_WORD.sub(" ", rest).split() if word not in {"accuracy", "acc", "val", "test"})
