"""Columns of published tables: accuracies, tuned values, headers that spell out two others."""

from __future__ import annotations

import pytest

from tests.audit.outcomes import findings

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
