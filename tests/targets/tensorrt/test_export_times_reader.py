from __future__ import annotations

import json
from typing import Any

import pytest

from kit.targets.tensorrt.readers import export_times


def records(form: str, count: int = 400) -> list[dict[str, Any]]:
    """Enqueues every 3 ms: copy in 0.5, compute 2, copy out 0.5; enqueued 1 ms ahead of the copy."""
    made = []
    for i in range(count):
        start = 1.0 + 3.0 * i
        copy_in, compute, copy_out = (start, start + 0.5), (start + 0.5, start + 2.5), (start + 2.5, start + 3.0)
        enqueue = (start - 1.0, start - 0.75)
        names = {"8.x": ("Enq", "H2d", "D2h"), "7.x": ("Enq", "In", "Out"), "7.0": ("", "In", "Out")}[form]
        if form == "7.x":  # the writer of 7.1 and 7.2 swaps the two
            enqueue, copy_in = copy_in, enqueue
        item: dict[str, Any] = {}
        for name, (begin, end) in zip(
            (names[0], names[1], "Compute", names[2]), (enqueue, copy_in, compute, copy_out), strict=True
        ):
            if name:
                item |= {f"start{name}Ms": begin, f"end{name}Ms": end}
        durations = ("h2dMs", "d2hMs") if form == "8.x" else ("inMs", "outMs")
        item |= {durations[0]: 0.5, "computeMs": 2.0, durations[1]: 0.5, "latencyMs": 3.0, "endToEndMs": 3.0}
        made.append(item)
    return made


def text(items: list[dict[str, Any]]) -> str:
    return "[\n  " + "\n, ".join(json.dumps(item).replace('": ', '" : ') for item in items) + "\n]\n"


@pytest.mark.parametrize("form", ["7.0", "7.x", "8.x"])
def test_the_rate_of_each_form(form: str) -> None:
    reading = export_times.read(text(records(form)))
    assert (reading.form, reading.status, reading.problems) == (form, "ok", [])
    first = reading.records[0]
    assert (first.input_start, first.input_end) == (1.0, 1.5)
    assert first.enqueue_start == (None if form == "7.0" else 0.0)
    # Computing begins at 1.5 + 3 i: 200 ms are over from i = 67 on, 333 of 400 are timed.
    assert len(reading.timed(200)) == 333
    assert reading.walltime_ms(200) == pytest.approx(333 * 3.0)
    assert reading.enqueues_per_s(200) == pytest.approx(1000 / 3)
    assert len(reading.timed(0)) == 400


def test_the_json() -> None:
    found = export_times.read(text(records("7.x"))).as_json()
    assert found["gpu_compute"] == {"min": 2, "max": 2, "mean": 2, "median": 2, "p99": 2}
    assert (found["records"], found["timed_after_200_ms"], found["form"]) == (400, 333, "7.x")


def test_only_warm_up_is_no_rate() -> None:
    reading = export_times.read(text(records("8.x", 20)))
    assert reading.enqueues_per_s() is None


def test_a_cut_file_gives_whole_records() -> None:
    whole = text(records("7.x", 5))
    reading = export_times.read(whole[: whole.rindex("computeMs") + 14])
    assert len(reading.records) == 4
    assert reading.status == "partial"
    assert reading.problems == ["the list is cut off: the whole records are used"]


@pytest.mark.parametrize("bad", ["nan", "-inf", '"2"', "null", "true", "1e999"])
def test_a_record_without_a_number_is_left_out(bad: str) -> None:
    damaged = text(records("8.x", 3)).replace('"computeMs" : 2.0', f'"computeMs" : {bad}', 1)
    reading = export_times.read(damaged)
    assert len(reading.records) == 2
    assert reading.problems == ["1 records are not whole or not finite: they are left out"]
    assert reading.status == "partial"


def test_times_that_do_not_add_up_are_said() -> None:
    items = records("8.x", 3)
    items[1]["latencyMs"] = 9.0
    items[2]["endComputeMs"] = 99.0
    reading = export_times.read(text(items))
    assert reading.problems == ["2 times of records do not add up"]
    assert reading.status == "lenient"


def test_two_files_in_one_give_no_rate() -> None:
    one, other = records("8.x"), records("8.x")
    for both in (text(one + other), text(one) + text(other)):
        reading = export_times.read(both)
        assert (reading.status, reading.records, reading.enqueues_per_s()) == ("error", [], None)
        assert "records of several runs in one text: none is used" in reading.problems
    one[200], one[201] = one[201], one[200]
    assert "1 records begin before the one above: not one run" in export_times.read(text(one)).problems


def test_rounded_stamps_of_a_long_run_are_no_contradiction() -> None:
    items = records("8.x", 2)
    for item in items:  # six digits after some minutes: steps of 1 ms
        for key, value in item.items():
            if key.startswith(("start", "end")) and key != "endToEndMs":
                item[key] = float(f"{value + 123456.4:.6g}")
    assert export_times.read(text(items)).problems == []
