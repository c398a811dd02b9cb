"""Metrics in what a program printed or wrote: found by the patterns of the recipe, checked against their unit."""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["COCO", "find_metrics"]

#: Limit on the text that is searched.
_MAX_TEXT = 32 << 20
#: Time limit of one pattern: a careless one may never end.
_SECONDS = 20
_NUMBER = re.compile(r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,3})?", re.ASCII)
#: ``np.float64(79.12)``, ``tensor(0.7220, dtype=..)``: what Python prints for a number of these libraries.
_WRAPPED = re.compile(r"(?:np\.|numpy\.|torch\.)?[a-z]+[0-9]*\(\s*([^\s,()]+)\s*[,)].*")
_RANGES = {"percent": (0.0, 100.0), "fraction": (0.0, 1.0)}
#: A number of which a pattern took a part only: ``7.1`` of ``7.1e-3``, ``1`` of ``1,234.5``, ``76`` of ``.76``.
_BEGINS = re.compile(r"(?:[0-9]|(?:^|[^.])\.)$|(?:^|[\s:=：(\[])-$")
_CONTINUES = re.compile(r"[0-9]|\.[0-9]|[eE][-+]?[0-9]|,[0-9]{3}(?![0-9])", re.ASCII)
#: No value, but an end of its name: ``1`` of ``top-1: 0.76`` and of ``acc@1 76.1``, ``5`` of ``acc5:0.93``.
_NAMES = re.compile(r"[A-Za-z_@]$")
_THRESHOLD = re.compile(r"[A-Za-z][ \t]$")  # AP .75
_NAMED = re.compile(r"[\"']?[ \t]*[:：=]")
#: Another value behind it: ``[0.91 0.88]``, ``0.5 / 0.6``, ``0.91 (0.88)``; not ``0.9, 1px: 0.8`` nor ``0.9 (500)``.
_ANOTHER = re.compile(
    r"%?\)?[ \t]{0,20}(?P<mark>[,;/~(]?)\s{0,20}(?:[a-z.]{1,20}[0-9]{0,3}\()?"
    r"(?P<value>[-+]?[0-9]{0,40}\.?[0-9]{1,40}(?:[eE][-+]?[0-9]{1,3})?%?)"
    r"(?![\w:：@=])",
    re.ASCII,
)
#: Of a list, or of a row of values: the pattern says with it which one is meant.
_PREVIOUS = re.compile(r"\.[0-9]+%?\)?[\s,;/~(]+\S{0,12}$", re.ASCII)
_NO_VALUE = re.compile(r"\b(?:nan|inf|infinity)\b", re.IGNORECASE)


_ALL, _ANY = r"0\.50:0\.95", r"\d+"
#: The rows of the table that COCO's evaluation prints.
COCO = {
    name: rf"Average {title}\s+\({name[:2]}\)\s*@\[\s*IoU={iou}\s*\|\s*area=\s*{area}\s*\|\s*maxDets=\s*{most}\s*\]"
    r"\s*=\s*(\S+)"
    for name, title, iou, area, most in (
        ("AP", "Precision", _ALL, "all", _ANY),
        ("AP50", "Precision", r"0\.50", "all", _ANY),
        ("AP75", "Precision", r"0\.75", "all", _ANY),
        ("APs", "Precision", _ALL, "small", _ANY),
        ("APm", "Precision", _ALL, "medium", _ANY),
        ("APl", "Precision", _ALL, "large", _ANY),
        ("AR1", "Recall", _ALL, "all", "1"),
        ("AR10", "Recall", _ALL, "all", "10"),
        ("AR100", "Recall", _ALL, "all", "100"),
        ("ARs", "Recall", _ALL, "small", _ANY),
        ("ARm", "Recall", _ALL, "medium", _ANY),
        ("ARl", "Recall", _ALL, "large", _ANY),
    )
}


