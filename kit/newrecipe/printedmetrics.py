"""Metrics of a new recipe by the texts that the last programs print: names, patterns, units to be checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from kit.newrecipe.programs import Program, with_modules

__all__ = ["metrics_of"]

#: Name of a metric, how programs print it, and its unit where it has but one.
_KNOWN = (
    ("mIoU", r"m_?iou|mean_?iou", None), ("mAP", r"\b(?:bbox_)?m_?ap\b|mean ap\b", None), ("PSNR", r"psnr", "dB"),
    ("SSIM", r"ssim", "fraction"), ("Top1", r"top[-_ @]?1(?!\d)|(?:acc|prec)[@_]?1(?!\d)", None),
    ("Top5", r"top[-_ @]?5(?!\d)|(?:acc|prec)[@_]?5(?!\d)", None),
    ("Rank-1", r"rank[-_ ]?1(?!\d)|\bcmc[-_ ]?1(?!\d)|\bR@?1(?!\d)", None),
    ("exact match", r"exact_match", None), ("F1", r"\bf1(?:[-_ ]score)?\b", None), ("hmean", r"hmean", None),
    ("F-score", r"\bf[-_]?(?:score|measure)\b", None),
    ("WER", r"\bwer\b", None), ("CER", r"\bcer\b", None),
    ("EER", r"\beer\b", None), ("AUROC", r"au?roc\b|roc_?auc", None), ("MAE", r"\bmae\b", "none"),
    ("RMSE", r"\brmse\b", "none"), ("NME", r"\bnme\b", "none"), ("EPE", r"\bepe\b", "none"),
    ("IoU", r"\biou\b", None), ("Dice", r"\bdice\b", None),
    ("AP", r"\bap\b", None), ("accuracy", r"acc(?:uracy)?(?:[-_ ]?rate)?", None),
)  # fmt: skip
#: Named only where nothing else is.
_VAGUE = {"IoU", "AP", "accuracy"}
_LOWER = re.compile(
    r"loss|error|\b(?:[wce]er|mae|sad|r?mse|nme|epe|fid|lpips|mpjpe|(?:abs|sq)_?rel|rmse_log|f[pnr]|log_?10)\b",
    re.IGNORECASE,
)
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
_MOST = 10  # columns
#: What programs print in the same way, and is no metric.
_NO_METRIC = re.compile(
    r"time|sec|path|file|dir|image|img|name|epoch|batch|shape|size|num|count|index|\bid|save|load|process|fps|total|"
    r"cost|^class(?:es)?$|device|model|arg|done|step",
    re.IGNORECASE,
)
_LABEL = re.compile(r"([A-Za-z][\w@./+-]*(?: [\w@./()+-]+){0,4})[ \t]*([:=]?)\s*$")
_TABLE = re.compile(r"PrettyTable|AsciiTable|tabulate|\|\s*:?-{3}")
#: A placeholder with the sign behind it; and what multiplies by 100 or prints the sign.
_SIGN = re.compile(r"\d%}|\}\s?%|[dfg]\s?%%")
_PERCENT = re.compile(r"\b100(?:\.0*)?\s*\*|\*\s*100\b|\d%}|%%|['\"]%['\"]")
#: What may stand between a name and its number: no digit but those of ``np.float64(``, no other line but the next one.
_BETWEEN = r"(?:[^0-9\n]{0,40}?|\W{0,9})(?:float[0-9]+\()?"
_NUMBER = r"(\.?[0-9][0-9.]*(?:e[-+]?[0-9]+)?)"


def metrics_of(
    programs: Sequence[Program],
    words: Sequence[Sequence[str]],
    folder: Mapping[str, Program] = MappingProxyType({}),
    document: str = "",
) -> dict[str, Any]:
    """Entries of ``task -> script -> metrics``.

    Args:
        programs: those after the engine, in order.
        words: their command lines.
        folder: all programs of the folder: what a module has in its text, another prints.
        document: what they print, perhaps.
    """
    evaluated = [program.text for program in programs if "COCOeval(" in program.text]
    if evaluated and re.search(r"['\"]segm['\"]", evaluated[0]) and re.search(r"['\"]bbox['\"]", evaluated[0]):
        rows = [(kind, row, pick) for kind, pick in (("box", "first"), ("mask", "last")) for row in ("AP", "AP50")]
        return {f"{kind} {row}": {"find": row, "pick": pick} for kind, row, pick in rows}
    if evaluated:
        return {"AP": "coco", "AP50": "coco"}
    for program, line in reversed(list(zip(programs, words, strict=True))):
        if found := _headed(program.heads):
            return found
        counted = [f"{name.lower()}1" for name in _COUNTED.findall(program.text)]
        counted += ["top5"] if "top1" in counted and _UP_TO_FIVE.search(program.text) else []
        keys = program.keys + (counted if program.keys else [])
        printed = program.printed + (counted if not program.keys else [])
        found = _named(printed + (keys if program.prints_values else []), program, None)
        found = found or _named(keys, program, _file(line)) or _named(program.forms, program, None)
        heads = [name for row in program.rows for name in row] if _TABLE.search(program.text) else []
        found = found or _named(heads, program, None)
        if found:
            return found
    if found := _shown(document, programs[-1]):
        return found
    for program in reversed(programs):
        parts = with_modules(program, folder)
        whole = replace(program, text="\n".join(one.text for one in parts))
        keys = [key for one in parts for key in one.keys if program.prints_values]
        if found := _named(keys, whole, None):
            return found
        if found := _labelled(program.forms, program):
            return found
    return {"metric": {"find": rf"^\s*{_NUMBER}\s*$", "unit": "none", "pick": "last"}}


def _shown(document: str, program: Program) -> dict[str, Any]:
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
        several = [one for one in program.forms if len(re.findall(pattern, one, re.IGNORECASE)) > 1]
        if said and several and (labels := _labelled(several[-1:], program)):
            found |= labels
        elif said:
            find = _table(program, pattern) or _column(said, pattern) or rf"(?i)(?:{pattern}){_BETWEEN}{_NUMBER}"
            found[name] = _entry(name, find, unit or _unit(program, said)) | ({"in": file} if file else {})
    return found


def _entry(name: str, find: str, unit: str) -> dict[str, Any]:
    return {"find": find, "unit": unit, "pick": "last"} | ({"better": "lower"} if _LOWER.search(name) else {})


def _labelled(forms: Sequence[str], program: Program) -> dict[str, Any]:
    """Metrics by the words before the values in `forms`."""
    found: dict[str, Any] = {}
    for form in forms:
        parts = form.split("{}")
        labels = [_LABEL.search(re.split(r"[,;|\t\n]", part)[-1]) for part in parts[:-1]]
        if 2 * len(list(filter(None, labels))) < len(labels):
            continue  # a row of a table
        for label, behind in zip(labels, parts[1:], strict=True):
            named = label and (label[2] or re.search(r"[A-Z]{2}|[@0-9]|\bis$", label[1]))
            if label and named and not _NO_METRIC.search(label[1]) and len(found) < _MOST_SHOWN:
                known = re.search(r"acc|iou|\bm?ap\b", label[1], re.IGNORECASE)
                unit = "percent" if behind.startswith("%") else _unit(program, [form]) if known else "none"
                find = r"\s+".join(map(re.escape, label[1].split())) + rf"\s*[:=]?\s*{_NUMBER}"
                name = label[1].removesuffix(" is")
                found.setdefault(name, _entry(name, find, unit))
    return {name: one for name, one in found.items() if not any(other.endswith(f" {name}") for other in found)}


def _headed(heads: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Metrics of a line of names over a line of values."""
    line = rf"[^\n]*\n[^\w\n.]*(?:[^\s|&]+[\s|&]+){{%d}}{_NUMBER}"
    names = next((one for one in heads if len(one) > 2), [])
    return {
        name: _entry(name, rf"\b{re.escape(name)}\b{line % place}", "none") for place, name in enumerate(names[:_MOST])
    }


def _table(program: Program, pattern: str) -> str | None:
    """The pattern of a number under a name, counted from the end of a table's row; None without such a table."""
    if not _TABLE.search(program.text):
        return None
    for row in (row for row in program.rows if any(re.fullmatch(pattern, one, re.IGNORECASE) for one in row)):
        place = next(number for number, one in enumerate(row) if re.fullmatch(pattern, one, re.IGNORECASE))
        rule = r"(?:[^\n]*-{3}[^\n]*\n)?"
        behind = rf"%?\s*\|(?:[^|\n]*\|){{{len(row) - 1 - place}}}[ \t]*$"
        return rf"\|\s*{re.escape(row[place])}\s*\|[^\n]*\n{rule}[^\n]*?{_NUMBER}{behind}"
    return None


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
