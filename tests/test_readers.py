"""What every reader has to keep, whatever its tool: over samples of our own making in the forms of the tools."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import readers as core
from kit.errors import DamagedError, InvalidInputError, KitError, MissingError
from kit.logtext import NUMBER, clean, decode, narrow
from kit.readers import Reader, choose, load, read_bytes, read_file, readers

if TYPE_CHECKING:
    from collections.abc import Iterator

PERF = """\
[e2e] throughputRate: 312.638, latency: 159929
[data read] throughputRate: 321.245, moduleLatency: 3.11289
[preprocess] throughputRate: 319.722, moduleLatency: 3.12772
[infer] throughputRate: 314.855, Interface throughputRate: 1.89173e+03, moduleLatency: 2.01078
[post] throughputRate: 19.6777, moduleLatency: 50.8189
"""
PURE = """\
[INFO] Dataset number: 19 finished cost 25.448ms
[INFO] PureInfer result saved in ./result/PureInfer_perf_of_net_bs4_in_device_0.txt
-----------------PureInfer Performance Summary------------------
[INFO] ave_throughputRate: 157.113samples/s, ave_latency: 6.41437ms
----------------------------------------------------------------
"""
AIS = """\
[INFO] load model net_bs4.om success
[INFO] -----------------Performance Summary------------------
[INFO] H2D_latency (ms): min = 0.25, max = 0.75, mean = 0.5, median = 0.5, percentile(99%) = 0.74
[INFO] NPU_compute_time (ms): min = 1.75, max = 2.5, mean = 2.0, median = 1.9375, percentile(99%) = 2.4375
[INFO] D2H_latency (ms): min = 0.05, max = 0.07, mean = 0.06, median = 0.0625, percentile(99%) = 0.0675
[INFO] throughput 1000*batchsize(4)/NPU_compute_time.mean(2.0): 2000.0
[INFO] ------------------------------------------------------
"""
TRTEXEC_7 = """\
&&&& RUNNING TensorRT.trtexec # trtexec --onnx=net.onnx --fp16 --shapes=x:4x3x8x8 --threads
[02/03/2021-10:00:00] [I] Selected Device: Tesla T4
[02/03/2021-10:00:01] [I] Input inference shape: x=4x3x8x8
[02/03/2021-10:00:05] [I] Timing trace has 0 queries over 3.0 s
[02/03/2021-10:00:05] [I] Average on 10 runs - GPU latency: 1.5 ms - Host latency: 2 ms (end to end 3 ms, enqueue 0.3 ms)
[02/03/2021-10:00:05] [I] Host Latency
[02/03/2021-10:00:05] [I] min: 1.5 ms (end to end 2.5 ms)
[02/03/2021-10:00:05] [I] max: 2.25 ms (end to end 3.5 ms)
[02/03/2021-10:00:05] [I] mean: 1.75 ms (end to end 3 ms)
[02/03/2021-10:00:05] [I] median: 1.75 ms (end to end 3.25 ms)
[02/03/2021-10:00:05] [I] percentile: 2.125 ms at 99% (end to end 3.375 ms at 99%)
[02/03/2021-10:00:05] [I] throughput: 0 qps
[02/03/2021-10:00:05] [I] walltime: 3.004 s
[02/03/2021-10:00:05] [I] Enqueue Time
[02/03/2021-10:00:05] [I] min: 0.25 ms
[02/03/2021-10:00:05] [I] max: 0.5 ms
[02/03/2021-10:00:05] [I] median: 0.28125 ms
[02/03/2021-10:00:05] [I] GPU Compute
[02/03/2021-10:00:05] [I] min: 1.25 ms
[02/03/2021-10:00:05] [I] max: 2 ms
[02/03/2021-10:00:05] [I] mean: 1.5 ms
[02/03/2021-10:00:05] [I] median: 1.46875 ms
[02/03/2021-10:00:05] [I] percentile: 1.96875 ms at 99%
[02/03/2021-10:00:05] [I] total compute time: 2.955 s
&&&& PASSED TensorRT.trtexec # trtexec --onnx=net.onnx --fp16 --shapes=x:4x3x8x8 --threads
"""  # noqa: E501 - as the tool prints it
TRTEXEC_8 = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8205] # trtexec --loadEngine=net.plan
[02/03/2022-10:00:00] [I] Selected Device: Tesla T4
[02/03/2022-10:00:01] [I] Created input binding for x with dimensions 4x3x8x8
[02/03/2022-10:00:05] [I] Timing trace has 1200 queries over 3 s
[02/03/2022-10:00:05] [I] === Performance summary ===
[02/03/2022-10:00:05] [I] Throughput: 400 qps
[02/03/2022-10:00:05] [I] Latency: min = 2.5 ms, max = 3.5 ms, mean = 2.75 ms, median = 2.75 ms, percentile(99%) = 3.25 ms
[02/03/2022-10:00:05] [I] Enqueue Time: min = 0.25 ms, max = 0.5 ms, mean = 0.375 ms, median = 0.375 ms, percentile(99%) = 0.5 ms
[02/03/2022-10:00:05] [I] H2D Latency: min = 0.25 ms, max = 0.25 ms, mean = 0.25 ms, median = 0.25 ms, percentile(99%) = 0.25 ms
[02/03/2022-10:00:05] [I] GPU Compute Time: min = 2 ms, max = 3 ms, mean = 2.25 ms, median = 2.25 ms, percentile(99%) = 2.75 ms
[02/03/2022-10:00:05] [I] D2H Latency: min = 0.25 ms, max = 0.25 ms, mean = 0.25 ms, median = 0.25 ms, percentile(99%) = 0.25 ms
[02/03/2022-10:00:05] [I] Total Host Walltime: 3 s
[02/03/2022-10:00:05] [I] Total GPU Compute Time: 2.7 s
&&&& PASSED TensorRT.trtexec [TensorRT v8205] # trtexec --loadEngine=net.plan
"""  # noqa: E501 - as the tool prints it
NPU_SMI = """\
+--------------------------------------------------------------------------------------------+
| npu-smi 22.0.0                       Version: 22.0.0                                       |
+-------------------+-----------------+------------------------------------------------------+
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===================+=================+======================================================+
| 0       310P3     | OK              | 15.9         49                18   / 18             |
| 0       0         | 0000:17:00.0    | 0            958  / 21054                            |
+===================+=================+======================================================+
| 1       310P3     | OK              | 16.2         51                0    / 0              |
| 0       1         | 0000:27:00.0    | 35           4958 / 21054                            |
+===================+=================+======================================================+
"""
NVIDIA_SMI = """\
index, name, driver_version, power.draw [W], memory.used [MiB], clocks_throttle_reasons.active
0, Tesla T4, 460.32.03, 16.31 W, 3 MiB, 0x0000000000000004
1, Tesla T4, 460.32.03, [N/A], 1234 MiB, 0x0000000000000000
"""
VISION = json.dumps(
    {
        "title": "Overall statistical evaluation",
        "value": [
            {"key": "Number of images", "value": "50000"},
            {"key": "Number of classes", "value": "1000"},
            *({"key": f"Top{k} accuracy", "value": f"{70.25 + k}%"} for k in range(1, 6)),
        ],
    }
)
ATC = """\
ATC start working now, please wait for a moment.
...
ATC run success, welcome to the next use.
W11001: Op [Slice_29] does not hit the high-priority operator information library.
"""
TIMES = "[\n" + "\n, ".join(
    json.dumps(
        {
            "startEnqMs": 3.0 * i, "endEnqMs": 3.0 * i + 0.5, "startH2dMs": 3.0 * i, "endH2dMs": 3.0 * i + 0.5,
            "startComputeMs": 3.0 * i + 0.5, "endComputeMs": 3.0 * i + 2.5, "startD2hMs": 3.0 * i + 2.5,
            "endD2hMs": 3.0 * i + 3.0, "h2dMs": 0.5, "computeMs": 2.0, "d2hMs": 0.5, "latencyMs": 3.0,
        }
    )
    for i in range(80)
) + "\n]\n"  # fmt: skip
OUTPUT = (
    '[\n  { "name" : "output1"\n  , "dimensions" : "2x3"\n  , "values" : [ 0.25, -1.5, 3e-05, 12, 0, 7.125 ]\n  }\n]\n'
)
MSAME = """\
[INFO] model execute success
Inference time: 82.243ms
Inference average time : 81.88 ms
Inference average time without first time: 81.50 ms
[INFO] unload model success, model Id is 1
"""
PROFILE = (
    '[\n  { "count" : 500 }\n, { "name" : "Conv_0", "timeMs" : 60, "averageMs" : 0.12, "percentage" : 75 }\n'
    ', { "name" : "Relu_1", "timeMs" : 20, "averageMs" : 0.04, "percentage" : 25 }\n]\n'
)

