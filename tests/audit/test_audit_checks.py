"""Each kind of check on short reports: what must be found, and what looks alike and must not be."""

from __future__ import annotations

import pytest

from kit.audit import audit_text
from tests.audit.outcomes import findings

TABLE = """## 7 性能对比
| batch | 310 | 310P | T4 | 310P/310 | 310P/T4 |
|---|---|---|---|---|---|
| bs1 | 400.0 | 500.5 | 250.25 | 1.251 | 2.0 |
| bs4 | 800.0 | 900.9 | 300.3 | 1.126 | 3.0 |
| bs8 | 700.0 | 990.99 | 310.1 | 1.4157 | 3.1957 |
| 最优batch | 800.0 | 990.99 | 310.1 | 1.2387 | 3.1957 |
"""


def changed(old: str, new: str) -> str:
    assert TABLE.count(old) == 1, old
    return TABLE.replace(old, new)


def test_the_table_holds() -> None:
    result = audit_text(TABLE)
    assert not result.diagnostics
    assert len(result.verified) == 11
    assert result.not_checked == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (changed("1.251", "1.351"), [(4, "ratio", "major")]),
        (changed("1.251", "1.252"), []),  # 500.549 / 399.951 is 1.2515
        (changed("1.251", "1.255"), [(4, "ratio", "digits")]),
        (changed("1.4157", ""), [(6, "missing", "optional")]),
        (changed("| 800.0 | 990.99 | 310.1 | 1.2387", "| 800.0 | 990.99 | 310.1 | 1.4157"), [(7, "ratio", "major")]),
        (changed("最优batch | 800.0", "最优batch | 700.0"), [(7, "best-row", "major"), (7, "ratio", "optional")]),
        (changed("| 310P | T4 | 310P/310", "| 310P | 310P | 310P/310"), [(2, "duplicate-header", "major")]),
        (changed("| 1.251 | 2.0 |", "| 125.1% | 2.0倍 |"), []),
        (changed("310P/310 |", "**Ascend310P/310**性能 |"), []),
        (TABLE.replace("310P", "710"), []),
        (TABLE.replace("310P", "310P3"), []),
        (TABLE.replace("|", "｜"), []),
        (TABLE.replace("最优batch", "**best**"), []),
        (changed("| bs4 | 800.0 | 900.9 |", "| bs4 | 800.0 | 显存不足 |").replace("1.126 | 3.0", "- | -"), []),
    ],
)
def test_ratio_and_best_row(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(text) == expected


def test_a_column_of_another_device_is_one_major_finding_at_its_header() -> None:
    text = (
        "## 性能\n| bs | 310 | 310P | 310P_aoe | T4 | 310P_aoe/310 | 310P/T4 |\n|--|--|--|--|--|--|--|\n"
        "| 1 | 47.2 | 49.4 | 57.1 | 9.2 | 1.2097 | 6.2065 |\n| 4 | 54.1 | 49.4 | 72.5 | 7.0 | 1.3401 | 10.3571 |\n"
    )
    found = audit_text(text).diagnostics
    assert [(one.line, one.kind.value, one.severity.value) for one in found] == [
        (2, "label", "major"),
        (4, "ratio", "optional"),
        (5, "ratio", "optional"),
    ]
    assert found[0].recomputed == "310P_aoe / T4"


@pytest.mark.parametrize(
    "text",
    [
        # The header names the tuned column beside the ratio, times are divided the other way round, gains are gains.
        (
            "## 性能\n|bs|310|310P|aoe后310P|310P/310|310P/310(aoe后)|\n|-|-|-|-|-|-|\n"
            "|1|10.0|5.0|15.0|0.5|1.5|\n|4|10.0|6.0|17.0|0.6|1.7|\n"
        ),
        "## 性能\n|模型|310P性能|T4性能|310P/T4|\n|-|-|-|-|\n|net bs32|40s|42s|1.05|\n|net bs64|37s|42s|1.13|\n",
        "## 性能\n|模型|310P性能|T4性能|310P/T4|\n|-|-|-|-|\n|net bs1|120.0|100.0|20%|\n|net bs4|150.0|100.0|50%|\n",
        (
            "## 性能\n|模型|精度基准|310精度|310P精度|310性能|310P性能|310P/310|\n|-|-|-|-|-|-|-|\n"
            "|net(bs1)|1.96|1.97|1.98|18.7|92.7|4.957|\n"
        ),
    ],
)
def test_other_ways_to_read_a_ratio(text: str) -> None:
    result = audit_text(text)
    assert not result.diagnostics
    assert result.verified


SECTION = "### 7.{} {}性能数据\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch1 310单卡吞吐率：166.952 * 4 = 695.644fps", [(1, "arithmetic", "major")]),
        ("batch1 310单卡吞吐率：166.952 * 4 = 667.81fps", []),
        ("batch4 310单卡吞吐率：479.134x4=1916.546fps", [(1, "arithmetic", "digits")]),
        ("batch1 t4单卡吞吐率：1000*16/24.3536=656.98fps", [(1, "label", "major")]),
        ("batch16 t4单卡吞吐率：1000/(16.2072/1)=61.701fps", [(1, "label", "major")]),
        ("batch16 t4单卡吞吐率：1000/(0.0887248/1)=180332.895fps", [(1, "arithmetic", "major"), (1, "label", "major")]),
        ("batch32 T4单卡吞吐率：35.9231 * 64 =  2299.0784 qps", [(1, "label", "major")]),
        ("batch4 310单卡吞吐率：1000/(12.5/8)*4 = 2560fps", [(1, "label", "major")]),
        ("batch8 310单卡吞吐率：1000/(12.5/8)*4 = 2560fps", []),
        ("由于310为四芯片，计算fps时使用4*1000/223.21=17.92fps", []),
        ("710/310=2.07，310P/310=1.2", []),
        ("2021-07-04=3", []),
        (SECTION.format(3, "T4") + "batch4 T1单卡吞吐率：1766.07 * 4 = 7064.28 qps", [(2, "label", "major")]),
        (SECTION.format(3, "T4") + "batch4 P4单卡吞吐率：1766.07 * 4 = 7064.28 qps", []),
        ("batch1 310P单卡吞吐率：12.5 ms", [(1, "unit", "major")]),
        ("batch1 310P单卡吞吐率：12.5 fps，时延：80 ms", []),
        ("310P时延：80.5 fps", [(1, "unit", "major")]),
        ("310P vs 310: 1100.3fps > 1.2 * 1361.796fps", [(1, "claim", "major")]),
        ("batch1：8510.638fps > 12105.394×0.5 fps", []),
        ("source /usr/local/Ascend/ascend-lastest/set_env.sh", [(1, "command", "major")]),
        ("source /usr/local/Ascend/ascend-toolkit/set_env.sh", []),
        ("/benchmark.${arch} -model_type=vision -batch_size=1 -om_path=a_bs1.om", [(1, "command", "major")]),
        ("./benchmark.x86_64 -batch_size=1 -om_path=a_bs16.om", [(1, "command", "optional")]),
        ("./benchmark.x86_64 -batch_size=16 -om_path=a_bs16.om", []),
        ("trtexec --onnx=a.onnx –fp16 --shapes=i:1x3x224x224", [(1, "command", "major")]),
    ],
)
def test_lines(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(text) == expected


BLOCK = """**3. batch_size=8**

```
[e2e] throughputRate: 122.035, latency: 196665
[data read] throughputRate: 123.164, moduleLatency: 8.11925
[preprocess] throughputRate: 122.857, moduleLatency: 8.13957
[infer] throughputRate: 122.739, Interface throughputRate: 142.639, moduleLatency: 7.46171
[post] throughputRate: 15.3423, moduleLatency: 65.1795
```

batch_size=8 Ascend310单卡吞吐率：142.639*4=570.556 fps
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("batch_size=8 Ascend", "batch_size=16 Ascend", [(11, "label", "major")]),
        ("142.639*4=570.556", "149.166*4=596.664", [(11, "claim", "major")]),
        ("8.11925", "9.11925", [(5, "arithmetic", "optional")]),
        ("Interface throughputRate: 142.639,", "Interface throughputRate: 142.639", []),
        (", ", "，", []),
        ("```\n\n", "\n\n", []),  # a fence that is not closed
    ],
)
def test_tool_output(old: str, new: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings(BLOCK.replace(old, new)) == expected


def test_the_mean_of_trtexec_is_what_a_formula_divides() -> None:
    block = "[I] GPU Compute\n[I] min: 11.1594 ms\n[I] max: 16.341 ms\n[I] mean: 11.7199 ms\n[I] median: 11.6487 ms\n"
    right = f"{block}batch1 t4单卡吞吐率：1000/(11.7199/1)=85.325fps"
    wrong = f"{block}batch1 t4单卡吞吐率：1000/(11.6487/1)=85.8465fps"
    assert findings(right) == []
    (finding,) = audit_text(wrong).diagnostics
    assert (finding.line, finding.kind, finding.recomputed) == (6, "claim", "11.7199")
    assert "median" in finding.message


def test_ais_throughput_is_a_batch_over_the_mean() -> None:
    line = "[INFO] throughput 1000*batchsize(16)/NPU_compute_time.mean(10.348): {}"
    assert findings(line.format(1546.192)) == []
    assert findings(line.format(1846.192)) == [(1, "arithmetic", "major")]
    text = '"NPU_compute_time": {"min": 3.8,\n "max": 81.9,\n "mean": 4.652794558563232},\n"throughput": 3438.79356}'
    assert findings(text) == []
    assert len(audit_text(text).verified) == 2  # the rate, and the order of the times


LISTS = """### 7.2 310P性能数据

batch4 310P单卡吞吐率：500.5 fps

batch4 310P单卡吞吐率：900.9 fps

batch8 310P单卡吞吐率：990.99 fps

batch16 310P单卡吞吐率：1000.1 fps

"""


def test_a_list_that_names_a_batch_twice() -> None:
    assert findings(LISTS) == [(3, "label", "major")]
    assert findings(LISTS + TABLE) == [(3, "label", "major")]
    assert audit_text(LISTS).diagnostics[0].recomputed == "batch1"


def test_prose_against_table() -> None:
    text = LISTS.replace("batch4 310P单卡吞吐率：500.5", "batch1 310P单卡吞吐率：500.5") + TABLE
    assert findings(text) == []
    differs = text.replace(
        "| bs4 | 800.0 | 900.9 | 300.3 | 1.126 | 3.0 |", "| bs4 | 800.0 | 960.9 | 300.3 | 1.2011 | 3.1998 |"
    )
    assert findings(differs) == [(15, "claim", "major")]
    slip = text.replace("900.9 fps", "901.9 fps")
    assert findings(slip) == [(15, "claim", "digits")]


def test_the_table_is_right_where_the_prose_has_a_wrong_product() -> None:
    text = "### 7.1 310性能数据\nbatch4 310单卡吞吐率：200.0 * 4=700.0 fps\n\n" + TABLE
    assert findings(text) == [(2, "arithmetic", "major")]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("最优的310P性能达到了最优的310性能的1.2387倍，达到最优的T4性能的3.195倍。", []),
        ("最优的310P性能达到了最优的310性能的1.268倍，达到最优的T4性能的3.195倍。", ["claim"]),
        ("最优batch：310P大于310的1.2；310P大于T4的1.6，性能达标", []),
        ("最优batch：310P大于310的1.3倍，性能达标", ["claim"]),
        ("310P的每个batch的性能都达到310的1倍以上，性能达标。", []),
        ("310P的每个batch的性能都达到310的1.2倍以上，性能达标。", ["claim"]),
        ("bs8时310P性能是310的1.4157倍", []),
        ("bs4时310P性能是310的1.4157倍", ["claim"]),
        ("310P＞1.2倍310 310P＞1.6倍T4", []),
        ("310P＞1.2倍310 310P＞3.6倍T4", ["claim"]),
        ("最优性能相比，310P/310=1.2387倍，310P/T4=2.1倍", ["claim"]),
        ("The best 310P performance is 1.2387 times that of the best 310 and 3.1957 times the best T4.", []),
        ("The best 310P performance is 1.3387 times that of the best 310.", ["claim"]),
        ("310P is above 1.2 times 310, and above 1.6 times T4.", []),
        ("310P is above 1.3 times the best 310.", ["claim"]),
        ("310P is 3.1957x T4.", []),
        ("优化后性能提升了1.9倍", []),
        ("310P约为T4的3倍", []),
        ("当310P的最优batch性能不低于310最优batch的1.5倍以及T4最优batch的1.6倍时，性能达标", []),
        ("最优batch：310P大于310的1.2倍以及T4的1.6倍", []),
        ("最优batch：310P大于310的1.2倍以及T4的3.6倍", ["claim"]),
        ("310P最优 / 310最优 = 1.2387，310P最优 / T4最优 = 3.1957。", []),
        ("310P最优 / 310最优 = 1.27", ["claim"]),
        ("310P/310 = 990.99fps/800.0fps = 1.2387", []),
        ("310最优batch为：bs4", []),
        ("310最优batch为：bs8", ["claim"]),
        ("310P最优batch size为8，T4最优batch size为8", []),
        ("对于bs1与bs8，310P性能均高于310性能1.2倍", []),
        ("对于bs1与bs4，310P性能均高于310性能1.2倍", ["claim"]),
        ("bs1的310P性能高于310性能1.25倍，bs4的310P性能高于310性能1.12倍", []),
        ("bs1的310P性能高于310性能1.35倍", ["claim"]),
        ("310P性能低于T4的0.5倍时不达标", []),
        ("需要达到310的1.5倍才达标", []),
    ],
)
def test_claims_in_prose(claim: str, expected: list[str]) -> None:
    assert [kind for line, kind, _ in findings(f"{TABLE}\n{claim}") if line == 9] == expected


def test_the_batch_named_in_a_cell_of_the_best_row() -> None:
    text = changed("最优batch | 800.0 | 990.99 | 310.1", "最优 | bs4 800.0 | bs8:990.99 | bs8 310.1")
    assert findings(text) == []
    assert findings(text.replace("bs4 800.0", "bs8 800.0")) == [(7, "label", "major")]


def test_a_row_for_each_device_and_batch() -> None:
    text = (
        "## 性能\n| 芯片 | Batch Size | 精度 | 性能 |\n|--|--|--|--|\n| 310 | 1 | 82.8% | 22.668fps |\n"
        "| 310 | 4 | | 21.912fps |\n| 310P | 1 | 82.8% | 28.087fps |\n| 310P | 4 | | 28.433fps |\n\n"
        "310最优batch为1，310P最优batch为4，310P最优 / 310最优 = {}\n"
    )
    assert findings(text.format("1.25")) == []
    assert len(audit_text(text.format("1.25")).verified) == 3
    assert findings(text.format("1.35")) == [(9, "claim", "major")]


def test_a_heading_for_a_batch_that_nobody_runs() -> None:
    command = "./benchmark.x86_64 -om_path=a_bs16.om -batch_size=16"
    text = f"batch6的性能\n```\n{command}\n```\nPureInfer_perf_of_a_bs16_in_device_0.txt\n"
    assert findings(text) == [(1, "label", "major")]
    assert findings(text.replace("batch6", "batch16")) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("batch8 310单卡吞吐率：142.639 fps", [(11, "unit", "major")]),
        ("batch8 310单卡吞吐率：142.639*4=570.556 fps", []),
        ("batch8 310P单卡吞吐率：142.639*4=570.556 fps", [(11, "unit", "major")]),
        ("batch8 310P单卡吞吐率：142.639 fps", []),
        ("Interface throughputRate: 142.639，142.639x4既是batch8 310单卡吞吐率", [(11, "missing", "optional")]),
        ("310单卡吞吐率：142.639*4=570.556 fps", []),
        ("310单卡吞吐率：152.639*4=610.556 fps", [(11, "claim", "major")]),
    ],
)
def test_from_device_to_card(line: str, expected: list[tuple[int, str, str]]) -> None:
    assert findings("\n".join([*BLOCK.split("\n")[:10], line])) == expected


def test_two_rows_for_one_batch() -> None:
    rows = [(1, 10), (4, 20), (4, 30), (16, 40)]
    table = "## 性能\n| bs | 310 | T4 |\n|--|--|--|\n" + "".join(f"| bs{b} | {v}.5 | {v}.25 |\n" for b, v in rows)
    (finding,) = audit_text(table).diagnostics
    assert (finding.line, finding.kind, finding.recomputed) == (6, "label", "bs8")
    assert findings(table.replace("bs16", "bs4")) == []  # two tables in one, or another scheme


def test_a_plain_npu_is_the_only_device_of_its_kind() -> None:
    text = (
        "batch1 310单卡吞吐率：7.67659x4=30.70636fps\n\n## 性能对比\n|设备|单卡吞吐率|\n|-|-|\n"
        "|gpu|26.04085|\n|npu|30.70636|\n\n"
        "可以看到npu上的性能达到了gpu性能的{}倍\n"
    )
    assert findings(text.format("1.179")) == []
    assert findings(text.format("1.279")) == [(9, "claim", "major")]
    assert findings(text.format("1.179").replace("|30.70636|", "|31.70636|")) == [
        (7, "claim", "major"),
        (9, "claim", "major"),
    ]


def test_accuracy_claims() -> None:
    text = (
        '{{"value": [{{"key": "Top1 accuracy", "value": "{}%"}}, {{"key": "Top5 accuracy", "value": "80.61%"}}]}}\n'
        "### 6.2 开源精度\nModel   Acc@1   Acc@5\nnet   58.178   80.624\n"
        "### 6.3\n将得到的om离线模型推理TopN精度与公布的精度对比，精度下降在1%范围之内，故精度达标。\n"
    )
    assert findings(text.format("58.19")) == []
    assert findings(text.format("55.19")) == [(6, "claim", "major")]


def test_what_has_no_meaning_is_counted_and_left_alone() -> None:
    result = audit_text("| a | 310/T4 |\n|--|--|\n| bs1 | 2.0 |\n\n310P性能达到310的1.2倍\n\n710/310=2.07\n")
    assert not result.diagnostics
    assert result.not_checked == 3


def test_a_formula_in_words_states_its_result_not_its_factor() -> None:
    block = '"NPU_compute_time": {\n "mean": 16.0},\n "throughput": 62.5}\n'
    text = f"{block}throughputRate:1000 * batchsize/npu_compute_time.mean=%s既是batch1 310P单卡吞吐率\n"
    assert findings(text % "62.5") == []
    assert findings(text % "65.5") == [(4, "claim", "major")]


def test_bold_numbers_are_numbers() -> None:
    claim = "在 310P 设备上，当 batchsize 为 **8** 时吞吐率达 **990.99** fps，是T4设备最优性能的 **3.19** 倍。\n\n"
    heading, table = TABLE.split("\n", 1)
    text = f"{heading}\n{claim}{table}"
    result = audit_text(text)
    assert not result.diagnostics
    assert {one.stated for one in result.verified if one.line == 2} == {"3.19 倍"}
    assert findings(text.replace("**3.19**", "**3.29**")) == [(2, "claim", "major")]


@pytest.mark.parametrize(
    ("given", "claim", "expected"),
    [
        ("310P:41.78\n\nT4:26.74", "310P性能为T4性能的1.56倍", []),
        ("310P:41.78\n\nT4:26.74", "310P性能为T4性能的1.75倍", ["major"]),
        ("bs16:710上性能--8608.68fps, T4上性能--2881.263fps", "710的性能达到了T4性能的1.6倍", []),
        ("bs16：710上性能--8608.68fps，T4上性能--6881.263fps", "710的性能达到了T4性能的1.6倍", ["major"]),
        ("310P:26.74\n\nT4:41.78", "310P性能为T4性能的1.56倍", []),  # these may be times
        ("310P时延:41.78\n\nT4时延:26.74", "310P性能为T4性能的1.75倍", []),
    ],
)
def test_claims_about_a_pair_of_values(given: str, claim: str, expected: list[str]) -> None:
    found = audit_text(f"# ELMo\n\n## 性能对比\n\n{given}\n\n{claim}\n").diagnostics
    assert [one.severity.value for one in found] == expected
