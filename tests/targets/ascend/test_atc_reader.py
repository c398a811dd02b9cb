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
    assert reading.problems == ["the text ends before atc reported its result"]


@pytest.mark.parametrize(
    "line", ["...Killed", "RuntimeError: ({'errCode': 'E90003', 'detailed_cause': 'not support'}, 'failed')"]
)
def test_what_ended_a_conversion_is_said(line: str) -> None:
    reading = atc.read(f"{START}{line}\n")
    assert (reading.success, reading.status) == (False, "error")
    assert reading.problems[0] in line


def test_failure_without_a_reason() -> None:
    assert atc.read(START + FAILED).problems == ["the conversion failed, and the text does not say why"]


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: unknown command line flag 'soc'\n",
        "atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file\n",
        "bash: atc: command not found\n",
        "sh: 1: atc: not found\n",
        "bash: /usr/local/Ascend/latest/bin/atc: Permission denied\n",
        "/usr/local/Ascend/ascend-lastest/set_env.sh: No such file or directory\n",
    ],
)
def test_what_stops_atc_before_it_starts(text: str) -> None:
    assert atc.sniff(text) > 0
    reading = atc.read(text)
    assert reading.success is False
    assert reading.status == "error"
    assert reading.problems


@pytest.mark.parametrize("before", ["", "[PID: 200452] "])
@pytest.mark.parametrize("process", ["", "[PID: 200452] 2025-06-16-13:02:36.801.136 "])
@pytest.mark.parametrize("code", ["E10016", "E20001", "EC0010", "EZ3003", "EL0003", "EL003", "EE1001"])
def test_the_process_before_a_message_is_no_part_of_it(code: str, process: str, before: str) -> None:
    first = f"{before}2025-06-16-13:02:36.801.136 " if before else ""
    (error,) = atc.read(
        f"{START}{FAILED}{first}{code}: {process}Something failed.\n        Solution: Mend it.\n"
    ).errors
    assert (error.code, error.message, error.solution) == (code, "Something failed.", "Mend it.")


def test_a_quoted_block_keeps_its_parts() -> None:
    text = "".join(f">   {line}\n" for line in (START + FAILED + BLOCK).splitlines())
    (error,) = atc.read("The conversion failed:\n\n" + text).errors
    assert (error.cause, error.solution) == ("The name is misspelt.", "Give the name of an input.")
    assert error.trace


def test_the_second_line_of_an_inner_error_is_of_its_message() -> None:
    text = (
        f"{FAILED}EZ9999: Inner Error!\nEZ9999  The kernel failed, device 0.[FUNC:GetError][FILE:stream.cc][LINE:1]\n"
        "        TraceBack (most recent call last):\n        Execute failed.[FUNC:Run][FILE:model.cc][LINE:2]\n"
    )
    (error,) = atc.read(text).errors
    assert error.message == "Inner Error! The kernel failed, device 0.[FUNC:GetError][FILE:stream.cc][LINE:1]"
    assert error.trace == ["Execute failed.[FUNC:Run][FILE:model.cc][LINE:2]"]


def test_a_block_that_lost_its_indentation() -> None:
    (error,) = atc.read(START + FAILED + "".join(line.lstrip() + "\n" for line in BLOCK.splitlines())).errors
    assert error.cause == "The name is misspelt."
    assert error.trace == ["build failed[FUNC:Check][FILE:a.cc][LINE:1]"]


def test_a_trace_without_its_heading_is_no_message() -> None:
    text = (
        f"{FAILED}E19010: No parser is registered for Op [a].\n        parse failed.[FUNC:Parse][FILE:omg.cc][LINE:7]\n"
    )
    (error,) = atc.read(text).errors
    assert (error.message, error.trace) == (
        "No parser is registered for Op [a].", ["parse failed.[FUNC:Parse][FILE:omg.cc][LINE:7]"],
    )  # fmt: skip


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