SAMPLES = {
    "perf": PERF,
    "pure": PURE,
    "ais": AIS,
    "trtexec 7": TRTEXEC_7,
    "trtexec 8": TRTEXEC_8,
    "npu-smi": NPU_SMI,
    "nvidia-smi": NVIDIA_SMI,
    "vision_metric": VISION,
    "atc": ATC,
    "msame": MSAME,
    "export_times": TIMES,
    "export_output": OUTPUT,
    "export_profile": PROFILE,
}
FAMILIES = {"pure": "perf", "trtexec 7": "trtexec", "trtexec 8": "trtexec"}


def reader_of(sample: str) -> Reader:
    family = FAMILIES.get(sample, sample)
    return next(reader for reader in readers() if reader.family == family)


def numbers(value: Any, place: str = "") -> dict[str, Any]:
    """Every number of a JSON value by its place."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in numbers(item, f"{place}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in numbers(item, f"{place}[{i}]").items()}
    return {place: value} if isinstance(value, int | float) else {}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_text_finds_its_reader_and_is_whole(sample: str) -> None:
    reader = choose(SAMPLES[sample])
    assert reader.family == FAMILIES.get(sample, sample)
    reading = reader.read(SAMPLES[sample])
    assert reading.status == "ok", reading.problems
    found = reading.as_json()
    assert found["family"] == reader.family
    assert found["status"] == "ok"
    assert all(math.isfinite(number) for number in numbers(found).values())
    assert reading.rows()


# Sums over what has been read so far, which grow with the text; every other number has to be the final one.
GROWING = {"export_times": None, "trtexec 7": "trace_averages", "export_output": "outputs"}


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name != "export_times"])
def test_a_cut_text_never_gives_another_number(sample: str) -> None:
    text = SAMPLES[sample]
    reader = reader_of(sample)
    whole = numbers(reader.read(text).as_json())
    growing = GROWING.get(sample)
    for end in range(len(text)):
        reading = reader.read(text[:end])
        found = numbers(reading.as_json())
        wrong = {
            place: (number, whole.get(place))
            for place, number in found.items()
            if whole.get(place) != number and not (growing and growing in place)
        }
        assert not wrong, f"cut after {text[max(0, end - 40) : end]!r}: {wrong}"


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name not in ("export_times", "atc")])
def test_half_a_text_is_not_ok(sample: str) -> None:
    text = SAMPLES[sample]
    reading = reader_of(sample).read(text[: len(text) * 2 // 3])
    assert reading.status in ("partial", "error") or sample in ("pure", "npu-smi", "nvidia-smi")
    assert reading.problems or sample in ("pure", "npu-smi", "nvidia-smi")


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize(
    "dress",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: ("\u6027\u80fd\u6570\u636e\uff1a\n" + text).encode("gb18030"),
        lambda text: text.replace("OK", "\x1b[32mOK\x1b[0m").replace("[I]", "\x1b[1m[I]\x1b[0m").encode(),
    ],
    ids=["bom", "crlf", "utf-16", "gbk", "colours"],
)
def test_the_dress_of_a_text_does_not_matter(sample: str, dress: Any, tmp_path: Path) -> None:
    log = tmp_path / "a log.txt"
    log.write_bytes(dress(SAMPLES[sample]))
    _, reading = read_file(log)
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())


@pytest.mark.parametrize(
    "text",
    ["3,11289 ", "312,638, x", "1,164.16x", "1.164,16 ", "1 234.5, x", "1\u00a0234.5, x", "1'234 ", "1_000 ", "1.2k "],
)
def test_another_notation_of_a_number_is_not_read_as_its_beginning(text: str) -> None:
    assert re.match(NUMBER, narrow(text)) is None


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("382.5,382.5x4", "382.5"),
        ("2.25,latency", "2.25"),
        ("0.5, 1.5", "0.5"),
        ("157.5samples/s", "157.5"),
        ("1 ms", "1"),
    ],
)
def test_a_number_beside_other_things_is_read(text: str, token: str) -> None:
    found = re.match(NUMBER, text)
    assert found is not None
    assert found[0] == token


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.replace("OK", "^[[32mOK^[[0m").replace("[I]", "[0;1m[I][0m").encode(),
        lambda text: text.replace("\n", "\r\r\n").encode(),
    ],
    ids=["utf-16-le without mark", "utf-16-be without mark", "colours that lost their escape", "doubled returns"],
)
def test_what_a_text_went_through_does_not_matter(sample: str, dress: Any, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(dress(SAMPLES[sample]))
    _, reading = read_file(log)
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())


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
    assert reading.problems[0].startswith("non-standard line: all have a mark before them")
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


def test_brackets_that_are_no_colours_stay() -> None:
    assert clean("[model_process.cpp:299] mem[16m] [m]") == "[model_process.cpp:299] mem[16m] [m]"


@pytest.mark.parametrize("sample", ["perf", "pure", "ais", "trtexec 7", "trtexec 8", "npu-smi", "atc"])
def test_a_report_that_quotes_the_text_gives_the_same_numbers(sample: str) -> None:
    text = f"# 7 Performance\n\nThe result of 3.5 hours, batch 16:\n\n```shell\n{SAMPLES[sample]}```\n\nSo 99.5 fps.\n"
    assert choose(text).family == FAMILIES.get(sample, sample)
    reading = reader_of(sample).read(text)
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())
    assert reading.status == "ok"


@pytest.mark.parametrize("sample", ["perf", "pure", "ais", "trtexec 7", "trtexec 8"])
def test_two_runs_are_two(sample: str) -> None:
    found = reader_of(sample).read(SAMPLES[sample] + SAMPLES[sample]).as_json()
    runs = found["blocks" if "blocks" in found else "runs"]
    assert len(runs) == 2
    assert numbers(runs[0]) == numbers(runs[1])


def test_output_of_two_tools_is_refused_until_one_is_named() -> None:
    both = PERF + TRTEXEC_8
    with pytest.raises(InvalidInputError, match="several tools: perf, trtexec") as caught:
        choose(both, where="README.md")
    assert "--tool" in caught.value.remedy
    assert choose(both, "trtexec").family == "trtexec"
    assert choose(both, "benchmark.x86_64").family == "perf"


@pytest.mark.parametrize("text", ["hello", "1 2 3", "{}", "[]", "mean value", "0, 1, 2\n"])
def test_text_of_no_tool_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no reader knows"):
        choose(text)


def test_an_unknown_tool_is_named_with_those_that_are_known() -> None:
    with pytest.raises(InvalidInputError, match="no reader 'abacus'") as caught:
        choose(PERF, "abacus")
    assert "trtexec" in caught.value.remedy


def test_files_that_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b" \n\n")
    (tmp_path / "binary").write_bytes(random.Random(1).randbytes(5000))
    (tmp_path / "elf").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(2000))
    for name in ("empty", "binary", "elf"):
        with pytest.raises(DamagedError):
            load(tmp_path / name)
    with pytest.raises(InvalidInputError, match="directory"):
        load(tmp_path)
    with pytest.raises(MissingError):
        load(tmp_path / "nothing")
    with pytest.raises(KitError):
        load(tmp_path / ("x" * 5000))


def test_a_file_beyond_the_limit_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    log = tmp_path / "big.log"
    with log.open("wb") as file:
        file.truncate(core.MAX_BYTES + 1)
    with pytest.raises(DamagedError, match="64 MiB"):
        load(log)


def test_the_core_imports_neither_a_target_nor_heavy_packages() -> None:
    code = (
        "import sys, kit.readers; print([m for m in sys.modules if m.startswith(('docker', 'numpy', 'kit.targets'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TOY = """
