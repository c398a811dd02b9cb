from __future__ import annotations

import pytest

from kit.audit.facts.printednumber import Agreement, agree, find_numbers, number_from, same_number, uses_decimal_comma


@pytest.mark.parametrize(
    ("printed", "value", "expected"),
    [
        ("0.642778356", 1743.58 / 2712.568, Agreement.SAME),
        ("1.342", 1.3425, Agreement.SAME),  # cut off
        ("1.343", 1.3425, Agreement.SAME),  # rounded
        ("9061", 9061.0, Agreement.SAME),
        ("9061", 9061.97, Agreement.SAME),  # cut off
        ("1.30", 1.3004, Agreement.SAME),
        ("1.2", 1.1999999999, Agreement.SAME),
        ("332.8529156251144", 1000 / 3.00433, Agreement.SAME),
        ("0.65", 0.6428, Agreement.SLIP),  # rounded the wrong way
        ("2.503371", 3288.38 / 1313.518, Agreement.SLIP),
        ("1.94", 1.9554, Agreement.DIFFERENT),
        ("895.11", 901.333, Agreement.DIFFERENT),
        ("2712.568", 5246.8, Agreement.DIFFERENT),
    ],
)
def test_agreement_is_judged_at_the_printed_digits(printed: str, value: float, expected: Agreement) -> None:
    number = number_from(printed)
    assert number is not None
    assert agree(number, value) is expected


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("batch4: 1,083.848 fps", [1083.848]),
        ("12,345,678 samples", [12345678.0]),
        ("4, 8, 32", [4.0, 8.0, 32.0]),
        ("317.707,317.707x4", [317.707, 317.707]),
        ("latency: 1.38295e+06ms", [1382950.0]),
        ("TensorRT 7.2.3.4 on T4", []),
        ("net_v1.5 bs16", []),
        ("exceeds 1e999", []),
    ],
)
def test_numbers_stand_for_themselves(line: str, values: list[float]) -> None:
    assert [number.value for number in find_numbers(line)] == pytest.approx(values)


def test_decimal_commas_are_read_when_the_report_uses_them() -> None:
    assert uses_decimal_comma(["| 2712,568 | 1743,58 |", "678,142 * 4 = 2712,568"])
    assert not uses_decimal_comma(["| 2712.568 | 1,083.848 |", "bs4,8,32"])
    numbers = find_numbers("1.234,56 und 0,98", decimal_comma=True)
    assert [number.value for number in numbers] == [1234.56, 0.98]


def test_two_printed_numbers_are_compared_at_the_coarser_one() -> None:
    exact, short, other = number_from("3438.7935"), number_from("3438.79"), number_from("3438.81")
    assert exact
    assert short
    assert other
    assert same_number(exact, short)
    assert not same_number(exact, other)
