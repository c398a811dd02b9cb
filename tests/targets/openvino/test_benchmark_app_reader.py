"""Logs of ``benchmark_app``: forms of its releases and languages, what is cut, mixed, or contradicts itself."""

# ruff: noqa: E501 - lines as the tool prints them

from __future__ import annotations

import pytest

from kit.audit import audit_text
from kit.toollogs.reader import read_bytes
from tests.logsamples import SAMPLES, assert_told, read

NEW, OLD = SAMPLES["benchmark_app"], SAMPLES["benchmark_app 2021"]

#: What OpenVINO 2026.4.1 printed on two cores for a small network with two shapes; its settings are left out.
REAL = """\
[Step 9/11] Creating infer requests and preparing input tensors
[ WARNING ] No input files were given for input 'x'!. This input will be filled with random values!
[ INFO ] Fill input 'x' with random values 
[ INFO ] Defined 2 tensor groups:
[ INFO ] 	 x: [1,3,64,64]
[ INFO ] 	 x: [2,3,64,64]
[Step 10/11] Measuring performance (Start inference asynchronously, 2 inference requests, limits: 1000 ms duration)
[ INFO ] Benchmarking in full mode (inputs filling are included in measurement loop).
[ INFO ] First inference took 13.63 ms
[Step 11/11] Dumping statistics report
[ INFO ] Execution Devices:['CPU']
[ INFO ] Count:            4840 iterations
[ INFO ] Duration:         1000.77 ms
[ INFO ] Latency:
[ INFO ]    Median:        330.53 us
[ INFO ]    Average:       360.32 us
[ INFO ]    Min:           88.58 us
[ INFO ]    Max:           4550.11 us
[ INFO ] Latency for each data shape group:
[ INFO ] 1. x: [1,3,64,64]
[ INFO ]    Median:     320.63 us
[ INFO ]    Average:    330.87 us
[ INFO ]    Min:        88.58 us
[ INFO ]    Max:        4550.11 us
[ INFO ] 2. x: [2,3,64,64]
[ INFO ]    Median:     347.84 us
[ INFO ]    Average:    389.78 us
[ INFO ]    Min:        164.09 us
[ INFO ]    Max:        4468.01 us
[ INFO ] Throughput:   7254.40 FPS
"""  # noqa: W291 - as the tool prints it


def test_a_run_with_each_number_and_its_line() -> None:
    found = read(NEW)
    assert (found["status"], found["api"], found["requests"], found["batch"]) == ("ok", "async", 3, 4)
    assert found["latency_ms"] == {"median": 5.75, "mean": 6, "min": 4.25, "max": 21.5}
    assert (found["count"], found["duration_ms"], found["throughput_fps"]) == (2502, 5004, 2000)
    assert (found["compile_ms"], found["first_inference_ms"]) == (95.5, 16.75)
    assert found["settings"]["INFERENCE_PRECISION_HINT"] == "<Type: 'bfloat16'>"
    assert found["lines"]["throughput_fps"] == "[ INFO ] Throughput: 2000.00 FPS"
    assert found["lines"]["latency_ms.min"] == "[ INFO ] Min: 4.25 ms"
    assert "implied_batch" not in found


def test_microseconds_and_several_shapes_as_the_tool_printed_them() -> None:
    found = read(REAL)
    assert (found["status"], found["mode"], found["implied_batch"]) == ("ok", "full", 1.5)
    assert found["latency_ms"] == {"median": 0.33053, "mean": 0.36032, "min": 0.08858, "max": 4.55011}
    assert [group["shape"] for group in found["groups"]] == ["x: [1,3,64,64]", "x: [2,3,64,64]"]
    assert found["groups"][1]["latency_ms"] == {"median": 0.34784, "mean": 0.38978, "min": 0.16409, "max": 4.46801}


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("[ INFO ] \tMedian:  5.75 ms\n[ INFO ] \tAvg:    6.00 ms\n[ INFO ] \tMin:    4.25 ms\n[ INFO ] \tMax:    21.50 ms\n", "median"),
        ("    AVG:        6.00 ms\n    MIN:        4.25 ms\n    MAX:        21.50 ms\n", ""),
        ("(90 percentile):     8.25 ms\n    AVG:        6.00 ms\n    MIN:        4.25 ms\n    MAX:        21.50 ms\n", "p90"),
        ("[ INFO ]    90 percentile:     8.25 ms\n[ INFO ]    Average:    6.00 ms\n[ INFO ]    Min:    4.25 ms\n[ INFO ]    Max:    21.50 ms\n", "p90"),
    ],
)  # fmt: skip
def test_the_latencies_of_2022(printed: str, names: str) -> None:
    first, rest = NEW.partition("[ INFO ]    Median")[0], NEW.partition("21.50 ms\n")[2]
    found = read(first + printed + rest)
    assert found["status"] == "ok", found
    assert set(found["latency_ms"]) == {"mean", "min", "max"} | ({names} if names else set())


