"""Logs of ``onnxruntime_perf_test``: forms of its releases, what is cut, mixed, or contradicts itself."""

from __future__ import annotations

import pytest

from tests.logsamples import SAMPLES, assert_told, read

NEW = SAMPLES["onnxruntime_perf_test"]
OLDEST = """\
Total time cost: 2.5
Total iterations: 200
Average time cost: 12.5 ms
Total run time: 2.56 s
Min Latency is 0.01025 sec
Max Latency is 0.0235 sec
P50 Latency is 0.01225 sec
P90 Latency is 0.0145 sec
P95 Latency is 0.01625 sec
P99 Latency is 0.02175 sec
P999 Latency is 0.0235 sec
"""


def test_a_run_with_each_number_and_its_line() -> None:
    found = read(NEW)
    assert (found["status"], found["requests"], found["inferences_per_second"]) == ("ok", 200, 78.125)
    assert (found["session_s"], found["first_ms"], found["total_s"], found["run_s"]) == (0.125, 14, 2.5, 2.56)
    assert found["latency_ms"] == {
        "mean": 12.5, "min": 10.25, "max": 23.5, "p50": 12.25, "p90": 14.5, "p95": 16.25, "p99": 21.75, "p99.9": 23.5,
    }  # fmt: skip
    assert found["lines"]["latency_ms.p50"] == "P50 Latency: 0.01225 s"
    assert "recomputed" not in found


def test_the_forms_of_older_releases() -> None:
    oldest, first = read(OLDEST), read(NEW.partition("Avg CPU usage:51\n")[0].replace(" cost total:", " cost:"))
    assert (oldest["status"], oldest["recomputed"]) == ("ok", 78.125)
    assert oldest["latency_ms"] == read(NEW)["latency_ms"]
    assert (first["status"], first["latency_ms"]) == ("ok", {"mean": 12.5})
    tight = NEW.replace("cost: ", "cost:").replace("requests: ", "requests:")
    assert read(tight)["total_s"] == 2.5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("P999 Latency: 0.0235 s\n", "P999 Latency: 0.02", "missing: latency_ms.p99.9"),
        ("P99 Latency: 0.02175 s", "P99 Latency: 0.02175 ms", "is not surely a value"),
        ("P50 Latency: 0.01225", "P50 Latency: 0.0155", "p50 15.5 is above p90 14.5"),
        ("Runs:200", "Runs:199", "requests is stated twice: 200 and 199"),
        ("cost total: 12.500000", "cost total: 13.500000", "mean x requests = 2.7 s, but the total is 2.5 s"),
        ("second: 78.125", "second: 80.125", "rate x run time = 205.12, but there were 200 requests"),
        ("Runs:200\n", "Runs:200\nRun failed:no such device\n", "the tool says: Run failed:no such device"),
    ],
)
def test_what_is_cut_or_contradicts_itself_is_told(old: str, new: str, said: str) -> None:
    assert_told(NEW, old, new, said)


def test_several_runs_are_told_apart_and_lines_in_turns_are_not_assigned() -> None:
    faster = NEW.replace("78.125", "156.25").replace("2.56 s", "1.28 s")
    assert [run["inferences_per_second"] for run in read(NEW + faster)["runs"]] == [78.125, 156.25]
    cut = read(NEW.partition("Total inference run")[0] + faster)
    assert ("run_s" in cut["runs"][0]["missing"], cut["runs"][1]["run_s"]) == (True, 1.28)
    turns = "".join(one + two for one, two in zip(NEW.splitlines(True), faster.splitlines(True), strict=True))
    mixed = read(turns)
    assert mixed["status"] == "error"
    assert "lines of concurrent runs are mixed" in mixed["problems"][0]
    rates = read("Number of inferences per second: 5.5 \nNumber of inferences per second: 6.5 \n")
    assert [run["inferences_per_second"] for run in rates["runs"]] == [5.5, 6.5], "lines of a grep"
