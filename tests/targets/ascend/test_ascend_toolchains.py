"""Each row of the CANN table: flags, tool, image, and what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import Exit, InvalidInputError, MissingError
from kit.planning.planner import plan
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.targets.ascend.packages import verify
from kit.targets.ascend.toolchains import TOOLCHAINS

FP16 = "--precision_mode_v2=fp16"
#: version -> (card, tool, flag of atc, image)
ROWS = {
    "5.1.RC1": ("310", "benchmark.x86_64", "", None),
    "6.0.RC1": ("310", "python3", "--precision_mode=force_fp16", None),
    "6.0.0": ("310P", "python3", "--precision_mode=force_fp16", None),
    "6.0.1": ("310", "python3", "--precision_mode=force_fp16", None),
    "7.0.RC1": ("310P", "python3", FP16, None),
    "7.0.0": ("310", "python3", FP16, None),
    "8.0.0": ("310", "python3", FP16, None),
    "8.1.RC1": ("310P", "python3", FP16, "8.1.rc1-310p-ubuntu22.04-py3.10"),
    "8.2.RC1": ("310P", "python3", FP16, "8.2.rc1-310p-ubuntu22.04-py3.11"),
    "8.2.RC2": ("310P", "python3", FP16, "8.2.rc2-310p-ubuntu22.04-py3.11"),
    "8.3.RC1": ("310P", "python3", FP16, "8.3.rc1-310p-ubuntu22.04-py3.11"),
    "8.3.RC2": ("310P", "python3", FP16, "8.3.rc2-310p-ubuntu22.04-py3.11"),
    "9.0.0": ("310P", "python3", FP16, "9.0.0-310p-ubuntu22.04-py3.11"),
    "9.0.1": ("310P", "python3", FP16, "9.0.1-310p-ubuntu22.04-py3.11"),
}


@pytest.fixture
def entry(tmp_path: Path, root: Path) -> Any:
    """A job of an entry ``card`` that is some card with some toolchain."""

    def make(hardware: str, toolchain: str, *, opset: int = 11, **options: object) -> Job:
        line = f"\ntargets:\n  card: {{hardware: {hardware}, toolchain: {toolchain}}}\n"
        text = (root / "kit.yaml").read_text().replace("\ntargets:\n", line).replace("opset: 11", f"opset: {opset}")
        (tmp_path / "kit.yaml").write_text(text)
        given = {"arch": "x86_64", **options}
        return Job(load_recipe(tmp_path), "card", (1, 16), Path("/w"), Path("/i"), Path("/l"), options=given)

    return make


@pytest.mark.parametrize("version", ROWS)
def test_each_row_has_its_own_flags(entry: Any, version: str) -> None:
    card, tool, precision, image = ROWS[version]
    job, target = entry(card, f"CANN {version.lower()}"), load_target(card)
    steps = {step.name: step for step in plan([(target, job)]).steps}
    soc = "--soc_version=Ascend310P3" if card == "310P" else "--soc_version=Ascend310"
    assert steps["card/convert-bs16"].argv[-2 if precision else -1 :] == tuple(filter(None, (soc, precision)))
    assert steps["card/infer-bs16"].argv[0] == tool
    (spec,) = target.images(job)
    if image is None:
        assert (spec.folder.name, spec.base, spec.args["CANN_VERSION"]) == ("ascend", "ubuntu:18.04", version)
    else:
        assert (spec.folder.name, spec.base) == ("cann", f"quay.io/ascend/cann:{image}")
    assert spec.name == ("ascend" if version == "5.1.RC1" else f"ascend-{version.lower()}")
    assert steps["card/convert-bs16"].image == spec.name


def test_every_row_is_tried_here() -> None:
    assert {version for version, row in TOOLCHAINS.items() if not row.fault} == set(ROWS)


@pytest.mark.parametrize("version", ["5.1.RC1", "6.0.1", "7.0.0", "8.3.RC2", "9.0.1"])
def test_a_whole_rehearsal_of_each_series(rehearsals: Any, version: str) -> None:
    made = rehearsals("310P", toolchain=f"CANN {version}", rounds=12)
    reading = made.target.read(made.job, made.run_all())
    assert reading.accuracy.n == 10
    assert reading.environment["CANN"] == version
    assert reading.environment["inference tool"] == ("benchmark" if version == "5.1.RC1" else "ais_bench")
    assert [one.mode for one in reading.throughput] == ["dataset", "dataset"]


@pytest.mark.parametrize(
    ("card", "toolchain", "words", "remedy"),
    [
        ("310P", "CANN 9.9", "CANN 9.9 is not known", "9.0.1"),
        (
            "310P",
            "CANN 8.5.1",
            "CANN 8.5.1 cannot be used: its image lacks the Python packages",
            "use CANN 8.3.RC2 or 9.0.1",
        ),
        ("310", "CANN 9.0.1", "CANN 9.0.1 does not support the 310", "use CANN 8.0.0"),
        ("310P", "TensorRT 10.16.1.11", "is not a toolchain of this target", "write CANN"),
        ("310P", "9.0.1", "9.0.1 is not a toolchain of this target", "write CANN and a version"),
    ],
)
def test_what_cannot_be_used(entry: Any, card: str, toolchain: str, words: str, remedy: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_target(card).plan(entry(card, toolchain))
    assert caught.value.what.startswith("targets -> card -> toolchain: ")
    assert words in caught.value.what
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == Exit.INVALID


def test_an_opset_that_the_toolkit_cannot_read(entry: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"CANN 6\.0\.1 of target card reads ONNX opsets 9 to 13, not 17"):
        load_target("310P").plan(entry("310P", "CANN 6.0.1", opset=17))
    load_target("310P").plan(entry("310P", "CANN 9.0.1", opset=17))


def test_wheels_are_bound_to_the_python_of_the_image(entry: Any, tmp_path: Path) -> None:
    folder = tmp_path / "packages/ascend"
    folder.mkdir(parents=True)
    (folder / "ais_bench-0.0.2-py3-none-any.whl").write_bytes(b"PK\x03\x04")
    (folder / "aclruntime-0.0.2-cp37-cp37m-linux_x86_64.whl").write_bytes(b"PK\x03\x04")
    with pytest.raises(MissingError, match=r"no aclruntime wheel for x86_64 and Python 3\.11") as caught:
        verify(entry("310P", "CANN 9.0.1"))
    assert "aclruntime-*-cp311-*_x86_64.whl" in caught.value.remedy
    (folder / "aclruntime-0.0.2-cp311-cp311-linux_x86_64.whl").write_bytes(b"PK\x03\x04")
    assert len(verify(entry("310P", "CANN 9.0.1"))) == 3  # the toolkit is in the image, and both wheels are here
