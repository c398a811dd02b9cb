"""Command lines that a published folder's README or shell scripts give: programs before and after the engine's tool."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from kit.newrecipe.enginecalls import EngineRun, calls_engine, engine_options, engine_run
from kit.newrecipe.programs import Program
from kit.newrecipe.shelltext import inner, path_from, same_place, shell_commands, split_word, uses

__all__ = ["Written", "WrittenCommand", "folder_model", "read_written"]

_MAX_BYTES = 1 << 18  # of a document
_MOST = 2000  # commands in it
_DEPTH = 20  # of a folder that it goes into
_PYTHON = re.compile(r"python[\d.]*$")
#: A shell script that a document starts, and its arguments.
_STARTED = re.compile(r"^[ \t>$]*(?:(?:bash|sh|source)[ \t]+|\./)(\S+\.sh)\b([^\n]*)$", re.MULTILINE)
#: What a terminal, of root perhaps, shows before a command: ``# ``, ``user@host:~$ ``; in a script it is a comment.
_PROMPT = re.compile(
    r"^[ \t]*(?:\([\w.-]{1,99}\)[ \t]*)?(?:\S{1,99}@\S{1,99}[ \t]?)?[#$]{1,2}[ \t]+(?=\S*(?:python|msame|benchmark))",
    re.MULTILINE,
)
#: Words of a program that makes a model, or that reads the tool's rates.
_NO_DATA = re.compile(r"\.(onnx|om)$|perf_\w*batchsize|PureInfer", re.IGNORECASE)


class WrittenCommand(list[str]):
    """A program's path in the folder, and its words; ``where`` is the folder of the scripts that it starts in.

    ``module`` says that it is started as a module, by ``-m``.
    """

    def __init__(self, words: Iterable[str], where: str = "", *, module: bool = False) -> None:
        super().__init__(words)
        self.where = where
        self.module = module


@dataclass
class Written:
    """Programs with their words before the engine, all of its calls, and programs after it.

    ``summaries`` are names that the document gives the tool's summary, ``made`` folders that it makes,
    ``exported`` variables of the environment; ``aipp`` is the file by which the compiler puts the normalisation into
    the model, ``text`` the document.
    """

    before: list[WrittenCommand] = field(default_factory=list)
    calls: list[EngineRun] = field(default_factory=list)
    after: list[WrittenCommand] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    aipp: str = ""
    text: str = ""

    @property
    def runs(self) -> list[EngineRun]:
        """The calls of one batch size."""
        return [one for one in self.calls if not one.again]

    @property
    def complete(self) -> bool:
        return bool(self.runs and self.before and self.after)


def read_written(folder: Path, programs: Mapping[str, Program]) -> Written | None:
    """What the first document says that has programs of `programs` and a call of the engine.

    If none has, one with the shell scripts that it starts, all together, or with a terminal's prompts.
    """
    texts = _documents(folder)
    texts += [*(_with_scripts(text, folder) for text in texts), "\n".join(texts)[:_MAX_BYTES]]
    for text in dict.fromkeys([*texts, *(_PROMPT.sub("", text) for text in texts)]):
        written = _read(text, programs, folder)
        if written.complete:
            return written
    return None


def folder_model(folder: Path) -> Path | None:
    """The ONNX model of a folder: its only one, or the one that a document compiles; None for none, or several."""
    models = [path for depth in range(4) for path in sorted(folder.glob("*/" * depth + "*.onnx"))]
    if len(models) > 1:
        words = [words for text in _documents(folder) for words in shell_commands(text) if words[0].endswith("atc")]
        compiled = [PurePosixPath(engine_options(one).get("model", "")).name for one in words]
        models = [path for path in models if path.name in compiled]
    return models[0] if len(models) == 1 else None


def _documents(folder: Path) -> list[str]:
    return [_text(path) for pattern in ("*.md", "*.sh", "*/*.sh") for path in sorted(folder.glob(pattern))]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode("utf-8", "replace")


def _with_scripts(text: str, folder: Path) -> str:
    """The document with the text of each shell script in the first place that starts it, and its arguments in there."""
    seen: set[str] = set()

    def script(found: re.Match[str]) -> str:
        name = inner(found[1])
        if name in seen or not name or name.startswith("/") or not (folder / name).is_file():
            return found[0]
        seen.add(name)
        words = dict(enumerate(found[2].split(), 1))
        return re.sub(r"\$\{?([1-9])\}?", lambda one: words.get(int(one[1]), one[0]), _text(folder / name))

    return _STARTED.sub(script, text)[:_MAX_BYTES]


def _read(text: str, programs: Mapping[str, Program], folder: Path) -> Written:
    written = Written(text=text)
    said = where = ""
    for words in islice(shell_commands(text), _MOST):
        program = _program(words, programs, where)
        if words[0] == "cd":
            said, where = _entered(folder, said, words[-1])
        elif program:
            (written.after if written.runs else written.before).append(program)
        elif words[0] == "mv" and len(words) == 3:
            _rename(written, *(path_from(where, word) for word in words[1:]))
        elif words[0] == "mkdir":
            written.made += [path_from(where, word) for word in words[1:] if not word.startswith(("-", "/", "$", "~"))]
        elif words[0] == "export":
            written.exported[words[1]] = words[2]
        elif words[0].rpartition("/")[2] == "atc":
            written.aipp = written.aipp or engine_options(words).get("insert_op_conf", "")
        elif calls_engine(words):
            run = engine_run(words, where, partial(_listed_folder, [*written.before, *written.after], programs))
            if run:
                _add_run(written, run)
    inputs = [place for run in written.runs for place in run.inputs]
    outputs = [run.output for run in written.runs]
    again = [place for run in written.calls if run.again for place in (*run.inputs, run.output)]
    again = [place for place in again if place not in inputs + outputs]
    written.before = _once([line for line in written.before if not uses(line, again)], inputs)
    written.after = _once([line for line in written.after if not uses(line, again)], outputs)
    return written


def _entered(folder: Path, said: str, target: str) -> tuple[str, str]:
    """Where a document goes from the place `said`: by its own words, and in `folder`, which may not have all of it."""
    place = "" if target.startswith(("/", "$", "~")) else inner(posixpath.normpath(posixpath.join(said, target)))
    first = next(iter(PurePosixPath(target).parts), "")
    if first != ".." and not (folder / said / first).is_dir() and (folder / first).is_dir():
        place = inner(posixpath.normpath(target))  # the document does not say that it went back
    place = "/".join(place.split("/")[:_DEPTH])
    path = PurePosixPath(place)
    below = [PurePosixPath(*path.parts[start:]) for start in range(len(path.parts))]  # from outside of the folder
    real = next(one for one in (*below, *path.parents, PurePosixPath()) if (folder / one).is_dir())
    return place, "" if str(real) == "." else str(real)


def _program(words: Sequence[str], programs: Mapping[str, Program], where: str) -> WrittenCommand | None:
    """The command, if it starts one of `programs`; None for one that makes a model or reads a tool's rates, too."""
    words = [word for word in words[:2] if word != "-u"] + list(words[2:])
    if len(words) < 2 or not _PYTHON.fullmatch(words[0]) or any(_NO_DATA.search(word) for word in words[2:]):
        return None
    module = words[1] == "-m"
    if module:
        path = path_from(where, f"{words[2].replace('.', '/')}.py") if len(words) > 2 else ""
        return WrittenCommand([path, *words[3:]], where, module=True) if path in programs else None
    if where and path_from(where, words[1]) in programs:
        return WrittenCommand([path_from(where, words[1]), *(_in_work(where, word) for word in words[2:])], where)
    name = _named_program(words[1], programs)
    return WrittenCommand([name, *words[2:]]) if name else None


