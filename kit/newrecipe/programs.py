"""A program of a folder by its text alone: which arguments it takes, what it prints. It is never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Argument", "Program", "read_program"]

_MAX_BYTES = 1 << 20
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
    keys: list[str] = field(default_factory=list)  # texts of dictionaries, which it may print or write as a whole
    paths: list[str] = field(default_factory=list)  # texts that look like the path of a file or folder
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
        elif isinstance(node, ast.Assign):
            by_place |= _from_argv(node)
        elif isinstance(node, ast.Dict):
            program.keys += [text for one in (*node.keys, *node.values) if one is not None for text in _texts(one)]
        elif isinstance(node, ast.Import):
            program.imports |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            program.imports.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _PATH.match(node.value):
            program.paths.append(node.value)
    if not program.arguments:
        program.arguments = [Argument(by_place.get(place, "")) for place in range(1, max(by_place, default=0) + 1)]
    return program


def _texts(place: ast.expr) -> Iterator[str]:
    for node in ast.walk(place):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


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
            if not (isinstance(part, ast.Subscript) and ast.unparse(part.value) == "sys.argv"):
                continue
            names = [name.id for name in ast.walk(one) if isinstance(name, ast.Name)]
            if isinstance(part.slice, ast.Constant) and isinstance(part.slice.value, int) and part.slice.value > 0:
                found[part.slice.value] = names[0] if names else ""
            elif isinstance(part.slice, ast.Slice):
                found |= dict(enumerate(names, 1))
    return found
