from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.targets.tensorrt.readers import trtexec
from tests.trtexecsections import STAMP, STATS, new, old, one


def test_the_section_before_8() -> None:
    reading = trtexec.read(old())
    assert reading.as_json() == {
        "family": "trtexec",
        "gpu_compute": {**STATS, "total_s": 3},
        "form": ["7.x"],
        "fps_if_batch_1": 666.666667,
        "status": "ok",
    }
    assert one(reading).timed_enqueues == 2000


def test_the_section_since_8() -> None:
    reading = trtexec.read(new())
    assert reading.as_json() == {
        "family": "trtexec",
        "gpu_compute": STATS,
        "form": ["8.x"],
        "fps_if_batch_1": 666.666667,
        "status": "ok",
    }


def test_three_percentiles_since_8_5() -> None:
    reading = trtexec.read(
        new(percentiles="percentile(90%) = 2 ms, percentile(95%) = 2.125 ms, percentile(99.9%) = 2.5 ms")
    )
    gpu = one(reading).sections["gpu_compute"]
    assert (gpu["p90"], gpu["p95"], gpu["p99.9"]) == (2, 2.125, 2.5)
    assert reading.status == "ok"


@given(
    st.lists(st.floats(min_value=1e-3, max_value=1e5), min_size=4, max_size=4).map(sorted),
    st.sampled_from(["7.x", "8.x"]),
    st.floats(min_value=0.01, max_value=1e6),
)
@settings(max_examples=100, deadline=None)
def test_what_trtexec_prints_is_read_as_printed(times: list[float], form: str, qps: float) -> None:
    low, middle, p99, high = times
    if form == "8.x":
        text = f"{STAMP}Throughput: {qps:g} qps\n{STAMP}GPU Compute Time: min = {low:g} ms, max = {high:g} ms, "
        text += f"mean = {middle:g} ms, median = {middle:g} ms, percentile(99%) = {p99:g} ms\n"
    else:
        text = f"{STAMP}throughput: {qps:g} qps\n{STAMP}GPU Compute\n{STAMP}min: {low:g} ms\n{STAMP}max: {high:g} ms\n"
        text += f"{STAMP}mean: {middle:g} ms\n{STAMP}median: {middle:g} ms\n{STAMP}percentile: {p99:g} ms at 99%\n"
    reading = trtexec.read(text)
    run = one(reading)
    assert run.throughput_qps == float(f"{qps:g}")
    want = {"min": low, "max": high, "mean": middle, "median": middle, "p99": p99}
    assert run.sections == {"gpu_compute": {name: float(f"{value:g}") for name, value in want.items()}}
    assert (reading.status, run.form) == ("ok", [form])


@pytest.mark.parametrize(
    "odd",
    [
        old().replace("\n", ""),
        new().replace(STAMP, "[02/03/2022-10:00:05] \n[I] ").replace(": min", ": \nmin").replace(", ", ", \n"),
        old().replace(": ", "\uff1a"),
        new().replace(" = ", "="),
        old().replace(STAMP, "# " + STAMP),
        old().replace(STAMP, STAMP + STAMP.removesuffix("[I] ")).replace("[I] ", "[I]"),
    ],
)
def test_odd_forms_give_the_same_values(odd: str) -> None:
    reading = trtexec.read(odd + "\n")
    assert one(reading).sections["gpu_compute"] | {"total_s": 3} == {**STATS, "total_s": 3}
    assert reading.status == "lenient"
    assert all(problem.startswith("non-standard line: ") for problem in reading.problems)


@pytest.mark.parametrize(
    "plain", [old().replace(STAMP, ""), old().replace(STAMP, "[I] "), old().replace(STAMP, "  " + STAMP)]
)
def test_stamps_may_be_left_out(plain: str) -> None:
    reading = trtexec.read(plain)
    assert one(reading).sections["gpu_compute"] == {**STATS, "total_s": 3}
    assert reading.status == "ok"


@pytest.mark.parametrize("before", ["+", "run 1: ", "worker-3 ", "$x "])
def test_what_stands_before_a_heading_does_not_hide_it(before: str) -> None:
    """Without its heading the mean of the host latency would be taken for that of the GPU."""
    latency = new("Latency").replace("1.5", "1.75").replace(STAMP, "")
    for text in (latency + new().replace(STAMP, ""), latency + old().replace(STAMP, "")):
        marked = "".join(before + line for line in text.splitlines(keepends=True))
        run = one(trtexec.read(marked))
        assert run.unnamed == {}
        assert (run.sections["host_latency"]["mean"], run.gpu_mean) == (1.75, 1.5)


