"""A folder of the published shape as ``task -> script``: which programs run before the engine, which after it.

Its README or its shell scripts say that best: their command lines are taken as they are, with the data set, the results
and the summary in place of paths. Where there are none, names of files and of arguments have to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kit.errors import InvalidInputError, MissingError
from kit.newrecipe.datatree import DataTree
from kit.newrecipe.printedmetrics import metrics_of
from kit.newrecipe.programs import Program, read_program
from kit.newrecipe.scriptwords import ArgumentWords
from kit.newrecipe.writtencommands import EngineRun, Written, read_written, same_place

__all__ = ["ScriptDraft", "script_draft"]

_BEFORE = re.compile(r"pre[-_]?process|^pre[-_.]|_pre(?:\.|_)|to_bin|img2bin|prepare", re.IGNORECASE)
_AFTER = re.compile(r"post[-_]?process|^post[-_.]|_post(?:\.|_)", re.IGNORECASE)
_MOST = 500
_LAST = re.compile(r"metric|eval|accuracy|acc\.py|map_calc", re.IGNORECASE)


@dataclass
class ScriptDraft:
    """Settings of the task, what is still to be said about them, and the ONNX model if the folder holds one."""

    settings: dict[str, Any]
    open: list[str] = field(default_factory=list)
    model: Path | None = None
    samples: int = 0


def script_draft(folder: Path, images: Path | None, out: Path, inputs: int) -> ScriptDraft:
    """The draft of the task for a `folder` of scripts, a data set and a graph with so many `inputs`.

    Raises:
        MissingError: no such folder, or no program before or after the engine in it.
        InvalidInputError: several programs could be meant.
    """
    if not folder.is_dir():
        raise MissingError("there is no such folder of scripts", where=str(folder), remedy="check the path")
    paths = [path for pattern in ("*.py", "*/*.py") for path in sorted(folder.glob(pattern))][:_MOST]
    programs = {name: read_program(path, name) for path in paths for name in [path.relative_to(folder).as_posix()]}
    data = DataTree(images)
    written = read_written(folder, list(programs))
    try:
        code = folder.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        code = str(folder.resolve())
    draft = ScriptDraft({"code": code})
    if written:
        _from_document(draft, written, programs, data)
    else:
        _from_names(draft, folder, programs, data, inputs)
    requirements = folder / "requirements.txt"
    if requirements.is_file():
        if "--hash=" in requirements.read_text(encoding="utf-8", errors="replace"):
            draft.settings["packages"] = f"{code}/requirements.txt"
        else:
            draft.open.append(
                "task -> script -> packages: requirements.txt has no hashes; if the scripts need more than numpy,"
                " opencv, pillow and onnxruntime, make one with pip-compile --generate-hashes"
            )
    read = [word.rpartition("=")[2] for line in draft.settings["preprocess"] for word in line if "{data}" in word]
    draft.samples = next((count for count in map(data.samples, read) if count), 0)
    draft.open.append("task -> script -> metrics: check the patterns, and the units: percent, fraction, dB, ...")
    models = sorted(folder.glob("*.onnx"))
    draft.model = models[0] if len(models) == 1 else None
    return draft


def _from_document(draft: ScriptDraft, written: Written, programs: dict[str, Program], data: DataTree) -> None:
    runs = {_run_name(number, run, written.runs): run for number, run in enumerate(written.runs)}
    before = [one for one in written.before if not programs[one[0]].exports]
    folders = {name: [_folder(one, before, data) for one in run.inputs] for name, run in runs.items()}
    renamed = {old: new for name, run in runs.items() for old, new in zip(run.inputs, folders[name], strict=True)}
    commands = [[_placed(word, runs, renamed, data) for word in one] for one in before]
    after = [[_placed(word, runs, renamed, data) for word in one] for one in written.after]
    _fill(draft, commands, folders, after, written.runs[0].format, programs)
    used = {word for line in (*commands, *after) for word in line}
    draft.open.append("task -> script -> preprocess, postprocess: the folder's own commands; check {data} in them")
    unknown = sorted(word for word in used if "$" in word or word.startswith("/"))
    if unknown:
        draft.open.append(f"task -> script: what is {', '.join(unknown[:3])}?")


def _run_name(number: int, run: EngineRun, runs: Sequence[EngineRun]) -> str:
    if len(runs) == 1:
        return "main"
    name = re.sub(r"[^A-Za-z0-9_]+", "-", PurePosixPath(run.output).name).strip("-_")
    return name if name and [PurePosixPath(one.output).name for one in runs].count(name) == 1 else f"run{number + 1}"


def _folder(path: str, before: Sequence[Sequence[str]], data: DataTree) -> str:
    """A folder of the working folder; one that a README puts elsewhere gets its last name."""
    outside = path.startswith(("/", "..", "$", "~"))
    if outside or (data.placed(path) and not any(same_place(word, path) for line in before for word in line)):
        return PurePosixPath(path).name
    return path


def _placed(word: str, runs: dict[str, EngineRun], renamed: dict[str, str], data: DataTree) -> str:
    """A word of a README's command with the paths of this recipe."""
    flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    if not value:
        return word
    return flag + equals + _value(value, runs, renamed, data)


