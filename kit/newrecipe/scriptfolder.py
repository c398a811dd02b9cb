"""A folder of the published shape as ``task -> script``: which programs run before the engine, which after it.

Its README or its shell scripts say that best: their command lines are taken as they are, with the data set, the results
and the summary in place of paths. Without any, the names of files and of arguments must do.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.errors import InvalidInputError, MissingError
from kit.newrecipe.aipp import aipp_input
from kit.newrecipe.datatree import DataTree
from kit.newrecipe.documentwords import DocumentWords
from kit.newrecipe.enginecalls import EngineRun
from kit.newrecipe.printedmetrics import metrics_of
from kit.newrecipe.programs import Program, joined_names, read_program, with_modules
from kit.newrecipe.scriptwords import OF_RESULTS, ArgumentWords
from kit.newrecipe.wishes import relative
from kit.newrecipe.writtencommands import Written, WrittenCommand, read_written
from kit.resources import resource

__all__ = ["ScriptDraft", "script_draft"]

_BEFORE = re.compile(r"pre[-_]?process|^pre[-_.]|_pre(?:\.|_)|to_bin|img2bin|prepare", re.IGNORECASE)
_AFTER = re.compile(r"post[-_]?process|^post[-_.]|_post(?:\.|_)", re.IGNORECASE)
_MOST = 500
_SPLIT = "split it into a program that writes the files of its input, and one that reads the results"
#: Packages whose modules are called otherwise.
_MODULES = {"pillow": "PIL", "opencv-python-headless": "cv2"}
_LAST = re.compile(r"metric|eval|accuracy|acc\.py|map_calc", re.IGNORECASE)


@dataclass
class ScriptDraft:
    """Settings of the task, what is still to be said about them, and how many samples its preprocessing reads."""

    settings: dict[str, Any]
    open: list[str] = field(default_factory=list)
    samples: int = 0
    before: list[str] = field(default_factory=list)  # programs
    after: list[str] = field(default_factory=list)

    def words(self, program: str) -> list[str]:
        """All words of the commands that start `program`."""
        names = zip((*self.before, *self.after), self._commands(), strict=True)
        return [word for name, line in names if name == program for word in line]

    def _commands(self) -> list[list[str]]:
        lines = [*self.settings["preprocess"], *self.settings["postprocess"]]
        return [line for line in lines if line[0] == "python3"]


def script_draft(folder: Path, images: Path | None, out: Path, inputs: int) -> ScriptDraft:
    """The draft of the task for a `folder` of scripts, a data set and a graph with so many `inputs`.

    Raises:
        MissingError: no such folder, or no program before or after the engine in it.
        InvalidInputError: several programs could be meant.
    """
    if not folder.is_dir():
        raise MissingError("there is no such folder of scripts", where=str(folder), remedy="check the path")
    paths = [path for depth in range(4) for path in sorted(folder.glob("*/" * depth + "*.py"))][:_MOST]
    programs = {name: read_program(path, name) for path in paths for name in [path.relative_to(folder).as_posix()]}
    data = DataTree(images)
    written = read_written(folder, programs)
    code = relative(folder, out)
    draft = ScriptDraft({"code": code})
    if written:
        _from_document(draft, written, programs, data, folder)
        if written.aipp:
            _add_aipp(draft, folder, written.aipp, programs)
    else:
        _from_names(draft, folder, programs, data, inputs)
    _add_packages(draft, folder, programs, code)
    used = [programs[name] for name in (*draft.before, *draft.after)]
    callers = dict.fromkeys(one.name for one in used if one.runs_engine)
    draft.open += [f"task -> script: {name} runs the engine itself: {_SPLIT}" for name in callers]
    built_in = [(one.name, path) for one in used for path in one.paths if path.startswith("/") and data.placed(path)]
    draft.open += [
        f"task -> script: {name} has the path {path} in its text; {{data}} must be there or an argument"
        for name, path in dict.fromkeys(built_in)
        if not any("{data}" in word for word in draft.words(name))
    ]
    if "metric" in draft.settings["metrics"]:
        draft.open.append(f"task -> script -> metrics: what {draft.after[-1]} prints names no metric that kit knows")
    draft.samples = _samples(draft.settings, data)
    draft.open.append("task -> script -> metrics: check the patterns, and the units: percent, fraction, dB, ...")
    return draft


def _samples(settings: dict[str, Any], data: DataTree) -> int:
    """Samples of the first run by what its preprocessing reads; 0 for unknown."""
    first = next(iter(settings["runs"].values()))[0]
    lines = sorted(settings["preprocess"], key=lambda line: not any(word.rpartition("=")[2] == first for word in line))
    read = [word.rpartition("=")[2] for line in lines for word in line if "{data}" in word and "vocab" not in word]
    read += list(settings.get("environment", {}).values()) or [data.folder_of_images()]
    written = any(word.rpartition("=")[2] == first for word in next(iter(lines), []))
    if len(settings["runs"]) > 1 and not written:  # query_bin, gallery_bin
        read.insert(0, data.closest(first, truth=False, file=False))
    read.sort(key=lambda place: not data.lists_images(place))
    return next((count for count in map(data.samples, read) if count), 0)


def _add_packages(draft: ScriptDraft, folder: Path, programs: dict[str, Program], code: str) -> None:
    """The file of packages, where it has hashes; else what the scripts import beyond the image."""
    requirements = folder / "requirements.txt"
    if requirements.is_file() and "--hash=" in requirements.read_text(encoding="utf-8", errors="replace"):
        draft.settings["packages"] = f"{code}/requirements.txt"
        return
    local = {path.stem for path in folder.iterdir()}
    used = [programs[name] for name in (*draft.before, *draft.after)]
    modules = {name for program in used for name in program.imports}
    modules |= {name for program in used for one in with_modules(program, programs) for name in one.imports}
    listed = resource("images/runtime/requirements.in").read_text(encoding="utf-8").splitlines()
    present = {_MODULES.get(line, line) for line in listed}
    missing = sorted(modules - local - present - set(sys.stdlib_module_names))
    if missing:
        draft.open.append(
            f"task -> script -> packages: the scripts import {', '.join(missing[:6])}; in a container they need a file"
            " that pip-compile --generate-hashes made"
        )


def _add_aipp(draft: ScriptDraft, folder: Path, name: str, programs: dict[str, Program]) -> None:
    """What the model would do to the files of the first input, where a compiler's file says it."""
    path = folder / name
    writes_bytes = any("int8" in programs[name].text for name in draft.before)
    if not writes_bytes or not path.is_file():
        return
    form, unlike = aipp_input(path.read_text(encoding="utf-8", errors="replace"))
    draft.settings["inputs"] = {folders[0]: form for folders in draft.settings["runs"].values()}
    if unlike:
        draft.open.append(f"task -> script -> inputs: {name} has {', '.join(unlike)}, which kit does not do")


