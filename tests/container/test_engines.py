"""Further engines in containers of their own: accuracy and throughput of the same engine, with what it told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faultsite import Site
from tests.rereading import numbers_read_again

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(("target", "title"), [("openvino", "OpenVINO"), ("torch", "PyTorch")])
def test_an_engine_in_its_own_image(engine: Any, tmp_path: Path, target: str, title: str) -> None:
    site = Site(tmp_path / "site")
    ran = subprocess.run(
        [sys.executable, "-m", "kit", "reproduce", "--target", target, "--runner", "docker"],
        cwd=site.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (path,) = (site.folder / "reports").glob(f"*/results/{target}.json")
    results = json.loads(path.read_text())
    assert results["source"] == "measured"
    assert results["containerized"] is True
    assert results["toolchain"].startswith(f"{title} ")
    assert set(results["images"]) >= {target}
    assert results["accuracy"]["correct"][0] >= 38
    assert [one["batch"] for one in results["throughput"]] == [1, 4]
    for one in results["throughput"]:
        assert one["conditions"]["precision"] == "fp32"
        assert one["conditions"]["transfers"] == "none"
        assert one["rate"] > 0
    assert numbers_read_again(path) > 40
    text = (path.parents[1] / "README.en.md").read_text()
    assert "Conditions: precision fp32" in text
