"""Two measurements never merge, and no value that is there goes away in silence."""

# ruff: noqa: E501 - lines as the tools print them

from __future__ import annotations

import re
from typing import Any

import pytest

from kit.toollogs.documents import begins_part
from kit.toollogs.output import Findings, disorder
from kit.toollogs.reader import choose, read_bytes
from tests.logsamples import SAMPLES, numbers, reader_of

STAMP = "[02/03/2024-10:00:05] "


def read(text: str, tool: str | None = None) -> dict[str, Any]:
    return read_bytes(text.encode(), "x", tool)[1].as_json()


@pytest.mark.parametrize("between", ["```\n\n```\n", "## Batch 32\n", "Batch 32:\n", "~~~\n", "<pre>\n"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[I] Throughput: 500 qps\n", "[I] Latency: min = 4 ms, max = 6 ms, mean = 5 ms, median = 5 ms\n"),
        (
            "[INFO] H2D_latency (ms): min = 1.5, max = 2.5, mean = 2.0, median = 2.0, percentile(99%) = 2.5\n",
            "[INFO] throughput 1000*batchsize(4)/NPU_compute_time.mean(2.5): 1600.0\n",
        ),
        ("Inference average time: 2.5 ms\n", "Inference average time without first time: 1.5 ms\n"),
        ("[e2e] throughputRate: 60.5, latency: 5000\n", "[post] throughputRate: 60.5, moduleLatency: 16.5289\n"),
    ],
)
def test_a_part_of_a_document_ends_a_measurement(between: str, first: str, second: str) -> None:
    found = read(first + between + second)
    runs = found["blocks" if "blocks" in found else "runs"]
    assert len(runs) == 2
    assert len(read(first + second).get("runs", [0])) == 1


@pytest.mark.parametrize(
    "line", ["[I] ===\n", "&&&& RUNNING\n", "# | 0 | 310 |\n", "  # [02/03/2024] x\n", "run 1: GPU Compute\n"]
)
def test_lines_of_logs_end_nothing(line: str) -> None:
    assert not begins_part(line)


def test_the_order_of_the_lines_tells_two_runs_apart() -> None:
    section = "min = 1 ms, max = 2 ms, mean = 1.5 ms, median = 1.5 ms, percentile(99%) = 2 ms\n"
    found = read(f"[I] GPU Compute Time: {section}[I] Latency: {section}")
    assert [next(iter(run)) for run in found["runs"]] == ["gpu_compute", "host_latency"]
    found = read(f"[I] Throughput: 400 qps\n[I] GPU Compute Time: {section}[I] Timing trace has 9 queries over 3 s\n")
    assert "queries" not in found["runs"][0] if "runs" in found else "queries" not in found


