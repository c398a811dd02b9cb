"""Forms of statements in published reports: what must be found in them, and what must not."""

from __future__ import annotations

import pytest

from tests.audit.outcomes import TABLE, findings


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bs1 310单卡吞吐率：1000/(207.61/4)=19.27fps", []),
        ("bs1 T4单卡吞吐率：1000/(207.61/4)=19.27fps", [(1, "label", "major")]),
        ("bs1 310单卡吞吐率：1000/(207.61/8)=38.53fps", [(1, "label", "major")]),
    ],
)
def test_the_four_devices_of_a_310_are_no_batch(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


@pytest.mark.parametrize(("latency", "expected"), [("0.1221", []), ("0.13375", []), ("0.1021", [1]), ("0.1921", [1])])
def test_the_mean_latency_of_rounds_that_differ_is_above_the_reciprocal(latency: str, expected: list[int]) -> None:
    found = findings(f"[INFO] ave_throughputRate = 8186.85samples/s, ave_latency = {latency}ms")
    assert [line for line, _, _ in found] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bs1:310=(402/556)0.723倍基准", []),
        ("bs1:310=(402/556) 0.823倍基准", [(1, "arithmetic", "major")]),
        ("310P vs 310: bs1:710=(34.49/17.92) 1.92倍基准", []),
        ("310P vs 310: bs1:710=(34.49/17.92) 1.72倍基准", [(1, "arithmetic", "major")]),
    ],
)
def test_a_quotient_in_brackets_before_its_result(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


def test_a_quotient_is_no_throughput() -> None:
    assert findings(f"{TABLE}\nbs1: 310/基准性能=400.0/200.0=2.0倍\nbs4:310=(800.0/200.0)4.0倍基准\n") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("batch4：5.59273x4 < 1000/(24.0295/4)", []),
        ("batch2：5.59273x4 < 1000/(24.0295/4)", [(1, "label", "major")]),
        ("batch16：5.59273x4 < 1000x1/(24.0295/8)", [(1, "label", "major")]),
        ("batch1：1000/(20.5/4) > 1000/(24.0295/1)", []),
        ("batch1：1000/(20.5/4) > 166.5", []),
    ],
)
def test_the_label_of_a_comparison(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


def test_a_formula_of_the_gpu_names_its_batch_itself() -> None:
    text = "### 7.1 GPU性能数据\n根据运行结果，得到吞吐率为1000/(25.798/8)={}\n" + TABLE
    assert findings(text.format("310.1")) == []
    assert findings(text.replace("25.798", "24.798").format("322.6")) == [(8, "claim", "major")]
    npu = text.replace("GPU", "310").replace("25.798", "24.798").format("322.6")
    assert findings(npu) == []  # which batch is divided by the devices is not known


GPU_RUN = """### 7.2 T4性能数据
batch{}性能：
```
[I] GPU Compute
[I] mean: 22.174 ms
```
batch{} t4单卡吞吐率：{}fps
"""


@pytest.mark.parametrize(
    ("heading", "label", "rate", "expected"),
    [
        (16, 16, "721.566", []),
        (16, 32, "721.566", [(7, "label", "major")]),
        (16, 32, "717.328", [(7, "label", "major")]),
        (32, 32, "717.328", []),
        (16, 32, "950.5", []),
    ],
)
def test_a_throughput_of_the_gpu_without_its_formula(
    heading: int, label: int, rate: str, expected: list[tuple[int, str, str]]
) -> None:
    assert findings(GPU_RUN.format(heading, label, rate)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Interface throughputRate: 317.707，317.707x4=1270.828既是batch1 310单卡吞吐率", []),
        ("Interface throughputRate: 317.707，371.707x4=1486.828既是batch1 310单卡吞吐率", [(1, "claim", "major")]),
        ("Interface throughputRate: 317.707，317.708x4=1270.832既是batch1 310单卡吞吐率", [(1, "claim", "digits")]),
        ("Interface throughputRate: 1270.828，317.707x4=1270.828既是batch1 310单卡吞吐率", []),
        ("Interface throughputRate: 317.707 * 4 = 1270.828 即是batch1 310单卡吞吐率", []),
    ],
)
def test_a_rate_beside_its_product(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


STATED = """### 7.1
batch1 310单卡吞吐率：37.1687x4=148.6748fps
batch1 t4单卡吞吐率：1000/(5.51384/1)=181.361fps
[INFO] ave_throughputRate: 36.1295samples/s, ave_latency: 27.6788ms
### 7.3 性能对比
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("batch1：37.1687x4=148.6748 < 1000/(5.51384/1)", []),
        ("batch1：37.1687x4 < 1000x1/(5.51384/1)", []),
        ("batch1：37.3972x4=149.5888 < 1000/(5.51384/1)", [(6, "claim", "optional")]),
        ("batch1：37.1687x4 < 1000/(5.71384/1)", [(6, "claim", "optional")]),
        ("batch4：37.3972x4=149.5888 < 1000/(5.51384/4)", []),
        ("batch1：36.1295x4=144.518 < 1000/(5.51384/1)", []),
    ],
)
def test_a_comparison_repeats_the_measurements(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(f"{STATED}{line}\n") == expected


def test_a_comparison_with_the_measurement_of_another_batch() -> None:
    text = STATED.replace("[INFO]", "batch16 310单卡吞吐率：39.3897x4=157.5588fps\n[INFO]")
    assert findings(f"{text}batch16：39.3897x4 < 1000/(54.2503/16)\n") == []
    assert findings(f"{text}batch1：39.3897x4 < 200.5\n") == [(7, "label", "major")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("batch16 T4单卡吞吐率：1000 * batchsize(16) / mean(22.174) = 721.566fps", []),
        ("batch16 T4单卡吞吐率：1000 * batchsize(16) / mean(22.174) = 731.566fps", [(1, "arithmetic", "major")]),
        ("batch1 T4单卡吞吐率：1000 * batchsize(16) / mean(22.174) = 721.566fps", [(1, "label", "major")]),
        ("y = mean(22.174) + 3", []),
    ],
)
def test_operands_that_say_what_they_are(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


def gpu_block(mean: str) -> str:
    return f"```\n[I] GPU Compute\n[I] min: 5.1 ms\n[I] max: 99.2 ms\n[I] mean: {mean} ms\n[I] median: {mean} ms\n```\n"


def test_a_result_that_stands_above_its_run() -> None:
    first, second = gpu_block("6.5237"), gpu_block("37.4986")
    text = (
        f"batch1 T4单卡吞吐率：1000/(6.5237/1)=153.287fps\n{first}batch4 T4单卡吞吐率：1000/({{}}/4)={{}}fps\n{second}"
    )
    assert findings(text.format("37.4986", "106.671")) == []
    assert [kind for _, kind, _ in findings(text.format("38.4986", "103.900"))] == ["claim"]


def test_the_one_run_that_is_shown_above_a_list() -> None:
    text = (
        f"## T4\n{gpu_block('11.3813')}"
        "batch1 T4单卡吞吐率：1000/(3.00433/1)=332.85fps\n"
        "batch8 T4单卡吞吐率：1000/({}/8)={}fps\n"
    )
    assert findings(text.format("11.3813", "702.9")) == []
    assert findings(text.format("11.9813", "667.7")) == []  # of either entry
    alone = text.replace("batch8", "\n\nbatch8").format("9.3813", "852.8")
    assert findings(alone) == [(9, "claim", "major")]


def test_a_quoted_run_whose_heading_was_cut_off() -> None:
    stamp = "[06/23/2021-14:18:36] [I]"
    text = (
        f"```\n{stamp} min: 12.3789 ms\n{stamp} max: 17.5124 ms\n{stamp} mean: {{}} ms\n"
        f"{stamp} median: 12.7339 ms\n```\n"
        "batch1 T4单卡吞吐率：1000/(12.8522/1)=77.81fps\n"
    )
    assert findings(text.format("12.8522")) == []
    assert findings(text.format("13.9522")) == [(7, "claim", "major")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Interface throughputRate: 15.31，15.31即是batch1 310P单卡吞吐率", []),
        ("Interface throughputRate: 15.31，15.81即是batch1 310P单卡吞吐率", [(1, "claim", "major")]),
        ("batch1：Interface throughputRate: 65.5303 ,710吞吐率为65.5303fps", []),
        ("batch1：Interface throughputRate: 65.5303 ,710吞吐率为85.5303fps", [(1, "claim", "major")]),
        ("Interface throughputRate: 304.088，304.088x4=1216.352既是batch1 310单卡吞吐率", []),
        ("310上Interface throughputRate: ，1.18511x4=4.74044即batch1 310单卡吞吐率为4.74044。", []),
        (
            "310上Interface throughputRate: ，1.18511x4=4.74044即batch1 310单卡吞吐率为4.47044。",
            [(1, "claim", "major")],
        ),
        ("Interface throughputRate: 35.7，310单卡吞吐率为142.8", []),
        ("Interface throughputRate: 35.7，T4单卡吞吐率为20.8", []),
        ("Interface throughputRate: 1,234.5，1,234.5x4=4,938既是batch1 310单卡吞吐率", []),
        ("Interface throughputRate: 1,234.5，1,243.5即是batch1 310P单卡吞吐率", [(1, "claim", "major")]),
        ("Interface throughputRate: 65.5,66.5x4=266既是batch1 310单卡吞吐率", [(1, "claim", "major")]),
        ("Interface throughputRate: 1000/179.183 = 5.58，即是310P吞吐率", []),
        ("2.5x4=10.0即bs1 310单卡吞吐率。不调优的单卡吞吐率为9.41fps", []),
    ],
)
def test_a_number_that_its_line_repeats(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("batch1：89.48fps > 85.85fps", []),
        ("batch1：89.48fps > 58.85fps", [(3, "claim", "optional")]),
        ("batch1：98.48fps > 85.85fps", [(3, "claim", "optional")]),
        ("batch4：89.48fps > 58.85fps", []),
        ("batch1：1.04 > 1.02", []),
    ],
)
def test_a_comparison_repeats_two_results(line: str, expected: list[tuple[int, str, str]]) -> None:
    text = "batch1 310单卡吞吐率：22.3706x4=89.4824fps\nbatch1 T4单卡吞吐率：1000/(11.6487/1)=85.8465fps\n"
    assert findings(text + line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("310P/t4 : 37.1302/14.2857>1.6", []),
        ("310P/t4 : 37.13/14.29>1.6", []),
        ("310P/t4 : 31.7302/14.2857>1.6", [(7, "claim", "major")]),
        ("310P/310: 37.1302/17.95924>1.2", [(7, "claim", "major")]),
        ("最优性能比(310P / 310)为37.1302 / 19.75924 = 1.879倍", []),
        ("310P/310: 50.25/25.25>1.2", []),
    ],
)
def test_the_operands_of_a_quotient_of_devices(line: str, expected: list[tuple[int, str, str]]) -> None:
    rows = "| 1 | 14.2857 | 19.11108 | 32.4865\n| 32 | - | 19.75924 | 37.1302\n"
    assert findings(f"## 性能\n| bs | t4 | 310| 310P |\n|--|--|--|--|\n{rows}\n{line}\n") == expected


RATE_RUN = "batch{}性能：\n```\n[INFO] ave_throughputRate = {}samples/s, ave_latency = {}ms\n```\n"


def test_a_result_right_below_the_run_that_its_heading_announces() -> None:
    """The results above are in sentences that are no statements, so that several runs stand before this one."""
    runs = RATE_RUN.format(4, "500", "2") + "即上述310P数据\n" + RATE_RUN.format(8, "800", "1.25")
    text = f"{runs}batch8 310P吞吐率：{{}}fps\n"
    assert findings(text.format("800")) == []
    assert findings(text.format("840")) == [(10, "claim", "major")]


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("Interface throughputRate: 2013.05fps，即710上的吞吐率。", []),
        ("Interface throughputRate: 2013.0，即710上的吞吐率。", []),
        ("Interface throughputRate: 2031.05fps，即710上的吞吐率。", [(5, "claim", "major")]),
        ("Interface throughputRate: 800.5fps，即710上的吞吐率。", []),
        ("Interface throughputRate: 8052.2", []),
    ],
)
def test_a_quote_that_names_no_batch(quote: str, expected: list[tuple[int, str, str]]) -> None:
    run = "[infer] throughputRate: 261.51, Interface throughputRate: {}, moduleLatency: 0.764943"
    text = f"## 710\n```\n{run.format('2013.05')}\n```\n{quote}\n\n```\n{run.format('800.5')}\n```\n"
    assert findings(text) == expected
