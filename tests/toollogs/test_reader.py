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

from kit.errors import DamagedError, InvalidInputError, KitError, MissingError
from kit.toollogs import reader as core
from kit.toollogs.reader import choose, load, read_file, readers
from kit.toollogs.text import NUMBER, clean, decode, narrow
from tests.logsamples import FAMILIES, SAMPLES, numbers, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator


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


#: Samples of which a text may hold several runs.
RUNS = [
    "perf", "pure", "ais", "trtexec 7", "trtexec 8", "benchmark_app", "benchmark_app 2021", "onnxruntime_perf_test",
]  # fmt: skip

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


def test_brackets_that_are_no_colours_stay() -> None:
    assert clean("[model_process.cpp:299] mem[16m] [m]") == "[model_process.cpp:299] mem[16m] [m]"


@pytest.mark.parametrize("sample", [*RUNS, "npu-smi", "atc"])
def test_a_report_that_quotes_the_text_gives_the_same_numbers(sample: str) -> None:
    text = f"# 7 Performance\n\nThe result of 3.5 hours, batch 16:\n\n```shell\n{SAMPLES[sample]}```\n\nSo 99.5 fps.\n"
    assert choose(text).family == FAMILIES.get(sample, sample)
    reading = reader_of(sample).read(text)
    assert numbers(reading.as_json()) == numbers(reader_of(sample).read(SAMPLES[sample]).as_json())
    assert reading.status == "ok"


@pytest.mark.parametrize("sample", RUNS)
def test_two_runs_are_two(sample: str) -> None:
    found = reader_of(sample).read(SAMPLES[sample] + SAMPLES[sample]).as_json()
    runs = found["blocks" if "blocks" in found else "runs"]
    assert len(runs) == 2
    assert numbers(runs[0]) == numbers(runs[1])


def test_output_of_two_tools_is_refused_until_one_is_named() -> None:
    both = SAMPLES["perf"] + SAMPLES["trtexec 8"]
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
        choose(SAMPLES["perf"], "abacus")
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
        "import sys, kit.toollogs.reader\n"
        "print([m for m in sys.modules if m.startswith(('docker', 'numpy', 'kit.targets'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TOY = """
from kit.toollogs.reader import Reader, Row

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
    assert choose(SAMPLES["perf"]).family == "perf"


@pytest.mark.parametrize("broken", ["import nothing_of_this_name", "READERS = 1 / 0", "OTHER = ()"])
def test_a_package_that_cannot_be_imported_is_named(package: Path, broken: str) -> None:
    package.write_text(broken + "\n")
    with pytest.raises(InvalidInputError, match="the readers of 'toy' cannot be imported") as caught:
        choose(SAMPLES["perf"])
    assert "toy_target" in str(caught.value)


def test_two_readers_of_one_name_are_refused(package: Path) -> None:
    package.write_text(TOY.replace('Reader("toy"', 'Reader("perf"'))
    with pytest.raises(InvalidInputError, match="two readers have the name 'perf'"):
        choose(SAMPLES["perf"])


def test_two_hundred_logs_take_less_than_a_second() -> None:
    texts = [SAMPLES[name] for name in ("perf", "pure", "ais", "trtexec 7", "trtexec 8")] * 40
    readers()
    start = time.process_time()
    for text in texts:
        choose(text).read(text)
    assert time.process_time() - start < 1.0


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
