"""The example of text: a published recogniser from the package index reads lines of the repository's own digits."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kit.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_it_reads_half_of_the_lines(tmp_path: Path) -> None:
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "rapidocr-onnxruntime==1.4.4", "-d", tmp_path],
        check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    if fetched.returncode:
        pytest.skip("the package index cannot be reached")
    recipe = tmp_path / "digits_text"
    shutil.copytree(EXAMPLES / "digits_text", recipe, ignore=shutil.ignore_patterns("*.onnx"))
    (tmp_path / "digits").symlink_to(EXAMPLES / "digits")
    (wheel,) = tmp_path.glob("*.whl")
    model = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
    (recipe / Path(model).name).write_bytes(zipfile.ZipFile(wheel).read(model))
    command = ["reproduce", "--recipe", str(recipe), "--runner", "local", "--batch", "8"]
    with pytest.raises(SystemExit) as end:
        main([*command, "--store", str(tmp_path / "store"), "--reports", str(tmp_path / "reports")])
    assert not end.value.code
    (results,) = (tmp_path / "reports").rglob("cpu.json")
    found = {one["name"]: one["value"] for one in json.loads(results.read_text())["metrics"]}
    assert found == pytest.approx({"lines": 0.496, "digits": 0.82}, abs=0.03)
