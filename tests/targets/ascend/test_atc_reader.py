from __future__ import annotations

import pytest

from kit.targets.ascend.readers import atc

START = "ATC start working now, please wait for a moment.\n"
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information\n"
SUCCESS = "ATC run success, welcome to the next use.\n"
BLOCK = (
    "E10016: Opname [input_9] specified in [--input_shape] is not found in the model\n"
    "        Possible Cause: The name is misspelt.\n"
    "        Solution: Give the name\n        of an input.\n"
    "        TraceBack (most recent call last):\n"
    "        build failed[FUNC:Check][FILE:a.cc][LINE:1]\n"
)


def test_success_with_chatter_and_warnings() -> None:
    reading = atc.read(f"{START}====\nntc dst shape: [1, 19]\n...\n{SUCCESS}W11001: Op [a] is slow.\n")
    assert reading.success
    assert reading.status == "ok"
    assert [(w.code, w.message) for w in reading.warnings] == [("W11001", "Op [a] is slow.")]


def test_failure_with_cause_solution_and_trace() -> None:
    reading = atc.read(START + FAILED + BLOCK)
    assert reading.success is False
    assert reading.status == "error"
    (error,) = reading.errors
    assert error.code == "E10016"
    assert (error.cause, error.solution) == ("The name is misspelt.", "Give the name of an input.")
    assert error.trace == ["build failed[FUNC:Check][FILE:a.cc][LINE:1]"]
    assert reading.problems == ["E10016: Opname [input_9] specified in [--input_shape] is not found in the model"]


def test_a_conversion_that_did_not_end() -> None:
    reading = atc.read(START + "..\n")
    assert reading.success is None
    assert reading.problems == ["the text ends before atc said how it went"]


def test_failure_without_a_reason() -> None:
    assert atc.read(START + FAILED).problems == ["the conversion failed, and the text does not say why"]


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: unknown command line flag 'soc'\n",
        "atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file\n",
        "bash: atc: command not found\n",
        "/usr/local/Ascend/ascend-lastest/set_env.sh: No such file or directory\n",
    ],
)
def test_what_stops_atc_before_it_starts(text: str) -> None:
    assert atc.sniff(text) > 0
    reading = atc.read(text)
    assert reading.success is False
    assert reading.status == "error"
    assert reading.problems


def test_two_conversions_in_one_text_are_said() -> None:
    reading = atc.read(START + SUCCESS + START + FAILED + BLOCK)
    assert reading.success is False
    assert "the text holds 2 conversions, of which 1 succeeded" in reading.problems


def test_the_information_of_a_model() -> None:
    text = (
        "============ Display Model Info start ============\n"
        "system   info: atc_version[5.1.RC1], soc_version[Ascend310], framework_type[5].\n"
        "============ Display Model Info end   ============\n"
    )
    reading = atc.read(text)
    assert reading.model == {"atc_version": "5.1.RC1", "soc_version": "Ascend310", "framework_type": "5"}
    assert reading.status == "ok"
