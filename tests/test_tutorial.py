"""The tutorial for a first own model: every command of the page runs, in its order, and ends in a report."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_first_own_model(root: Path, tmp_path: Path) -> None:
    if find_spec("timm") is None:
        pytest.skip("timm is in the extra 'exporter', and the tutorial exports a model")
    page = (root / "docs" / "first-model.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?m)^\$ (kit .*)$", page)
    (edit,) = re.findall(r"```yaml\n(preprocess:\n.*?)```", page, re.DOTALL)
    assert len(commands) == 8
    for command in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "kit", *shlex.split(command)[1:]],
            cwd=tmp_path,
            env=os.environ | {"KIT_RUNNER": "local"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0 or command.startswith("kit doctor"), f"{command}: {ran.stderr}"
        if "--out mine" in command:
            recipe = tmp_path / "mine" / "kit.yaml"
            text, count = re.subn(r"(?ms)^preprocess:\n.*?\n\n", f"{edit}\n", recipe.read_text())
            assert count == 1
            assert "\nbench:\n  limit: 60\n" in text
            short = "\nbench: {warmup: 1, repeats: 3, seconds: 0.1, limit: 2}\n"  # its figures are not used
            recipe.write_text(text.replace("\nbench:\n  limit: 60\n", short))
    report = (tmp_path / "reports" / "mine" / "README.en.md").read_text(encoding="utf-8")
    assert "99.8" in report, "the example's accuracy"
