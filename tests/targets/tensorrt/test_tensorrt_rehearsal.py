"""Target T4's steps against the stand-ins: results on clean runs, one sentence with a remedy on every fault."""

from __future__ import annotations

import json
import struct
from array import array
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import onnx
import pytest

from kit.errors import DamagedError, DeviceError, InvalidInputError, KitError, ResourceError, StepError
from kit.inside.protocol import UserError
from kit.simulated.faults import FAULTS

#: Short measurements: what is tested here is not how fast the CPU is.
QUICK = {"runs": 1, "workspace": 64}


@pytest.fixture
def quick(rehearsals: Any) -> Any:
    """A rehearsal whose measurements last a moment; the flags stay in the plan's text, which other tests look at."""
    return lambda **options: rehearsals("T4", **{**QUICK, **options}).shortened()


def test_a_whole_run_is_read(quick: Any, rehearsals: Any) -> None:
    made = quick(crosscheck=2, runs=2)
    outputs = made.run_all()
    reading = made.target.read(made.job, outputs)
    hits = sum(int(s.argmax()) == label for s, label in zip(rehearsals.scores, rehearsals.labels, strict=True))
    assert reading.accuracy.n == 10
    assert reading.accuracy.correct[0] == hits < 10
    assert reading.toolchain == "TensorRT 7.2.3.4"
    assert reading.hardware.value == "Tesla T4"
    for one, batch in zip(reading.throughput, (1, 4), strict=True):
        assert (one.batch, one.per, one.factor, one.unit, one.mode) == (batch, "enqueue", batch, "qps", "synthetic")
        assert one.value == Decimal(repr(one.rate)) * batch
        assert len(one.repeats) == 2
        assert one.raw["rate of the GPU alone (images/s)"] > 0
    assert reading.host["NVIDIA driver"].value == "450.80.02"
    assert len([name for name in outputs if "crosscheck" in name]) == 4


def test_rates_come_from_the_timing_export_because_7_2_prints_zero(quick: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = quick()
    made.run_all()
    assert "throughput: 0 qps" in (made.outputs["T4/bench-bs4-run1"] / "stdout.txt").read_text()
    times = []
    for number in range(12):  # ten timed enqueues in 20 ms; the first two are warm-up
        start = 198 + 1.0 * number if number < 2 else 200 + 2.0 * (number - 2)
        times.append(
            {
                # 7.2 swaps the two pairs of names
                "startEnqMs": start, "endEnqMs": start + 0.2, "startInMs": start, "endInMs": start + 0.1,
                "startComputeMs": start + 0.3, "endComputeMs": start + 1.3, "startOutMs": start + 1.4,
                "endOutMs": start + 2.0, "inMs": 0.2, "computeMs": 1.0, "outMs": 0.6, "latencyMs": 1.8,
                "endToEndMs": 2.0,
            }
        )  # fmt: skip
    for batch in (1, 4):
        path = made.outputs[f"T4/bench-bs{batch}-run1"] / "times.json"
        path.write_text("[\n" + "\n, ".join(json.dumps(one) for one in times) + "\n]\n")
    monkeypatch.setattr("kit.targets.tensorrt.success._WARM_UP_MS", 200.0)  # trtexec's own
    one = made.target.read(made.job, made.outputs).throughput[1]
    assert one.formula == "500 * 4 = 2000"
    assert one.raw["rate of the GPU alone (images/s)"] == 4000


def test_a_long_series_is_kept_beside_the_rate(rehearsals: Any) -> None:
    step = rehearsals("T4", long_seconds=1).steps["T4/bench-bs1-long"]
    assert step.argv[-4:] == ("--warmUp=2000", "--duration=1", "--avgRuns=100", "--exportTimes=times.json")


#: Fault of the stand-in -> (step, alone, error, words of the sentence, words of the remedy).
FATAL: dict[str, tuple[str, bool, type[KitError], str, str]] = {
    "nvml-no-driver": ("T4/state-before", False, DeviceError, "driver is not loaded", "nvidia-smi"),
    "nvml-mismatch": ("T4/state-before", False, DeviceError, "different versions", "restart"),
    "nvml-no-devices": ("T4/state-before", False, DeviceError, "sees no GPU", "card"),
    "gpu-busy": ("T4/state-before", False, DeviceError, "in use", "--device"),
    "gpu-hot": ("T4/state-before", False, DeviceError, "90 C before", "cool"),
    "trt-cuda-35": ("T4/convert-bs1", False, DeviceError, "driver is too old", "driver"),
    "trt-cuda-abort": ("T4/convert-bs1", True, DeviceError, "driver is too old", "driver"),
    "trt-unsupported-op": ("T4/convert-bs1", False, StepError, "no operator", "opset"),
    "trt-no-tactic": ("T4/convert-bs1", False, StepError, "no kernel for node", "workspace"),
    "trt-out-of-memory": ("T4/convert-bs1", False, ResourceError, "memory is exhausted", "workspace"),
    "trt-plan-device": ("T4/bench-bs1-run1", False, StepError, "another GPU", "again"),
    "trt-crash": ("T4/bench-bs1-run1", True, StepError, "crashed", "kit doctor"),
    "trt-killed": ("T4/convert-bs1", True, StepError, "did not say PASSED", "log"),
}


@pytest.mark.parametrize("fault", FATAL)
def test_a_fault_is_one_sentence_with_a_remedy(quick: Any, fault: str) -> None:
    name, alone, error, words, remedy = FATAL[fault]
    with pytest.raises(error) as caught:
        quick().run(name, fault=fault, alone=alone)
    assert words in caught.value.what
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value)
    assert len(caught.value.what) < 300


