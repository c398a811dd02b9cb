"""What the engines that kit drives itself say of a toolchain in the recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import Exit, InvalidInputError
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.targets.engine_target import EngineTarget


@pytest.fixture
def entry(tmp_path: Path, root: Path) -> Any:
    """A job of an entry ``mine`` of a hardware with some toolchain."""

    def make(hardware: str, toolchain: str) -> Job:
        line = f'\ntargets:\n  mine: {{hardware: {hardware}, toolchain: "{toolchain}"}}\n'
        (tmp_path / "kit.yaml").write_text((root / "kit.yaml").read_text().replace("\ntargets:\n", line))
        return Job(load_recipe(tmp_path), "mine", (1,), Path("/w"), Path("/i"), Path("/l"))

    return make


@pytest.mark.parametrize(
    ("hardware", "name"), [("cpu", "ONNX Runtime"), ("openvino", "OpenVINO"), ("torch", "PyTorch")]
)
def test_another_software_is_no_toolchain_of_an_engine(entry: Any, hardware: str, name: str) -> None:
    target = load_target(hardware)
    assert isinstance(target, EngineTarget)
    with pytest.raises(
        InvalidInputError, match="targets -> mine -> toolchain: CANN 9.0.1 is not a toolchain"
    ) as caught:
        target.plan(entry(hardware, "CANN 9.0.1"))
    assert caught.value.exit_code == Exit.INVALID
    assert name in caught.value.remedy
    assert target.plan(entry(hardware, name))


@pytest.mark.parametrize(
    ("stated", "ran", "noted"),
    [
        ("OpenVINO", "2026.4.1", False), ("OpenVINO 2026.4", "2026.4.1", False),
        ("openvino 2026.4.1", "2026.4.1", False),
        ("OpenVINO 2026.4, from the wheel", "2026.4.1", False), ("OpenVINO 2026.4.1", "2026.4.1+cpu", False),
        ("OpenVINO 2020.1", "2026.4.1", True), ("OpenVINO 2026.4.10", "2026.4.1", True),
        ("OpenVINO 2026.4.1", "2026.4.12", True),
    ],
)  # fmt: skip
def test_another_version_than_the_recipes_is_a_note(entry: Any, stated: str, ran: str, noted: bool) -> None:
    job = entry("openvino", stated)
    target = load_target("openvino")
    assert isinstance(target, EngineTarget)
    expected = [f"the recipe says OpenVINO {stated[9:]}, what ran is OpenVINO {ran}"] if noted else []
    assert target.other_version(job, ran) == expected