def test_sections_on_one_line_without_stamps() -> None:
    text = "=== Performance summary === Throughput: 400 qps " + (new("H2D Latency") + new()).replace(STAMP, "").replace(
        "\n", " "
    )
    reading = trtexec.read(text + "Total Host Walltime: 3 s Total GPU Compute Time: 2.5 s\n")
    run = one(reading)
    assert run.sections == {"h2d_latency": STATS, "gpu_compute": {**STATS, "total_s": 2.5}}
    assert (run.throughput_qps, run.walltime_s) == (400, 3)


def test_sections_as_rows_of_a_table() -> None:
    rows = (new("Latency") + new()).replace(STAMP, "| ").replace(":", " |").replace(" ms\n", " ms |\n")
    run = one(trtexec.read("| Throughput | 400 qps |\n" + rows))
    assert run.sections == {"host_latency": STATS, "gpu_compute": STATS}
    assert run.throughput_qps == 400


def test_a_statistic_of_another_section_is_not_taken_for_the_gpus() -> None:
    for text in ("Latency -> mean = 3.5 ms\n", "host: mean = 3.5 ms\n", "Enqueue (mean = 3.5 ms)\n"):
        reading = trtexec.read(text)
        assert reading.status == "error"
        assert "it is not clear of which section" in reading.problems[0]


def test_a_lost_equals_sign_beside_its_heading() -> None:
    odd = new().replace("max =", "max").replace("percentile(99%) =", "percentile(99%)").replace("mean =", "mean")
    reading = trtexec.read(odd)
    assert one(reading).sections == {"gpu_compute": STATS}
    assert reading.status == "lenient"
    assert trtexec.read("a mean 3.5 ms in prose\n").status == "error"


def test_a_throughput_alone_is_partial() -> None:
    reading = trtexec.read(f"{STAMP}Throughput: 400 qps\n")
    assert (one(reading).throughput_qps, reading.status) == (400, "partial")
    assert reading.problems == ["missing: gpu_compute"]


def test_two_runs_that_wrote_at_the_same_time_give_no_value() -> None:
    def run(name: str) -> list[str]:
        head = f"&&&& RUNNING TensorRT.trtexec [TensorRT v8205] # trtexec --onnx={name}.onnx\n"
        return [head, f"{STAMP}Throughput: 400 qps\n", new(), head.replace("RUNNING", "PASSED")]

    both = "".join(line for pair in zip(run("a"), run("b"), strict=True) for line in pair)
    reading = trtexec.read(both)
    assert reading.status == "error"
    assert any("no value can be assigned" in problem for problem in reading.problems)
    assert not any(item.usable for item in reading.runs)
    crashed = trtexec.read("".join(run("a")[:1] + run("b") + run("c")))
    assert [item.throughput_qps for item in crashed.runs] == [None, 400, 400]


@pytest.mark.parametrize(
    ("form", "host"),
    [
        ("1.5 ms.", False),
        ("1.5 ms (percentile time is 2).", False),
        ("1.5 ms (host walltime is 2 ms, 99% percentile time is 3).", True),
    ],
)
def test_the_averages_of_the_first_versions(form: str, host: bool) -> None:
    found = one(trtexec.read(f"Average over 10 runs is {form}\n")).trace_averages
    assert found == {"enqueues": 10, "gpu_compute_mean": 1.5} | ({"host_latency_mean": 2} if host else {})


def test_a_mean_with_a_time_from_end_to_end_is_no_gpu_time() -> None:
    """Only the host latency has one; without its heading it would be taken for the GPU's."""
    line = f"{STAMP}mean: 1.75 ms (end to end 3 ms)\n"
    reading = trtexec.read(line)
    assert one(reading).sections == {"host_latency": {"mean": 1.75}, "end_to_end_host_latency": {"mean": 3}}
    assert one(reading).gpu_mean is None
    assert reading.status == "partial"
    assert one(trtexec.read(line + old())).gpu_mean == 1.5
    assert len(trtexec.read(line + line.replace("1.75", "2.75")).runs) == 2
    for end in range(len(line)):  # cut before what tells them apart
        assert not any(run.gpu_mean for run in trtexec.read(line[:end]).runs)
    assert one(trtexec.read("mean = 1.75 ms")).gpu_mean == 1.75


