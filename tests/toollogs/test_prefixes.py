"""Marks of what carried a log: taken off, and never a reason for another number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.toollogs.reader import read_bytes
from tests.logsamples import SAMPLES, numbers, reader_of

PERF, AIS = SAMPLES["perf"], SAMPLES["ais"]


def marked(mark: Any) -> Any:
    return lambda text: "".join(mark(i) + line for i, line in enumerate(text.splitlines(keepends=True), 1))


MARKS = {
    "docker logs -t": marked(lambda i: f"2024-05-01T12:00:{i % 60:02d}.123456789Z "),
    "containerd": marked(lambda i: f"2024-05-01T12:00:{i % 60:02d}.123456789Z stdout F "),
    "docker compose": marked(lambda i: "bench-1  | "),
    "compose and stamps": marked(lambda i: f"bench-1  | 2024-05-01T12:00:{i % 60:02d}Z "),
    "journald": marked(lambda i: f"May  1 12:00:{i % 60:02d} host-7 kit[4711]: "),
    "journald iso": marked(lambda i: f"2024-05-01T12:00:{i % 60:02d}+0200 host-7 kit[4711]: "),
    "logging": marked(lambda i: f"2024-05-01 12:00:{i % 60:02d},123 - bench - INFO - "),
    "logging short": marked(lambda i: "INFO:bench:"),
    "stamp in brackets": marked(lambda i: f"[2024-05-01 12:00:{i % 60:02d}] "),
    "time of day": marked(lambda i: f"12:00:{i % 60:02d} "),
    "seconds since 1970": marked(lambda i: f"[{1767348000 + i}.123456] "),
    "GitLab": marked(lambda i: f"2024-05-01T12:00:{i % 60:02d}.123456Z 00O "),
    "gh run view": marked(lambda i: f"bench\tRun it\t2024-05-01T12:00:{i % 60:02d}.1234567Z "),
    "syslog 5424": marked(lambda i: f"<14>1 2024-05-01T12:00:{i % 60:02d}.123Z host-7 kit 4711 - - "),
    "kubectl": marked(lambda i: f"[pod/bench-7d9/main] 2024-05-01T12:00:{i % 60:02d}Z "),
    "mpirun": marked(lambda i: "[1,0]<stdout>:"),
    "srun": marked(lambda i: "0: "),
    "torchrun": marked(lambda i: "[default0]:"),
    "patch": marked(lambda i: "+"),
    "quoted": marked(lambda i: "> "),
    "commented": marked(lambda i: "    # "),
    "grep of files": marked(lambda i: "logs/bs1.log:"),
    "numbered by cat": marked(lambda i: f"{i:6d}\t"),
    "numbered by grep": marked(lambda i: f"{i}:"),
    "numbered on a page": marked(lambda i: f"  {i}. "),
    "docker's own file": lambda text: "".join(
        json.dumps({"log": line, "stream": "stdout", "time": "2024-05-01T12:00:00Z"}) + "\n"
        for line in text.splitlines(keepends=True)
    ),
}


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("sample", [name for name, text in SAMPLES.items() if text.count("\n") > 1])
def test_marks_of_what_carried_the_lines_are_taken_off(sample: str, mark: str) -> None:
    _, reading = read_bytes(MARKS[mark](SAMPLES[sample]).encode(), "x")
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())
    assert reading.status == "lenient"
    assert reading.problems[0].startswith("non-standard line: all start with a prefix")
    assert reading.rows() == reader_of(sample).read(SAMPLES[sample]).rows()


@pytest.mark.parametrize("mark", ["docker logs -t", "docker compose", "journald"])
def test_marks_do_not_make_a_cut_number_whole(mark: str) -> None:
    text = MARKS[mark](PERF.rstrip("\n"))
    _, reading = read_bytes(text.encode(), "x")
    assert reading.status == "partial"
    assert "moduleLatency" not in reading.as_json()["blocks"][0]["post"]


def test_a_long_line_in_parts_is_one_line() -> None:
    text = "".join(f"2024-05-01T12:00:00.1Z stdout F {line}\n" for line in PERF.splitlines())
    cut = text.replace("Interface", "\n2024-05-01T12:00:00.1Z stdout F Interface", 1)
    cut = cut.replace("stdout F [infer]", "stdout P [infer]")
    assert read_bytes(cut.encode(), "x")[1].as_json() == read_bytes(text.encode(), "x")[1].as_json()


def test_services_that_wrote_in_turns_are_put_apart() -> None:
    other = PERF.replace("312.638, latency: 159929", "156.319, latency: 319858").replace("1.89173e+03", "955.5")
    lines = zip(PERF.splitlines(), other.splitlines(), strict=True)
    text = "".join(f"one-1  | {one}\ntwo-1  | {two}\n" for one, two in lines)
    _, reading = read_bytes(text.encode(), "x")
    found = reading.as_json()["blocks"]
    assert [block["infer"]["interface"] for block in found] == [1891.73, 955.5]
    assert [block["e2e"]["throughputRate"] for block in found] == [312.638, 156.319]
    # The line without its end stays the last one, so that no line follows its cut number.
    cut = f"one-1  | {PERF.splitlines()[0]}\ntwo-1  | {other.splitlines()[0]}\none-1  | [post] throughputRate: 19.6"
    for block in read_bytes(cut.encode(), "x")[1].as_json()["blocks"]:
        assert "post" not in block


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_level_before_every_line_is_taken_off(sample: str) -> None:
    text = marked(lambda _: "[INFO] ")(SAMPLES[sample])
    _, reading = read_bytes(text.encode(), "x")
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())


def test_the_level_of_a_tool_stays() -> None:
    for text in (AIS.splitlines()[0], "[INFO] acl init success\n[INFO] open device 0 success"):
        assert read_bytes(text.encode() + b"\n", "x")[0].family == "ais"
    assert read_bytes(AIS.encode(), "x")[1].status == "ok"
