from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.targets.ascend.readers import ais
from kit.targets.ascend.readers.ais_run import PARTS
from kit.toollogs.reader import choose

RULER = "[INFO] -----------------Performance Summary------------------\n"
COMPUTE = "[INFO] NPU_compute_time (ms): min = 1.75, max = 2.5, mean = 2.0, median = 1.9375, percentile(99%) = 2.4375\n"
STATS = {"min": 1.75, "max": 2.5, "mean": 2.0, "median": 1.9375, "p99": 2.4375}


@pytest.mark.parametrize(
    ("line", "batch"),
    [
        ("[INFO] throughput (1000*batchsize/NPU_compute_time): 2000.0", None),
        ("[INFO] throughput 1000*batchsize(4)/NPU_compute_time.mean(2.0): 2000.0", 4),
        ("[INFO] throughput 1000*batchsize.mean(4)/NPU_compute_time.mean(2.0): 2000.0", 4),
        ("[INFO] Throughput 1000*batchsize.mean(4.0)/NPU_compute_time.mean(2.0): 2000.0", 4.0),
    ],
)
def test_the_throughput_line_of_each_version(line: str, batch: float | None) -> None:
    reading = ais.read(RULER + COMPUTE + line + "\n")
    assert reading.status == "ok", reading.problems
    (run,) = reading.runs
    assert (run.throughput, run.batchsize) == (2000.0, batch)
    assert run.implied_batch == 4
    assert run.parts == {"NPU_compute_time": STATS}


def test_the_table_of_newer_versions() -> None:
    text = (
        RULER
        + "╒═══════════════════════╤════════╤════════╤════════╤══════════╤════════╕\n"
        + "│ Metric                │    min │    max │   mean │   median │    P99 │\n"
        + "╞═══════════════════════╪════════╪════════╪════════╪══════════╪════════╡\n"
        + "│ NPU_compute_time (ms) │ 1.7500 │ 2.5000 │ 2.0000 │   1.9375 │ 2.4375 │\n"
        + "╘═══════════════════════╧════════╧════════╧════════╧══════════╧════════╛\n"
        + "[INFO] Throughput 1000*batchsize.mean(4)/NPU_compute_time.mean(2.0): 2000.0\n"
    )
    reading = ais.read(text)
    assert reading.status == "ok", reading.problems
    assert reading.runs[0].parts == {"NPU_compute_time": STATS}


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("name", ["percentile(99%)", "P99"])
def test_the_summary_file(indent: int | None, name: str) -> None:
    stats = {("P99" if key == "p99" else key): value for key, value in STATS.items()}
    stats[name] = stats.pop("P99")
    summary = {
        "filesinfo": {"0": {"infiles": ["a.bin"], "outfiles": ["a_0.bin"]}},
        "args": ["--model", "net_bs4.om"],
        "NPU_compute_time": stats | {"count": 25},
        "H2D_latency": stats,
        "D2H_latency": stats,
        "throughput": 2000.0,
        "npu_compute_time_list": [1.75, 2.5],
        "pid": 12,
    }
    text = json.dumps(summary, indent=indent)
    assert ais.sniff(text) == 1.0
    reading = ais.read(text)
    assert reading.status == "ok", reading.problems
    (run,) = reading.runs
    assert run.parts["NPU_compute_time"] == STATS | {"count": 25}
    assert run.parts["D2H_latency"] == STATS
    assert run.throughput == 2000.0


def test_a_brace_on_the_next_line() -> None:
    reading = ais.read(
        '"NPU_compute_time": \n  {"min": 1.5, \n  "max": 2.5, \n  "mean": 2.0, "median": 2.0, \n "P99": 2.5}, \n'
    )
    assert reading.runs[0].parts["NPU_compute_time"] == {"min": 1.5, "max": 2.5, "mean": 2.0, "median": 2.0, "p99": 2.5}


def test_a_fragment_of_the_summary_file_is_partial() -> None:
    reading = ais.read('"NPU_compute_time": {\n  "min": 1.5,\n  "max": 2.5,\n  "mean": 2.0,\n "median": 2.0}\n')
    assert reading.runs[0].parts["NPU_compute_time"] == {"min": 1.5, "max": 2.5, "mean": 2.0, "median": 2.0}
    assert reading.problems == ["missing: NPU_compute_time.p99, throughput"]
    assert reading.status == "partial"


@given(st.integers(1, 64), st.floats(min_value=1e-3, max_value=1e4))
@settings(max_examples=100, deadline=None)
def test_what_the_tool_prints_is_read_as_printed(batch: int, mean: float) -> None:
    rate = 1000 * batch / mean
    text = (
        f"[INFO] NPU_compute_time (ms): min = {mean}, max = {mean}, mean = {mean}, median = {mean}, "
        f"percentile(99%) = {mean}\n[INFO] throughput 1000*batchsize({batch})/NPU_compute_time.mean({mean}): {rate}\n"
    )
    reading = ais.read(text)
    (run,) = reading.runs
    assert (run.throughput, run.batchsize, run.mean) == (rate, batch, mean)
    assert reading.status == "ok", reading.problems


