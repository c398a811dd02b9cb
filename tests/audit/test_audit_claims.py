"""Claims in published reports, on multiples, batches and accuracies: which hold, and which do not."""

from __future__ import annotations

import pytest

from tests.audit.outcomes import TABLE, findings


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