def _in_work(where: str, word: str) -> str:
    """A word with a path that starts with ``./`` or ``../``: seen from the working folder."""
    option, value = split_word(word)
    path = path_from(where, value)
    if not value.startswith(("./", "../")) or path.startswith(".."):
        return word
    return f"{option}={{work}}/{path}" if option else f"{{work}}/{path}"


def _named_program(word: str, programs: Mapping[str, Program]) -> str:
    path = PurePosixPath(inner(word)).as_posix()
    if path in programs:
        return path
    alike = sorted((one for one in programs if PurePosixPath(one).name == PurePosixPath(path).name), key=_depth)
    return alike[0] if alike and [_depth(one) for one in alike].count(_depth(alike[0])) == 1 else ""


def _depth(path: str) -> int:
    return path.count("/")


def _rename(written: Written, old: str, new: str) -> None:
    """Results that a document moves elsewhere before it reads them."""
    if old.endswith("ary.json"):
        written.summaries.append(new)
    for run in reversed(written.calls):
        if same_place(run.output, old):
            run.output = new
            return


def _add_run(written: Written, run: EngineRun) -> None:
    first = written.calls[0] if written.calls else None
    if first:
        batch = run.model != first.model and _without_digits(run.model) == _without_digits(first.model)
        run.again = batch or run.inputs in [one.inputs for one in written.runs]
    written.calls.append(run)
    if not any(uses(line, run.inputs) for line in written.before):  # between two calls: what the second one reads
        written.before += [line for line in written.after if uses(line, run.inputs)]
        written.after = [line for line in written.after if line not in written.before]


def _listed_folder(before: Sequence[WrittenCommand], programs: Mapping[str, Program], info: str) -> str:
    """The folder whose files a program has listed in the file `info`; empty where none did."""
    for line in before:
        if any(same_place(word, info) for word in line[1:]):
            words = [split_word(word)[1] for word in line[1:] if not same_place(word, info)]
            paths = [word for word in words if not re.fullmatch(r"bin|jpg|jpeg|png|\d+", word)]
            known = [one for one in paths if any(uses(other, [one]) for other in before if other is not line)]
            first = (known or paths or [""])[0]
            return PurePosixPath(path_from("" if "{work}" in first else line.where, inner(first))).as_posix()
    for program in (programs[line[0]] for line in before):  # or a program that has both in its text
        if PurePosixPath(info).name in program.text:
            folders = [path for path in program.paths if not PurePosixPath(path).suffix]
            return PurePosixPath(inner(folders[0])).as_posix() if folders else ""
    return ""


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "", text)


def _once(lines: Sequence[WrittenCommand], places: Sequence[str]) -> list[WrittenCommand]:
    """Without lines that are an earlier one with other numbers, for another batch; `places` distinguish the runs."""
    kept: dict[tuple[str, tuple[str, ...]], WrittenCommand] = {}
    for line in lines:
        used = tuple(place for place in places if uses(line, [place]))
        kept.setdefault((_without_digits(" ".join(line)), used), line)
    return list(kept.values())
