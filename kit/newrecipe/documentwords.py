"""Command lines of a document with the paths of a recipe: the data set, the tensors, the results and the summary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from kit.newrecipe.datatree import TRUTH, DataTree
from kit.newrecipe.enginecalls import EngineRun
from kit.newrecipe.programs import Program, joined_names, with_modules
from kit.newrecipe.scriptwords import FILE_NAME, RESULTS, means_file
from kit.newrecipe.shelltext import inner, same_place, split_word, uses
from kit.newrecipe.writtencommands import Written, WrittenCommand

__all__ = ["DocumentWords"]

#: A folder that a tool named after the time of its call, or a document's words for it.
_TIMED = re.compile(r"(^|/)(20\d\d_?[\dx]{2}_?[\dx]{2}|xxx+)[-_\dx]*(/|$)", re.IGNORECASE)
_PLACE = re.compile(r"\{(?:data|results|summary)\b")
#: A program that goes into the only folder of a folder.
_ENTERS = re.compile(r"listdir\([^()]*\)\[(?:0|-1)\]")
_CONFIG = re.compile(r"\.(?:py|ya?ml|json|cfg)$")


class DocumentWords:
    """``before`` and ``after`` are the commands, ``folders`` those of each run; ``open`` is what stays unknown."""

    def __init__(self, written: Written, programs: Mapping[str, Program], data: DataTree, code: Path) -> None:
        self._written = written
        self._programs = programs
        self._data = data
        self._code = code
        self._copied = False
        self._names: set[str] = set()  # that the program of a command may join to a folder
        self._enters = False
        self._folders_of_runs = [place for run in written.runs for place in (*run.inputs, run.output)]
        self._links: dict[str, str] = {}
        self.open: list[str] = []
        self.runs = {_run_name(number, run, written.runs): run for number, run in enumerate(written.runs)}
        self._name = PurePosixPath(data.root.resolve().name if data.root else "")
        self._roots = self._data_roots()
        self.folders = {name: [self._folder(one) for one in run.inputs] for name, run in self.runs.items()}
        self._renamed = {
            old: new for name, run in self.runs.items() for old, new in zip(run.inputs, self.folders[name], strict=True)
        }
        self.before = [self._command(line) for line in written.before]
        self.after = [self._command(line) for line in written.after]
        self._find_results()
        self._built_in()
        self._read_first()
        self._unknown()

    def settings(self) -> dict[str, Any]:
        """Further settings of the task that the commands need."""
        texts = [self._programs[line[0]].text for line in (*self.before, *self.after)]
        used = {
            name: self._value(value, name)
            for name, value in self._written.exported.items()
            if any(re.search(rf"[\"']{name}[\"']", text) for text in texts)
        }
        found = {"environment": used, "data": "copy" if self._copied else None, "links": self._links}
        return {name: value for name, value in found.items() if value}

    def made(self) -> list[str]:
        """Folders that the document makes and its programs use: not those of the data set or of results."""
        kept = []
        outputs = [PurePosixPath(inner(run.output)) for run in self.runs.values()]
        known = [place for root in (*self._roots, *outputs) for place in (root, *root.parents)]
        for path in dict.fromkeys(PurePosixPath(inner(one)) for one in self._written.made):
            lines = (*self._written.before, *self._written.after)
            named = any(uses(line, [str(path)]) or path.name in self._programs[line[0]].text for line in lines)
            if named and path not in known and not self._placed(str(path)):
                kept.append(next((new for old, new in self._renamed.items() if same_place(old, str(path))), str(path)))
        return kept

    def _data_roots(self) -> list[PurePosixPath]:
        """Where the document has the data set: what stands before a path that exists in it."""
        roots = []
        lines = [*self._written.before, *self._written.after]
        for value in {split_word(word)[1] for line in lines for word in line[1:]}:
            placed = self._placed(value) if _looks_like_path(value) else None
            if placed:
                path = PurePosixPath(inner(value))
                depth = len(PurePosixPath(placed).parts) - 1
                root = path.parents[depth - 1] if depth else path
                roots += [root] if root.parts else []
        return roots

    def _placed(self, value: str) -> str | None:
        """Where a path is in the data set; a folder of a run beside it is not, whatever it is called."""
        own = self._name.parts and self._name.name in PurePosixPath(value).parts
        run = own and any(same_place(value, one) for one in self._folders_of_runs)
        return None if run else self._data.placed(value)

    def _in_data(self, value: str) -> str | None:
        """A path of the working folder for a file that programs write into the data set; None for any other."""
        path = PurePosixPath(inner(value))
        for root in self._roots:
            if root in path.parents and not self._placed(value):
                self._copied = True
                return f"data/{path.relative_to(root)}"
        return None

    def _folder(self, path: str) -> str:
        """A folder of the working folder; one that a document puts elsewhere gets its last name."""
        if path.startswith("$"):
            found = self._written_folders()
            if len(found) != 1:
                self.open.append(f"task -> script -> runs: which folder of tensors is {path}")
            return found[0] if len(found) == 1 else re.sub(r"\W", "", path)
        named = any(same_place(split_word(word)[1], path) for line in self._written.before for word in line[1:])
        inside = self._in_data(path)
        if inside:
            return inside
        if path.startswith(("/", "..", "$", "~")) or (self._placed(path) and not named):
            return PurePosixPath(path).name
        return path

    def _written_folders(self) -> list[str]:
        """What the programs before the engine may write: folders that neither the scripts nor the data set have."""
        lines = self._written.before
        values = dict.fromkeys(inner(split_word(word)[1]).rstrip("/") for line in lines for word in line[1:])
        plain = [one for one in values if re.fullmatch(r"(?!data)[A-Za-z_][\w/-]*", one) and not self._placed(one)]
        return [one for one in plain if not (self._code / one).exists() and ("/" in one or "_" in one)]

    def _command(self, line: WrittenCommand) -> WrittenCommand:
        """The command with the paths of this recipe, and with arguments whose defaults are paths of the document."""
        program = self._programs[line[0]]
        configs = [self._code / word for word in line[1:] if _CONFIG.search(word)]
        further = [path.read_text(encoding="utf-8", errors="replace") for path in configs if path.is_file()]
        self._names = joined_names(program, self._programs, "\n".join(further))
        self._enters = bool(_ENTERS.search(program.text))
        command = WrittenCommand([line[0]], line.where, module=line.module)
        flag = ""
        for number, word in enumerate(line[1:]):
            option, value = split_word(word)
            by_place = program.arguments[number].name if number < len(program.arguments) else ""
            about = option or flag or by_place
            here = self._value(value, about)
            if line.where and here != value and not here.startswith("{"):
                here = f"{{work}}/{here}"
            command.append(f"{option}={here}" if option else here)
            flag = word if word.startswith("-") and not option else ""
        given = {split_word(word)[0] or word for word in line[1:] if word.startswith("-")}
        for argument in program.arguments:
            default = argument.default or ""
            if argument.flag and argument.flag not in given and argument.short not in given and "/" in default:
                value = self._value(default, argument.name, known=True)
                command += [argument.flag, value] if "{" in value else []
        return command

    def _value(self, value: str, about: str, *, known: bool = False) -> str:
        """What `value` is here, with the slash at its end that some programs need; with `known`, if it is certain."""
        found = self._of_folder(value) or self._place(value, about, known=known)
        file = FILE_NAME.search(found) or found.startswith("{summary")
        return f"{found}/" if value.endswith("/") and not file and not found.endswith("/") else found

    def _place(self, value: str, about: str, *, known: bool) -> str:
        for old, new in self._renamed.items():
            if same_place(value, old):
                return new
        found = self._of_run(value)
        if found or value.startswith("-"):
            return found or value
        root = self._data.root is not None and PurePosixPath(inner(value)) in [*self._roots, self._name]
        placed = "{data}" if root else self._placed(value) if _looks_like_path(value) else None
        if placed or known:
            return placed or value
        inside = self._in_data(value) if _looks_like_path(value) else None
        if inside:
            return inside
        elsewhere = value.startswith(("/", "$", "~"))
        if self._data.root is None and (elsewhere or re.match(r"(\.{0,2}/)?data(set)?s?(/|$)", value)):
            return "{data}"
        if value.startswith("$") and RESULTS.search(about.lstrip("-")):
            return value  # perhaps results under a name of their own
        if elsewhere or (re.match(r"(\.{0,2}/)data(set)?s?(/|$)", value) and "." not in PurePosixPath(value).name):
            name = about.lstrip("-")
            truth = bool(TRUTH.search(name))
            file = means_file(name, value)
            return self._data.closest(f"{name} {value}", truth=truth, file=file, names=self._names)
        return value

    def _of_folder(self, value: str) -> str | None:
        """A word for the folder above results, which a program enters: they are linked to where the document has them.

        A tool that names a folder after the time of its call makes one more; programs take what they find.
        """
        path = PurePosixPath(inner(value))
        plain = path.parent if _TIMED.search(f"/{path.name}") or "$" in path.name else path
        outputs = {name: PurePosixPath(inner(run.output)) for name, run in self.runs.items()}
        above = [name for name, output in outputs.items() if output.parent == path and path.parts]
        if len(above) == len(outputs) > 1:
            self._links |= {str(outputs[name]): self._word("results", name) for name in above}
            return str(path)
        for name, output in outputs.items():
            if plain != path and str(output) in self._links and output.parts[-len(plain.parts) :] == plain.parts:
                return str(plain)
            if path == output and path.parts and self._enters:
                self._links[f"{path}/result"] = self._word("results", name)
                return str(path)
        return None

    def _of_run(self, value: str) -> str | None:
        path = PurePosixPath(inner(value))
        for name, run in self.runs.items():
            output = PurePosixPath(inner(run.output))
            near = len(self.runs) == 1 or str(output) in str(path)
            named = path.name.endswith(("summary.json", "sumary.json")) and near
            if named or any(same_place(value, one) for one in self._written.summaries):
                return self._word("summary", name)
            if path == output or (output in path.parents and output.parts):
                return self._word("results", name)
            if len(self.runs) == 1 and path == output.parent and path.parts:
                return "{results}"
        return None

    def _word(self, kind: str, name: str) -> str:
        """``{results}``, or of several runs ``{results:NAME}``."""
        return f"{{{kind}}}" if len(self.runs) == 1 else f"{{{kind}:{name}}}"

    def _find_results(self) -> None:
        """Runs whose results no word names: a folder named after the time, or an argument called like results."""
        for name in self.runs:
            results, summary = self._word("results", name), self._word("summary", name)
            words = [*self._links.values(), *(word for line in self.after for word in line)]
            if any(results in word or summary in word for word in words):
                continue
            if self._linked(name, results):
                continue
            place = self._likely_results()
            if place:
                line, number = place
                option, value = split_word(self.after[line][number])
                results += "/" * value.endswith("/")
                self.after[line][number] = f"{option}={results}" if option else results
            else:
                self.open.append(f"task -> script -> postprocess: which word is {results}, the results")

    def _linked(self, name: str, target: str) -> bool:
        """Whether a program after the engine has the folder of results in its text: then a link leads there."""
        output = PurePosixPath(inner(self.runs[name].output))
        for line in self.after:
            paths = [PurePosixPath(inner(one.partition("{")[0])) for one in self._programs[line[0]].paths]
            if output.parts and any(output == path or output in path.parents for path in paths):
                self._links[str(output)] = target
                return True
        return False

    def _likely_results(self) -> tuple[int, int] | None:
        likely: list[tuple[int, int, int]] = []
        for row, line in enumerate(self.after):
            flag = ""
            for number, word in enumerate(line[1:], 1):
                option, value = split_word(word)
                path = not value.startswith(("-", "{")) and not FILE_NAME.search(value) and not _PLACE.search(value)
                if path and (_TIMED.search(value) or RESULTS.search((option or flag).lstrip("-") or "-")):
                    likely.append((0 if _TIMED.search(value) else 1, row, number))
                flag = word if word.startswith("-") and not option else ""
        return min(likely)[1:] if likely else None

    def _built_in(self) -> None:
        """Paths of the data set in the text of a program that no argument changes: links lead there."""
        for line in (*self.before, *self.after):
            program = self._programs[line[0]]
            if any("{data}" in word for word in line):
                continue
            defaults = {one.default for one in program.arguments}
            for path in program.paths:
                placed = self._placed(path) if path not in defaults and "{" not in path else None
                if placed and not path.startswith("/") and "/" in inner(path).rstrip("/"):
                    self._link(inner(path).rstrip("/"), placed)

    def _read_first(self) -> None:
        """The data set where nothing names it: the first path before the engine that nothing makes."""
        words = [*self._links.values(), *(word for line in self.before for word in line)]
        if any("{data}" in word for word in words) or "environment" in self.settings():
            return
        makes = [*self._written.made, *(one for folders in self.folders.values() for one in folders)]
        for line in self.before:
            for word in line[1:]:
                option, value = split_word(word)
                path = inner(value)
                made = any(same_place(value, one) for one in makes)
                if "/" in value and not made and not FILE_NAME.search(value) and not (self._code / path).exists():
                    names = joined_names(self._programs[line[0]], self._programs)
                    placed = self._data.closest(f"{option} {value}", truth=False, file=False, names=names)
                    self._everywhere(path, placed)
                    return
        lines = (*self.before, *self.after)
        texts = [one for line in lines for one in with_modules(self._programs[line[0]], self._programs)]
        paths = dict.fromkeys(inner(path).rstrip("/") for one in texts for path in one.paths if path[0] != "/")
        makes += [run.output for run in self.runs.values()]
        free = [one for one in paths if one and not PurePosixPath(one).suffix and not (self._code / one).exists()]
        free = [one for one in free if not any(same_place(one, made) for made in makes)]
        if len(free) == 1:
            names = {name for one in texts for name in one.names}
            self._links[free[0]] = self._data.closest("", truth=False, file=False, names=names)

    def _everywhere(self, path: str, placed: str) -> None:
        """`placed` for `path` in all commands."""
        for line in (*self.before, *self.after):
            for number, word in enumerate(line[1:], 1):
                option, value = split_word(word)
                if same_place(value, path):
                    slash = "/" * value.endswith("/")
                    line[number] = f"{option}={placed}{slash}" if option else f"{placed}{slash}"

    def _link(self, path: str, placed: str) -> None:
        """A link to the data set itself where the folder of scripts has nothing of that name: there is more in it."""
        root = path.removesuffix(placed.removeprefix("{data}"))
        if root != path and root and not (self._code / root).exists():
            self._links[root] = "{data}"
        else:
            self._links[path] = placed

    def _unknown(self) -> None:
        models = list(dict.fromkeys(re.sub(r"\d+", "", run.model) for run in self._written.runs if run.model))
        if len(models) > 1:
            named = ", ".join(dict.fromkeys(run.model for run in self._written.runs))
            what = f"the document runs several models ({named}), a recipe has one"
            remedy = "write a recipe for each, as docs/tasks.md shows under Several models"
            self.open = [f"task -> script -> runs: {what}: {remedy}"]
        used = {word for line in (*self.before, *self.after) for word in line}
        unknown = sorted(word for word in used if "$" in word or split_word(word)[1].startswith("/"))
        if unknown:
            self.open.append(f"task -> script: what is {', '.join(unknown[:3])}?")


def _run_name(number: int, run: EngineRun, runs: Sequence[EngineRun]) -> str:
    if len(runs) == 1:
        return "main"
    name = re.sub(r"[^A-Za-z0-9_]+", "-", PurePosixPath(run.output).name).strip("-_")
    return name if name and [PurePosixPath(one.output).name for one in runs].count(name) == 1 else f"run{number + 1}"


def _looks_like_path(value: str) -> bool:
    return "/" in value or "$" in value or PurePosixPath(value).suffix in {".json", ".txt", ".csv", ".pkl"}
