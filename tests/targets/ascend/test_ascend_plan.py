"""What exactly runs on 310 and 310P: the argv of the vendor's tools, devices, and what options change."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from kit.errors import InvalidInputError
from kit.execution.selection import with_devices
from kit.planning.planner import plan
from kit.planning.step import GIB, Made, Step
from kit.planning.target import Job, Target, load_target
from kit.recipe.schema import load_recipe

ARCH = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
NODES = ("/dev/davinci0", "/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc")


@pytest.fixture(autouse=True)
def no_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path))


def planned(
    checkout: Path, /, target: str, *, device: int = 0, simulate: bool = False, **options: object
) -> dict[str, Step]:
    recipe = load_recipe(checkout)
    job = Job(recipe, target, recipe.batches_of(target), Path("/w"), Path("/i"), Path("/l"), simulate, device, options)
    found = load_target(target)
    return {step.name: step for step in plan([(found, with_devices(found, job))]).steps}


def targets(step: Step) -> tuple[str, ...]:
    """The nodes as the container sees them: the host's are under another root here."""
    return tuple(node.partition(":")[2] for node in step.devices.nodes)


@pytest.mark.parametrize(("target", "soc"), [("310", "Ascend310"), ("310P", "Ascend310P3")])
def test_atc_gets_the_flags_of_the_published_report(root: Path, target: str, soc: str) -> None:
    steps = planned(root, target)
    for batch in (1, 4, 8, 16, 32, 64):
        step = steps[f"{target}/convert-bs{batch}"]
        assert step.argv == (
            "atc",
            "--model=spnasnet_100.onnx",
            "--framework=5",
            f"--output=spnasnet_100_bs{batch}",
            "--input_format=NCHW",
            f"--input_shape=actual_input_1:{batch},3,224,224",
            "--log=error",
            f"--soc_version={soc}",
        )
        assert step.outputs == (f"spnasnet_100_bs{batch}.om",)
        assert step.devices.nodes == () and step.devices.runtime is None  # conversion needs no device
        assert not step.timed


def test_benchmark_gets_the_flags_of_the_published_report(root: Path) -> None:
    step = planned(root, "310P")["310P/infer-bs16"]
    assert step.argv == (
        f"benchmark.{ARCH}",
        "-model_type=vision",
        "-device_id=0",
        "-batch_size=16",
        "-om_path=spnasnet_100_bs16.om",
        "-input_text_path=spnasnet_100_val.info",
        "-input_width=224",
        "-input_height=224",
        "-output_binary=False",
        "-useDvpp=False",
    )
    assert step.links == {
        "spnasnet_100_bs16.om": "{in:engine}",
        "prep_bin": "{in:tensors}/prep_bin",
        "spnasnet_100_val.info": "{in:tensors}/dataset.info",
    }
    assert step.workdir == "{out}"  # the tool writes to ./result
    assert targets(step) == NODES
    assert step.timed
    assert step.inputs["engine"] == Made("310P/convert-bs16", "spnasnet_100_bs16.om")


def test_ais_bench_as_the_newer_tool(root: Path) -> None:
    steps = planned(root, "310P", tool="ais_bench", mode="mixed", output="bin", rounds=500)
    assert steps["310P/infer-bs16"].argv == (
        "python3", "-m", "ais_bench", "--model={in:engine}", "--batchsize=16", "--warmup_count=10",
        "--input={in:tensors}/prep_bin", "--output={out}", "--output_dirname=result", "--outfmt=BIN", "--device=0",
    )  # fmt: skip
    assert steps["310P/bench-bs8"].argv[-2:] == ("--loop=500", "--device=0")
    # The published tool refuses symbolic links, inputs of other owners, and output folders that others may read.
    assert steps["310P/infer-bs16"].links == {}
    assert steps["310P/infer-bs16"].private and steps["310P/bench-bs8"].private
    assert not planned(root, "310P")["310P/infer-bs16"].private
    assert "--suffix" in steps["310P/metrics-bs1"].argv
    assert steps["310P/metrics-bs1"].argv[steps["310P/metrics-bs1"].argv.index("--suffix") + 1] == "0"


def test_the_chip_is_looked_at_before_and_after(root: Path) -> None:
    names = list(planned(root, "310"))
    measured = [name for name in names if "/infer-" in name]
    assert names.index("310/state-before") < min(map(names.index, measured))
    assert names.index("310/state-after") > max(map(names.index, measured))
    assert len(measured) == 6


def test_device_n_maps_the_chips_from_0_to_n(root: Path) -> None:
    step = planned(root, "310", device=2)["310/infer-bs1"]
    assert targets(step) == ("/dev/davinci0", "/dev/davinci1", "/dev/davinci2", *NODES[1:])
    assert step.devices.leases[0] == "davinci2"
    assert "-device_id=2" in step.argv
    assert planned(root, "310", device=2)["310/metrics-bs1"].inputs["results"] == Made(
        "310/infer-bs1", "result/dumpOutput_device2"
    )


def test_options_reach_the_steps(root: Path) -> None:
    steps = planned(
        root, "310P", chip="Ascend710", log="info", jobs=1, memory_gib=32, root=True, arch="aarch64", output="bin"
    )
    convert, infer = steps["310P/convert-bs1"], steps["310P/infer-bs1"]
    assert convert.argv[-2:] == ("--log=info", "--soc_version=Ascend710")
    assert convert.environment["TE_PARALLEL_COMPILER"] == "1"
    assert convert.limits.memory_bytes == 32 * GIB
    assert not convert.root and infer.root
    assert infer.argv[0] == "benchmark.aarch64"
    assert "-output_binary=True" in infer.argv


@pytest.mark.parametrize("target", ["310", "310P"])
def test_a_rehearsal_has_the_same_argv(root: Path, target: str) -> None:
    real, rehearsed = planned(root, target), planned(root, target, simulate=True)
    assert list(real) == list(rehearsed)
    for name, step in real.items():
        assert rehearsed[name].argv == step.argv
        if name.startswith(target) and "metrics" not in name:
            assert rehearsed[name].image == "simulated" and rehearsed[name].simulated
            assert step.image == "ascend" and not step.simulated
    assert rehearsed[f"{target}/infer-bs1"].environment["KIT_SIM_DEVICES"] == "virtual:1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"chip": "310P"}, "targets -> 310P -> options -> chip: 310P lacks the digit of the chip"),
        ({"chip": "Ascend310p"}, "lacks the digit"),
        ({"chip": "T4"}, "T4 is not a chip name"),
        ({"chip": "310"}, "310 is not a chip of target 310P"),
        ({"rounds": 1025}, "targets -> 310P -> options -> rounds: 1025: input should be less than or equal to 1024"),
        ({"rounds": True}, "rounds"),
        ({"mode": "fast"}, "options -> mode: fast"),
        ({"moed": "dataset"}, "options -> moed: is not a known setting"),
        ({"base": "--privileged"}, "options -> base"),
        ({"sha256": {"x.run": "abc"}}, "options -> sha256 -> x.run"),
    ],
)
def test_a_wrong_option_names_its_place(root: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        planned(root, "310P", **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_both_cards_share_what_does_not_depend_on_the_chip(root: Path) -> None:
    recipe = load_recipe(root)
    jobs: list[tuple[Target, Job]] = [
        (load_target(name), Job(recipe, name, (1,), Path("/w"), Path("/i"), Path("/l")))
        for name in ("310", "310P", "T4")
    ]
    names = [step.name for step in plan(jobs).steps]
    assert len(names) == len(set(names))
    assert names.count("export") == names.count("preprocess") == names.count("parity") == 1