def _from_document(
    draft: ScriptDraft, written: Written, programs: dict[str, Program], data: DataTree, folder: Path
) -> None:
    written.before = [one for one in written.before if not programs[one[0]].exports]
    words = DocumentWords(written, programs, data, folder)
    first = next(iter(words.runs.values()))
    outputs = {"format": first.format, "names": first.names, "batch_axis": first.batch_axis}
    _fill(draft, words.before, words.folders, words.after, outputs, programs, written.text)
    made = words.made()
    if made:
        draft.settings["preprocess"].insert(0, ["mkdir", "-p", *made])
    draft.settings |= words.settings() | ({"shapes": "files"} if first.shapes else {})
    draft.open.append("task -> script -> preprocess, postprocess: the folder's own commands; check {data} in them")
    draft.open += words.open


def _from_names(draft: ScriptDraft, folder: Path, programs: dict[str, Program], data: DataTree, inputs: int) -> None:
    here = [one for one in programs.values() if "/" not in one.name] or list(programs.values())
    named = {one.name for one in here if _BEFORE.search(one.name) or _AFTER.search(one.name)}
    usable = [one for one in here if one.name in named or (one.starts and not one.exports)]
    callers = [one.name for one in usable if one.runs_engine]
    if callers and len(callers) > len(usable) - 2:
        raise InvalidInputError(f"{callers[0]} runs the engine itself", where=str(folder), remedy=_SPLIT)
    before = _one(folder, [one for one in usable if _BEFORE.search(one.name)], "preprocessing")
    rest = [one for one in usable if one is not before]
    main = [one for one in rest if _AFTER.search(one.name)]
    last = [one for one in rest if _LAST.search(one.name) and one not in main]
    after = [_one(folder, main or last, "postprocessing")]
    after += last if main and len(last) == 1 else []
    if not any(one.arguments for one in (before, *after)):
        _from_document(draft, _without_words(before, after, programs, folder, data), programs, data, folder)
        return
    words = ArgumentWords(data, folder)
    names = {one.name: joined_names(one, programs) for one in (before, *after)}
    first = WrittenCommand(words.before(before, names[before.name]))
    more = [] if inputs > 1 else [_run_name(*place) for place in words.folders[1:]]
    lines = [WrittenCommand(words.after(one, names[one.name], ["", *more])) for one in after]
    paths = [path for _, path in words.folders] or ["prep"]  # now, as the later programs tell more of them
    folders = {"main": paths[: max(1, inputs)]} | {name: [path] for name, path in zip(more, paths[1:], strict=False)}
    if not words.folders:
        draft.open.append("task -> script -> runs: the folder of tensors that the preprocessing writes")
    _fill(draft, [first], folders, lines, {"format": _format(after)}, programs)
    draft.open.append("task -> script -> preprocess, postprocess: their words are read from the programs' arguments")
    if not any("{results" in word or "{summary" in word for line in lines for word in line):
        draft.open.append("task -> script -> postprocess: which word is {results}, the results; or a link leads there")
    if words.unknown:
        draft.open.append(f"task -> script: the value of {', '.join(words.unknown[:3])}")


