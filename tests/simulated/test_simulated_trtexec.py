from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.simulated.trt_options import InvalidArgumentError, shapes, stoi
from kit.simulated.trt_plan import PlanError, read_plan
from kit.simulated.trt_report import percentile

SHORT = ("--duration=0", "--warmUp=0", "--iterations=20")
SHAPES = "--shapes=actual_input_1:4x3x16x16"
STAMP = re.compile(r"\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\] ")


def texts(out: str) -> list[str]:
    """Lines of stdout without stamps."""
    return [STAMP.sub("", line).removeprefix("[I] ") for line in out.splitlines()]


def build(machine: Any, *extra: str, **env: str) -> Any:
    return machine("trtexec", "--onnx=m.onnx", "--fp16", SHAPES, "--workspace=5000", "--threads", *SHORT, *extra, **env)


def test_seed_command_prints_the_options_of_7_2_3_and_0_qps(machine: Any, model: onnx.ModelProto) -> None:
    done = build(machine)
    assert done.code == 0
    lines = texts(done.out)
    assert lines[0] == f"&&&& RUNNING TensorRT.trtexec # trtexec --onnx=m.onnx --fp16 {SHAPES} --workspace=5000 --threads " + " ".join(SHORT)  # fmt: skip  # noqa: E501
    assert lines[-1] == lines[0].replace("RUNNING", "PASSED")
    for line in (
        "Max batch: explicit",
        "Workspace: 5000 MiB",
        "Precision: FP32+FP16",
        "Calibration: ",
        "Builder Cache: Enabled",
        "Tactic sources: Using default tactic sources",
        "Input build shape: actual_input_1=4x3x16x16+4x3x16x16+4x3x16x16",
        "Input calibration shapes: model",
        "Batch: Explicit",
        "Input inference shape: actual_input_1=4x3x16x16",
        "Multithreading: Enabled",
        "Percentile: 99",
        "Dump refittable layers:Disabled",
        "Selected Device: Tesla T4",
        "[TRT] Opset version:    11",
        "[TRT] Detected 1 inputs and 1 output network tensors.",
        "Starting inference",
        "Warmup completed 0 queries over 0 ms",
        "throughput: 0 qps",
        "Host Latency",
        "Enqueue Time",
        "GPU Compute",
    ):
        assert line in lines
    assert "[SIMULATED]" in done.err


def test_latency_block_is_in_order(machine: Any, model: onnx.ModelProto) -> None:
    lines = texts(build(machine).out)
    block = lines[lines.index("GPU Compute") + 1 :][:5]
    low, high, average, middle, percent = (float(re.search(r": (\S+) ms", line).group(1)) for line in block)  # type: ignore[union-attr]
    assert low <= middle <= high
    assert low <= average <= high
    assert percent == high  # up to a hundred values the 99th percentile is the greatest


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("7.2.3", "Workspace: 16 MiB"),
        ("8.6.1", "Max batch: explicit batch"),
        ("8.6.1", "TensorRT version: 8.6.1"),
        ("8.6.1", "timingCacheMode: local"),
        ("8.6.1", "Percentiles: 90,95,99"),
    ],
)
def test_versions(machine: Any, model: onnx.ModelProto, version: str, line: str) -> None:
    done = machine("trtexec", "--onnx=m.onnx", SHAPES, *SHORT, tensorrt=version)
    assert done.code == 0
    assert line in texts(done.out)


