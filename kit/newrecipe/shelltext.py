"""Shell commands in a document as lists of words: continued lines, prompts, variables that the text itself sets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

__all__ = ["inner", "shell_commands"]

_END = {"&&", ";", "||", "|", ">", ">>", "2>&1", "&", "2>", "<"}
_SET = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(\S*)\s*;?\s*$")
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
        elif assigned and not re.search(r"[`$(]", assigned[2]):
            self.known[assigned[1]] = assigned[2].strip("\"'")
        return bool(loop or assigned)

    def filled(self, line: str) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[3]
            return self.known.get(name, "1" if _BATCH.fullmatch(name) else found[0])

        return _USED.sub(value, line)


def shell_commands(text: str) -> Iterator[list[str]]:
    """The words of each line that has some, up to a pipe, a redirection or the next command."""
    variables = _Variables()
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        if variables.set_by(line):
            continue
        try:
            words = shlex.split(variables.filled(line).strip().lstrip("$").strip().strip("`"), comments=True)
        except ValueError:
            continue
        end = next((number for number, word in enumerate(words) if word in _END or word.startswith(">")), len(words))
        if words[:end]:
            yield [word.rstrip(";") for word in words[:end]]


def inner(path: str) -> str:
    """A relative path as from the folder of the scripts: a document may go into other folders and back by ``../``."""
    parts = list(PurePosixPath(path).parts)
    while parts and parts[0] == "..":
        parts.pop(0)
    return "/".join(parts) if not path.startswith("/") else path