@pytest.mark.parametrize("fault", ["trt-library-mismatch"])
def test_what_trtexec_says_on_success_is_no_fault(quick: Any, fault: str) -> None:
    quick().run("T4/convert-bs1", fault=fault)


def test_an_engine_of_another_version_is_refused(quick: Any) -> None:
    made = quick()
    made.run("T4/convert-bs1")
    with pytest.raises(StepError, match="another version of TensorRT"):
        made.run("T4/bench-bs1-run1", KIT_SIM_TENSORRT="8.6.3")
    with pytest.raises(UserError, match=r"TensorRT 8\.6\.3 cannot load this plan"):
        made.run("T4/infer-bs1", KIT_SIM_TENSORRT="8.6.3")


def test_throttling_afterwards_is_a_note(quick: Any) -> None:
    made = quick()
    made.run_all()
    made.outputs["T4/state-after"] = made.run("T4/state-after", fault="gpu-throttled").folder
    notes = made.target.read(made.job, made.outputs).notes
    assert any("throttled" in note and "sw_thermal_slowdown" in note for note in notes)


def test_another_gpu_is_not_a_t4(quick: Any) -> None:
    with pytest.raises(DeviceError, match="the GPU is NVIDIA A100"):
        quick().run("T4/state-before", KIT_SIM_GPU="NVIDIA A100-SXM4-40GB")


def test_every_fatal_fault_of_the_stand_ins_is_tried() -> None:
    ours = {name for name in FAULTS if name.startswith(("nvml", "gpu", "trt"))}
    elsewhere = {"gpu-throttled", "trt-library-mismatch"}
    assert ours == FATAL.keys() | elsewhere


def bring(made: Any, model: onnx.ModelProto) -> None:
    """Another ONNX model in the place of the exported one."""
    folder = made.folder / "brought"
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    made.outputs["export"] = folder


def test_a_static_model_is_refused_before_anything_is_measured(quick: Any, make_tiny: Any) -> None:
    made = quick()
    bring(made, make_tiny(batch=1))
    with pytest.raises(UserError, match="the batch of input actual_input_1 is fixed to 1"):
        made.run("T4/convert-bs4")


def test_a_misspelt_input_is_refused_before_anything_is_measured(quick: Any, make_tiny: Any) -> None:
    made = quick()
    bring(made, make_tiny(name="input.1"))
    with pytest.raises(UserError, match=r"no input 'actual_input_1' \(it has input\.1\)"):
        made.run("T4/bench-bs1-run1")


def test_a_static_plan_is_refused_by_the_inference(quick: Any, make_tiny: Any) -> None:
    made = quick()
    bring(made, make_tiny(batch=1))
    made.outputs["T4/input"] = made.folder  # as if nobody had looked
    made.run("T4/convert-bs4")  # 7.2.3 ignores --shapes without a word
    with pytest.raises(UserError, match="the plan computes 1x3x16x16, not 4x3x16x16: the ONNX model is static"):
        made.run("T4/infer-bs4")


def test_a_misspelt_input_in_the_flags_is_refused(quick: Any, make_tiny: Any) -> None:
    made = quick()
    bring(made, make_tiny(name="input.1"))
    made.outputs["T4/input"] = made.folder
    with pytest.raises(InvalidInputError, match=r"does not name the dynamic input input\.1"):
        made.run("T4/convert-bs1")


def test_disagreement_of_trtexec_and_the_inference_is_an_error(quick: Any) -> None:
    made = quick()
    made.run_all()
    path: Path = made.outputs["T4/infer-bs4"] / "check" / "output_0.bin"
    values = array("f")
    values.frombytes(path.read_bytes())
    values[13] += 0.5
    path.write_bytes(values.tobytes())
    with pytest.raises(StepError, match=r"disagree on the plan of batch 4: .* for image 1 of batch 0"):
        made.target.read(made.job, made.outputs)
    path.write_bytes(struct.pack("<3f", 1, 2, 3))
    with pytest.raises(StepError, match="another number of scores"):
        made.target.read(made.job, made.outputs)
    path.write_bytes(b"x")
    with pytest.raises(DamagedError):
        made.target.read(made.job, made.outputs)


@pytest.mark.parametrize("text", ["", "[", "[]", '[{"computeMs": 1}]'])
def test_a_cut_timing_export_is_refused(quick: Any, text: str) -> None:
    made = quick()
    outcome = made.run("T4/bench-bs1-run1")
    (outcome.folder / "times.json").write_text(text)
    with pytest.raises(StepError, match="the timing export holds no rate"):
        made.target.check_outcome(made.job, made.steps["T4/bench-bs1-run1"], outcome)


def test_an_unstable_gpu_is_a_note(quick: Any) -> None:
    made = quick()
    made.run_all()
    path = made.outputs["T4/bench-bs1-run1"] / "times.json"
    records = json.loads(path.read_text())
    for number, record in enumerate(records):
        record["computeMs"] = 1.0 + number % 2
    path.write_text(json.dumps(records))
    measured = replace(made.job, simulate=False)
    assert any("GPU compute time varies by" in note for note in made.target.read(measured, made.outputs).notes)
    assert made.target.read(made.job, made.outputs).notes == ()  # of a rehearsal it would be the CPU's