def _value(value: str, runs: dict[str, EngineRun], renamed: dict[str, str], data: DataTree) -> str:
    path = PurePosixPath(value)
    for old, new in renamed.items():
        if same_place(value, old):
            return new
    for name, run in runs.items():
        mark = "" if len(runs) == 1 else f":{name}"
        output = PurePosixPath(run.output)
        if path.name.endswith(("summary.json", "sumary.json")) and (len(runs) == 1 or str(output) in str(path)):
            return f"{{summary{mark}}}"
        if path == output or (output in path.parents and output != PurePosixPath(".")):
            return f"{{results{mark}}}"
        if len(runs) == 1 and path == output.parent and path != PurePosixPath("."):
            return "{results}"
    looks = "/" in value or "$" in value or path.suffix in {".json", ".txt", ".csv", ".pkl"}
    placed = data.placed(value) if looks else None
    if placed:
        return placed
    if data.root is None and (value.startswith(("/", "$", "../")) or re.match(r"\.?/?data(set)?s?(/|$)", value)):
        return "{data}"
    return "{data}" if re.match(r"(/|\$|\.{0,2}/?data(set)?s?(/|$))", value) and "." not in path.name else value


def _from_names(draft: ScriptDraft, folder: Path, programs: dict[str, Program], data: DataTree, inputs: int) -> None:
    here = [one for one in programs.values() if "/" not in one.name]
    named = {one.name for one in here if _BEFORE.search(one.name) or _AFTER.search(one.name)}
    usable = [one for one in here if one.name in named or (one.starts and not one.exports)]
    before = _one(folder, [one for one in usable if _BEFORE.search(one.name)], "preprocessing")
    rest = [one for one in usable if one is not before]
    main = [one for one in rest if _AFTER.search(one.name)]
    last = [one for one in rest if _LAST.search(one.name) and one not in main]
    after = [_one(folder, main or last, "postprocessing")]
    after += last if main and len(last) == 1 else []
    words = ArgumentWords(data)
    first = words.before(before)
    lines = [words.after(one) for one in after]
    places = words.folders or [("", "prep")]
    if inputs > 1:
        folders = {"main": [path for _, path in places[:inputs]]}
    else:
        more = {re.sub(r"\W+", "-", name.split("_")[-1]).strip("-") or path: [path] for name, path in places[1:]}
        folders = {"main": [places[0][1]]} | more
    if not words.folders:
        draft.open.append("task -> script -> runs: the folder of tensors that the preprocessing writes")
    _fill(draft, [first], folders, lines, _format(after), programs)
    draft.open.append("task -> script -> preprocess, postprocess: their words are read from the programs' arguments")
    if words.unknown:
        draft.open.append(f"task -> script: the value of {', '.join(words.unknown[:3])}")


def _fill(
    draft: ScriptDraft,
    before: Sequence[Sequence[str]],
    folders: dict[str, list[str]],
    after: Sequence[Sequence[str]],
    form: str,
    programs: dict[str, Program],
) -> None:
    draft.settings |= {
        "preprocess": [["python3", *line] for line in before],
        "runs": folders,
        "postprocess": [["python3", *line] for line in after],
        "metrics": metrics_of([programs[line[0]] for line in after], after),
    }
    if form != "bin":
        draft.settings["outputs"] = {"format": form}


def _format(programs: Sequence[Program]) -> str:
    """The form of results that the first of the programs reads."""
    text = programs[0].text
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
            remedy="leave one of them in the folder, or put the commands into its README.md",
        )
    return exact[0]