def _without_words(
    before: Program, after: Sequence[Program], programs: dict[str, Program], folder: Path, data: DataTree
) -> Written:
    """Programs without arguments, with the folders of tensors and of results that their texts name."""

    def paths(program: Program) -> list[str]:
        texts = [path for one in with_modules(program, programs) for path in one.paths]
        return [one for one in texts if not (one.startswith("/") or data.placed(one) or (folder / one).exists())]

    tensors = next((one for one in paths(before) if not Path(one).suffix), "prep")
    results = next((one for program in after for one in paths(program) if OF_RESULTS.match(one)), "result")
    run = EngineRun((posixpath.normpath(tensors),), results, format=_format(after))
    return Written([WrittenCommand([before.name])], [run], [WrittenCommand([one.name]) for one in after])


def _run_name(argument: str, path: str) -> str:
    return re.sub(r"\W+", "-", argument.rsplit("_", maxsplit=1)[-1]).strip("-") or path


def _fill(
    draft: ScriptDraft,
    before: Sequence[WrittenCommand],
    folders: dict[str, list[str]],
    after: Sequence[WrittenCommand],
    outputs: dict[str, Any],
    programs: dict[str, Program],
    document: str = "",
) -> None:
    draft.before, draft.after = [line[0] for line in before], [line[0] for line in after]
    draft.settings |= {
        "preprocess": _argv(before),
        "runs": folders,
        "postprocess": _argv(after),
        "metrics": metrics_of([programs[line[0]] for line in after], after, programs, document),
    }
    unusual = {name: value for name, value in outputs.items() if value not in {"bin", "ais_bench", 0}}
    if unusual:
        draft.settings["outputs"] = unusual


def _argv(lines: Sequence[WrittenCommand]) -> list[list[str]]:
    """The commands, each one in its folder."""
    commands, here = [], "."
    for line in lines:
        where = line.where or "."
        commands += [["cd", posixpath.relpath(where, here)]] if where != here else []
        path = posixpath.relpath(line[0], where)
        program = ["-m", path.removesuffix(".py").replace("/", ".")] if line.module else [path]
        commands.append(["python3", *program, *line[1:]])
        here = where
    return commands


def _format(programs: Sequence[Program]) -> str:
    """The form of results that the first of the programs reads."""
    text = programs[0].text
    named = set(re.findall(r"_\{?[0-9]\}?\.(bin|npy|txt)\b", text))
    if len(named) == 1:
        return str(named.pop())
    if "np.load(" in text:
        return "npy"
    binary = "fromfile(" in text
    return "txt" if not binary and ("loadtxt(" in text or re.search(r"_\{?\w*\}?\.txt", text)) else "bin"


def _one(folder: Path, found: list[Program], kind: str) -> Program:
    if not found:
        names = ", ".join(path.name for path in sorted(folder.glob("*.py"))[:5]) or "no .py file"
        raise MissingError(
            f"no script here is named as a {kind} (it has {names})",
            where=str(folder),
            remedy=f"name it {kind[:4].rstrip('p')}process.py, or write task: script by hand: docs/tasks.md",
        )
    exact = [one for one in found if re.search(r"process", one.name, re.IGNORECASE)] or found
    if len(exact) > 1:
        names = ", ".join(one.name for one in exact)
        raise InvalidInputError(
            f"several scripts could be the {kind}: {names}",
            where=str(folder),
            remedy="leave one of them in the folder, or put the commands into its README.md; two models are two"
            " recipes: docs/tasks.md, Several models",
        )
    return exact[0]