def test_one_request_at_a_time_was_the_batch_by_the_median_before_2022() -> None:
    assert (read(OLD)["throughput_fps"], read(OLD)["latency_ms"], read(OLD)["batch"]) == (250, {"median": 8}, 2)
    wrong = read(OLD.replace("Throughput: 250.00", "Throughput: 260.00"))
    assert wrong["status"] == "lenient"
    assert wrong["problems"][0].startswith("throughput 260 is not batch 2 x iterations / duration")
    assert read(NEW.replace("Throughput:   2000.00", "Throughput:   500.00"))["status"] == "lenient", (
        "without the batch"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Throughput:   2000.00 FPS\n", "Throughput:   2000.0", "missing: throughput_fps"),
        ("Throughput:   2000.00 FPS", "Throughput:   2000.00", "is not surely a value"),
        ("Throughput:   2000.00 FPS", "Throughput:   inf FPS", "is not surely a value"),
        ("Throughput:   2000.00 FPS", "Throughput:   2,000.00 FPS", "is not surely a value"),
        ("Median:        5.75 ms", "Median:        5.75 minutes", "is not surely a value"),
        ("Median:        5.75 ms", "Median:        25.75 ms", "median 25.75 is outside min and max"),
        ("[ INFO ]    Min:           4.25 ms\n", "", "missing: latency_ms.min"),
        ("[ INFO ] Count:", "another program[ INFO ] Count:", "non-standard line"),
        ("2000.00 FPS\n", "2000.00 FPS\n[ INFO ] Throughput:   1999.00 FPS\n", "throughput_fps is stated twice: 2000 and"),
        ("batch size: 4\n", "batch size: 4\n[ INFO ] Model batch size: 8\n", "batch is stated twice: 4 and 8"),
    ],
)  # fmt: skip
def test_what_is_cut_or_contradicts_itself_is_told(old: str, new: str, said: str) -> None:
    assert_told(NEW, old, new, said)


def test_several_runs_are_told_apart_and_lines_in_turns_are_not_assigned() -> None:
    three = read(NEW + OLD + NEW.partition("[Step 10/11]")[0])["runs"]
    assert [run.get("throughput_fps") for run in three] == [2000, 250, None]
    assert "throughput_fps" in three[2]["missing"]
    other = NEW.replace("2502", "1251").replace("2000.00", "1000.00")
    turns = "".join(one + two for one, two in zip(NEW.splitlines(True), other.splitlines(True), strict=True))
    for text in (turns, "".join(line for line in turns.splitlines(True) if "Step" not in line)):
        found = read(text)
        assert found["status"] == "error"
        assert any("lines of concurrent runs are mixed" in problem for problem in found["problems"])
    rates = read("[ INFO ] Throughput:   10.00 FPS\n[ INFO ] Throughput:   20.00 FPS\n")
    assert [run["throughput_fps"] for run in rates["runs"]] == [10, 20], "lines of a grep"


def test_several_devices_have_no_latency() -> None:
    first, rest = NEW.partition("[ INFO ] Latency:")[0], NEW.partition("21.50 ms\n")[2]
    assert "latency_ms.median" in read(first + rest)["missing"]
    assert read((first + rest).replace("OpenVINO:\n", "OpenVINO:\n[ INFO ] MULTI\n"))["status"] == "ok"


def test_an_error_and_a_run_without_inference() -> None:
    found = read_bytes(
        b"[Step 4/11] Reading model files\n[ ERROR ] Exception from core.cpp:84:\nCould not open the file\n"
        b'Traceback (most recent call last):\n  File "main.py", line 415, in main\n', "x",
    )[1]  # fmt: skip
    assert found.status == "error"
    assert found.problems[0] == "benchmark_app says: Exception from core.cpp:84: Could not open the file"
    skipped = NEW.partition("[Step 8/11]")[0] + (
        "[ INFO ] Model compiled successfully. Skipping inference due to -niter 0.\n"
        "[Step 10/11] Measuring performance (skipped)\n[Step 11/11] Dumping statistics report\n"
    )
    assert (read(skipped)["status"], read(skipped)["inference"]) == ("ok", "skipped on request")


def test_a_report_that_quotes_it_is_audited() -> None:
    wrong = NEW.replace("Median:        5.75", "Median:        25.75")
    found = audit_text(f"# Net\n\n```\n{wrong}```\n\nbs4: 2000 fps\n", "README.md").diagnostics
    assert [(one.rule, one.line) for one in found] == [("KA003", 30)]
    assert "the median 25.75 ms is outside min 4.25 and max 21.50" in found[0].message
