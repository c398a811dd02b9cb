"""Each row of the TensorRT table: its flags are those that this version's trtexec takes, and its output is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.errors import Exit, InvalidInputError, StepError
from kit.planning.planner import plan
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.targets.tensorrt.toolchains import TOOLCHAINS, toolchain_of

_CLOCK = ("--warmUp=200", "--duration=3", "--iterations=10", "--avgRuns=10", "--infStreams=1")
_AS_BEFORE = ("--includeDataTransfers", "--noCudaGraph", "--noSpinWait")


@pytest.fixture
def entry(tmp_path: Path, root: Path) -> Any:
    """A job of an entry ``card`` that is a T4 with some toolchain."""

    def make(toolchain: str, **options: object) -> Job:
        line = f'\ntargets:\n  card: {{hardware: T4, toolchain: "{toolchain}"}}\n'
        text = (root / "kit.yaml").read_text().replace("\ntargets:\n", line)
        (tmp_path / "kit.yaml").write_text(text)
        return Job(load_recipe(tmp_path), "card", (1, 16), Path("/w"), Path("/i"), Path("/l"), options=options)

    return make


@pytest.mark.parametrize(
    ("version", "workspace", "build_only", "clock"),
    [
        ("8.6.1.6", "--memPoolSize=workspace:5000", "--skipInference", _CLOCK),
        ("8.6.3", "--memPoolSize=workspace:5000", "--skipInference", _CLOCK),
        ("10.0.1.6", "--memPoolSize=workspace:5000M", "--skipInference", _CLOCK),
        ("10.16.1.11", "--memPoolSize=workspace:5000M", "--skipInference", _CLOCK),
        ("11.0.0.114", "--memPoolSize=workspace:5000M", "--skipInference", (*_AS_BEFORE, *_CLOCK)),
        ("11.1.0.106", "--memPoolSize=workspace:5000M", "--skipInference", (*_AS_BEFORE, *_CLOCK)),
        ("11.2.1.2", "--memPoolSize=workspace:5000M", "--skipInference", (*_AS_BEFORE, *_CLOCK)),
    ],
)
def test_each_row_has_its_own_flags(
    entry: Any, version: str, workspace: str, build_only: str, clock: tuple[str, ...]
) -> None:
    job = entry(f"TensorRT {version}", long_seconds=30)
    steps = {step.name: step for step in plan([(load_target("T4"), job)]).steps}
    shapes = "--shapes=actual_input_1:16x3x224x224"
    precision = () if version.startswith("11.") else ("--fp16",)
    assert steps["card/convert-bs16"].argv == (
        "trtexec", "--onnx=spnasnet_100.onnx", *precision, shapes, workspace, "--saveEngine=spnasnet_100_bs16.plan",
        build_only,
    )  # fmt: skip
    assert steps["card/bench-bs16-run1"].argv == (
        "trtexec", "--loadEngine=spnasnet_100_bs16.plan", shapes, *clock, "--exportTimes=times.json",
    )  # fmt: skip
    for step in steps.values():
        names = [word.partition("=")[0] for word in step.argv if word.startswith("--")]
        assert step.argv[0] != "trtexec" or len(names) == len(set(names)), step.argv  # trtexec takes no option twice
    assert "--duration=30" in steps["card/bench-bs1-long"].argv
    assert {step.image for step in steps.values() if step.argv[0] == "trtexec"} == {f"tensorrt-{version}"}
    (spec,) = load_target("T4").images(job)
    assert (spec.name, spec.base) == (f"tensorrt-{version}", TOOLCHAINS[version].image)


def test_every_row_is_tried_here() -> None:
    assert set(TOOLCHAINS) == {
        "7.2.3.4", "8.6.1.6", "8.6.3", "10.0.1.6", "10.16.1.11", "11.0.0.114", "11.1.0.106", "11.2.1.2",
    }  # fmt: skip


@pytest.mark.parametrize("version", ["8.6.3", "10.0.1.6", "10.16.1.11", "11.0.0.114", "11.2.1.2"])
def test_a_whole_rehearsal_of_each_series(rehearsals: Any, version: str) -> None:
    made = rehearsals("T4", toolchain=f"TensorRT {version}", runs=1).shortened()
    reading = made.target.read(made.job, made.run_all())
    assert reading.accuracy.n == 10
    assert reading.toolchain == f"TensorRT {version}"
    assert [one.batch for one in reading.throughput] == [1, 4]
    # What the log says of the clock, whatever this version's defaults are: the same for all of them.
    for one in reading.throughput:
        assert one.conditions.precision == ("fp32" if version.startswith("11.") else "fp16")
        assert (one.conditions.transfers, one.conditions.graph, one.conditions.wait) == ("included", "off", "block")
        assert one.conditions.streams == 1


@pytest.mark.parametrize(
    ("toolchain", "options", "words", "remedy"),
    [
        ("TensorRT 9.9", {}, "TensorRT 9.9 is not known", "8.6.3"),
        ("TensorRT 10.99.0", {}, "TensorRT 10.99.0 is not known", "options -> base"),
        ("CANN 9.0.1", {}, "CANN 9.0.1 is not a toolchain of this target", "write TensorRT"),
        ("TensorRT", {}, "is not a toolchain of this target", "7.2.3.4"),
        ("TensorRT 11.0.0.114", {"fp16": True}, "options -> fp16: TensorRT 11.0.0.114 builds what", "leave it out"),
    ],
)
def test_what_cannot_be_used(entry: Any, toolchain: str, options: dict[str, Any], words: str, remedy: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_target("T4").plan(entry(toolchain, **options))
    assert caught.value.what.startswith("targets -> card -> ")
    assert words in caught.value.what
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == Exit.INVALID


def test_another_version_of_a_known_series_needs_its_image(entry: Any) -> None:
    row = toolchain_of(entry("TensorRT 10.13.3, CUDA 13.0", base="nvcr.io/nvidia/tensorrt:25.10-py3"))
    assert (row.version, row.image) == ("10.13.3", "nvcr.io/nvidia/tensorrt:25.10-py3")
    assert row.workspace == TOOLCHAINS["10.16.1.11"].workspace


def test_a_log_of_another_version_is_refused(rehearsals: Any) -> None:
    made = rehearsals("T4", toolchain="TensorRT 10.16.1.11", runs=1)
    name = "T4-other/convert-bs1"
    with pytest.raises(StepError, match=r"the log is of TensorRT 10\.0\.1, .* is TensorRT 10\.16\.1\.11") as caught:
        made.run(name, KIT_SIM_TENSORRT="10.0.1.6")
    assert "targets -> T4-other -> toolchain" in caught.value.remedy
    old = rehearsals("T4", runs=1)
    old.job = replace(old.job, simulate=True)
    with pytest.raises(StepError, match="its flags|does not know the option|the log is of TensorRT 8"):
        old.run("T4/convert-bs1", KIT_SIM_TENSORRT="8.6.3")


def test_the_flags_of_7_2_end_trtexec_10_with_an_error(rehearsals: Any) -> None:
    with pytest.raises(StepError, match="does not know the option --workspace") as caught:
        rehearsals("T4", runs=1).run("T4/convert-bs1", KIT_SIM_TENSORRT="10.16.1.11")
    assert "toolchain" in caught.value.remedy
