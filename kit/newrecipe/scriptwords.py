"""Words of a program's command line by what its arguments are called, where no document gives the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath

from kit.newrecipe.datatree import TRUTH, DataTree
from kit.newrecipe.programs import Argument, Program

__all__ = ["FILE_NAME", "OF_RESULTS", "RESULTS", "ArgumentWords", "means_file"]

#: Names of arguments: results of the engine.
RESULTS = re.compile(
    r"^res|result|pred|infer|npu|dump|bin_?data|feat|davinci|^output|^(query|gallery)$|^[qg]f|bin"
    r"|^om_?(?:file|dir|path)",
    re.IGNORECASE,
)
#: Defaults that are a folder of results.
OF_RESULTS = re.compile(r"(\./)?(\w*result\w*|outputs?|out|dump\w*|preds?|infer\w*)(/|$)", re.IGNORECASE)
_SUMMARY = re.compile(r"summary|sumary|^json_path$", re.IGNORECASE)
_WRITTEN = re.compile(r"save|out|dst|dest|bin|prep|target|^d$", re.IGNORECASE)
_READ = re.compile(r"src|source|image|img|data|input|root|path|dir|file|query|gallery|^s$|^i$", re.IGNORECASE)
_NAMES_FILE = re.compile(r"file|json|ann|label|info|txt", re.IGNORECASE)
_FOLDER = re.compile(r"dir|folder|root|(?<!label_)(?<!ann_)(?<!label)path$", re.IGNORECASE)
FILE_NAME = re.compile(r"\.(json|txt|info|csv|pkl|npy|lmdb|onnx|pth|yml|yaml|cfg)$", re.IGNORECASE)


class ArgumentWords:
    """Gives each program its words, and remembers what the first ones were given: later ones read the same."""

    def __init__(self, data: DataTree, code: Path) -> None:
        self._data = data
        self._code = code
        self._given: dict[str, str] = {}
        self.folders: list[tuple[str, str]] = []  # argument that names a folder of tensors -> the folder
        self.unknown: list[str] = []
        self._results_of: dict[str, None] = {}  # runs whose results have no place yet, the first one's without a name
        self._names: Collection[str] = ()
        self._texts: list[str] = []  # of the programs before the engine

    def before(self, program: Program, names: Collection[str]) -> list[str]:
        """Words of a program before the engine; `names` are texts that it may join to a folder."""
        self._texts.append(program.text)
        self._names = names
        return self._words(program, self._value_before)

    def after(self, program: Program, names: Collection[str], runs: Sequence[str]) -> list[str]:
        """Words of a program after the engine; the first argument that can be is the results, or those of each run."""
        self._results_of = dict.fromkeys(runs)
        self._names = names
        summary = "filesinfo" in program.text and not re.search(r"summ?ary\.json", program.text)
        results = "{summary}" if summary else "{results}"
        return self._words(program, lambda argument: self._side_file(argument) or self._value_after(argument, results))

    def _words(self, program: Program, value_of: Callable[[Argument], str | None]) -> list[str]:
        words = [program.name]
        for argument in program.arguments:
            if argument.switch or (argument.number and not argument.required):
                continue
            own = FILE_NAME.search(argument.default or "") and (self._code / str(argument.default)).is_file()
            value = argument.default if own else value_of(argument)
            if value is None:
                if not argument.required and argument.flag:
                    continue
                value = argument.default or argument.name.upper() or "?"
                self.unknown.append(f"{program.name}: {argument.name or 'an argument without a name'}")
            words += [argument.flag, value] if argument.flag else [value]
        return words

    def _value_before(self, argument: Argument) -> str | None:
        name = argument.name
        if _WRITTEN.search(name) and not re.search(r"src|data_?(path|dir|root)|dataset", name, re.IGNORECASE):
            if FILE_NAME.search(argument.default or "") or re.search(r"info|pkl|json", name, re.IGNORECASE):
                return argument.default
            folder = _plain(argument.default)
            if not folder or "/" in folder or folder in dict(self.folders).values():
                folder = "prep" if not self.folders else f"prep_{len(self.folders) + 1}"
            self.folders.append((name, folder))
            return folder
        if _READ.search(name) or TRUTH.search(name) or self._data.placed(argument.default or "."):
            value = self._of_data(argument)
            self._given[name] = value
            return value
        return argument.default

    def _of_data(self, argument: Argument) -> str:
        default = argument.default or ""
        truth = bool(TRUTH.search(argument.name))
        about = f"{argument.name} {argument.help}"
        file = means_file(argument.name, default)
        return self._data.placed(default) or self._data.closest(about, truth=truth, file=file, names=self._names)

    def _side_file(self, argument: Argument) -> str | None:
        """The default of an argument, where it is what a program before the engine leaves behind."""
        path = _plain(argument.default)
        for number, (name, folder) in enumerate(self.folders):
            if path.startswith(f"{folder}/"):
                if "bin" in path.rpartition("/")[2].lower():  # beside it there are folders of other files
                    self.folders[number] = (name, path)
                return argument.default
        written = FILE_NAME.search(path) and any(path.rpartition("/")[2] in text for text in self._texts)
        return argument.default if written and not self._data.placed(path) else None

    def _value_after(self, argument: Argument, results: str) -> str | None:
        name = argument.name
        if name in self._given:
            return self._given[name]
        if _SUMMARY.search(name):
            return "{summary}"
        of_results = OF_RESULTS.match(argument.default or "") and not FILE_NAME.search(argument.default or "")
        if TRUTH.search(name) or (argument.default and self._data.placed(argument.default) and not of_results):
            return self._of_data(argument)
        written = re.search(r"save|out.*file|json_?file|_?name$", name, re.IGNORECASE)
        if (RESULTS.search(name) or of_results) and not written:
            run = self._run(f"{name} {argument.default}")
            if run is not None:
                del self._results_of[run]
                return f"{results[:-1]}:{run}}}" if run else results
            return argument.default or ("." if re.search(r"path|dir", name) else None)
        if _READ.search(name) and not written:
            return self._of_data(argument)
        return argument.default or (None if written else self._data.named(name))

    def _run(self, about: str) -> str | None:
        """Of the runs whose results have no place yet the one that `about` names, else the first."""
        named = [run for run in self._results_of if run and run.lower() in about.lower()]
        return next(iter([*named, *self._results_of]), None)


def means_file(name: str, value: str) -> bool:
    """Whether an argument `name` with a `value` of a document means a file rather than a folder."""
    named = _NAMES_FILE.search(name) and not _FOLDER.search(name)
    return bool(FILE_NAME.search(value) or (named and not value.endswith("/")))


def _plain(path: str | None) -> str:
    """A path of the working folder without ``./`` and a slash at its end; empty for any other."""
    parts = PurePosixPath(path or ".").parts
    return "" if not parts or parts[0] == "/" or ".." in parts else "/".join(parts)
