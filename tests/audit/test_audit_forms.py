"""Forms of statements in published reports: what must be found in them, and what must not."""

from __future__ import annotations

import pytest

from kit.audit import audit_text

TABLE = """## 7 性能对比
| batch | 310 | 310P | T4 | 310P/310 | 310P/T4 |
|---|---|---|---|---|---|
| bs1 | 400.0 | 500.5 | 250.25 | 1.251 | 2.0 |
| bs4 | 800.0 | 900.9 | 300.3 | 1.126 | 3.0 |
| bs8 | 700.0 | 990.99 | 310.1 | 1.4157 | 3.1957 |
"""


def findings(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.kind.value, one.severity.value) for one in audit_text(text).diagnostics]


def held(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.kind.value, one.stated) for one in audit_text(text).verified]


ACCURACY_BESIDE = """## 性能
| 模型 | batch_size | 310P精度 | 310性能 | 310P性能 | 310P/310 |
|--|--|--|--|--|--|
| net | 1 | AP: 73.7% | 210.43 fps | 449.29 fps | 2.13 |
| net | 4 | AP: 73.7% | 206.03 fps | 512.22 fps | {} |
"""


def test_a_column_of_accuracies_does_not_hide_the_ratios_beside_it() -> None:
    assert findings(ACCURACY_BESIDE.format("2.49")) == []
    assert findings(ACCURACY_BESIDE.format("2.89")) == [(5, "ratio", "major")]
    rows = "| top1精度 | 76.5 | 76.4 | 1.5 |\n| bs1 | 10.0 | 15.0 | 1.5 |\n"
    assert findings(f"## 性能\n| 指标 | 310 | 310P | 310P/310 |\n|--|--|--|--|\n{rows}") == []


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
    ("claim", "expected"),
    [
        ("bs16的310P性能达到310性能的1.46倍", []),
        ("bs8的310P性能达到310性能的1.46倍", ["major"]),
        ("对于所有batchsize，310P性能均高于310性能1.1倍", []),
        ("对于所有batchsize，310P性能均高于310性能1.2倍", ["major"]),
        ("在310P设备上，OM模型的精度为79.99%，当batchsize设为8时模型性能最优，达 990.99 fps。", []),
        ("在310P设备上，OM模型的精度为79.99%，当batchsize设为4时模型性能最优。", ["major"]),
        ("在310P设备上，当 batchsize 为 8 时模型性能最优", []),
        ("在310上，bs为8时吞吐率最高", ["major"]),
        ("在310P设备上，与T4相比，bs为4时吞吐率最高", []),
    ],
)
def test_claims_about_batches(claim: str, expected: list[str]) -> None:
    assert [severity for line, _, severity in findings(f"{TABLE}\n{claim}\n") if line == 8] == expected