def find_metrics(wanted: Sequence[Mapping[str, Any]], out: str, work: str) -> list[dict[str, Any]]:
    """The metrics, in their order.

    Args:
        wanted: each with ``name``, ``find`` (a pattern with one group, or a row of :data:`COCO`), ``in`` (a file of the
            working folder; none for standard output, and where that has no match, standard error), ``pick``
            (``only``, ``first``, ``last``) and ``unit``.
        out: folder of ``stdout.txt`` and ``stderr.txt``; files that metrics were found in are copied there.
        work: the working folder.

    Returns:
        for each ``name``, ``unit``, ``text`` as printed, ``file``, ``line`` and ``column`` (from 1).

    Raises:
        UserError: it is not there, more than one differ, it is not a number of its unit, or only a part of one, or of
            a list.
    """
    return [_find(metric, out, work) for metric in wanted]


def _find(metric: Mapping[str, Any], out: str, work: str) -> dict[str, Any]:
    name, given = metric["name"], metric.get("in")
    file, text = ("stdout.txt", _read(os.path.join(out, "stdout.txt"))) if not given else _kept(given, out, work)
    pattern = _pattern(metric)
    found = _matches(pattern, text, name)
    if not found and not given:  # Python's logging writes there
        errors = _read(os.path.join(out, "stderr.txt"))
        found = _matches(pattern, errors, name)
        if found:
            file, text = "stderr.txt", errors
    where = given or "what the scripts printed"
    if not found:
        raise UserError(
            f"metric {name} is not in {where}{_in_its_place(text)}",
            "See whether the script ended early, and correct the pattern in task -> script -> metrics.",
            kind="tolerance",
        )
    values = list(dict.fromkeys(match[1] for match in found))
    if len(values) > 1 and metric["pick"] == "only":
        raise UserError(
            f"metric {name} appears {len(found)} times in {where}, with different values: {', '.join(values[:3])}",
            "Make the pattern say which is meant, or choose with pick: first or pick: last.",
            kind="tolerance",
        )
    match = found[0] if metric["pick"] == "first" else found[-1]
    shown = _number(name, match[1], metric["unit"])
    start = match.start(1) + match[1].index(shown)
    _check_whole(name, match, start, start + len(shown), metric["unit"])
    return {
        "name": name,
        "unit": metric["unit"],
        "text": shown,
        "file": file,
        "line": text.count("\n", 0, start) + 1,
        "column": start - (text.rfind("\n", 0, start) + 1) + 1,
    }


def _in_its_place(text: str) -> str:
    """Why a metric may be missing: the text was cut, or a line of it has nan in the place of a number."""
    if len(text.encode()) >= _MAX_TEXT:
        return f", of which the first {_MAX_TEXT >> 20} MiB are kept"
    line = next((line.strip() for line in reversed(text.splitlines()) if _NO_VALUE.search(line)), "")
    return f"; there is {line[:60]!r}" if line else ""


def _matches(pattern: re.Pattern[str], text: str, name: str) -> list[re.Match[str]]:
    with _limited(name):
        return [match for match in pattern.finditer(text) if match[1] is not None]


