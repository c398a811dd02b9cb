"""Each failure that a stand-in can produce reaches the user as one sentence with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.errors import KitError
from kit.targets.ascend import faults as ascend
from kit.targets.tensorrt import faults as tensorrt
from kit.toollogs.messages import explain

TRT = ("--shapes=actual_input_1:1x3x16x16", "--duration=0", "--warmUp=0")
ATC = [
    "--model=", "--output=", "--soc_version=", "--framework=7", "--framework=0", "--framework=3", "--output=dir/",
    "--input_format=NHWC", "--log=loud", "--model=absent.onnx", "--input_shape=wrong:1,3,16,16",
    "--input_shape=Conv_0:1,3,16,16", "--input_shape=actual_input_1:1,3,16", "--input_shape=actual_input_1:0,3,16,16",
    "--input_shape=1,3,16,16", "--input_shape=", "--insert_op_conf=absent.cfg", "--wrong_flag=1",
    "--soc_version=Ascend310P", "--save_original_model=yes", "--display_model_info=2", "--dynamic_batch_size=4",
]  # fmt: skip
ATC_FAULTS = [
    "atc-python-deps", "atc-te-import", "atc-unsupported-op", "atc-compile", "atc-inner", "atc-memory",
]  # fmt: skip
BENCHMARK = [
    "-nonsense=1", "-model_type=picture", "-batch_size=0", "-batch_size=2", "-device_id=7", "-om_path=gone.om",
    "-input_text_path=gone", "-input_width=0", "-round=0",
]  # fmt: skip
BENCHMARK_FAULTS = [
    "acl-init", "acl-set-device", "acl-context", "acl-load", "acl-execute", "benchmark-last-frame",
    "benchmark-zero-latency",
]  # fmt: skip
TRT_FAULTS = ["trt-cuda-35", "trt-unsupported-op", "trt-no-tactic", "trt-out-of-memory"]
TRT_FLAGS = [
    "--wrokspace=4096", "--fp16 x", "--workspace=big", "--shapes=foo", "--batch=4", "--percentile=101",
    "--saveEngine=no/such/e.plan", "--loadEngine=gone.plan", "--onnx=gone.onnx",
]  # fmt: skip


def explained(faults: Any, done: Any) -> None:
    error = explain(faults, done.out, done.err)
    assert isinstance(error, KitError), (done.out[-800:], done.err)
    assert error.what
    assert error.remedy
    assert "\n" not in error.what + error.remedy


@pytest.mark.parametrize("flag", ATC)
def test_atc_flags(machine: Any, model: onnx.ModelProto, flag: str) -> None:
    explained(ascend.ATC, machine.atc(1, extra=(flag,)))


@pytest.mark.parametrize("fault", ATC_FAULTS)
def test_atc_faults(machine: Any, model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv("KIT_SIM_FAULT", fault)
    explained(ascend.ATC, machine.atc(1))


def test_damaged_models_and_missing_libraries(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.onnx").write_bytes(b"no model")
    explained(ascend.ATC, machine.atc(1))
    explained(tensorrt.TRTEXEC, machine("trtexec", "--onnx=m.onnx"))
    Path("e.plan").write_bytes(b"no plan")
    for version in ("7.2.3", "8.6.1"):
        explained(tensorrt.TRTEXEC, machine("trtexec", "--loadEngine=e.plan", tensorrt=version))
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    explained(ascend.ATC, machine.atc(1))
    explained(ascend.INFERENCE, machine("benchmark", "-round=1"))


@pytest.mark.parametrize("flag", BENCHMARK)
def test_benchmark_flags(machine: Any, images: np.ndarray, model: onnx.ModelProto, flag: str) -> None:
    machine.atc(1)
    explained(ascend.INFERENCE, machine.benchmark(1, flag))


@pytest.mark.parametrize("fault", BENCHMARK_FAULTS)
def test_benchmark_faults(machine: Any, images: np.ndarray, model: onnx.ModelProto, fault: str) -> None:
    machine.atc(1)
    explained(ascend.INFERENCE, machine.benchmark(1, fault=fault))


@pytest.mark.parametrize(
    "content", ["", "x y\n", "0 ./gone.bin 16 16\n", "0 ./short.bin 16 16\n", "0 ./empty.bin 16 16\n"]
)
def test_benchmark_inputs(machine: Any, images: np.ndarray, model: onnx.ModelProto, content: str) -> None:
    machine.atc(1)
    Path("short.bin").write_bytes(b"1234")
    Path("empty.bin").write_bytes(b"")
    Path("dataset.info").write_text(content)
    explained(ascend.INFERENCE, machine.benchmark(1))


def test_ais_bench(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    table = ascend.INFERENCE
    explained(table, machine("ais_bench", "--model=m_bs1.om", fault="ais-open-device"))
    explained(table, machine("ais_bench", "--model=gone.om"))
    Path("prep_bin/val_0000.bin").write_bytes(bytes(13))
    explained(table, machine("ais_bench", "--model=m_bs1.om", "--input=prep_bin"))


@pytest.mark.parametrize("fault", ["driver-not-loaded", "driver-mismatch"])
def test_npu_smi(machine: Any, fault: str) -> None:
    explained(ascend.NPU_SMI, machine("npu-smi", "info", fault=fault))


@pytest.mark.parametrize("fault", ["nvml-no-driver", "nvml-mismatch", "nvml-no-devices"])
def test_nvidia_smi(machine: Any, fault: str) -> None:
    explained(tensorrt.NVIDIA_SMI, machine("nvidia-smi", "--query-gpu=name", "--format=csv", fault=fault))


def test_nvidia_smi_field(machine: Any) -> None:
    explained(tensorrt.NVIDIA_SMI, machine("nvidia-smi", "--query-gpu=colour", "--format=csv"))


@pytest.mark.parametrize("version", ["7.2.3", "8.6.1"])
@pytest.mark.parametrize("fault", TRT_FAULTS)
def test_trtexec_faults(machine: Any, model: onnx.ModelProto, fault: str, version: str) -> None:
    explained(tensorrt.TRTEXEC, machine("trtexec", "--onnx=m.onnx", *TRT, fault=fault, tensorrt=version))


@pytest.mark.parametrize("flag", TRT_FLAGS)
def test_trtexec_flags(machine: Any, model: onnx.ModelProto, flag: str) -> None:
    given = ("--onnx=m.onnx", *TRT) if not flag.startswith(("--onnx", "--loadEngine")) else ()
    explained(tensorrt.TRTEXEC, machine("trtexec", *given, *flag.split()))


def test_trtexec_shapes(machine: Any, model: onnx.ModelProto) -> None:
    explained(tensorrt.TRTEXEC, machine("trtexec", "--onnx=m.onnx", "--shapes=actual_input_1:4x3x16"))
    explained(tensorrt.TRTEXEC, machine("trtexec", "--onnx=m.onnx", "--shapes=actual_input_1:4x3x32x32"))
    sizes = [f"--{kind}Shapes=actual_input_1:{size}x3x16x16" for kind, size in (("min", 2), ("opt", 4), ("max", 8))]
    machine("trtexec", "--onnx=m.onnx", *sizes, "--saveEngine=e.plan", "--buildOnly")
    for version in ("7.2.3", "8.6.1"):
        machine("trtexec", "--onnx=m.onnx", *sizes, "--saveEngine=e.plan", "--buildOnly", tensorrt=version)
        explained(tensorrt.TRTEXEC, machine("trtexec", "--loadEngine=e.plan", *TRT, tensorrt=version))


@pytest.mark.parametrize("changed", [{"fault": "trt-plan-device"}, {"tensorrt": "7.2.2"}, {"tensorrt": "11.1.0"}])
def test_trtexec_plans(machine: Any, model: onnx.ModelProto, changed: dict[str, str]) -> None:
    machine("trtexec", "--onnx=m.onnx", *TRT, "--saveEngine=e.plan", "--buildOnly")
    explained(tensorrt.TRTEXEC, machine("trtexec", "--loadEngine=e.plan", *TRT, **changed))


def test_static_model_with_shapes(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(2), "m.onnx")
    explained(tensorrt.TRTEXEC, machine("trtexec", "--onnx=m.onnx", *TRT, tensorrt="8.6.1"))
