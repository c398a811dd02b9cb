"""The detector and the segmenter of scenes of digits reproduce what they were trained to, and mean something by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.cli import main
from tests.rereading import numbers_read_again

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wanted"),
    [("scenes_detection", {"mAP": 0.8857, "AP50": 0.9988}), ("scenes_segmentation", {"mIoU": 0.919, "aAcc": 0.9957})],
)
def test_it_reproduces(tmp_path: Path, name: str, wanted: dict[str, float]) -> None:
    command = ["reproduce", "--recipe", str(EXAMPLES / name), "--runner", "local", "--batch", "8"]
    with pytest.raises(SystemExit) as end:
        main([*command, "--store", str(tmp_path / "store"), "--reports", str(tmp_path / "reports")])
    assert not end.value.code
    (results,) = (tmp_path / "reports").rglob("cpu.json")
    found = {one["name"]: one for one in json.loads(results.read_text())["metrics"]}
    assert {metric: one["value"] for metric, one in found.items()} == pytest.approx(wanted, abs=0.005)
    for one in found.values():
        low, high = one["interval"]
        assert low < one["value"] < high < low + 0.1
    assert numbers_read_again(results) > 20
    assert sum(path.stat().st_size for path in (EXAMPLES / name).rglob("*") if path.is_file()) < 8e6
