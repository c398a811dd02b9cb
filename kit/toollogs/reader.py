"""Readers turn what a vendor tool printed into checked, typed values.

A reader is two functions: ``sniff(text)`` says how likely the text is to be from its tool (0 to 1), ``read(text)``
returns the values. Each target folder lists its readers as ``READERS`` and registers them in the entry point group
``kit.readers``, so that this module, and ``kit read``, know none of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from kit.errors import DamagedError, InvalidInputError
from kit.storage.inputs import read_input
from kit.toollogs.output import Row, ToolOutput
from kit.toollogs.prefixes import strip_levels, strip_prefixes
from kit.toollogs.text import clean, decode, short

__all__ = [
    "MAX_BYTES",
    "Reader",
    "Row",
    "ToolOutput",
    "choose",
    "load",
    "read_bytes",
    "read_file",
    "readers",
]

#: A log beyond this is not a log of these tools (a verbose engine build is some ten MiB).
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reader:
    """One tool's output: its family, the names that ``--tool`` takes, and the two functions.

    ``again`` computes a number from the whole text again, given the place that evidence names.
    """

    family: str
    sniff: Callable[[str], float]
    read: Callable[[str], ToolOutput]
    names: tuple[str, ...] = ()
    again: Callable[[str, str], float | str] | None = None

    def answers_to(self, name: str) -> bool:
        """Whether ``--tool NAME`` means this reader."""
        return _plain(name) in {_plain(own) for own in (self.family, *self.names)}


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_").removesuffix("_py")


@cache
def readers() -> tuple[Reader, ...]:
    """The readers of every installed target, in the order of their families.

    Raises:
        KitError: a package that registers readers cannot be imported, or two readers have the same name.
    """
    found: dict[str, Reader] = {}
    for point in sorted(entry_points(group="kit.readers"), key=lambda point: point.name):
        try:
            listed: Iterable[Reader] = point.load()
        except Exception as error:  # a third-party package may raise anything
            raise InvalidInputError(
                f"the readers of {point.name!r} cannot be imported: {type(error).__name__}: {error}",
                where=f"entry point kit.readers: {point.value}",
                remedy="reinstall or remove the package that registers them",
            ) from error
        for reader in listed:
            other = found.setdefault(reader.family, reader)
            if other is not reader:
                raise InvalidInputError(
                    f"two readers have the name {reader.family!r}",
                    where=f"entry point kit.readers: {point.value}",
                    remedy="remove one of the packages that register them",
                )
    return tuple(found[family] for family in sorted(found))


def choose(text: str, tool: str | None = None, *, where: str = "text") -> Reader:
    """The reader whose tool printed this text; ``tool`` names it instead.

    Raises:
        InvalidInputError: no tool of that name; or the text fits no tool, or two tools equally well.
    """
    known = readers()
    if tool is not None:
        for reader in known:
            if reader.answers_to(tool):
                return reader
        raise InvalidInputError(
            f"there is no reader {tool!r}", remedy=f"choose one of: {', '.join(reader.family for reader in known)}"
        )
    text = clean(text)
    scored = sorted(((reader.sniff(text), reader.family, reader) for reader in known), key=lambda s: (-s[0], s[1]))
    fitting = [(score, reader) for score, _, reader in scored if score > 0]
    if not fitting:
        raise InvalidInputError(
            "no reader knows this text", where=where, remedy="name its tool with --tool, if it is one that kit reads"
        )
    rivals = [reader.family for score, reader in fitting if score >= 0.8 * fitting[0][0]]
    if len(rivals) > 1:
        raise InvalidInputError(
            f"the text holds output of several tools: {', '.join(rivals)}",
            where=where,
            remedy="name the one to read with --tool",
        )
    return fitting[0][1]


def load(path: Path) -> str:
    """The text of a log file.

    Raises:
        KitError: the file is missing, a directory, not readable, empty, binary, or beyond :data:`MAX_BYTES`.
    """
    return decode(read_input(path, MAX_BYTES, "log"), str(path))


def _text(data: bytes, where: str) -> str:
    if len(data) > MAX_BYTES:
        raise DamagedError(
            f"the text is larger than {MAX_BYTES >> 20} MiB, which no log of these tools is",
            where=where,
            remedy="cut out the run that you want to read",
        )
    return decode(data, where)


def read_file(path: Path, tool: str | None = None) -> tuple[Reader, ToolOutput]:
    """Load a file, choose its reader, read it.

    Raises:
        KitError: see :func:`load` and :func:`choose`.
    """
    return _read(load(path), str(path), tool)


def read_bytes(data: bytes, where: str, tool: str | None = None) -> tuple[Reader, ToolOutput]:
    """The same for bytes that are there already; ``where`` says in messages what they are.

    Raises:
        KitError: the bytes are not the text of a log, or see :func:`choose`.
    """
    return _read(_text(data, where), where, tool)


def _read(text: str, where: str, tool: str | None) -> tuple[Reader, ToolOutput]:
    stripped = strip_prefixes(clean(text))
    plain = strip_levels(stripped.text)
    if plain is None or _known(plain) < _known(stripped.text):
        plain = stripped.text
    reader = choose(plain, tool, where=where)
    output = reader.read(plain)
    if not plain.endswith("\n"):
        _doubt_last_line(reader, output, plain)
    if stripped.prefix is not None:
        said = f"non-standard line: all start with a prefix, such as {short(stripped.prefix)!r}"
        output.problems = [said, *output.problems]
        output.status = "lenient" if output.status == "ok" else output.status
    return reader, output


def _known(text: str) -> float:
    """How likely the text is to be from any tool."""
    return max((reader.sniff(text) for reader in readers()), default=0.0)


def _doubt_last_line(reader: Reader, output: ToolOutput, text: str) -> None:
    """Note where the last line would give other values with a line end: without one it may be cut inside a number."""
    if output.status not in ("ok", "lenient"):
        return
    whole = reader.read(text + "\n").as_json()
    if {**whole, "status": "", "problems": ""} != {**output.as_json(), "status": "", "problems": ""}:
        last = text.rpartition("\n")[2]
        output.problems = [*output.problems, f"the last line has no end and may be cut: {short(last)}"]
        output.status = "partial"