def test_services_of_one_journal_are_two_measurements() -> None:
    text = (
        "one-1  | [I] Throughput: 500 qps\ntwo-1  | [I] Latency: min = 4 ms, max = 6 ms, mean = 5 ms, median = 5 ms\n"
    )
    assert len(read(text + text)["runs"]) == 4


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name not in ("export_profile", "export_output", "atc")])
def test_people_see_the_numbers_that_the_json_has(sample: str) -> None:
    output = reader_of(sample).read(SAMPLES[sample])
    shown = " ".join(" ".join(row) for row in output.rows())
    there = {float(token) for token in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", shown)}
    derived = ("samples", "card_fps_x4", "throughput_x_latency", "implied_batch", "recomputed", "fps_if_batch_1")
    for place, number in numbers(output.as_json()).items():
        if place.rpartition(".")[2] not in derived and "mean_in_formula" not in place:
            assert any(abs(number - one) <= 1e-9 * abs(number) for one in there), (place, number, shown)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_that_is_cut_is_named(cut: int) -> None:
    line = "Average over 10 runs is 0.5 ms (host walltime is 0.75 ms, 99% percentile time is 0.625).\n"
    found = read(line * 2 + line[:-cut])
    if cut == 1:  # all of the line but its end
        assert found["trace_averages"]["enqueues"] in (20, 30)
        return
    assert found["status"] == "partial"
    assert found["trace_averages"]["enqueues"] == 20


def test_an_error_is_told_whole_with_the_lines_it_goes_on_over() -> None:
    reason = "Error[3]: [executionContext.cpp::setInputShape::2264] Error Code 3: API Usage Error (condition: a == b"
    text = f"{STAMP}[E] {reason}. Static dimension mismatch while setting input shape.\n)\n{STAMP}[E] Inference set up failed\n"
    problems = read(text)["problems"]
    assert problems[0] == f"trtexec says: {reason}. Static dimension mismatch while setting input shape. )"
    assert problems[1] == "trtexec says: Inference set up failed"
    ascend = (
        "[INFO] acl init success\n[ERROR] acl open device 0 failed\n       runtime result = 507033, no such device\n"
    )
    assert "507033" in read(ascend, "ais")["problems"][0]


def test_a_build_without_inference_is_no_failure() -> None:
    command = "# trtexec --onnx=a.onnx --buildOnly"
    text = f"&&&& RUNNING TensorRT.trtexec [TensorRT v8205] {command}\n{STAMP}[I] Engine built in 12.5 sec.\n"
    text += f"&&&& PASSED TensorRT.trtexec [TensorRT v8205] {command}\n"
    found = read(text)
    assert (found["status"], found["build_s"], found["inference"]) == ("ok", 12.5, "skipped on request")
    cut = read(text.replace(" --buildOnly", ""))
    assert cut["status"] == "partial"


def test_the_layer_table_of_older_releases() -> None:
    text = (
        "[I] === Profile (1514 iterations ) ===\n[I]       Layer   Time (ms)   Avg. Time (ms)   Time %\n"
        "[I] data to nvm       68.17             0.05      50.0\n[I] conv 1 + relu       68.17             0.05      50.0\n"
    )
    whole = read(text + "[I] Total       136.34             0.10      100.0\n")["profile"]
    assert [layer["name"] for layer in whole["layers"]] == ["data to nvm", "conv 1 + relu"]
    assert whole["total"]["time_ms"] == 136.34
    assert "the table of layers ends before its total" in read(text)["problems"]
    wrong = read(text + "[I] Total       150.00             0.10      100.0\n")
    assert any("their total says 150" in problem for problem in wrong["problems"])


MIG = """\
| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01   CUDA Version: 12.2     |
|   0  NVIDIA A30                     Off | 00000000:0B:00.0 Off |                    0 |
| N/A   47C    P0              32W / 165W |     50MiB / 24576MiB |     N/A      Default |
|                                         |                      |              Enabled |
+-----------------------------------------+----------------------+----------------------+
| MIG devices:                                                                          |
|  0    1   0   1  |              25MiB /  5952MiB  | 14      0 |  1   0    1    0    0 |
|                  |               0MiB /  8191MiB  |           |                       |
| Processes:                                                                            |
|    0    1    0       4711      C   python train.py                               20MiB |
"""


def test_slices_of_a_gpu() -> None:
    found = read(MIG)
    assert found["gpus"][0]["mig.mode.current"] == "Enabled"
    assert found["mig_devices"] == [
        {"gpu": 0, "device": 1, "gpu_instance": 1, "compute_instance": 0, "memory_used_mib": 25, "memory_total_mib": 5952,
         "multiprocessors": 14},
    ]  # fmt: skip
    process = {"gpu": 0, "gpu_instance": 1, "pid": 4711, "type": "C", "name": "python train.py", "memory_mib": 20}
    assert found["processes"] == [process]
    listed = "GPU 0: NVIDIA A30 (UUID: GPU-5c)\n  MIG 1g.6gb     Device  0: (UUID: MIG-7d)\n"
    assert read(listed)["mig_devices"] == [{"gpu": 0, "device": 0, "profile": "1g.6gb", "uuid": "MIG-7d"}]


@pytest.mark.parametrize(
    ("block", "chips"),
    [
        (
            "NPU ID : 0\nChip ID : 1\nHealth Status : Alarm\nError Code : 80E3\nChip ID : 2\nHealth Status : OK\n",
            ["1", "2"],
        ),
        ("NPU ID : 0\nChip Count : 2\nHealth : Alarm\nChip ID : 1\nHealth : OK\nChip ID : 2\n", ["1", "2"]),
    ],
)
def test_the_chip_id_before_or_after_its_values(block: str, chips: list[str]) -> None:
    found = read(block)
    assert [part["Chip ID"] for part in found["properties"]] == chips
    assert any(re.search(r"card 0 chip 1: Health.* is Alarm", problem) for problem in found["problems"])


def test_a_row_of_a_table_that_cannot_be_read_is_named() -> None:
    head = "| npu-smi 22.0.2              Version: 22.0.2            |\n"
    head += "| NPU     Name      | Health | Power(W) Temp(C) |\n| Chip    Device    | Bus-Id | AICore(%) Memory-Usage(MB) |\n"
    text = head + "| 0     xxx    | OK  | 16.1  41 |\n| 0     0      | 0000:01:00.0    | 0    1703 / 21527      |\n"
    assert read(text)["chips"][0]["name"] == "xxx"
    odd = read(text + "| \u00b2     310P3  | OK  | 16.1  41 |\n")
    assert odd["status"] == "partial"
    assert "a row that cannot be read" in odd["problems"][0]


def test_processes_of_pmon() -> None:
    text = "# gpu        pid  type    sm   mem   enc   dec   command\n# Idx          #   C/G     %     %     %     %   name\n"
    found = read(
        text
        + "    0       4711     C    97    61     -     -   python run.py\n    1          -     -     -     -     -     -   -\n"
    )
    use = {"sm": 97, "mem": 61}
    assert found["processes"] == [{"gpu": 0, "pid": 4711, "type": "C", "name": "python run.py", "use": use}]
    assert found["status"] == "ok"


def test_lines_that_two_tools_share_do_not_tie() -> None:
    shared = "[INFO] acl init success\n[INFO] open device 0 success\n[INFO] load model a.om success\n"
    assert choose(shared + "[INFO] model execute success\nInference time: 2.5ms\n").family == "msame"
    assert choose(shared + "Inference average time: 2.5 ms\n").family == "msame"
    assert choose(shared).family == "ais"


def test_the_factor_of_a_card_is_for_the_chip_that_has_it() -> None:
    assert "card_fps_x4" in read(SAMPLES["perf"])["blocks"][0]
    assert "card_fps_x4" not in read("# Ascend310P3\n" + SAMPLES["perf"])["blocks"][0]
    assert "card_fps_x4" in read("# 310 and 310P\n" + SAMPLES["perf"])["blocks"][0]


def test_energy() -> None:
    found = read(SAMPLES["ais"] + "[INFO] NPU ID:4 energy consumption(J):59.5\n")
    assert found["runs"][0]["energy"] == [{"npu": 4, "energy_j": 59.5}]
    assert found["status"] == "ok"
    assert read(SAMPLES["ais"] + "[INFO] NPU ID:4 energy consumption(J):5x\n")["status"] == "lenient"


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings(name: str) -> None:
    marked = ("" if name in ("utf-16", "utf-8-sig") else "\ufeff") + SAMPLES["perf"]
    assert read_bytes(marked.encode(name), "x")[1].as_json() == read(SAMPLES["perf"])


def test_findings_are_told_in_one_order() -> None:
    found = Findings(errors=["e"], missing=["m"], odd_lines=["o"], refused=["r"], notes=["n"])
    assert found.problems() == ["e", "m", "non-standard line: o", "r", "n"]
    assert found.status(usable=True) == "partial"
    assert Findings(errors=[str(i) for i in range(30)]).problems()[-1] == "and 10 more errors"
    assert Findings(notes=["n"]).status(usable=True) == "ok"
    assert disorder({"min": 1, "p50": 2, "p99": 1.5}) == ["p50 2 is above p99 1.5"]


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [
        ("trtexec 8", "Total GPU Compute Time: 2.7 s", "Total GPU Compute Time: 2,7 s"),
        ("trtexec 8", "Total Host Walltime: 3 s", "Total Host Walltime: 3,0 s"),
        ("trtexec 8", "1200 queries over 3 s", "1200 queries over 3,0 s"),
        ("msame", "Inference time: 82.243ms", "Inference time: 82,243ms"),
    ],
)
def test_a_value_in_another_notation_is_named(sample: str, old: str, new: str) -> None:
    text = SAMPLES[sample]
    assert old in text
    found = read(text.replace(old, new))
    assert found["status"] != "ok"
    assert any(new.partition(":")[0][-12:] in problem for problem in found["problems"])


def test_rows_above_the_header_of_a_query_are_read() -> None:
    head, rows = "index, name, memory.used [MiB]\n", ["0, Tesla T4, 3 MiB\n", "1, Tesla T4, 4 MiB\n"]
    assert read(rows[0] + head + rows[1]) == read(head + rows[0] + rows[1])
