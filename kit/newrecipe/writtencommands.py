"""Command lines that a published folder's README or shell scripts give: programs before and after the engine's tool."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

__all__ = ["EngineRun", "Written", "read_written", "same_place"]

_MAX_BYTES = 1 << 20
_PYTHON = re.compile(r"python(3(\.\d+)?)?$")
_ENGINE = re.compile(r"ais_bench|ais_infer|msame|^benchmark(\.|$)")
_END = {"&&", ";", "||", "|", ">", ">>", "2>&1", "&", "2>", "<"}


@dataclass(frozen=True)
class EngineRun:
    """One call of the engine's tool: the folders that it reads, the one that it writes, and the form of results."""

    inputs: tuple[str, ...]
    output: str
    format: str = "bin"


@dataclass
class Written:
    """Programs with their words before the engine, its calls, and programs after it."""

    before: list[list[str]] = field(default_factory=list)
    runs: list[EngineRun] = field(default_factory=list)
    after: list[list[str]] = field(default_factory=list)


def same_place(one: str, other: str) -> bool:
    """Whether two paths of a README are the same one."""
    return PurePosixPath(one) == PurePosixPath(other)


def read_written(folder: Path, programs: Sequence[str]) -> Written | None:
    """What the first document says that has programs of `programs` and a call of the engine; None where none has."""
    documents = [path for pattern in ("*.md", "*.sh", "*/*.sh") for path in sorted(folder.glob(pattern))]
    for path in documents:
        with path.open("rb") as file:
            written = _read(file.read(_MAX_BYTES).decode("utf-8", "replace"), programs)
        if written.runs and written.before and written.after:
            return written
    return None


def _read(text: str, programs: Sequence[str]) -> Written:
    written = Written()
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        words = _words(line)
        if len(words) < 2:
            continue
        program = PurePosixPath(words[1]).as_posix() if _PYTHON.fullmatch(words[0]) else ""
        if program in programs:
            found = [program, *words[2:]]
            same = [one for one in written.after if one[0] == program]
            if not written.runs:
                written.before += [found] if found not in written.before else []
            elif not same:  # again for another batch: once is enough
                written.after.append(found)
        elif _ENGINE.search(" ".join(words[:3])):
            run = _engine_run(words)
            if run and run.inputs not in [one.inputs for one in written.runs]:
                written.runs.append(run)
    return written


def _words(line: str) -> list[str]:
    line = line.strip().lstrip("$").strip().strip("`")
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    end = next((number for number, word in enumerate(words) if word in _END or word.startswith(">")), len(words))
    return [word.rstrip(";") for word in words[:end]]


def _engine_run(words: Sequence[str]) -> EngineRun | None:
    options: dict[str, str] = {}
    for number, word in enumerate(words):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            options[name] = value if equals else next(iter(words[number + 1 : number + 2]), "")
    given = options.get("input") or options.get("i")
    if not given or given.startswith("-"):
        return None  # pure inference
    output = options.get("output") or options.get("o") or "."
    kind = options.get("outfmt", "BIN").lower()
    inputs = tuple(PurePosixPath(one).as_posix() for one in given.split(","))
    return EngineRun(inputs, (PurePosixPath(output) / options.get("output_dirname", "")).as_posix(), kind)
