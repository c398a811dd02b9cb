"""Shell commands in a document as lists of words: continued lines, prompts, variables that the text itself sets."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

__all__ = ["inner", "path_from", "same_place", "shell_commands", "split_word", "uses"]

_MAX_LINE = 10_000  # a longer one takes shlex minutes
_END = {"&&", ";", "||", "|", ">", ">>", "2>&1", "&", "2>", "<"}
_SET = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)\s*;?\s*(?:#.*)?$")
#: ``$(ls out | tail -1)``, also with backticks: a name that only a run knows.
_ANSWER = re.compile(r"`[^`]*`|\$\([^()]*\)")
#: Continued lines: by a backslash (with a prompt in the next one), or, where a document forgot it, by options alone.
_BACKSLASH = re.compile(r"\\[ \t]*\n(?:[ \t]*>[ \t])?")
_TOOL = re.compile(r"[\s$`]*(?:\S*python[\d.]*|\S*(?:msame|benchmark)\S*|\S*atc)\s")
_OPTIONS = re.compile(r"\s*--?[A-Za-z][\w-]*(?:[=\s]\s*\S|\s*$)")
#: What may stand before a program.
_BEFORE = re.compile(r"(?:sudo|time|nohup)$|[A-Za-z_]\w*=")
_NAMED = re.compile(r"(--?[A-Za-z][\w.-]*|[A-Za-z_]\w*)=(.*)", re.DOTALL)
_LOOP = re.compile(r"\s*for\s+([A-Za-z_]\w*)\s+in\s+([^\s;]+)")
_USED = re.compile(r"\$\{(\w+)\}|\$([A-Za-z_]\w*)|\{(batch_?size|bs)\}", re.IGNORECASE)
#: Variables that documents leave to the reader, and that mean a batch size.
_BATCH = re.compile(r"bs|batch(_?size)?", re.IGNORECASE)


@dataclass
class _Variables:
    known: dict[str, str] = field(default_factory=dict)

    def set_by(self, line: str) -> bool:
        """Take over what `line` assigns; whether it was an assignment or a loop."""
        loop = _LOOP.match(line)
        assigned = _SET.match(line)
        if loop and "$" not in loop[2]:
            self.known.setdefault(loop[1], loop[2].strip("\"'"))
        elif assigned:
            value = self.filled(_ANSWER.sub("*", assigned[2])).strip("\"'")
            if value != "*" and not re.search(r"[`$(]", value):
                self.known[assigned[1]] = value
        return bool(loop or assigned)

    def filled(self, line: str) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[3]
            return self.known.get(name, "1" if _BATCH.fullmatch(name) else found[0])

        return _USED.sub(value, line)


def shell_commands(text: str) -> Iterator[list[str]]:
    """The words of each line that has some, up to a pipe, a redirection or the next command.

    What a line exports is given as ``export``, name and value.
    """
    variables = _Variables()
    for line in _joined(text):
        if variables.set_by(line):
            name = next(iter(re.findall(r"\s*export\s+(\w+)", line)), "")
            if name in variables.known:
                yield ["export", name, variables.known[name]]
            continue
        command = variables.filled(line).strip().lstrip("$").strip().strip("`")
        if len(command) > _MAX_LINE:
            continue
        try:
            words = shlex.split(_ANSWER.sub("*", command), comments=True)
        except ValueError:
            continue
        while words and _BEFORE.match(words[0]):
            del words[0]
        end = next((number for number, word in enumerate(words) if word in _END or word.startswith(">")), len(words))
        if words[:end]:
            yield [word.rstrip(";") for word in words[:end]]


def _joined(text: str) -> list[str]:
    lines: list[str] = []
    for line in _BACKSLASH.sub(" ", text).splitlines():
        if lines and _TOOL.match(lines[-1]) and _OPTIONS.match(line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return lines


def split_word(word: str) -> tuple[str, str]:
    """Option and value of ``--option=value`` and ``option=value``; any other word is a value."""
    found = _NAMED.fullmatch(word)
    return (found[1], found[2]) if found else ("", word)


def inner(path: str) -> str:
    """A relative path as from the folder of the scripts: a document may go into other folders and back by ``../``."""
    path = path.removeprefix("{work}/")
    parts = list(PurePosixPath(path).parts)
    while parts and parts[0] == "..":
        parts.pop(0)
    return "/".join(parts) if not path.startswith("/") else path


def path_from(where: str, path: str) -> str:
    """A path of a document that is in the folder `where`, as from the folder of the scripts."""
    if not where or path.startswith(("/", "$", "~")):
        return path
    return posixpath.normpath(posixpath.join(where, path))


def same_place(one: str, other: str) -> bool:
    """Whether two paths of a README are the same one."""
    return PurePosixPath(inner(one)) == PurePosixPath(inner(other))


def uses(line: Sequence[str], places: Sequence[str]) -> bool:
    """Whether a command line names one of `places`, something below it, or its last name."""
    for path in (PurePosixPath(inner(split_word(word)[1])) for word in line[1:]):
        for place in map(PurePosixPath, map(inner, places)):
            if place.parts and (path == place or place in path.parents or str(path) == place.name):
                return True
    return False
