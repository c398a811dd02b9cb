"""Metrics of a new recipe by the texts that the last programs print: names, patterns, units to be checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kit.newrecipe.programs import Program

__all__ = ["metrics_of", "shown_metrics"]

#: Name of a metric, how programs print it, and its unit where it has but one.
_KNOWN = (
    ("mIoU", r"m_?iou|mean_?iou", None), ("mAP", r"\b(?:bbox_)?m_?ap\b|mean ap\b", None), ("PSNR", r"psnr", "dB"),
    ("SSIM", r"ssim", "fraction"), ("Top1", r"top[-_ @]?1(?!\d)|(?:acc|prec)[@_]?1(?!\d)", None),
    ("Top5", r"top[-_ @]?5(?!\d)|(?:acc|prec)[@_]?5(?!\d)", None),
    ("Rank-1", r"rank[-_ ]?1(?!\d)|\bcmc[-_ ]?1(?!\d)|\bR@?1(?!\d)", None),
    ("exact match", r"exact_match", None), ("F1", r"\bf1(?:[-_ ]score)?\b", None), ("hmean", r"hmean", None),
    ("F-score", r"\bf[-_]?(?:score|measure)\b", None),
    ("WER", r"\bwer\b", None), ("CER", r"\bcer\b", None),
    ("EER", r"\beer\b", None), ("IoU", r"\biou\b", None), ("Dice", r"\bdice\b", None),
    ("AP", r"\bap\b", None), ("accuracy", r"acc(?:uracy)?(?:[-_ ]?rate)?", None),
)  # fmt: skip
#: Named only where nothing else is.
_VAGUE = {"IoU", "AP", "accuracy"}
_LOWER = {"WER", "CER", "EER"}
#: Read only beside their mean: many programs speak of them otherwise.
_MEANS = {"hmean", "F1", "F-score"}
_PARTS = (("precision", r"\bprecision\b", None), ("recall", r"\brecall\b", None))
#: ``'top{}_acc'.format(k)`` and ``"Top" + str(k)``: the number is not in the text.
_COUNTED = re.compile(r"(top|rank)[-_ @]?(?:\{|%|[\"']\s*\+)", re.IGNORECASE)
_UP_TO_FIVE = re.compile(r"[(\[]1,\s*5[)\]]|top_?[nk]\s*=\s*5")
#: A line of what a program has printed: a name of words, and a number.
_SHOWN = re.compile(
    r"^[ \t>]*([A-Za-z][\w@.-]*(?:[ \t]+[\w@.-]*[A-Za-z][\w@.-]*){0,4})[ \t]*[:：=]?[ \t]*([0-9]+\.[0-9]+)(%?)[ \t]*$",
    re.MULTILINE,
)
_MOST_SHOWN = 6
#: A placeholder with the sign behind it; and what multiplies by 100 or prints the sign.
_SIGN = re.compile(r"\d%}|\}\s?%|[dfg]\s?%%")
_PERCENT = re.compile(r"\b100(?:\.0*)?\s*\*|\*\s*100\b|\d%}|%%|['\"]%['\"]")
#: What may stand between a name and its number: no digit but those of ``np.float64(``, no other line but the next one.
_BETWEEN = r"(?:[^0-9\n]{0,40}?|\W{0,9})(?:float[0-9]+\()?"
_NUMBER = r"(\.?[0-9][0-9.]*(?:e[-+]?[0-9]+)?)"


def metrics_of(programs: Sequence[Program], words: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Entries of ``task -> script -> metrics``.

    Args:
        programs: those after the engine, in order.
        words: their command lines.
    """
    evaluated = [program.text for program in programs if "COCOeval(" in program.text]
    if evaluated and re.search(r"['\"]segm['\"]", evaluated[0]) and re.search(r"['\"]bbox['\"]", evaluated[0]):
        rows = [(kind, row, pick) for kind, pick in (("box", "first"), ("mask", "last")) for row in ("AP", "AP50")]
        return {f"{kind} {row}": {"find": row, "pick": pick} for kind, row, pick in rows}
    if evaluated:
        return {"AP": "coco", "AP50": "coco"}
    for program, line in reversed(list(zip(programs, words, strict=True))):
        counted = [f"{name.lower()}1" for name in _COUNTED.findall(program.text)]
        counted += ["top5"] if "top1" in counted and _UP_TO_FIVE.search(program.text) else []
        keys = program.keys + (counted if program.keys else [])
        printed = program.printed + (counted if not program.keys else [])
        found = _named(printed + (keys if program.prints_values else []), program, None)
        found = found or _named(keys, program, _file(line))
        if found:
            return found
    return {"metric": {"find": rf"^\s*{_NUMBER}\s*$", "unit": "none", "pick": "last"}}


def shown_metrics(document: str, program: Program) -> dict[str, Any]:
    """Metrics as a document shows them, a line for each: those whose words are all in the text of the last program."""
    found: dict[str, Any] = {}
    for label, number, sign in _SHOWN.findall(document):
        words = label.split()
        if all(word in program.text for word in words) and len(found) < _MOST_SHOWN:
            unit = "percent" if sign or 1 < float(number) <= 100 else "fraction" if float(number) <= 1 else "none"
            find = r"\s+".join(map(re.escape, words)) + rf"\s*[:：=]?\s*{_NUMBER}"
            found.setdefault(" ".join(words), {"find": find, "unit": unit, "pick": "last"})
    return found


def _named(texts: Sequence[str], program: Program, file: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, pattern, unit in (*_KNOWN, *_PARTS):
        if (name in _VAGUE and found) or ((name, pattern, unit) in _PARTS and not found.keys() & _MEANS):
            continue
        said = [one for one in texts if re.search(pattern, one, re.IGNORECASE)]
        if said:
            find = _column(said, pattern) or rf"(?i)(?:{pattern}){_BETWEEN}{_NUMBER}"
            entry = {"find": find, "unit": unit or _unit(program, said), "pick": "last"}
            found[name] = entry | ({"better": "lower"} if name in _LOWER else {}) | ({"in": file} if file else {})
    return found


def _column(texts: Sequence[str], pattern: str) -> str | None:
    """The pattern of a column's last number, where all `texts` with the name are heads of a table; else None."""
    heads = [text.strip().strip("|").split("|") for text in texts if text.strip().startswith("|")]
    if not heads or len(heads) < len(texts):
        return None
    place = next(number for number, cell in enumerate(heads[-1]) if re.search(pattern, cell, re.IGNORECASE))
    return rf"^\s*\|(?:[^|\n]*\|){{{place}}}\s*{_NUMBER}" if place else None


def _unit(program: Program, said: Sequence[str]) -> str:
    """Percent where the texts `said` have the sign, or no other text has one and the program multiplies by 100.

    In doubt it is a fraction: the run refuses a value above 1.
    """
    signed = [text for text in program.printed if _SIGN.search(text)]
    own = any(text in said or _COUNTED.search(text) for text in signed)
    return "percent" if own or (not signed and _PERCENT.search(program.text)) else "fraction"


def _file(line: Sequence[str]) -> str | None:
    """The file of its command line that it writes."""
    values = [word.rpartition("=")[2] for word in line]
    names = [word for word in values if word.endswith((".json", ".txt")) and "{" not in word]
    return names[-1] if names else None