from kit.readers import Reader, Row

class Found:
    status = "ok"
    problems = ()
    def __init__(self, text): self.speed = float(text.split("=")[1])
    def as_json(self): return {"family": "toy", "speed": self.speed, "status": "ok"}
    def rows(self): return [Row("speed", str(self.speed), "images/s")]

READERS = (Reader("toy", lambda text: float(text.startswith("toy speed")), Found, ("toybench",)),)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package from outside that registers readers."""
    info = tmp_path / "toy_target-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-target\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kit.readers]\ntoy = toy_target:READERS\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "toy_target", raising=False)
    readers.cache_clear()
    yield tmp_path / "toy_target.py"
    readers.cache_clear()


def test_another_package_brings_a_reader(package: Path) -> None:
    package.write_text(TOY)
    reader = choose("toy speed = 12.5\n")
    assert reader.family == "toy"
    assert reader.read("toy speed = 12.5\n").as_json()["speed"] == 12.5
    assert choose("whatever", "toybench").family == "toy"
    assert choose(PERF).family == "perf"


@pytest.mark.parametrize("broken", ["import nothing_of_this_name", "READERS = 1 / 0", "OTHER = ()"])
def test_a_package_that_cannot_be_imported_is_named(package: Path, broken: str) -> None:
    package.write_text(broken + "\n")
    with pytest.raises(InvalidInputError, match="the readers of 'toy' cannot be imported") as caught:
        choose(PERF)
    assert "toy_target" in str(caught.value)


def test_two_readers_of_one_name_are_refused(package: Path) -> None:
    package.write_text(TOY.replace('Reader("toy"', 'Reader("perf"'))
    with pytest.raises(InvalidInputError, match="two readers have the name 'perf'"):
        choose(PERF)


def test_two_hundred_logs_take_less_than_a_second() -> None:
    texts = [PERF, PURE, AIS, TRTEXEC_7, TRTEXEC_8] * 40
    readers()
    start = time.perf_counter()
    for text in texts:
        choose(text).read(text)
    assert time.perf_counter() - start < 1.0


PIECES = [line for text in SAMPLES.values() for line in text.splitlines(keepends=True)[:40]] + [
    "nan", "-inf", "1e999", "1.2e+", "\uff0c", "\uff1a", "&&&&", "GPU Compute\n", "[e2e]", "[infer] ", "```", "\r",
    "Interface throughputRate: ", "ave_latency = ", "mean = 3 ms", "percentile", "{", "}", '"values" : [',
    "E10001: Value [-1]\n", "| 2048    310       | OK ", "2021", "\u4e2d\u6587", "\x1b[31m", "ATC run failed\n",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=25).map("".join))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_a_reader(text: str) -> None:
    for reader in readers():
        reader.sniff(text)
        reading = reader.read(text)
        found = reading.as_json()
        json.dumps(found, allow_nan=False)
        assert found["status"] in ("ok", "lenient", "partial", "error")
        assert all(math.isfinite(number) for number in numbers(found).values())
        assert found["status"] == "ok" or found.get("problems"), (reader.family, found)
        reading.rows()


DERIVED = {"samples", "card_fps_x4", "throughput_x_latency", "implied_batch", "recomputed", "fps_if_batch_1"}
DAMAGED = ["perf", "pure", "ais", "trtexec 7", "trtexec 8", "npu-smi", "nvidia-smi"]
INSERTS = ["\n", " ", ".", "-", "e", "+", ",", "9", "[", "nan"]


@given(st.sampled_from(DAMAGED), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_a_damaged_text_gives_only_numbers_that_stand_in_it(sample: str, luck: random.Random) -> None:
    text = SAMPLES[sample]
    for _ in range(luck.randint(1, 4)):
        start = luck.randrange(len(text) or 1)
        end = start + luck.choice([1, 2, 5, 30, 200])
        text = luck.choice(
            [
                text[:start] + text[end:],
                text[:start] + text[start:end] * 2 + text[end:],
                text[:start] + luck.choice(INSERTS) + text[start:],
                text[:start],
            ]
        )
    there = {float(token) for token in re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)}
    for place, number in numbers(reader_of(sample).read(text).as_json()).items():
        if place.rpartition(".")[2] not in DERIVED and "trace_averages" not in place:
            assert abs(number) in there, (place, number, text)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_bytes_break_the_loading(data: bytes) -> None:
    try:
        text = decode(data, "x")
        choose(text).read(text)
    except KitError as error:
        assert error.remedy
