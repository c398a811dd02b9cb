"""The first minutes without a clone: a wheel alone holds the example, the templates and the images."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.slow  # it builds a wheel
def test_the_first_minutes_work_from_a_wheel(root: Path, tmp_path: Path) -> None:
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", tmp_path, root],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    work = tmp_path / "work"
    work.mkdir()
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "KIT_RUNNER": "docker"}

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, *words], cwd=work, env=env, capture_output=True, text=True, check=True
        ).stdout  # fmt: skip

    assert Path(run("-c", "import kit; print(kit.__file__)").strip()).is_relative_to(tmp_path / "site")
    assert "kit reproduce --recipe digits --target cpu" in run("-m", "kit", "init", "--example", "digits")
    plan = run("-m", "kit", "reproduce", "--recipe", "digits", "--target", "cpu", "--plan")
    assert plan.count("docker run ") == 5
    assert str(tmp_path / "site" / "kit" / "inside") in plan
    for image in ("exporter", "runtime"):
        assert (tmp_path / "site" / "kit" / "_share" / "images" / image / "Dockerfile").is_file()
    run("-m", "kit", "report", "--recipe", "digits")
    for name in ("digits/report.html", "digits/README.md", "index.html"):
        assert (work / "reports" / name).is_file()