def test_summary_of_8(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", SHAPES, *SHORT, tensorrt="8.6.1")
    assert done.out.startswith("&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec")
    assert re.search(r"\[I\] Throughput: [1-9]\S* qps", done.out)
    assert "End-to-End" not in done.out
    assert re.search(r"GPU Compute Time: .*percentile\(90%\) = \S+ ms, percentile\(95%\)", done.out)
    row = re.search(r"Timing trace has (\d+) queries over (\S+) s", done.out)
    assert row
    rate = re.search(r"Throughput: (\S+) qps", done.out)
    assert rate
    assert float(rate.group(1)) == pytest.approx(int(row.group(1)) / float(row.group(2)), rel=1e-3)


def test_another_series_is_refused(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", tensorrt="8.5.3")
    assert (done.code, done.out) == (1, "")
    assert "TensorRT 8.5.3 is not rehearsed" in done.err


def test_version_10_has_no_batch_flags(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", "--explicitBatch", tensorrt="10.3.0")
    assert done.code == 1
    assert "[TensorRT v100300]" in done.out
    assert "[E] Unknown option: --explicitBatch " in done.err.splitlines()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--onnx", "m.onnx"], "Unknown option: m.onnx "),
        (["--onnx=m.onnx", "--wrokspace=4096"], "Unknown option: --wrokspace 4096"),
        (["--onnx=m.onnx", "--fp16", "--fp16"], "Unknown option: --fp16 "),
        (["--onnx=m.onnx", "\u2013-fp16"], "Unknown option: \u2013-fp16 "),
        (["--onnx=m.onnx", "--workspace=big"], "stoi"),
        (["--onnx=m.onnx", "--shapes=foo"], "stoi"),
        (["--fp16"], "Model missing or format not recognized"),
        (["--onnx=m.onnx", SHAPES, "--batch=4"], "Explicit batch or dynamic shapes enabled with implicit batch 4"),
        (["--onnx=m.onnx", "--explicitBatch", "--maxBatch=8"],
         "Explicit batch or dynamic shapes enabled with implicit maxBatch 8"),
        (["--onnx=m.onnx", "--explicitBatch", "--batch=8"], "Conflicting build and inference batch settings"),
        (["--onnx=m.onnx", "--minShapes=a:1x2"],
         "Must specify only --optShapes or all of --minShapes, --optShapes, --maxShapes"),
        (["--loadEngine=a", "--saveEngine=b"], "Incompatible load and save engine options selected"),
        (["--onnx=m.onnx", "--percentile=101"], "Percentile 101.000000is not in [0,100]"),
    ],
)  # fmt: skip
def test_command_line_errors(machine: Any, model: onnx.ModelProto, argv: list[str], message: str) -> None:
    done = machine("trtexec", *argv)
    assert done.code == 1
    assert f"[E] {message}" in done.err.splitlines()
    assert "--saveEngine=<file>" in done.out  # the help follows
    assert done.out.splitlines()[-1].startswith("&&&& FAILED TensorRT.trtexec # trtexec")


def test_warnings_and_errors_leave_their_stamp_in_stdout(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", *SHORT)
    text = (
        "[W] Dynamic dimensions required for input: actual_input_1, but no shapes were provided. "
        "Automatically overriding shape to: 1x3x16x16"
    )
    assert text in done.err.splitlines()
    assert re.search(rf"^{STAMP.pattern}{STAMP.pattern}\[I\]", done.out, re.MULTILINE)


def test_booleans_are_true_whatever_they_are_set_to(machine: Any, model: onnx.ModelProto) -> None:
    lines = texts(machine("trtexec", "--onnx=m.onnx", "--fp16=false", "--explicitBatch=0", SHAPES, *SHORT).out)
    assert "Precision: FP32+FP16" in lines


def test_help_and_no_arguments(machine: Any) -> None:
    done = machine("trtexec", "--help")
    assert (done.code, sum(line.startswith("&&&&") for line in done.lines())) == (0, 1)
    done = machine("trtexec")
    assert (done.code, done.lines()[-1]) == (0, "&&&& PASSED TensorRT.trtexec # trtexec")


def test_misspelt_input_measures_batch_1(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", "--shapes=actual_input:4x3x16x16", *SHORT, "--exportOutput=o.json")
    assert done.code == 0
    assert json.loads(Path("o.json").read_text())[0]["dimensions"] == "1x10"


def test_static_model_ignores_shapes_in_7_2_and_refuses_them_in_8(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(2), "m.onnx")
    done = machine("trtexec", "--onnx=m.onnx", SHAPES, *SHORT, "--exportOutput=o.json")
    assert done.code == 0
    assert "[W]" not in done.err
    assert json.loads(Path("o.json").read_text())[0]["dimensions"] == "2x10"
    for version in ("8.6.1", "10.16.1"):
        done = machine("trtexec", "--onnx=m.onnx", SHAPES, *SHORT, tensorrt=version)
        assert done.code == 1
        assert "Static model does not take explicit shapes" in done.err


def test_queries_depend_on_how_the_engine_is_loaded(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(4), "m.onnx")
    machine("trtexec", "--onnx=m.onnx", "--saveEngine=e.plan", "--buildOnly")

    def queries(*extra: str, **env: str) -> int:
        done = machine("trtexec", *extra, *SHORT, **env)
        found = re.search(r"Timing trace has (\d+) queries", done.out)
        assert found, done
        return int(found.group(1))

    once = queries("--loadEngine=e.plan")
    assert once >= 20
    assert queries("--loadEngine=e.plan", "--batch=4") == 4 * once
    assert queries("--loadEngine=e.plan", SHAPES) == 0
    assert queries("--loadEngine=e.plan", "--explicitBatch") == 0
    assert queries("--onnx=m.onnx", "--batch=4") == 0


def test_exported_times_have_swapped_keys_in_7_2(machine: Any, model: onnx.ModelProto) -> None:
    build(machine, "--exportTimes=seven.json")
    build(machine, "--exportTimes=eight.json", tensorrt="8.6.1")
    seven = json.loads(Path("seven.json").read_text())
    eight = json.loads(Path("eight.json").read_text())
    assert len(seven) >= 20
    for row in seven:
        assert row["endEnqMs"] - row["startEnqMs"] == pytest.approx(row["inMs"], abs=2e-3)
        assert row["endComputeMs"] - row["startComputeMs"] == pytest.approx(row["computeMs"], abs=2e-3)
    for row in eight:
        assert row["endH2dMs"] - row["startH2dMs"] == pytest.approx(row["h2dMs"], abs=2e-3)
    assert {"inMs", "outMs"} <= set(seven[0])
    assert {"h2dMs", "d2hMs"} <= set(eight[0])


def test_no_data_transfers(machine: Any, model: onnx.ModelProto) -> None:
    build(machine, "--noDataTransfers", "--exportTimes=t.json")
    row = json.loads(Path("t.json").read_text())[0]
    assert (row["inMs"], row["outMs"], row["latencyMs"]) == (0, 0, row["computeMs"])


@pytest.mark.slow
def test_duration_and_warm_up(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("trtexec", "--onnx=m.onnx", SHAPES, "--duration=1", "--warmUp=100", "--exportTimes=t.json")
    rows = json.loads(Path("t.json").read_text())
    wall = re.search(r"walltime: (\S+) s", done.out)
    assert wall
    assert float(wall.group(1)) >= 0.95
    assert any(row["startComputeMs"] < 100 for row in rows)
    assert rows[-1]["startComputeMs"] >= 1000


def test_output_is_the_models_in_half_precision(machine: Any, images: np.ndarray, reference: np.ndarray) -> None:
    images[:4].tofile("b.bin")
    build(machine, "--saveEngine=e.plan", "--loadInputs=actual_input_1:b.bin", "--exportOutput=o.json", "--dumpOutput")
    (entry,) = json.loads(Path("o.json").read_text())
    assert (entry["name"], entry["dimensions"]) == ("output1", "4x10")
    values = np.array(entry["values"]).reshape(4, 10)
    np.testing.assert_allclose(values, reference[:4], rtol=4e-3, atol=4e-3)
    assert not np.array_equal(values, reference[:4])
    plan = read_plan(Path("e.plan").read_bytes())
    assert plan.profile["actual_input_1"] == [[4, 3, 16, 16]] * 3


def test_missing_and_short_inputs_are_not_noticed_in_7_2(machine: Any, model: onnx.ModelProto) -> None:
    Path("short.bin").write_bytes(b"\0" * 8)
    for name in ("absent.bin", "short.bin"):
        done = build(machine, f"--loadInputs=actual_input_1:{name}")
        assert (done.code, "[E]" in done.err) == (0, False)
    done = build(machine, "--loadInputs=actual_input_1:absent.bin", tensorrt="8.6.1")
    assert done.code == 1
    assert "[E] Cannot open file absent.bin!" in done.err.splitlines()


def test_random_input_is_the_same_in_each_run(machine: Any, model: onnx.ModelProto) -> None:
    for name in ("a.json", "b.json"):
        build(machine, f"--exportOutput={name}")
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_plans_are_never_the_same_bytes(machine: Any, model: onnx.ModelProto) -> None:
    build(machine, "--saveEngine=a.plan", "--buildOnly")
    build(machine, "--saveEngine=b.plan", "--buildOnly")
    assert Path("a.plan").read_bytes() != Path("b.plan").read_bytes()


def test_profile_bounds(machine: Any, model: onnx.ModelProto) -> None:
    sizes = [f"--{kind}Shapes=actual_input_1:{size}x3x16x16" for kind, size in (("min", 2), ("opt", 4), ("max", 8))]
    done = machine("trtexec", "--onnx=m.onnx", *sizes, "--saveEngine=e.plan", "--buildOnly")
    assert done.code == 0

    def load(shape: str, **env: str) -> Any:
        return machine("trtexec", "--loadEngine=e.plan", f"--shapes=actual_input_1:{shape}", *SHORT, **env)

    assert load("2x3x16x16").code == 0
    assert "::1046, condition: profileMinDims.d[i] <= dimensions.d[i]" in load("1x3x16x16").err
    assert "::1045, condition: dimensions.d[i] <= profileMaxDims.d[i]" in load("9x3x16x16").err
    refused = load("4x3x16")
    assert "::1036, condition: engineDims.nbDims == dimensions.nbDims" in refused.err
    assert "[E] Inference set up failed" in refused.err.splitlines()
    assert refused.code == 1


@pytest.mark.parametrize("spec", ["4x3x16", "4x3x32x32", "-1x3x16x16"])
def test_shapes_that_do_not_fit_the_network(machine: Any, model: onnx.ModelProto, spec: str) -> None:
    done = machine("trtexec", "--onnx=m.onnx", f"--shapes=actual_input_1:{spec}", *SHORT)
    assert done.code == 1
    assert done.err.splitlines()[-2:] == ["[E] Engine creation failed", "[E] Engine set up failed"]


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_missing_and_damaged_models(machine: Any, content: bytes | None) -> None:
    if content is not None:
        Path("x.onnx").write_bytes(content)
    done = machine("trtexec", "--onnx=x.onnx")
    assert done.code == 1
    assert done.err.splitlines()[-5:] == [
        "[E] [TRT] ModelImporter.cpp:647: Failed to parse ONNX model from file: x.onnx",
        "[E] Failed to parse onnx file",
        "[E] Parsing model failed",
        "[E] Engine creation failed",
        "[E] Engine set up failed",
    ]


def test_missing_foreign_and_other_versions_plans(machine: Any, model: onnx.ModelProto) -> None:
    assert "[E] Error opening engine file: x.plan" in machine("trtexec", "--loadEngine=x.plan").err
    Path("x.plan").write_bytes(b"ptrt" + b"\0" * 100)
    assert "(Magic tag does not match)" in machine("trtexec", "--loadEngine=x.plan").err
    with pytest.raises(PlanError):
        read_plan(Path("x.plan").read_bytes())
    build(machine, "--saveEngine=e.plan", "--buildOnly")
    done = machine("trtexec", "--loadEngine=e.plan", SHAPES, tensorrt="8.6.1")
    assert "Engine deserialization failed" in done.err
    build(machine, "--saveEngine=e.plan", "--buildOnly", tensorrt="8.6.1")
    assert "(Version tag does not match)" in machine("trtexec", "--loadEngine=e.plan").err


def test_plan_that_cannot_be_written(machine: Any, model: onnx.ModelProto) -> None:
    done = build(machine, "--saveEngine=no/such/e.plan")
    assert done.code == 1
    assert "[E] Saving engine to file failed" in done.err.splitlines()


def test_int64_weights_and_unknown_operator(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(domain="com.example"), "m.onnx")
    done = build(machine)
    assert "getPluginCreator could not find plugin Relu version 1" in done.err
    assert "While parsing node number 1 [Relu" in done.err


def test_stoi_and_shapes() -> None:
    assert stoi("1*100*64*44") == 1
    assert shapes("input:1,3,500") == {"input": [1], "3": [3], "500": [500]}
    assert shapes("'input.1':1x2") == {"input.1": [1, 2]}
    assert shapes("noise:1x1;label:1x5") == {"noise:1x1;label": [1, 5]}
    with pytest.raises(InvalidArgumentError):
        stoi("x")


def test_percentile_of_the_source() -> None:
    values = [float(number) for number in range(126)]
    assert percentile(99, values) == 124
    assert percentile(99, values[:100]) == 99
    assert percentile(99, [*map(float, range(200))]) == 198


def test_cuda_failures_abort(machine: Any, model: onnx.ModelProto) -> None:
    for env, argv, text in (
        ({"devices": "none"}, "", "CUDA driver version is insufficient for CUDA runtime version"),
        ({"devices": "virtual"}, "--device=7", "invalid device ordinal"),
        ({"fault": "nvml-no-devices"}, "", "no CUDA-capable device is detected"),
    ):
        done = machine.bash(f"trtexec --onnx=m.onnx {argv}; echo $?", **env)
        assert done.out.splitlines()[-1] == "134"
        assert f"Cuda failure: {text}" in done.err
        assert "&&&& FAILED" not in done.out
    done = machine.bash("trtexec --onnx=m.onnx --workspace=99999999999; echo $?")
    assert done.out.splitlines()[-1] == "134"
    assert "std::out_of_range" in done.err


def test_exports_that_cannot_be_written_are_not_noticed(machine: Any, model: onnx.ModelProto) -> None:
    done = build(machine, "--exportTimes=no/t.json", "--exportOutput=no/o.json")
    assert (done.code, "[E]" in done.err) == (0, False)


def test_flags_that_later_versions_deprecate(machine: Any, model: onnx.ModelProto) -> None:
    done = build(machine, "--explicitBatch", tensorrt="8.6.1")
    assert "[W] --explicitBatch flag has been deprecated and has no effect!" in done.err.splitlines()
    assert "[W] --workspace flag has been deprecated by --memPoolSize flag." in done.err.splitlines()
    text = machine("trtexec", "--onnx=m.onnx", *SHORT, "--memPoolSize=workspace:300,dlaSRAM:1", tensorrt="8.6.1").out
    assert "Memory Pools: workspace: 300 MiB, dlaSRAM: 1 MiB, dlaLocalDRAM: default, dlaGlobalDRAM: default" in text