def test_a_claim_about_a_batch_is_held_against_the_values_beside_it() -> None:
    text = (
        "## 性能\nbatch1 310单卡吞吐率：100.5fps\nbatch1 310P单卡吞吐率：201.0fps\n\n"
        "bs16:310P上性能--860.5fps, 310上性能--650.5fps\nbs16：310P上性能达到了310上的{}倍\n"
    )
    assert findings(text.format("1.32")) == []
    assert findings(text.format("1.52")) == [(6, "claim", "major")]


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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("310上om推理box map精度为0.371，官方pth推理box map精度为0.374，精度下降在1个点之内", []),
        ("om推理box map50精度为0.611，T4推理box map50精度为0.613，精度下降在1个点之内", []),
        ("pth模型精度99.10%，om模型精度98.69%，模型转换后精度损失不超过1%", []),
        ("om推理mAP精度为0.359，官方pth推理mAP精度为0.374，精度下降在1个点之内", [(1, "claim", "major")]),
        ("om推理mAP为0.374，pth推理mAP为0.374，310推理mAP为0.35，精度下降在1个点之内", []),
    ],
)
def test_accuracies_in_the_sentence_of_the_claim(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(line) == expected


ONE_DEVICE = """## 性能
| 芯片型号 | BatchSize | 性能 |
|--|--|--|
| Ascend310P3 | 1 | 48.52 |
| Ascend310P3 | 8 | 67.85 |
| Ascend310P3 | 16 | 66.99 |

"""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("注意：性能最优batchsize为8。", []),
        ("注意：性能最优batchsize为16。", [(8, "claim", "major")]),
        ("最优batch：310P大于310的1.2倍", []),
        ("最优batchsize为16.5", []),
    ],
)
def test_the_best_batch_of_the_only_device(claim: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(f"{ONE_DEVICE}{claim}\n") == expected


def test_what_cannot_be_reached_is_not_claimed() -> None:
    assert findings(f"{TABLE}\n310P的性能达到T4性能的1.6倍，但在310P上的性能无法达到310的1.5倍\n") == []


def test_a_claim_is_about_the_values_of_its_own_section() -> None:
    text = (
        "### 7.1\nbatch1 310单卡吞吐率：117.4fps\nbatch16 310P单卡吞吐率：182.893fps\n### 7.2 对比\n"
        "310P best 为bs16，吞吐率为 216.098 fps\n310 best 为bs1，吞吐率为 142.394fps\n310P/310 = {}\n"
    )
    assert findings(text.format("1.5176")) == []
    assert findings(text.format("1.4953")) == [(7, "claim", "major")]


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


TUNED = """| 模型 | T4性能 | 310性能 | 310P性能 | aoe后310P性能 | 310P（aoe）/310 | 310P（aoe）/T4 |
|--|--|--|--|--|--|--|
| bs1 | 1000 | 1200 | 1500 | 1800,50 | {} | {} |
"""


def test_a_ratio_of_the_tuned_column() -> None:
    assert findings(TUNED.format("1.5004", "1.8005")) == []
    assert findings(TUNED.format("1.7004", "1.8005")) == [(3, "ratio", "major")]


COMPOSED = """| | 310P | 310P_high+fix | T4 | 310P_high+fix/T4 |
|--|--|--|--|--|
| bs4 | 390.2 | 676.5 | 162.0 | {} |
| bs8 | 529.8 | 867.7 | 188.5 | 4.6 |
| bs16 | 493.9 | 822.3 | 445.8 | 1.84 |
"""


@pytest.mark.parametrize(("ratio", "expected"), [("4.2", []), ("2.41", [(3, "ratio", "major")])])
def test_a_ratio_that_spells_out_two_headers(ratio: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(COMPOSED.format(ratio)) == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("npu在bs为8时性能最佳，gpu在bs为16时性能最佳", []),
        ("npu在bs为4时性能最佳，gpu在bs为16时性能最佳", [(10, "claim", "major")]),
        ("npu在bs为8时性能最佳，gpu在bs为1时性能最佳", [(10, "claim", "major")]),
    ],
)
def test_the_best_batches_of_npu_and_gpu(claim: str, expected: list[tuple[int, str, str]]) -> None:
    rows = "| bs1 | 123 | 232.5 |\n| bs4 | 162 | 390.2 |\n| bs8 | 188 | 529.8 |\n| bs16 | 445 | 493.9 |\n"
    table = f"| | T4 | 310P |\n|--|--|--|\n{rows}"
    assert findings(f"## 性能\n\n{table}\n{claim}\n") == expected


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


TWO_TABLES = """## 性能
| GPU | Batch Size | 性能 |
|--|--|--|
|T4|1|105|
|T4|16|137|
|T4|32|138|

| 芯片型号 | Batch Size | 精度 | 性能 |
|--|--|--|--|
|Ascend310P3|1|2.96%|138|
|Ascend310P3|\\*16|2.96%|\\*157|
|Ascend310P3|32|2.96%|116|

"""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Ascend 310P3 / GPU T4 = 1.138", []),
        ("Ascend 310P3 / GPU T4 = 1.818", [(14, "claim", "major")]),
        ("GPU 在 Batch Size 为32时性能最佳，NPU（Ascend310P3）在 Batch Size 为16时性能最佳", []),
        ("GPU 在 Batch Size 为16时性能最佳", [(14, "claim", "major")]),
        ("NPU（Ascend310P3）在 Batch Size 为32时性能最佳", [(14, "claim", "major")]),
    ],
)
def test_devices_that_have_a_table_each(claim: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(f"{TWO_TABLES}{claim}\n") == expected


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


@pytest.mark.parametrize(
    ("plain", "tuned", "expected"),
    [
        ("1512.1", "2364.58", []),
        ("1521.1", "2364.58", [(10, "claim", "major")]),
        ("1512.1", "2643.58", [(10, "claim", "major")]),
        ("1712.1", "2643.58", []),  # of other runs
    ],
)
def test_two_columns_of_one_device_against_prose(plain: str, tuned: str, expected: list[tuple[int, str, str]]) -> None:
    prose = f"batch4 310P单卡吞吐率：{plain} fps\n\n调优后：\n\nbatch4 310P单卡吞吐率：{tuned} fps\n\n"
    head = "## 对比\n| | 310P | 310P_aoe | T4 | 310P_aoe/T4 |\n|--|--|--|--|--|\n"
    text = f"{prose}{head}| bs4 | 1512.1 | 2364.58 | 1209.63 | 1.955 |\n"
    assert findings(text) == expected