def test_a_batch_that_does_not_fit_is_said() -> None:
    line = "[INFO] throughput 1000*batchsize(1)/NPU_compute_time.mean(2.0): 2000.0\n"
    reading = ais.read(COMPUTE + line)
    assert reading.status == "lenient"
    assert reading.problems == ["throughput 2000 is not 1000 x batchsize / mean (500)"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max = 2.5", "max = 1.5", "NPU_compute_time: min 1.75 is above max 1.5"),
        ("median = 1.9375", "median = 1.5", "NPU_compute_time: median 1.5 is outside min and max"),
        ("mean = 2.0", "mean = nan", "mean: 'nan' is not surely a time"),
        ("mean = 2.0", "mean = 2.0e+", "mean: '2.0e+' is not surely a time"),
    ],
)
def test_statistics_that_cannot_be(old: str, new: str, said: str) -> None:
    reading = ais.read(COMPUTE.replace(old, new))
    assert said in reading.problems


def test_several_devices() -> None:
    text = (
        "i:0 device_1 throughput:250.5 start_time:1.5 end_time:2.5\n"
        "i:1 device_2 throughput:249.5 start_time:1.5 end_time:2.5\n[INFO] summary throughput:500.0\n"
    )
    reading = ais.read(text)
    assert reading.devices == {1: 250.5, 2: 249.5}
    assert reading.summary_throughput == 500.0
    assert reading.as_json()["devices"][0] == {"device": 1, "throughput": 250.5}
    assert any("not the sum" in p for p in ais.read(text.replace(":500.0", ":400.0")).problems)


def test_an_error_of_the_tool_is_said() -> None:
    text = "[INFO] acl init success\n[ERROR] acl open device 0 failed\n"
    assert ais.sniff(text) > 0
    reading = ais.read(text)
    assert reading.status == "error"
    assert reading.problems[0] == "the tool says: [ERROR] acl open device 0 failed"


def test_full_width_punctuation_is_lenient() -> None:
    reading = ais.read(
        COMPUTE.replace(", ", "\uff0c") + "[INFO] throughput (1000*batchsize/NPU_compute_time): 2000.0\n"
    )
    assert reading.status == "lenient"
    assert reading.runs[0].parts["NPU_compute_time"] == STATS


@pytest.mark.parametrize("code", ["EL003", "EL0003", "EE1001", "E40021"])
def test_codes_of_the_runtime_do_not_make_it_a_log_of_atc(code: str) -> None:
    text = f"[INFO] acl init success\n{code}: The argument is invalid.\n[ERROR] acl open device 0 failed\n"
    assert choose(text).family == "ais"
    assert f"the tool says: {code}: The argument is invalid." in ais.read(text).problems
    assert choose(f"{code.replace('EL003', 'EL0003')}: The argument is invalid.\n").family == "atc"


def test_several_threads_print_the_mean_alone() -> None:
    text = RULER + "[INFO] NPU_compute_time (ms): mean = 2.0\n"
    text += "[INFO] throughput 1000*batchsize.mean(4)/NPU_compute_time.mean(2.0): 2000.0\n"
    reading = ais.read(text)
    assert (reading.status, reading.problems) == ("ok", [])
    assert reading.runs[0].parts == {"NPU_compute_time": {"mean": 2.0}}
    assert ais.read(RULER + "[INFO] NPU_compute_time (ms): min = 1.0, mean = 2.0\n").status == "partial"
    assert ais.read(RULER + "[INFO] NPU_compute_time (ms): mean = 2.0").status == "error"


def test_two_devices_that_print_at_the_same_time_keep_their_values() -> None:
    slow = COMPUTE.replace("2.0", "2.25")
    rates = [f"[INFO] throughput 1000*batchsize(4)/NPU_compute_time.mean({m}): {4000 / m}\n" for m in (2.0, 2.25)]
    reading = ais.read(RULER + RULER + COMPUTE + slow + "".join(rates))
    assert reading.status == "ok", reading.problems
    assert [(run.mean, run.throughput) for run in reading.runs] == [(2.0, 2000.0), (2.25, 4000 / 2.25)]


@pytest.mark.parametrize("line", ["SetDevice failed.ret=507033", "RuntimeError:[1][ACL:invalid parameter]"])
def test_a_code_of_the_runtime_is_said(line: str) -> None:
    assert ais.read(f"[INFO] acl init success\n{line}\n").problems[0].startswith("the tool says: ")


def test_a_summary_of_a_pipeline_has_means_alone() -> None:
    parts = ", ".join(f'"{part}": {{"mean": 12.5, "count": 100}}' for part in PARTS)
    reading = ais.read(f'{{"filesinfo": {{}}, {parts}, "throughput": 1280.0, "pid": 12}}\n')
    assert (reading.status, reading.problems) == ("ok", [])
    assert reading.runs[0].implied_batch == 16
