"""The digest of a step's programs follows what they import, whatever form the import has."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.execution.code import code_digest, imported_modules


def program(folder: Path, text: str) -> Path:
    inside = folder / "inside"
    inside.mkdir(exist_ok=True)
    for name in ("labels", "topk"):
        (inside / f"{name}.py").write_text("")
    path = inside / "program.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from .labels import read", ["labels"]),
        ("from .labels import (\n    read,\n    check,\n)", ["labels"]),
        ("from . import labels", ["labels"]),
        ("from . import labels as names, topk", ["labels", "topk"]),
        ("def late():\n    from .topk import best", ["topk"]),
        ("if True: from .topk import best", ["topk"]),
        ("import inside.labels", ["labels"]),
        ("import inside.labels as names, os", ["labels"]),
        ("from inside import topk", ["topk"]),
        ("from inside.topk import best", ["topk"]),
        ("from inside.topk.deeper import best", ["topk"]),
        ("import os, sys\nfrom json import loads", []),
        ("text = '''\nfrom .labels import read\n'''", []),
        ("# from .labels import read", []),
        ("from . import __version__", []),
    ],
)
def test_each_form_of_import_is_followed(tmp_path: Path, text: str, found: list[str]) -> None:
    assert list(imported_modules(program(tmp_path, text))) == found


@pytest.mark.parametrize(
    "text",
    [
        "from .. import errors",
        "from ..errors import KitError",
        "from . import *",
        "import importlib\nimportlib.import_module('labels')",
        "from importlib import import_module",
        "__import__('labels')",
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"program\.py:1: "):
        imported_modules(program(tmp_path, text))


def test_every_program_can_be_followed(root: Path) -> None:
    names = {path.stem for path in (root / "kit" / "inside").glob("*.py")} - {"__init__"}
    for name in sorted(names):
        assert set(imported_modules(root / "kit" / "inside" / f"{name}.py")) <= names
        assert len(code_digest((name,))) == 64


def test_the_digest_changes_with_a_program_that_is_imported_only_indirectly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "from . import labels")
    (tmp_path / "inside" / "labels.py").write_text("from .topk import best")
    monkeypatch.setattr("kit.execution.code.package", lambda: tmp_path)
    seen = set()
    for body in ("best = 1", "best = 2"):
        (tmp_path / "inside" / "topk.py").write_text(body)
        code_digest.cache_clear()
        seen.add(code_digest(("program",)))
    code_digest.cache_clear()
    assert len(seen) == 2
