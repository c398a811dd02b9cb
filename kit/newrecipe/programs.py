"""A program of a folder by its text alone: which arguments it takes, what it prints. It is never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Argument", "Program", "joined_names", "read_program", "with_modules"]

_MAX_BYTES = 1 << 20
_NAME = re.compile(r"(?!.*\.\.)[\w-][\w./-]{1,99}")
_WORD = re.compile(r"(?<![\w./-])[\w-]+(?:/[\w.-]+)*(?![\w/])")
_VALUE = re.compile(r"\{[^{}]*\}|%[-+ #0]?[0-9]*(?:\.[0-9]+)?[dfgeus](?![a-z])")
_PATH = re.compile(r"[^\s{%:*?]+/[^\s:*?]*$|\./")
_RUNS_ENGINE = re.compile(r"InferSession|\baclruntime\b|\bimport acl\b|AclLiteModel")
_EXPORTS = re.compile(r"onnx\.export\(|onnx\.save\(|OnnxGraph|onnx_simplif|load_state_dict\(")


@dataclass(frozen=True)
class Argument:
    """One argument; `flag` is empty for one by place."""

    name: str
    flag: str = ""
    short: str = ""
    default: str | None = None
    required: bool = False
    number: bool = False
    switch: bool = False
    help: str = ""


@dataclass
class Program:
    """A script: its path in the folder, arguments in order, what it prints, paths in its text, whether it starts."""

    name: str
    text: str
    arguments: list[Argument] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)  # what it may print, with {} in place of values
    keys: list[str] = field(default_factory=list)  # texts of dictionaries, which it may print or write as a whole
    paths: list[str] = field(default_factory=list)  # texts that look like the path of a file or folder
    names: set[str] = field(default_factory=set)  # texts that it may join to a folder
    rows: list[list[str]] = field(default_factory=list)  # lists of texts, which may be the head of a table
    heads: list[list[str]] = field(default_factory=list)  # the same, printed in columns
    imports: set[str] = field(default_factory=set)  # names of modules, up to the first dot
    prints_values: bool = False
    starts: bool = False

    @property
    def exports(self) -> bool:
        """Whether it makes the ONNX model, or changes it."""
        return bool(_EXPORTS.search(self.text))

    @property
    def runs_engine(self) -> bool:
        """Whether it runs the model itself, by a library of the engine."""
        return bool(_RUNS_ENGINE.search(self.text))


def read_program(path: Path, name: str) -> Program:
    """The program at `path`; one that Python cannot parse has no arguments."""
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    program = Program(name, text)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        program.starts = True
        return program
    program.starts = bool(re.search(r"__name__\s*==", text)) or "sys.argv" in text or "add_argument(" in text
    by_place: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "add_argument":
                program.arguments += _argument(node)
            elif called in {"print", "format", "info", "write"}:
                texts = list(_texts(node))
                program.printed += texts
                program.prints_values |= called == "print" and bool(node.args) and not texts
            elif called in {"dict", "OrderedDict"}:
                program.keys += [one.arg for one in node.keywords if one.arg]
            program.heads += [row for row in [_row(node.args)] if row and called == "format"]
            program.forms += _forms(node, called)
        elif isinstance(node, ast.Assign):
            by_place |= _from_argv(node)
        elif isinstance(node, ast.List | ast.Tuple):
            program.rows += [row for row in [_row(node.elts)] if row]
        elif isinstance(node, ast.JoinedStr | ast.BinOp):
            program.forms += _forms(node, "")
        elif isinstance(node, ast.Dict):
            program.rows += [row for row in [_row([one for one in node.keys if one is not None])] if row]
            program.keys += [text for one in (*node.keys, *node.values) if one is not None for text in _texts(one)]
        elif isinstance(node, ast.Import):
            program.imports |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            program.imports.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            program.paths += [node.value] if _PATH.match(node.value) else []
            program.names |= {node.value} if _NAME.fullmatch(node.value) else set()
    if not program.arguments:
        program.arguments = [Argument(by_place.get(place, "")) for place in range(1, max(by_place, default=0) + 1)]
    return program


def with_modules(program: Program, programs: Mapping[str, Program]) -> list[Program]:
    """The program, and those of the folder that it imports."""
    own = [one for one in programs.values() if one.name.removesuffix(".py").split("/")[0] in program.imports]
    return [program, *(one for one in own if one is not program)]


def joined_names(program: Program, programs: Mapping[str, Program], further: str = "") -> set[str]:
    """Texts that it may join to a folder: its own, those of modules that it imports, and of `further`, a file."""
    return {name for one in with_modules(program, programs) for name in one.names} | set(_WORD.findall(further))


def _texts(place: ast.expr) -> Iterator[str]:
    for node in ast.walk(place):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _row(parts: Sequence[ast.expr]) -> list[str]:
    """The texts, where all are some, and more than one."""
    texts = [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return texts if len(texts) == len(parts) > 1 else []


def _forms(node: ast.expr, called: str) -> list[str]:
    """Text that `node` makes of values, with ``{}`` for each; of a call of ``print``, text and values in turn."""
    if isinstance(node, ast.Call) and called == "print":
        parts = [one.value if isinstance(one, ast.Constant) else "{}" for one in node.args]
        return [" ".join(map(str, parts))]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)]
    text = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
    if isinstance(node, ast.Call) and called == "format" and isinstance(node.func, ast.Attribute):
        text = node.func.value
    return [_VALUE.sub("{}", text.value)] if isinstance(text, ast.Constant) and isinstance(text.value, str) else []


def _argument(call: ast.Call) -> list[Argument]:
    names = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if not names:
        return []
    words = {one.arg: one.value for one in call.keywords}
    long = next((name for name in names if name.startswith("--")), names[0])
    default, action, kind = words.get("default"), words.get("action"), words.get("type")
    shown = default.value if isinstance(default, ast.Constant) else None
    required = words.get("required")
    return [
        Argument(
            name=long.lstrip("-"),
            flag=long if long.startswith("-") else "",
            short=next((name for name in names if name.startswith("-") and name != long), ""),
            default=None if shown is None else str(shown),
            required=not long.startswith("-") or (isinstance(required, ast.Constant) and bool(required.value)),
            number=getattr(kind, "id", "") in {"int", "float"},
            switch=isinstance(action, ast.Constant) and str(action.value).startswith(("store_", "version")),
            help=" ".join(text for name in ("help", "metavar") if name in words for text in _texts(words[name])),
        )
    ]


def _from_argv(node: ast.Assign) -> dict[int, str]:
    """Place -> name, from ``name = sys.argv[2]``, ``a, b = sys.argv[1:]`` and ``a, b = sys.argv[1], sys.argv[2]``."""
    (target, value) = (node.targets[0], node.value)
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    else:
        pairs = [(target, value)]
    found: dict[int, str] = {}
    for one, source in pairs:
        for part in ast.walk(source):
            if not (isinstance(part, ast.Subscript) and ast.unparse(part.value) in {"sys.argv", "argv"}):
                continue
            names = [name.id for name in ast.walk(one) if isinstance(name, ast.Name)]
            if isinstance(part.slice, ast.Constant) and isinstance(part.slice.value, int) and part.slice.value > 0:
                found[part.slice.value] = names[0] if names else ""
            elif isinstance(part.slice, ast.Slice):
                found |= dict(enumerate(names, 1))
    return found