def _pattern(metric: Mapping[str, Any]) -> re.Pattern[str]:
    try:
        pattern = re.compile(COCO.get(metric["find"], metric["find"]), re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise UserError(
            f"the pattern of metric {metric['name']} is not a regular expression: {error}", "Correct it in the recipe."
        ) from error
    if pattern.groups != 1:
        raise UserError(
            f"the pattern of metric {metric['name']} has {pattern.groups} groups",
            "Put the number, alone, into one (...).",
        )
    return pattern


def _number(name: str, text: str, unit: str) -> str:
    """The digits as printed.

    Raises:
        UserError: not a number, nan, inf, COCO's -1 for "no such object", or outside the unit's range.
    """
    wrapped = _WRAPPED.fullmatch(text.strip())
    shown = (wrapped[1] if wrapped else text).strip().rstrip("%.,;")
    remedy = "See what the script printed, and whether the pattern takes the right part of it."
    if not _NUMBER.fullmatch(shown):
        raise UserError(f"metric {name} is {text[:60]!r}, which is not a number", remedy, kind="tolerance")
    value = float(shown)
    if not math.isfinite(value):
        raise UserError(f"metric {name} is {shown}, which is not a number", remedy, kind="tolerance")
    low, high = _RANGES.get(unit, (-math.inf, math.inf))
    if not low <= value <= high:
        hint = "COCO prints -1 where there is no object of that kind. " if value == -1 else ""
        raise UserError(
            f"metric {name} is {shown}, which is not a {unit} ({low:g} to {high:g})",
            f"{hint}Declare the unit that the script prints.",
            kind="tolerance",
        )
    return shown


def _check_whole(name: str, match: re.Match[str], start: int, end: int, unit: str) -> None:
    """Whether the number at `start` is a whole one, and the only one there; the pattern chooses by what it takes in.

    Raises:
        UserError: it is not.
    """
    text = match.string
    line = text[text.rfind("\n", 0, start) + 1 : start]
    shown = f"{line.lstrip()[-40:]}{text[start:].partition(chr(10))[0][:40]}".strip()
    skipped = _NO_VALUE.search(match[0][: start - match.start()])
    another = _ANOTHER.match(text, end)
    if skipped:
        what = f"is {skipped[0]}, and the pattern takes the number behind it"
    elif _BEGINS.search(line[-2:]) or _CONTINUES.match(text, end):
        what = f"is {text[start:end]}, which is a part of a number only"
    elif (text[start:end].isdigit() and (_NAMES.search(line[-1:]) or _NAMED.match(text, end))) or (
        text[start] == "." and _THRESHOLD.search(line[-2:])
    ):
        what = f"is {text[start:end]}, which is a part of a name"
    elif unit == "fraction" and text[end : end + 1] == "%" and match.end() <= end:
        what = "has a % behind it, and its unit is fraction"
    elif another and _is_list(another, line, text[start:end], unit) and not _chosen(match, start, end):
        what = f"is one of several numbers: {text[start:end]} and {another['value']}"
    else:
        return
    raise UserError(
        f"metric {name} {what}, in the line {shown!r}",
        "Let the pattern take in all that belongs to it, with (...) around the one that is meant.",
        kind="tolerance",
    )


def _is_list(another: re.Match[str], line: str, first: str, unit: str) -> bool:
    value = another["value"]
    if unit == "fraction" and value.endswith("%") and abs(100 * float(first) - float(value[:-1])) < 0.1:
        return False  # 0.9133 (91.33%)
    if line.count("[") > line.count("]"):
        return True
    decimal = bool(re.search(r"[.%]", value))
    if another["mark"] == "(":
        return decimal and another.string[another.end() : another.end() + 1] == ")"
    return bool(another["mark"]) and (decimal or "." not in first)


def _chosen(match: re.Match[str], start: int, end: int) -> bool:
    """Whether the pattern takes in a number before, or what comes after it."""
    behind = match.string[end:]
    next_one = end + len(behind) - len(behind.lstrip("% \t)"))
    return match.end() > next_one or bool(_PREVIOUS.search(match.string[match.start() : start][-200:]))


def _kept(given: str, out: str, work: str) -> tuple[str, str]:
    """A file of the working folder, and a copy of it that stays: it is the evidence."""
    path = os.path.realpath(os.path.join(work, given))
    if not path.startswith(os.path.realpath(work) + os.sep) or not os.path.isfile(path):
        raise UserError(f"the scripts did not write {given}", "Correct the name under metrics -> in.", kind="missing")
    text = _read(path)
    kept = os.path.join("files", os.path.relpath(path, os.path.realpath(work)))
    target = os.path.join(out, kept)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return kept, text


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(_MAX_TEXT).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


@contextlib.contextmanager
def _limited(name: str) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise UserError(
            f"the pattern of metric {name} did not end within {_SECONDS} s",
            "Write it without one repetition inside another.",
            kind="resource",
        )

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
