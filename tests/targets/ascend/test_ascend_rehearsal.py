"""The Ascend targets' steps against the stand-ins: results on clean runs, one sentence with a remedy on every fault."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.errors import DeviceError, Exit, KitError, ResourceError, StepError
from kit.simulated.faults import FAULTS


def correct(rehearsals: Any, k: int) -> int:
    hits = 0
    for scores, label in zip(rehearsals.scores, rehearsals.labels, strict=True):
        hits += label in sorted(range(len(scores)), key=lambda c: -scores[c])[:k]
    return hits


@pytest.mark.parametrize(("target", "factor"), [("310", 4), ("310P", 1)])
@pytest.mark.parametrize("tool", ["benchmark", "ais_bench"])
@pytest.mark.parametrize("output", ["txt", "bin"])
def test_a_whole_run_is_read(rehearsals: Any, target: str, factor: int, tool: str, output: str) -> None:
    made = rehearsals(target, tool=tool, output=output, rounds=12)
    reading = made.target.read(made.job, made.run_all())
    assert reading.accuracy.n == 10
    assert reading.accuracy.correct[0] == correct(rehearsals, 1) < 10
    assert reading.accuracy.correct[4] == correct(rehearsals, 5)
    assert [(one.batch, one.factor, one.per, one.mode) for one in reading.throughput] == [
        (1, factor, "device", "dataset"),
        (4, factor, "device", "dataset"),
    ]
    for one in reading.throughput:
        assert one.value == Decimal(repr(one.rate)) * factor
    assert reading.host["chip"].value == ("310" if target == "310" else "310P3")
    assert reading.environment["soc_version"] == ("Ascend310" if target == "310" else "Ascend310P3")


def test_throughput_is_the_interface_rate_of_the_performance_file(rehearsals: Any) -> None:
    made = rehearsals("310", rounds=12)
    made.run_all()
    path = made.outputs["310/infer-bs4"] / "result/perf_vision_batchsize_4_device_0.txt"
    path.write_text(
        "[e2e] throughputRate: 203.598, latency: 49.1164\n[data read] throughputRate: 216.393, moduleLatency: 4.62122\n"
        "[preprocess] throughputRate: 216.18, moduleLatency: 4.62577\n"
        "[infer] throughputRate: 204.451, Interface throughputRate: 1311.7, moduleLatency: 4.24378\n"
        "[post] throughputRate: 204.451, moduleLatency: 4.89115\n"
    )
    reading = made.target.read(made.job, made.outputs)
    assert reading.throughput[1].formula == "1311.7 * 4 = 5246.8"
    assert reading.throughput[1].raw["e2e throughputRate (images/s)"] == 203.598
    assert reading.throughput[1].raw["pure inference (images/s)"] > 0


def test_a_data_set_run_far_below_pure_inference_is_a_note(rehearsals: Any) -> None:
    made = rehearsals("310", rounds=12)
    made.run_all()
    (path,) = (made.outputs["310/bench-bs4"] / "result").glob("PureInfer*")
    path.write_text("ave_throughputRate = 9e+09samples/s, ave_latency = 1.1e-07ms\n")
    measured = replace(made.job, simulate=False)
    notes = made.target.read(measured, made.outputs).notes
    assert any(note.startswith("batch 4: the run over the data set reached 0% of pure inference") for note in notes)
    assert made.target.read(made.job, made.outputs).notes == ()


def test_mixed_mode_measures_other_batches_on_random_data(rehearsals: Any) -> None:
    made = rehearsals("310P", mode="mixed", rounds=12)
    assert made.steps["310P/bench-bs4"].argv[1] == "-round=12"
    assert "310P/infer-bs4" not in made.steps
    reading = made.target.read(made.job, made.run_all())
    assert [one.mode for one in reading.throughput] == ["dataset", "synthetic"]


@pytest.mark.parametrize("tool", ["benchmark", "ais_bench"])
def test_synthetic_mode_needs_no_data_set_and_gives_no_accuracy(rehearsals: Any, tool: str) -> None:
    made = rehearsals("310P", mode="synthetic", tool=tool, rounds=12)
    assert not any(step.stage in {"preprocess", "infer", "metrics"} for step in made.steps.values())
    reading = made.target.read(made.job, made.run_all())
    assert reading.accuracy is None
    assert {one.mode for one in reading.throughput} == {"synthetic"}


#: Fault of the stand-in -> (step, options, error, words of the sentence, words of the remedy).
FATAL: dict[str, tuple[str, dict[str, object], type[KitError], str, str]] = {
    "driver-not-loaded": ("310P/state-before", {}, DeviceError, "cannot reach the driver (-8005)", "kit doctor"),
    "driver-mismatch": ("310P/state-before", {}, DeviceError, "driver and firmware do not match", "restart"),
    "npu-alarm": ("310P/state-before", {}, DeviceError, "health is Alarm", "npu-smi"),
    "npu-busy": ("310P/state-before", {}, DeviceError, "in use", "--device"),
    "atc-python-deps": ("310P/convert-bs1", {}, StepError, "Python module decorator", "build"),
    "atc-te-import": ("310P/convert-bs1", {}, StepError, "te.platform.log_util", "build"),
    "atc-unsupported-op": ("310P/convert-bs1", {}, StepError, "no implementation of operator Flatten_0", "operator"),
    "atc-compile": ("310P/convert-bs1", {}, StepError, "cannot compile an operator", "toolkit version"),
    "atc-inner": ("310P/convert-bs1", {}, StepError, "internal error", "vendor"),
    "atc-memory": ("310P/convert-bs1", {}, ResourceError, "out of memory", "jobs: 1"),
    "acl-init": ("310P/infer-bs1", {}, DeviceError, "runtime does not start", "kit doctor"),
    "acl-set-device": ("310P/infer-bs1", {}, DeviceError, "cannot be opened", "kit doctor"),
    "acl-context": ("310P/infer-bs1", {}, DeviceError, "no context", "kit doctor"),
    "acl-load": ("310P/infer-bs1", {}, StepError, "engine cannot be loaded", "chip"),
    "acl-execute": ("310P/infer-bs1", {}, StepError, "failed while it ran", "npu-smi"),
    "benchmark-last-frame": ("310P/infer-bs1", {}, StepError, "failed while it ran", "npu-smi"),
    "benchmark-zero-latency": ("310P/bench-bs1", {"mode": "synthetic"}, StepError, "latency of zero", "rounds"),
    "benchmark-memory": ("310P/infer-bs1", {}, ResourceError, "too little free memory", "programs on the chip"),
    "ais-open-device": ("310P/infer-bs1", {"tool": "ais_bench"}, DeviceError, "ACL 507033", "kit doctor"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FATAL)
def test_a_fault_is_one_sentence_with_a_remedy(rehearsals: Any, fault: str) -> None:
    name, options, error, words, remedy = FATAL[fault]
    made = rehearsals("310P", **options)
    with pytest.raises(error) as caught:
        made.run(name, fault=fault)
    assert words in caught.value.what
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert len(caught.value.what) < 300


@pytest.mark.parametrize("fault", ["atc-warnings"])
def test_what_atc_says_on_success_is_no_fault(rehearsals: Any, fault: str) -> None:
    rehearsals("310P").run("310P/convert-bs1", fault=fault)


def test_a_version_mismatch_is_a_note(rehearsals: Any) -> None:
    made = rehearsals("310P")
    made.run_all()
    kept = made.run("310P/state-before", fault="npu-version-mismatch").folder
    made.outputs["310P/state-before"] = kept
    assert any("different versions" in note for note in made.target.read(made.job, made.outputs).notes)


def test_a_warning_of_ais_bench_is_no_fault(rehearsals: Any) -> None:
    rehearsals("310P", tool="ais_bench").run("310P/infer-bs1", fault="ais-aclruntime")


def test_a_crash_half_way_says_so(rehearsals: Any) -> None:
    with pytest.raises(StepError, match="crashed"):
        rehearsals("310P").run("310P/infer-bs1", fault="benchmark-crash", alone=True)


def test_a_killed_atc_is_no_success_though_a_file_is_there(rehearsals: Any) -> None:
    made = rehearsals("310P")
    with pytest.raises(StepError):
        made.run("310P/convert-bs1", fault="atc-killed", alone=True)
    assert list((made.folder / "out").glob("*/*.om"))


def test_nan_is_refused_or_never_a_hit(rehearsals: Any) -> None:
    made = rehearsals("310P")
    made.outputs["310P/infer-bs1"] = made.run("310P/infer-bs1", fault="benchmark-nan").folder
    made.run("310P/metrics-bs1")
    counts = json.loads((made.outputs["310P/metrics-bs1"] / "metrics.json").read_text())
    assert counts["correct"] == [0] * 5


def test_every_fatal_fault_of_the_stand_ins_is_tried() -> None:
    ascend = {name for name in FAULTS if name.startswith(("driver", "npu", "atc", "acl", "benchmark", "ais"))}
    elsewhere = {
        "atc-warnings", "npu-version-mismatch", "ais-aclruntime", "benchmark-crash", "atc-killed", "benchmark-nan",
    }  # fmt: skip
    assert ascend == FATAL.keys() | elsewhere


def test_a_wrong_input_name_is_explained(rehearsals: Any) -> None:
    text = (rehearsals.folder / "kit.yaml").read_text()
    (rehearsals.folder / "kit.yaml").write_text(text.replace("name: actual_input_1", "name: input_2"))
    with pytest.raises(StepError, match="no input or node named input_2"):
        rehearsals("310P").run("310P/convert-bs1")


def test_an_engine_of_another_chip_is_refused(rehearsals: Any) -> None:
    made = rehearsals("310P", chip="310P1")
    with pytest.raises(DeviceError, match="the chip is Ascend310P3, the engines are made for Ascend310P1") as caught:
        made.run("310P/state-before", KIT_SIM_CHIP="310P3")
    assert "chip: 310P3" in caught.value.remedy
    assert caught.value.exit_code == Exit.DEVICE


def test_the_old_name_of_a_chip_is_the_same_chip(rehearsals: Any) -> None:
    made = rehearsals("310P")
    made.run("310P/state-before", KIT_SIM_CHIP="710")


def test_missing_results_are_noticed(rehearsals: Any) -> None:
    made = rehearsals("310P")
    outcome = made.run("310P/infer-bs4")
    step = made.steps["310P/infer-bs4"]
    (outcome.folder / "result/dumpOutput_device0/img_0003_1.txt").unlink()
    with pytest.raises(StepError, match="ran 10 images but left results of 9"):
        made.target.check_outcome(made.job, step, outcome)
    shutil.rmtree(outcome.folder / "result/dumpOutput_device0")
    with pytest.raises(StepError, match="left no results"):
        made.target.check_outcome(made.job, step, outcome)
    (outcome.folder / "result/dumpOutput").mkdir()
    with pytest.raises(StepError, match="oldest generation"):
        made.target.check_outcome(made.job, step, outcome)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Interface throughputRate: ", "Interface: ", "not complete"),
        ("[post", "[pist", "not complete"),
        ("[e2e] throughputRate: ", "[e2e] throughputRate: 9", "contradicts itself|left results of 10"),
    ],
)
def test_a_damaged_performance_file_is_refused(rehearsals: Any, old: str, new: str, words: str) -> None:
    made = rehearsals("310P")
    outcome = made.run("310P/infer-bs1")
    path = outcome.folder / "result/perf_vision_batchsize_1_device_0.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(StepError, match=words):
        made.target.check_outcome(made.job, made.steps["310P/infer-bs1"], outcome)


def test_batches_that_disagree_are_no_one_model(rehearsals: Any) -> None:
    made = rehearsals("310P")
    made.run_all()
    path: Path = made.outputs["310P/metrics-bs4"] / "metrics.json"
    counts = json.loads(path.read_text())
    counts["correct"] = [0, 0, 0, 0, 0]
    path.write_text(json.dumps(counts))
    with pytest.raises(StepError, match="not one model"):
        made.target.read(made.job, made.outputs)
    counts["n"] = 9
    path.write_text(json.dumps(counts))
    with pytest.raises(StepError, match="results of 9 images, the data set has 10"):
        made.target.read(made.job, made.outputs)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["benchmark", "ais_bench"])
def test_a_card_is_measured_and_not_multiplied(rehearsals: Any, tool: str) -> None:
    made = rehearsals("310", tool=tool, mode="synthetic", rounds=12)
    made.job = replace(made.job, devices=(0, 1, 2, 3))
    made.steps = {step.name: step for step in made.target.plan(made.job)}
    for name, step in made.steps.items():
        if name.startswith("310/card-bs"):
            assert step.argv[:5] == ("python3", "-m", "inside.together", "--devices", "0,1,2,3")
            made.run(name, alone=True)
    reading = made.target.read(made.job, made.run_all())
    for one in reading.throughput:
        assert one.factor == 4
        assert [one.raw[f"device {n}, all devices of the card at once (images/s)"] > 0 for n in range(4)] == [True] * 4
    notes = [note for note in reading.notes if "all 4 devices of the card at once reach" in note]
    assert len(notes) == 2
    assert all("images/s, SIMULATED; one device x 4 is" in note for note in notes)
    (shown, *_) = made.target.read(replace(made.job, simulate=False), made.outputs).notes
    assert "images/s, measured; one device x 4 is" in shown


def test_a_device_that_fails_fails_the_card(rehearsals: Any) -> None:
    made = rehearsals("310", mode="synthetic", rounds=12)
    made.job = replace(made.job, devices=(0, 9))
    made.steps = {step.name: step for step in made.target.plan(made.job)}
    with pytest.raises(DeviceError, match="cannot be opened"):
        made.run("310/card-bs1", alone=True, KIT_SIM_DEVICES="virtual:4")


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["benchmark", "ais_bench"])
def test_energy_is_the_power_of_the_chip_by_the_rate(rehearsals: Any, tool: str) -> None:
    made = rehearsals("310P", tool=tool, mode="synthetic", rounds=12, energy=2)
    assert made.steps["310P/energy-bs4"].argv[:3] == ("python3", "-m", "inside.npu_energy")
    made.job = replace(made.job, batches=(4,))
    made.steps = {step.name: step for step in made.target.plan(made.job)}
    made.run("310P/energy-bs4", alone=True)
    found = json.loads((made.outputs["310P/energy-bs4"] / "energy.json").read_text())
    assert {one["watts"] for one in found["samples"]} == {15.8}  # the stand-in's chip; none of it is kept but this
    assert not (made.outputs["310P/energy-bs4"] / "run").exists()
    (one,) = made.target.read(made.job, made.run_all()).throughput
    mean = sum(1 / rate for rate in found["rates"]) / len(found["rates"])
    assert one.energy.joules_per_image == pytest.approx(15.8 * mean)
    assert "npu-smi" in one.energy.method
    assert one.unproven() == []


def test_no_power_is_no_energy(rehearsals: Any) -> None:
    made = rehearsals("310P", mode="synthetic", rounds=12, energy=1)
    for name in ("310P/energy-bs1", "310P/energy-bs4"):
        made.outputs[name] = made.folder / name.replace("/", "-")
        made.outputs[name].mkdir()
        (made.outputs[name] / "energy.json").write_text('{"energy": null, "samples": [], "rates": [100.0]}')
    reading = made.target.read(made.job, made.run_all())
    assert [one.energy for one in reading.throughput] == [None, None]
    assert sum("power too rarely" in note for note in reading.notes) == 2
