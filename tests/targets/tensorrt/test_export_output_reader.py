from __future__ import annotations

import pytest

from kit.targets.tensorrt.readers import export_output

TEXT = (
    '[\n  { "name" : "out.1"\n  , "dimensions" : "2x3"\n  , "values" : [ 0.25, -1.5, 3e-05, 12, 0, 7.125 ]\n  }\n'
    ', { "name" : "flag"\n  , "dimensions" : "1"\n  , "values" : [ 1 ]\n  }\n]\n'
)


def test_tensors_by_sample() -> None:
    reading = export_output.read(TEXT)
    assert reading.status == "ok"
    first, second = reading.outputs
    assert (first.name, first.dimensions, second.name) == ("out.1", (2, 3), "flag")
    assert first.rows_of() == [[0.25, -1.5, 3e-05], [12, 0, 7.125]]


def test_values_that_are_not_finite_keep_their_place() -> None:
    reading = export_output.read(TEXT.replace("-1.5", "-nan").replace("12,", "inf,"))
    assert reading.outputs[0].values == [0.25, None, 3e-05, None, 0, 7.125]
    assert reading.problems == ["out.1: 2 values are not finite numbers"]
    assert reading.as_json()["outputs"][0]["not_finite"] == 2


def test_a_cut_tensor_loses_its_last_value() -> None:
    reading = export_output.read(TEXT[: TEXT.index("12,") + 1])
    assert reading.outputs[0].values == [0.25, -1.5, 3e-05]
    assert reading.status == "partial"
    assert reading.problems == ["out.1: cut off after 3 of 6 values"]


def test_a_count_that_does_not_fit_the_shape() -> None:
    reading = export_output.read(TEXT.replace("2x3", "2x4"))
    assert reading.problems == ["out.1: 6 values for the shape 2x4, which has 8"]
    assert reading.status == "lenient"


@pytest.mark.parametrize("shape", ["2x-1", "axb", ""])
def test_shapes_that_are_none(shape: str) -> None:
    assert export_output.read(TEXT.replace("2x3", shape)).status in ("partial", "lenient")


def test_an_output_that_is_there_twice_is_said() -> None:
    reading = export_output.read(TEXT + TEXT)
    assert reading.status == "lenient"
    assert "flag: the output appears twice" in reading.problems
