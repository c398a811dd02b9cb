from __future__ import annotations

import time

import pytest

from kit.audit.facts.encoding import normalise
from kit.audit.facts.expressions import comparisons, equations


@pytest.mark.parametrize(
    ("line", "formula", "value", "stated"),
    [
        ("batch4 310单卡吞吐率：1311.7 * 4=2712.568 fps", "1311.7 * 4", 5246.8, "2712.568"),
        ("Interface throughputRate: 317.707，317.707x4=1270.828fps。", "317.707x4", 1270.828, "1270.828"),
        ("317.707×4＝1270.828", "317.707*4", 1270.828, "1270.828"),
        (r"317.707 \* 4 = 1270.828", "317.707 * 4", 1270.828, "1270.828"),
        (r"$317.707\times 4 = 1270.828$", "317.707* 4", 1270.828, "1270.828"),
        ("1000/(6.42/1)=155.763fps", "1000/(6.42/1)", 1000 / 6.42, "155.763"),
        ("1000ms/(6.42ms/16) ≈ 2492fps", "1000ms/(6.42ms/16)", 16000 / 6.42, "2492"),
        ("1000*16/24.3536=656.98fps", "1000*16/24.3536", 656.987057, "656.98"),
        ("1000x1/( 13.6909 /64)= 4674.638fps", "1000x1/( 13.6909 /64)", 64000 / 13.6909, "4674.638"),
        ("310/t4=67.967/100.325=0.68倍", "67.967/100.325", 67.967 / 100.325, "0.68"),
        ("270.962x4=1,083.848既是batch8", "270.962x4", 1083.848, "1,083.848"),
        ("(76.53-75.9)/76.53=0.8%", "(76.53-75.9)/76.53", 0.63 / 76.53, "0.8"),
    ],
)
def test_formulas_are_found_and_computed(line: str, formula: str, value: float, stated: str) -> None:
    found = equations(normalise(line))
    assert len(found) == 1
    assert found[0].formula.text == formula
    assert found[0].formula.value == pytest.approx(value)
    assert found[0].stated.text == stated


@pytest.mark.parametrize(
    "line",
    [
        "--shapes=image:1x3x224x224",
        "batch_size=16 -om_path=a_bs16.om",
        "310P/310=1.2",
        "bs16/4=4",
        "TensorRT 7.2.3.4/5=7.2.3.4",
        "x == 3",
        "1/0=5",
        "a=b=c",
        "=====",
        "((((1*2=",
        "400k + 20000 * 8 = 560 kbytes",
        "100*4 = 400 / 1.2",
    ],
)
def test_what_is_no_formula_is_left_alone(line: str) -> None:
    assert equations(line) == ()


def test_in_a_chain_the_last_formula_is_held_against_the_result() -> None:
    found = equations("2*3 = 12/2 = 6.0")
    assert [(one.formula.value, one.stated.text) for one in found] == [(6.0, "6.0")]
    found = equations("100*4 = 400 / 1.2 = 333")
    assert [(one.formula.text, one.stated.text) for one in found] == [("400 / 1.2", "333")]


def test_comparisons() -> None:
    assert comparisons("710 < 1.2倍310") == []
    assert comparisons("310P > 1.2 * T4") == []
    (found,) = comparisons("310P vs 310: 1635.3fps > 1.2 * 1361.796fps")
    assert (found.left.value, found.sign) == (1635.3, ">")
    assert found.right.value == pytest.approx(1634.1552)
    (found,) = comparisons("batch1：7.91221x4 < 1000/(16.2649/1)")
    assert found.left.value == pytest.approx(31.64884)
    assert comparisons("onnx >= 1.7.0") == []
    assert comparisons("> quoted 1.2") == []
    assert comparisons("1 -> 2") == []


@pytest.mark.parametrize("piece", ["1*", "1=", "(", "1,", "x1", "9" * 50, "1.", "1 ", "fps", "*", "2*2=4 ", "1>1.0"])
def test_hostile_lines_cost_little(piece: str) -> None:
    line = normalise(piece * (10_000_000 // len(piece)))
    start = time.perf_counter()
    equations(line)
    comparisons(line)
    assert time.perf_counter() - start < 5
