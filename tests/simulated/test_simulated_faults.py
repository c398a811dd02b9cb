"""Every fault of the table, and what it makes a user see."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.simulated.faults import FAULTS

TRT = ("--onnx=m.onnx", "--shapes=actual_input_1:1x3x16x16", "--duration=0", "--warmUp=0")
# fault -> (how to run, where it shows, what shows)
SHOWN: dict[str, tuple[str, str, str]] = {
    "driver-not-loaded": ("npu-smi info", "out", "dcmi module initialize failed. ret is -8005"),
    "driver-mismatch": ("npu-smi info", "out", "DrvMngGetConsoleLogLevel failed. (ret=4)"),
    "npu-alarm": ("npu-smi info", "out", "| Alarm "),
    "npu-busy": ("npu-smi info", "out", "| 87  "),
    "npu-version-mismatch": ("npu-smi info", "out", "npu-smi 22.0.0                       Version: 22.0.2"),
    "atc-python-deps": ("atc", "out", "EC0010: Failed to import Python module [ModuleNotFoundError: No module named"),
    "atc-te-import": ("atc", "out", "E40000: Failed to import te.platform.log_util."),
    "atc-unsupported-op": ("atc", "out", "EZ3003: No supported Ops kernel and engine are found for [Conv_0], optype"),
    "atc-compile": ("atc", "out", "RuntimeError: ({'errCode': 'E90003'"),
    "atc-inner": ("atc", "out", "E19999: Inner Error"),
    "atc-memory": ("atc", "err", "BrokenPipeError: [Errno 32] Broken pipe"),
    "atc-warnings": ("atc", "out", "W11001: High-priority service of op[Gemm_4] is invalid"),
    "acl-init": ("benchmark", "out", "[ERROR] aclInit failed!"),
    "acl-set-device": ("benchmark", "out", "[ERROR] aclrtSetDevice failed!"),
    "acl-context": ("benchmark", "out", "[ERROR] aclrtCreateContext failed!"),
    "acl-load": ("benchmark", "out", "[ERROR][Inference] Load model failed!"),
    "acl-execute": ("benchmark", "out", "[ERROR][Inference] Call exefunction failed!"),
    "benchmark-last-frame": ("benchmark", "out", "[Inference] last frame inference failed and exit. "),
    "benchmark-zero-latency": ("benchmark", "out", "[ERROR] Infer latency get zero, please check the model!"),
    "benchmark-memory": ("benchmark", "out", "[ERROR][VisionPreProcess] Check free memory less "),
    "benchmark-nan": ("benchmark", "result", "nan nan "),
    "ais-open-device": ("ais_bench", "err", "SetDevice failed.ret=507033"),
    "ais-aclruntime": ("ais_bench", "out", "[WARNING] aclruntime version:0.0.1 is lower please update aclruntime"),
    "nvml-no-driver": ("nvidia-smi", "out", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA"),
    "nvml-mismatch": ("nvidia-smi", "out", "Failed to initialize NVML: Driver/library version mismatch"),
    "nvml-no-devices": ("nvidia-smi", "out", "No devices were found"),
    "gpu-busy": ("nvidia-smi", "out", "4096MiB / 15109MiB"),
    "gpu-hot": ("nvidia-smi", "out", "90C    P0"),
    "gpu-throttled": (
        "nvidia-smi --query-gpu=clocks_throttle_reasons.active --format=csv,noheader", "out", "0x0000000000000024",
    ),
    "trt-cuda-35": ("trtexec", "err", "[E] [TRT] CUDA initialization failure with error 35."),
    "trt-unsupported-op": ("trtexec", "err", "getPluginCreator could not find plugin Conv version 1"),
    "trt-no-tactic": ("trtexec", "err", "Could not find any implementation for node Conv_0."),
    "trt-out-of-memory": ("trtexec", "err", "Cuda Error in allocate: 2 (out of memory)"),
    "trt-library-mismatch": ("trtexec", "err", "[W] [TRT] TensorRT was linked against cuDNN 8.2.1 but loaded cuDNN"),
}  # fmt: skip
# These end the process, hang, or need a plan: tests of their own below.
ALONE = {
    "atc-killed", "benchmark-crash", "trt-cuda-abort", "trt-crash", "trt-killed",
    "trt-plan-device",
}  # fmt: skip


def test_every_fault_is_tried_here() -> None:
    assert FAULTS.keys() == SHOWN.keys() | ALONE


@pytest.mark.parametrize("fault", SHOWN)
def test_fault(machine: Any, images: np.ndarray, model: onnx.ModelProto, fault: str) -> None:
    command, where, text = SHOWN[fault]
    tool, *extra = command.split()
    machine.atc(1)

    def run(**env: str) -> str:
        if tool == "atc":
            done = machine("atc", "--model=m.onnx", "--framework=5", "--output=m", "--soc_version=Ascend310P3",
                           "--input_shape=actual_input_1:1,3,16,16", *extra, **env)  # fmt: skip
        elif tool == "benchmark":
            done = machine.benchmark(1, **env)
        elif tool == "ais_bench":
            done = machine("ais_bench", "--model=m_bs1.om", **env)
        else:
            done = machine(tool, *(TRT if tool == "trtexec" else ()), *extra, **env)
        if where == "result":
            return Path("result/dumpOutput_device0/val_0000_1.txt").read_text()
        return str(done.out if where == "out" else done.err)

    assert text not in run()
    assert text in run(fault=fault)


def test_unknown_fault_stops_the_tool(machine: Any) -> None:
    done = machine("npu-smi", "info", fault="no-such-fault")
    assert done.code == 1
    assert "no-such-fault" in done.err


@pytest.mark.slow
def test_deaths(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    atc = "atc --model=m.onnx --framework=5 --output=k --soc_version=Ascend310P3 --input_shape=actual_input_1:1,3,16,16"
    assert machine.bash(f"{atc}; echo $?", fault="atc-killed").lines()[-1] == "137"
    whole = Path("m_bs1.om").stat().st_size
    assert 0 < Path("k.om").stat().st_size < whole  # a half om stays, as after any kill
    run = (
        "benchmark.x86_64 -model_type=vision -device_id=0 -batch_size=1 -om_path=m_bs1.om "
        "-input_text_path=dataset.info -input_width=16 -input_height=16"
    )
    if Path("/proc/sys/kernel/osrelease").exists() and "aarch64" in re.sub(r"\s", "", str(Path("/lib").resolve())):
        pytest.skip("x86_64 only")
    assert machine.bash(f"{run}; echo $?", fault="benchmark-crash").lines()[-1] == "139"
    assert 0 < len(list(Path("result/dumpOutput_device0").iterdir())) < 10
    assert not list(Path("result").glob("perf*"))
    for fault, code in (("trt-cuda-abort", "134"), ("trt-crash", "139"), ("trt-killed", "137")):
        done = machine.bash(f"trtexec {' '.join(TRT)}; echo $?", fault=fault)
        assert done.lines()[-1] == code
        assert "&&&& PASSED" not in done.out


def test_plans_of_other_devices_and_versions(machine: Any, model: onnx.ModelProto) -> None:
    machine("trtexec", *TRT, "--saveEngine=e.plan", "--buildOnly")
    for fault, text in (
        (
            "trt-plan-device",
            "generated on an incompatible device, expecting compute 7.5 got compute 8.6, please rebuild.",
        ),
    ):
        done = machine("trtexec", "--loadEngine=e.plan", *TRT[1:], fault=fault)
        assert (done.code, text in done.err) == (1, True)
