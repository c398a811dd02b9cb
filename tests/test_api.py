"""What ``docs/api.md`` promises to programs that import kit."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit import api
from tests.logsamples import PERF


def page(root: Path) -> str:
    return (root / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_promised_names_and_parameters_exist(root: Path) -> None:
    promised = re.findall(r"^\| `(\w+)\((.*?)\)` \|.*? returns|^\| `(\w+)\((.*?)\)` \|", page(root), re.MULTILINE)
    found = {name or other: parameters or others for name, parameters, other, others in promised}
    assert set(found) == {"audit", "read", "verify"}
    for name, parameters in found.items():
        real = inspect.signature(getattr(api, name)).parameters.values()
        assert parameters == _written(real)
    classes = {name for name in api.__all__ if inspect.isclass(getattr(api, name))}
    assert classes == {"AuditResult", "Diagnostic", "KitError", "Link", "ToolOutput"}
    assert all(f"`{name}`" in page(root) for name in classes)


def _written(parameters: object) -> str:
    """As the page writes them: names and defaults, with a star before those that go by name alone."""
    words: list[str] = []
    for one in parameters:  # type: ignore[attr-defined]
        if one.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        default = "" if one.default is inspect.Parameter.empty else f"={one.default!r}".replace("'", '"')
        words.append(f"{one.name}{default}")
    return ", ".join(words)


def test_the_example_runs_and_its_values_have_the_promised_attributes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", page(root), re.DOTALL)
    (tmp_path / "trtexec.log").write_text(PERF)
    for name in ("reports/digits", "reports/spnasnet_100", "examples/digits"):
        shutil.copytree(root / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    values: dict[str, Any] = {}
    exec(compile(code, "docs/api.md", "exec"), values)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("perf ok {")
    assert last == "True"
    (tmp_path / "wrong.md").write_text("batch4 310 single-card throughput: 1311.7 * 4 = 5000 fps\n")
    with pytest.raises(api.KitError) as raised:
        api.read("nowhere")
    promised = {
        "ToolOutput": values["output"],
        "AuditResult": values["result"],
        "Link": values["links"][0],
        "Diagnostic": api.audit("wrong.md").diagnostics[0],
        "KitError": raised.value,
    }
    for name, value in promised.items():
        (listed,) = re.findall(rf"`{name}`(?:: | has |: )((?:`\w+(?:\(\))?`(?:, | and )?)+)", page(root))
        attributes = re.findall(r"`(\w+)", listed)
        assert len(attributes) >= 4
        assert [one for one in attributes if not hasattr(value, one)] == []


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, kit.api; print({'numpy', 'torch', 'docker', 'jinja2', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
