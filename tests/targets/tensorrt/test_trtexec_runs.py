from __future__ import annotations

import pytest

from kit.targets.tensorrt.readers import trtexec
from tests.trtexecsections import STAMP, new, old, one


def test_a_run_that_failed() -> None:
    text = (
        "&&&& RUNNING TensorRT.trtexec # trtexec --onnx=net.onnx --wrokspace=4096\n"
        "[02/03/2022-10:00:05] [E] Unknown option: --wrokspace 4096\n"
        "&&&& FAILED TensorRT.trtexec # trtexec --onnx=net.onnx --wrokspace=4096\n"
    )
    reading = trtexec.read(text)
    assert reading.status == "error"
    assert reading.problems == ["trtexec says: Unknown option: --wrokspace 4096", "the run FAILED"]
    assert one(reading).command == "trtexec --onnx=net.onnx --wrokspace=4096"


def test_the_reason_of_a_parser_without_severity_is_said() -> None:
    text = (
        "ERROR: builtin_op_importers.cpp:2249 In function importPad:\n[8] Assertion failed: inputs.at(1).is_weights()\n"
        "[02/03/2022-10:00:05] [E] Failed to parse onnx file\n[02/03/2022-10:00:05] [F] [TRT] Out of memory\n"
        "&&&& FAILED TensorRT.trtexec # trtexec\n"
    )
    assert trtexec.read(text).problems == [
        "trtexec says: ERROR: builtin_op_importers.cpp:2249 In function importPad:",
        "trtexec says: [8] Assertion failed: inputs.at(1).is_weights()",
        "trtexec says: Failed to parse onnx file",
        "trtexec says: Out of memory",
        "the run FAILED",
    ]


def test_a_run_that_was_killed() -> None:
    text = f"&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec\n{STAMP}Throughput: 400 qps\n"
    reading = trtexec.read(text + "Cuda failure: out of memory\n")
    assert reading.status == "partial"
    assert reading.problems[:2] == [
        "trtexec says: Cuda failure: out of memory",
        "the log ends before PASSED or FAILED",
    ]
    assert one(reading).version == "8.6.1"


def test_averages_are_what_a_cut_run_gives() -> None:
    text = f"{STAMP}Average on 10 runs - GPU latency: 2 ms - Host latency: 3 ms (enqueue 0.5 ms)\n"
    text += f"{STAMP}Average on 30 runs - GPU latency: 4 ms - Host latency: 5 ms (enqueue 0.5 ms)\n"
    reading = trtexec.read(text)
    assert one(reading).trace_averages == {"enqueues": 40, "gpu_compute_mean": 3.5, "host_latency_mean": 4.5}
    assert reading.status == "partial"


def test_the_averages_of_6_are_its_result() -> None:
    lines = "".join(
        f"[09/21/2020-15:56:00] [I] Average over {runs} runs is {gpu} ms (host walltime is {gpu + 1} ms, "
        f"99% percentile time is {gpu + 0.5}).\n"
        for runs, gpu in ((10, 2.0), (30, 4.0))
    )
    reading = trtexec.read(lines)
    assert reading.as_json() == {
        "family": "trtexec",
        "trace_averages": {"enqueues": 40, "gpu_compute_mean": 3.5, "host_latency_mean": 4.5},
        "form": ["6.x"],
        "fps_if_batch_1": 285.714286,
        "status": "ok",
    }
    assert len(trtexec.read(f"batch 1:\n{lines}batch 8:\n{lines}").runs) == 2


def test_two_runs_are_never_one() -> None:
    both = trtexec.read(old() + old().replace("mean: 1.5", "mean: 1.75"))
    assert [run.gpu_mean for run in both.runs] == [1.5, 1.75]
    assert both.run is None
    assert len(both.as_json()["runs"]) == 2
    unnamed = trtexec.read("mean = 3.5 ms\nmean = 4.5 ms\n")
    assert [run.unnamed for run in unnamed.runs] == [{"mean": 3.5}, {"mean": 4.5}]


def test_the_explanations_of_a_verbose_log_are_no_sections() -> None:
    text = (
        f"{STAMP}Throughput: 400 qps\n{new('Latency')}{new()}"
        "[02/03/2022-10:00:05] [V] === Explanations of the performance metrics ===\n"
        "[02/03/2022-10:00:05] [V] Throughput: the observed throughput computed by dividing the number of queries.\n"
        "[02/03/2022-10:00:05] [V] Latency: the summation of H2D Latency, GPU Compute Time, and D2H Latency.\n"
        "[02/03/2022-10:00:05] [V] GPU Compute Time: the GPU latency to execute the kernels for a query.\n"
        "&&&& PASSED TensorRT.trtexec [TensorRT v101000] [b31] # trtexec --verbose\n"
    )
    reading = trtexec.read(text)
    assert (one(reading).version, one(reading).outcome, reading.status) == ("10.10.0", "PASSED", "ok")


def test_a_summary_written_by_hand() -> None:
    text = "Throughput: 42.25 qps\nLatency median: 16.5 ms\nGPU Compute Time median: 15.25 ms\n"
    reading = trtexec.read(text)
    assert one(reading).sections == {"host_latency": {"median": 16.5}, "gpu_compute": {"median": 15.25}}
    assert reading.status == "partial"
    short = trtexec.read(
        "&&&& PASSED TensorRT.trtexec [TensorRT v100700]\nGPU Compute: min=1.25ms, mean=1.5ms, max=2.5ms\n"
    )
    assert one(short).sections == {"gpu_compute": {"min": 1.25, "mean": 1.5, "max": 2.5}}


def test_a_misspelt_input_is_said() -> None:
    warning = (
        "[W] Dynamic dimensions required for input: actual_input_1, but no shapes were provided. "
        "Automatically overriding shape to: 1x3x224x224\n"
    )
    reading = trtexec.read(warning + new())
    assert any("input actual_input_1 got no shape" in problem for problem in reading.problems)


def test_shapes_device_and_warnings() -> None:
    text = (
        f"{STAMP}Selected Device: Tesla T4\n{STAMP}Created input binding for x with dimensions 10x3x640x1088\n{new()}"
        "[02/03/2022-10:00:05] [W] * GPU compute time is unstable, with coefficient of variance = 12.3891%.\n"
    )
    run = one(trtexec.read(text))
    assert (run.device, run.shapes) == ("Tesla T4", {"x": "10x3x640x1088"})
    assert run.warnings == ["GPU compute time is unstable, with coefficient of variance = 12.3891%."]


@pytest.mark.parametrize(
    ("digits", "version"),
    [("7203", "7.2.3"), ("8001", "8.0.1"), ("8205", "8.2.5"), ("8601", "8.6.1"), ("100300", "10.3.0"),
     ("8.2.5", "8.2.5"), ("101401", "10.14.1")],
)  # fmt: skip
def test_versions(digits: str, version: str) -> None:
    assert trtexec.version_of(digits) == version


def test_a_log_that_names_two_versions_says_so() -> None:
    banner = "&&&& RUNNING TensorRT.trtexec [TensorRT v101600] [b11] # trtexec --loadEngine=m.plan\n"
    same = trtexec.read(banner + "[11/20/2026-10:00:00] [I] TensorRT version: 10.16.0\n")
    assert not any("names TensorRT" in problem for problem in same.problems)
    other = trtexec.read(banner + "[11/20/2026-10:00:00] [I] TensorRT version: 10.13.3\n")
    assert "the log names TensorRT 10.16.0 and 10.13.3" in other.problems
