"""Prefixes that transport adds to the lines of a log: time stamps, names of services, quote marks.

The prefixes are removed, so that the readers see what the tool printed. A prefix is removed only when nearly every line
has it, and lines that several services, files or processes wrote alternately are separated.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from kit.toollogs.numbers import integer, load_json

__all__ = ["Stripped", "strip_levels", "strip_prefixes"]

_STAMP = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[ ]?[+-]\d\d:?\d\d)?"
_HOST = r"[\w.-]+ (?P<key>[A-Za-z][\w./@-]*(?:\[\d+\])?):"
_LEVEL = r"(?:DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL)"
#: Each at the start of a line, with the blank after it. ``key`` is the writer, where the prefix names one.
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_STAMP} (?:stdout|stderr) [FP] ",  # containerd
        rf"{_STAMP} [0-9a-f]{{2}}[OE][ +]",  # jobs of GitLab
        rf"<\d{{1,3}}>1 {_STAMP} \S+ (?P<key>\S+) \S+ \S+ (?:-|\[[^\]]*\]) ?",  # syslog of RFC 5424
        rf"{_STAMP} {_HOST} ?",  # journalctl -o short-iso
        rf"(?:[A-Z][a-z]{{2}} [ \d]\d )\d\d:\d\d:\d\d(?:\.\d+)? {_HOST} ?",  # syslog
        rf"\[?{_STAMP}\]?(?: - [\w.]+)?(?: - {_LEVEL})(?: - | )",  # Python's logging
        rf"{_STAMP} \| {_LEVEL} *\| (?:[\w.:<>-]+ (?:\||-) )?",
        rf"\[?{_STAMP}\]?[ \t]",  # docker logs -t, ts, GitHub
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?[ \t]",
        r"\[?[ \d]{1,6}\d{4,5}\.\d{3,9}\]?[ \t]",  # seconds since 1970 or the start
        rf"(?P<key>[^\t\n]{{1,100}}\t[^\t\n]{{1,100}})\t(?={_STAMP})",  # gh run view --log
        r"\[(?P<key>(?:pod/[\w./-]+|(?:default|rank)\d+))\]:? ?",  # kubectl logs --prefix, torchrun
        r"\[\d+,(?P<key>\d+)\](?:<std(?:out|err)>)?: ?",  # mpirun
        rf"{_LEVEL}:[\w.]+:",
        r"(?P<key>[\w.-]+) +\| ?",  # docker compose
        r"(?P<key>[\w./-]+\.(?:log|txt|out|md)):(?:\d+:)?",  # grep of several files
        r"[ \t]*[>#](?: |$)",
        r"\+",  # added by a patch
    )
)
#: Line numbers could be the tool's own output, so every line must have one, each larger than the last.
_COUNTS = (re.compile(r"(\d+):"), re.compile(r" *(\d+)\t"), re.compile(r"[ \t]*(\d+)\. "))
#: ``srun --label``
_TASK = re.compile(r" *(?P<key>\d{1,4}): ")
_LEVELS = re.compile(r"\[INFO\](?:[ \t]|(?=\n))")
_OBJECT = re.compile(r"\{\s*\"log\"\s*:\s*\"")
_MOST = 0.9


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without its prefixes. ``prefix`` is the first one, for messages; None where there was none."""

    text: str
    prefix: str | None = None


def strip_prefixes(text: str) -> Stripped:
    """The text as the tool printed it, for text of ``text.clean``; several kinds of prefixes may be nested."""
    lines = text.splitlines(keepends=True)
    first = None
    if unwrapped := _json_lines(lines):
        first, lines = lines[0].strip(), unwrapped
    for _ in range(4):
        found = _once(lines)
        if found is None:
            break
        mark, lines = found
        first = first if first is not None else mark
    return Stripped("".join(lines), first)


def strip_levels(text: str) -> str | None:
    """The text without the level before every line; None where a line has none.

    Some tools print such levels themselves: the caller must find out whether this is one of them.
    """
    lines = text.splitlines(keepends=True)
    if not all(line.isspace() or _LEVELS.match(line) for line in lines):
        return None
    return "".join(_LEVELS.sub("", line, count=1) for line in lines)


def _json_lines(lines: list[str]) -> list[str] | None:
    """The lines of Docker's own log file, which holds a JSON object for each, with the line as ``log``."""
    if not lines or not _OBJECT.match(lines[0]):
        return None
    found = []
    for line in lines:
        try:
            item = load_json(line)
            found.append(str(item["log"]))
        except (ValueError, TypeError, KeyError):
            return None if line is not lines[-1] else found  # the last one may be cut
    return "".join(found).splitlines(keepends=True)


def _once(lines: list[str]) -> tuple[str, list[str]] | None:
    full = [line for line in lines if not line.isspace()]
    if len(full) < 2:
        return None
    few = full[:: max(1, len(full) // 100)]
    for pattern in _PREFIXES:
        if sum(pattern.match(line.rstrip("\n") + " ") is not None for line in few) < _MOST * len(few) / 2:
            continue  # not worth matching a hundred thousand lines
        # A blank line may have lost the blank after its prefix.
        hits = [pattern.match(line.rstrip("\n") + " ") for line in full]
        if sum(hit is not None for hit in hits) >= _MOST * len(full):
            break
    else:
        pattern, hits = _TASK, [_TASK.match(line) for line in full]
        if (counted := _whole(lines, full)) is not None or not all(hits):
            return counted
    by_writer: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        hit = pattern.match(line) or pattern.match(line.rstrip("\n") + " ")
        if hit is not None:
            key = hit.groupdict().get("key") or ""
            line = line[hit.end() :] or "\n"  # noqa: PLW2901 - what is left of it
            if hit[0].endswith(" P "):
                line = line.rstrip("\n")  # noqa: PLW2901 - a long line in parts
        by_writer.setdefault(key, []).append(line)
    if not lines[-1].endswith("\n"):
        by_writer[key] = by_writer.pop(key)  # a cut line must stay the last
    mark = next(hit[0] for hit in hits if hit is not None)
    if len(by_writer) > 1:  # output of one writer does not continue that of another
        for key, part in by_writer.items():
            part.insert(0, f"# {key or 'other lines'}\n")
    return mark.strip(), [line for part in by_writer.values() for line in part]


def _whole(lines: list[str], full: list[str]) -> tuple[str, list[str]] | None:
    """Remove line numbers, which every line must have."""
    for pattern in _COUNTS:
        hits = [hit for line in full if (hit := pattern.match(line))]
        counts = [count for hit in hits if (count := integer(hit[1])) is not None]
        if len(counts) == len(full) and all(low < high for low, high in itertools.pairwise(counts)):
            return hits[0][0].strip(), [pattern.sub("", line, count=1) for line in lines]
    return None
