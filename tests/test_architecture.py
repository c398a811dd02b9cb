"""The two walls: host | container, and core | targets."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from kit.planning.target import target_names
from kit.planning.task import task_names

HEAVY = {"numpy", "torch", "torchvision", "timm", "onnx", "onnxruntime", "cv2", "PIL", "sklearn", "openvino", "orjson"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Level and module of every import, at any depth of the code."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.parametrize("room", ["inside", "simulated"])
def test_programs_for_containers_import_nothing_of_the_rest(root: Path, room: str) -> None:
    files = sorted((root / "kit" / room).rglob("*.py"))
    assert files
    for path in files:
        depth = len(path.relative_to(root / "kit" / room).parts)
        for level, module in imports(path):
            assert level <= depth, f"{path} reaches out of its room"
            assert level > 0 or module.split(".")[0] != "kit", f"{path} imports {module}"


def core(root: Path) -> list[Path]:
    outside = {"inside", "simulated", "targets", "tasks"}
    files = sorted((root / "kit").rglob("*.py"))
    return [path for path in files if path.relative_to(root / "kit").parts[0] not in outside]


def test_the_core_names_no_target(root: Path) -> None:
    """No target's name as a string of the core, and no import of a target's folder.

    The audit reads other people's reports, which name cards: that is its subject, so it is looked at for imports only.
    """
    names = set(target_names())
    assert {"310", "310P", "T4", "cpu"} <= names
    for path in core(root):
        for _, module in imports(path):
            assert not re.match(r"kit\.targets\.", module), f"{path} imports {module}"
        if "audit" in path.parts:
            continue
        tree = tree_of(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
                if (node.value, path.name) == ("torch", "given.py"):
                    continue  # the package that reads a checkpoint, not the target
                assert node.value == "cpu" and path.name in {
                    "host.py",
                    "systems.py",
                    "kubernetes.py",
                    "graphs.py",
                    "drafting.py",
                    "expedition.py",
                    "origins.py",
                }, f"{path}:{node.lineno} names {node.value}"


def test_heavy_packages_are_not_imported_by_the_host_side(root: Path) -> None:
    for path in [*core(root), *sorted((root / "kit" / "targets").rglob("*.py"))]:
        for level, module in imports(path):
            assert level or module.split(".")[0] not in HEAVY, f"{path} imports {module}"


@pytest.mark.parametrize(
    ("command", "forbidden"),
    [
        (["--help"], {"yaml", "pydantic", "docker", "jinja2", "rich.table"} | HEAVY),
        (["schema"], {"docker", "jinja2"} | HEAVY),
    ],
)
def test_a_command_loads_only_what_it_needs(command: list[str], forbidden: set[str]) -> None:
    code = (
        "import sys\nfrom kit.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n"
        "    print('\\n'.join(sys.modules), file=sys.stderr)\n    sys.exit(end.code)"
    )
    ran = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    assert not forbidden & set(ran.stderr.split())


def test_the_core_names_no_task(root: Path) -> None:
    """No import of a task's folder, and no task's name as a string, but for what a recipe without a task means."""
    names = set(task_names())
    assert {"classification", "script"} <= names
    for path in [*core(root), *sorted((root / "kit" / "targets").rglob("*.py"))]:
        for _, module in imports(path):
            assert not re.match(r"kit\.tasks\.", module), f"{path} imports {module}"
        tree = tree_of(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
                where = path.relative_to(root / "kit").as_posix()
                # `kit init --script` writes recipes of that task: it is the one place that knows its name.
                known = {("planning/task.py", "classification"), ("newrecipe/drafting.py", "script")}
                assert (where, node.value) in known, f"{path}:{node.lineno}"


def test_no_class_name_stands_twice(root: Path) -> None:
    """A name has one meaning: who searches for a class finds one."""
    places: dict[str, list[str]] = {}
    for path in sorted((root / "kit").rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(root)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


#: Modules of these are named after something outside: a command, what a check looks at, a program, a vendor's tool, or
#: they are the fixed parts of a plug-in's folder.
_NAMED_OUTSIDE = ("cli", "doctor", "inside", "simulated", "targets", "tasks", "audit/rules")


def test_no_two_modules_share_a_name(root: Path) -> None:
    places: dict[str, list[str]] = {}
    for path in sorted((root / "kit").rglob("*.py")):
        inner = path.relative_to(root / "kit").as_posix()
        if path.name not in {"__init__.py", "__main__.py"} and not inner.startswith(_NAMED_OUTSIDE):
            places.setdefault(path.stem, []).append(inner)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@cache
def module_graph(root: Path) -> dict[str, frozenset[str]]:
    """Module -> the modules that it imports, at any depth and for types alone."""
    modules = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / "kit").rglob("*.py"))
    }
    graph = {}
    for name, path in modules.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found: set[str] = set()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom):
                start = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
                base = (start + (node.module or "")).rstrip(".")
                found |= {one for one in (base, *(f"{base}.{alias.name}" for alias in node.names)) if one in modules}
        graph[name] = frozenset(found - {name, name.rpartition(".")[0]})  # without a package's own face
    return graph


def test_no_modules_import_each_other_in_a_circle(root: Path) -> None:
    """Also not for types alone."""
    assert list(TopologicalSorter(module_graph(root)).static_order())


def test_rooms_import_downwards_only(root: Path) -> None:
    """No two rooms import each other, not even by way of others."""
    rooms: dict[str, set[str]] = {}
    for name, found in module_graph(root).items():
        if "." in name and name != "kit.__main__":
            room = name.split(".")[1]
            rooms.setdefault(room, set()).update({one.split(".")[1] for one in found if "." in one} - {room})
    assert list(TopologicalSorter(rooms).static_order())
