"""What exactly runs on T4: the argv of trtexec and nvidia-smi, the GPU request, and what options change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import DeviceError, EngineError, InvalidInputError, KitError, MissingError, ResourceError, StepError
from kit.execution.selection import with_devices
from kit.planning.planner import plan
from kit.planning.step import Made, Step
from kit.planning.target import Job, load_target
from kit.planning.task import task_of
from kit.recipe.schema import load_recipe
from kit.targets.tensorrt.faults import NVIDIA_SMI, START, TRTEXEC
from kit.toollogs.messages import explain
from tests.tasks.publishedfolders import several_inputs

UUID = "GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4"


@pytest.fixture(autouse=True)
def no_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path))
    return tmp_path


def job_of(checkout: Path, /, *, device: int = 0, simulate: bool = False, **options: object) -> Job:
    recipe = load_recipe(checkout)
    return Job(recipe, "T4", recipe.batches_of("T4"), Path("/w"), Path("/i"), Path("/l"), simulate, device, options)


def planned(checkout: Path, /, **changes: Any) -> dict[str, Step]:
    target = load_target("T4")
    job = with_devices(target, job_of(checkout, **changes))
    return {step.name: step for step in plan([(target, job)]).steps}


def add_gpu(top: Path, bus: str, uuid: str, model: str = "Tesla T4") -> None:
    folder = top / "proc/driver/nvidia/gpus" / bus
    folder.mkdir(parents=True)
    (folder / "information").write_text(
        f"Model: \t\t {model}\nIRQ:   \t\t 42\nGPU UUID: \t {uuid}\nBus Type: \t PCIe\nDevice Minor: \t 0\n"
    )


def test_a_plan_is_built_with_the_flags_of_the_published_report(root: Path) -> None:
    steps = planned(root)
    for batch in (1, 4, 8, 16, 32, 64):
        assert steps[f"T4/convert-bs{batch}"].argv == (
            "trtexec",
            "--onnx=spnasnet_100.onnx",
            "--fp16",
            f"--shapes=actual_input_1:{batch}x3x224x224",
            "--workspace=5000",
            f"--saveEngine=spnasnet_100_bs{batch}.plan",
            "--buildOnly",
        )


def test_the_very_plan_is_measured_and_evaluated(root: Path) -> None:
    steps = planned(root)
    bench, infer = steps["T4/bench-bs16-run1"], steps["T4/infer-bs16"]
    assert bench.argv == (
        "trtexec",
        "--loadEngine=spnasnet_100_bs16.plan",
        "--fp16",
        "--shapes=actual_input_1:16x3x224x224",
        "--workspace=5000",
        "--threads",
        "--exportTimes=times.json",
    )
    assert bench.inputs["engine"] == infer.inputs["engine"] == Made("T4/convert-bs16", "spnasnet_100_bs16.plan")
    assert bench.links == {"spnasnet_100_bs16.plan": "{in:engine}"}
    assert bench.timed and bench.keep_output
    assert infer.argv[:5] == ("python3", "-m", "inside.trt_infer", "--plan", "{in:engine}")
    assert steps["T4/crosscheck-bs16-0"].argv == (
        "trtexec",
        "--loadEngine=spnasnet_100_bs16.plan",
        "--shapes=actual_input_1:16x3x224x224",
        "--loadInputs=actual_input_1:{in:results}/check/input_0.bin",
        "--exportOutput=output.json",
        "--warmUp=0",
        "--duration=0",
        "--iterations=1",
    )


def test_repeats_are_steps_of_their_own(root: Path) -> None:
    steps = planned(root, runs=3)
    runs = [steps[f"T4/bench-bs1-run{run}"] for run in (1, 2, 3)]
    assert len({step.argv for step in runs}) == 1
    assert len({tuple(step.environment.items()) for step in runs}) == 3  # or the store would answer two of them


def test_options_reach_the_steps(root: Path) -> None:
    steps = planned(root, fp16=False, workspace=1024, long_seconds=30, crosscheck=0)
    assert steps["T4/convert-bs1"].argv[2:4] == ("--shapes=actual_input_1:1x3x224x224", "--workspace=1024")
    assert "--duration=30" in steps["T4/bench-bs64-long"].argv
    assert not any("crosscheck" in name for name in steps)


def test_the_gpu_is_asked_for_by_uuid(root: Path, no_devices: Path) -> None:
    assert planned(root)["T4/infer-bs1"].devices.gpus == ("0",)  # the driver is not there: by its number
    add_gpu(no_devices, "0000:3b:00.0", "GPU-11111111-2222-3333-4444-555555555555")
    add_gpu(no_devices, "0000:13:00.0", UUID)
    assert planned(root)["T4/infer-bs1"].devices.gpus == (UUID,)  # nvidia-smi counts by bus address
    assert planned(root, device=1)["T4/infer-bs1"].devices.gpus == ("GPU-11111111-2222-3333-4444-555555555555",)
    assert planned(root, device=2)["T4/infer-bs1"].devices.gpus == ("2",)
    given = "GPU-99999999-2222-3333-4444-555555555555"
    assert planned(root, gpu=given)["T4/infer-bs1"].devices.gpus == (given,)


def test_a_uuid_that_the_driver_does_not_know_yet_is_no_uuid(root: Path, no_devices: Path) -> None:
    add_gpu(no_devices, "0000:13:00.0", "GPU-????????-????-????-????-????????????")
    assert planned(root)["T4/infer-bs1"].devices.gpus == ("0",)


def test_the_gpu_is_looked_at_before_and_after(root: Path) -> None:
    steps = planned(root)
    names = list(steps)
    bench = [name for name in names if "/bench-" in name]
    assert names.index("T4/state-before") < min(map(names.index, bench))
    assert names[-1] == "T4/state-after"
    query = steps["T4/state-before"].argv
    assert query[0] == "nvidia-smi" and query[2] == "--format=csv,noheader,nounits"
    for field in ("uuid", "driver_version", "clocks_throttle_reasons.active", "temperature.gpu", "ecc.mode.current"):
        assert field in query[1].split("=")[1].split(",")


def test_a_rehearsal_has_the_same_argv(root: Path) -> None:
    real, rehearsed = planned(root), planned(root, simulate=True)
    assert {name: step.argv for name, step in real.items()} == {name: step.argv for name, step in rehearsed.items()}
    assert all(step.image == "simulated" and not step.devices.gpus for step in rehearsed.values() if step.simulated)


def test_the_image_is_the_vendors_or_made_from_the_archive(root: Path) -> None:
    target = load_target("T4")
    (spec,) = target.images(job_of(root))
    assert (spec.base, spec.args, spec.files) == ("nvcr.io/nvidia/tensorrt:21.06-py3", {}, None)
    archive = "TensorRT-7.2.3.4.Ubuntu-18.04.x86_64-gnu.cuda-11.0.cudnn8.1.tar.gz"
    (spec,) = target.images(job_of(root, tarball=archive, tarball_sha256="0" * 64))
    assert spec.base == "nvidia/cuda:11.0.3-cudnn8-devel-ubuntu18.04"
    assert spec.args == {"TARBALL": archive, "TARBALL_SHA256": "0" * 64}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workspace": 1}, "targets -> T4 -> options -> workspace: 1"),
        ({"gpu": "0"}, "options -> gpu: 0"),
        ({"tarball": "../../etc/passwd"}, "options -> tarball"),
        ({"wrokspace": 4096}, "options -> wrokspace: is not a known setting"),
        ({"runs": 0}, "options -> runs"),
    ],
)
def test_a_wrong_option_names_its_place(root: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        planned(root, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("[04/14/2026-01:43:06] [W] Dynamic dimensions required for input: input.1, but no shapes were provided.",
         InvalidInputError, "dynamic input input.1"),
        ("[E] Static model does not take explicit shapes since the shape of inference", InvalidInputError, "static"),
        ("[E] [TRT] CUDA initialization failure with error 35. Please check", DeviceError, "too old"),
        ("[E] [TRT] CUDA initialization failure with error 100. Please", DeviceError, "sees no GPU"),
        ("[E] [TRT] CUDA initialization failure with error 999. Please", DeviceError, "error 999"),
        ("[E] [TRT] INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting compute 8.0",
         StepError, "another GPU"),
        ("../rtSafe/coreReadArchive.cpp (38) - Serialization Error in verifyHeader: 0 (Version tag does not match)",
         StepError, "another version"),
        ("../rtSafe/coreReadArchive.cpp (31) - Serialization Error in verifyHeader: 0 (Magic tag does not match)",
         StepError, "not a plan"),
        ("[E] [TRT] ../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)", ResourceError,
         "memory"),
        ("[E] Error[1]: [defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)", ResourceError,
         "memory"),
        ("[E] Error opening engine file: x.plan", StepError, "x.plan"),
        ("[E] Unknown option: --wrokspace 4096", StepError, "--wrokspace"),
        ("[E] stoi", InvalidInputError, "number"),
        ("Cuda failure: CUDA driver version is insufficient for CUDA runtime version", DeviceError, "too old"),
        ("Cuda failure: unspecified launch failure", DeviceError, "unspecified launch failure"),
        ("[E] Something new", StepError, "Something new"),
    ],
)  # fmt: skip
def test_a_message_of_trtexec_is_explained(text: str, error: type[KitError], words: str) -> None:
    found = explain(TRTEXEC, f"&&&& RUNNING TensorRT.trtexec # trtexec\n{text}\n&&&& FAILED TensorRT.trtexec\n")
    assert type(found) is error
    assert words in found.what
    assert found.remedy


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', DeviceError),
        ("nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.9, please update", DeviceError),
        ("nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown", DeviceError),
        ("invoking the NVIDIA Container Runtime Hook directly (e.g. specifying --gpus) is not supported", DeviceError),
        ("manifest for nvidia/cuda:11.0-x not found: manifest unknown", EngineError),
    ],
)
def test_the_engines_words_about_gpus_are_explained(text: str, error: type[KitError]) -> None:
    found = explain(START, text)
    assert type(found) is error and found.remedy


def test_nvidia_smi_that_is_not_in_the_container() -> None:
    assert type(explain(NVIDIA_SMI, "bash: nvidia-smi: command not found")) is MissingError


def test_a_task_on_files_goes_through_the_same_plans(tmp_path: Path) -> None:
    folder = several_inputs(tmp_path)
    folder.write_text(folder.read_text().replace("310P: null", "T4: null"))
    target, recipe = load_target("T4"), load_recipe(folder)
    job = Job(recipe, "T4", (1, 4), Path("/w"), Path("/i"), Path("/l"), True, 0, {}, task=task_of(recipe))
    steps = {step.name: step for step in plan([(target, job)]).steps}
    assert "--shapes=ids:4x6,mask:4x6" in steps["T4/convert-bs4"].argv
    assert {"T4/bs1-infer", "T4/bs1-score", "T4/bs4-infer", "T4/bs4-score", "T4/bench-bs4-run1"} <= steps.keys()
    assert not any("crosscheck" in name for name in steps)
    infer = steps["T4/bs4-infer"]
    assert infer.simulated and infer.inputs["model"] == Made("T4/convert-bs4", "several_bs4.plan")
    assert infer.argv[:3] == ("python3", "-m", "inside.infer_files") and "tensorrt" in infer.argv
    assert '"dtype":"int64"' in infer.argv[infer.argv.index("--inputs") + 1]
    # trtexec's own whole numbers are no words of a vocabulary: it measures a batch of the data set.
    assert "--keep-batch" in infer.argv and "batch" in infer.outputs
    bench = steps["T4/bench-bs4-run1"]
    assert "--loadInputs=ids:{in:real}/batch/0.bin,mask:{in:real}/batch/1.bin" in bench.argv
    assert bench.inputs["real"] == Made("T4/bs4-infer")
