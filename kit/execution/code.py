"""The digest of the programs that a step uses: one byte changed in any of them, and the step runs again."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kit.resources import package

__all__ = ["code_digest", "imported_modules"]

#: Programs that import by name what is not in ``inside``: the user's own code, an input of the step with a digest
#: of its own, and a vendor's library, which belongs to the image; ``needs`` only asks what is installed.
_LOADERS = frozenset({"needs", "owncode", "trt_infer"})


@cache
def code_digest(modules: tuple[str, ...]) -> str:
    """SHA-256 of the modules of ``kit/inside``, with all that they import of it.

    Raises:
        ValueError: a module imports in a way that cannot be followed; a defect of kit.
    """
    folder = package() / "inside"
    pending, files = list(modules), {}
    while pending:
        name = pending.pop()
        if name not in files:
            path = folder / f"{name}.py"
            files[name] = path.read_bytes()
            pending += imported_modules(path)
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()


@cache
def imported_modules(path: Path) -> tuple[str, ...]:
    """Names of the neighbours that a program imports, at any depth of its code.

    Raises:
        ValueError: ``from .. import x``, ``from . import *``, ``importlib`` or ``__import__``: it cannot be followed.
    """
    source = path.read_bytes()
    tree = ast.parse(source, str(path))
    nodes = ast.walk(tree) if b"__import__" in source else _statements(tree)
    return tuple(dict.fromkeys(name for node in nodes for name in _neighbours(node, path)))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The statements at any depth, without their expressions: nine in ten nodes, and no place for an import."""
    pending: list[ast.AST] = [tree]
    for node in pending:
        yield node
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            pending += getattr(node, block, ())


def _neighbours(node: ast.AST, path: Path) -> Iterator[str]:
    place = f"{path}:{getattr(node, 'lineno', 0)}"
    if isinstance(node, ast.ImportFrom):
        yield from _from_import(node, path, place)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            package_name, _, rest = alias.name.partition(".")
            if package_name == path.parent.name and rest:
                yield rest.split(".")[0]
            elif package_name == "importlib" and path.stem not in _LOADERS:
                raise ValueError(f"{place}: an import by name cannot be followed")
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
        raise ValueError(f"{place}: an import by name cannot be followed")


def _from_import(node: ast.ImportFrom, path: Path, place: str) -> Iterator[str]:
    module, folder = node.module or "", path.parent
    if node.level == 0:
        package_name, _, module = module.partition(".")
        if package_name == "importlib" and path.stem not in _LOADERS:
            raise ValueError(f"{place}: an import by name cannot be followed")
        if package_name != folder.name:
            return
    elif node.level > 1:
        raise ValueError(f"{place}: it imports from outside {folder.name}")
    if module:
        yield module.split(".")[0]
        return
    for alias in node.names:
        if alias.name == "*":
            raise ValueError(f"{place}: an import of everything cannot be followed")
        if (folder / f"{alias.name}.py").is_file():
            yield alias.name