def test_orphan_stamps_alone_are_of_trtexec() -> None:
    assert trtexec.sniff("[02/03/2022-10:00:04] [02/03/2022-10:00:04] [02/03/2022-10:00:05] [I] [TRT] Some text\n") > 0


def test_orphan_stamps_of_the_other_stream() -> None:
    orphans = "[02/03/2022-10:00:04] [02/03/2022-10:00:04] "
    reading = trtexec.read("[W] [TRT] half a message\n" + orphans + new())
    assert one(reading).sections == {"gpu_compute": STATS}


def test_no_queries_per_second_is_no_rate() -> None:
    reading = trtexec.read(f"{STAMP}throughput: 0 qps\n{STAMP}walltime: 3.5 s\n" + old())
    assert one(reading).throughput_qps is None
    assert "throughput_qps" not in reading.as_json()
    assert any("--exportTimes" in problem for problem in reading.problems)
    assert one(reading).walltime_s == 3.5


@pytest.mark.parametrize("bad", ["nan", "inf", "-3", "1e999", "1.2e+", "4."])
def test_a_throughput_that_is_no_number(bad: str) -> None:
    reading = trtexec.read(f"{STAMP}Throughput: {bad} qps\n" + new())
    assert one(reading).throughput_qps is None
    assert any("qps" in problem for problem in reading.problems)


def test_a_mean_without_heading() -> None:
    reading = trtexec.read("mean = 37.5 ms\n")
    assert reading.as_json() == {
        "family": "trtexec",
        "unnamed": {"mean": 37.5},
        "form": [],
        "fps_if_batch_1": 26.6666667,
        "status": "partial",
        "problems": ["no section heading: mean taken to be GPU compute"],
    }


def test_a_median_without_heading_is_no_rate() -> None:
    reading = trtexec.read("median=38.4ms\n")
    assert one(reading).unnamed == {"median": 38.4}
    assert "fps_if_batch_1" not in reading.as_json()
    assert reading.status == "partial"


def test_a_statistic_without_its_unit_is_not_taken() -> None:
    assert "mean" not in one(trtexec.read(new().replace("mean = 1.5 ms", "mean = 1.5 s"))).sections["gpu_compute"]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("min = 1.25", "min = 3.25", "gpu_compute is rejected: min 3.25 is above max 2.5"),
        ("mean = 1.5", "mean = 2.75", "gpu_compute is rejected: mean 2.75 is outside min and max"),
        ("percentile(99%) = 2.25", "percentile(99%) = 1.375", "gpu_compute is rejected: p50 1.5 is above p99 1.375"),
    ],
)
def test_a_section_that_contradicts_itself_is_rejected(was: str, now: str, said: str) -> None:
    reading = trtexec.read(new().replace(was, now))
    assert said in reading.problems
    assert reading.status == "error"
    assert "fps_if_batch_1" not in reading.as_json()
    assert "gpu_compute" in reading.as_json()["rejected"]


def test_throughput_wall_time_and_queries_belong_together() -> None:
    def text(qps: str) -> str:
        return (
            f"{STAMP}Timing trace has 1200 queries over 3 s\n{STAMP}Throughput: {qps} qps\n"
            f"{new()}{STAMP}Total Host Walltime: 3 s\n"
        )

    assert trtexec.read(text("400")).status == "ok"
    reading = trtexec.read(text("410"))
    assert reading.problems == ["throughput x wall time = 1230, but the trace has 1200 queries"]
    assert reading.status == "lenient"


def test_mean_latency_is_the_sum_of_its_parts() -> None:
    text = new("Latency") + new("H2D Latency") + new() + new("D2H Latency")
    assert trtexec.read(text).problems == ["mean latency 1.5 ms is not H2D + GPU compute + D2H (4.5 ms)"]


def test_zero_copies_are_times() -> None:
    zero = "min = 0 ms, max = 0 ms, mean = 0 ms, median = 0 ms, percentile(99%) = 0 ms\n"
    reading = trtexec.read(f"{new('Latency')}{STAMP}H2D Latency: {zero}{new()}{STAMP}D2H Latency: {zero}")
    assert one(reading).sections["h2d_latency"]["max"] == 0
    assert reading.status == "ok"
