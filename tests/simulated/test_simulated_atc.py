from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from kit.simulated.om import HEAD_SIZE, Om, OmError, read_om, write_om

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
MANY = ",".join(map(str, range(1, 102)))
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"


def test_success_prints_two_lines_and_leaves_the_vendors_files(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(4)
    assert (done.code, done.lines()) == (0, [START, SUCCESS])
    assert "[SIMULATED]" in done.err
    made = Path("m_bs4.om")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    data = made.read_bytes()
    assert data[:4] == b"IMOD"
    assert int.from_bytes(data[4:8], "little") == HEAD_SIZE
    assert b"SIMULATED" in data[:HEAD_SIZE]
    assert Path("fusion_result.json").is_file()
    assert Path("kernel_meta").is_dir()
    om = read_om(made)
    assert (om.batch, om.soc_version, om.inputs[0]["name"]) == (4, "Ascend310P3", "actual_input_1")


def test_dot_in_output_is_kept_and_folders_are_made(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(1, extra=("--output=out/model.v1",))
    assert done.code == 0
    assert Path("out/model.v1.om").is_file()


@pytest.mark.parametrize(
    "spelling",
    [
        ["--input-shape=actual_input_1:1,3,16,16", "--soc-version", "Ascend310"],
        ["-input_shape", "actual_input_1:1,3,16,16", "-soc_version=Ascend310"],
        ["--input_shape", "actual_input_1:1,3,16,16;", "--soc_version=Ascend310"],
    ],
)
def test_gflags_takes_every_spelling(machine: Any, model: onnx.ModelProto, spelling: list[str]) -> None:
    assert machine("atc", "--model", "m.onnx", "--framework", "5", "--output=m", *spelling).code == 0


def test_unknown_flag_ends_with_1_after_the_first_line(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(1, extra=("--wrong=1", "--also_wrong"))
    assert done.code == 1
    assert done.lines() == [START]
    assert done.err.splitlines() == [
        "ERROR: unknown command line flag 'also_wrong'",
        "ERROR: unknown command line flag 'wrong'",
    ]


def test_illegal_integer_is_gflags_error(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(1, extra=("--framework=five",))
    assert (done.code, done.err.strip()) == (1, "ERROR: illegal value 'five' specified for int32 flag 'framework'")


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (["--model="], "E10054"),
        (["--output="], "E10054"),
        (["--soc_version="], "E10054"),
        (["--soc_version=Ascend310P"], "E10001"),
        (["--framework=7"], "E10007"),
        (["--framework=0"], "E10008"),
        (["--framework=3"], "E10041"),
        (["--output=dir/"], "E10022"),
        (["--output=" + "x" * 5000], "E10021"),
        (["--input_format=NHWC"], "E10001"),
        (["--precision_mode=fast"], "E10001"),
        (["--op_select_implmode=high_preformance"], "E10001"),
        (["--save_original_model=yes"], "E10005"),
        (["--display_model_info=2"], "E10006"),
        (["--mode=9"], "E10001"),
        (["--model=absent.onnx"], "E10041"),
        (["--input_shape=wrong:1,3,16,16"], "E10016"),
        (["--input_shape=Conv_0:1,3,16,16"], "E10017"),
        (["--input_shape=actual_input_1:1,3,16"], "E10049"),
        (["--input_shape=actual_input_1:0,3,16,16"], "E10011"),
        (["--input_shape=actual_input_1:-1,3,16,16"], "E10011"),
        (["--input_shape=1,3,16,16"], "E10002"),
        (["--input_shape=actual_input_1:1,3,a,16"], "E10002"),
        (["--input_shape="], "E10001"),
        (["--out_nodes=Gone_1:0"], "E10016"),
        (["--insert_op_conf=absent.cfg"], "E10410"),
        (["--dynamic_batch_size=1,4"], "E10031"),
        (["--input_shape=actual_input_1:-1,3,16,16", "--dynamic_batch_size=4"], "E10035"),
        (["--input_shape=actual_input_1:-1,3,16,16", "--dynamic_batch_size=0,4"], "E10038"),
        (["--input_shape=actual_input_1:-1,-1,16,16", "--dynamic_batch_size=1,4"], "E10018"),
        (["--input_shape=actual_input_1:-1,3,16,16", f"--dynamic_batch_size={MANY}"], "E10036"),
        (["--dynamic_batch_size=1,4", "--dynamic_dims=1;4"], "E10009"),
        (["--input_shape=actual_input_1:1,3,-1,-1", "--dynamic_dims=16,16;8,8"], "E10001"),  # needs ND
        (["--input_shape=actual_input_1:1,3,8~16,8~16"], "E10002"),  # CANN 8 and later
        (["--input_shape=actual_input_1:1,3,-1,-1", "--dynamic_image_size=16,16;32"], "E10020"),
        (["--input_shape=actual_input_1:-1,3,-1,-1", "--dynamic_image_size=16,16;32,32"], "E10019"),
    ],
)  # fmt: skip
def test_error_codes(machine: Any, model: onnx.ModelProto, extra: list[str], code: str) -> None:
    done = machine.atc(1, extra=tuple(extra))
    assert done.code == 255
    lines = done.lines()
    assert lines[:2] == [START, FAILED]
    assert lines[2].startswith(f"{code}: ")
    assert not list(Path().glob("*.om"))


def test_bad_log_level_is_said_before_the_failure(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(1, extra=("--log=loud",))
    assert done.code == 255
    assert done.lines() == [
        START,
        "E10010: invalid value for --log:loud,only support debug, info, warning, error, null",
        FAILED,
    ]


def test_shape_error_block_has_a_solution(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.atc(1, extra=("--input_shape=",))
    assert done.lines()[2:] == [
        (
            "E10001: Value [-1] for parameter [Inputs] is invalid. "
            "Reason: maybe you should set input_shape to specify its shape."
        ),
        "        Solution: Try again with a valid argument.",
    ]


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x06"])
def test_damaged_model_is_refused(machine: Any, content: bytes) -> None:
    Path("m.onnx").write_bytes(content)
    done = machine.atc(1)
    assert done.lines()[2] == "E10041: Failed to load the model from [m.onnx]."


def test_cut_model_is_refused(machine: Any, model: onnx.ModelProto) -> None:
    data = Path("m.onnx").read_bytes()
    Path("m.onnx").write_bytes(data[: len(data) // 2])
    assert machine.atc(1).lines()[2].startswith("E10041: ")


def test_new_opset_and_foreign_operator_have_no_parser(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(opset=17), "m.onnx")
    assert machine.atc(1).lines()[2].startswith("E19010: No parser is registered for Op [Conv_0")
    onnx.save(make_model(domain="com.example"), "m.onnx")
    assert "com.example" in machine.atc(1).lines()[2]


def test_missing_driver_library_is_the_loaders_message(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    done = machine("atc", "--model=m.onnx", program="atc.bin")
    assert done.code == 127
    assert done.err.startswith("atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared")
    assert done.out == ""


def test_static_model_takes_the_shape_of_the_command_line(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(2), "m.onnx")
    assert machine.atc(4).code == 0
    assert read_om(Path("m_bs4.om")).batch == 4


def test_shape_that_the_network_cannot_take_is_an_inner_error(machine: Any, model: onnx.ModelProto) -> None:
    done = machine("atc", "--model=m.onnx", "--framework=5", "--output=m", "--soc_version=Ascend310",
                   "--input_shape=actual_input_1:1,4,16,16")  # fmt: skip
    assert done.code == 255
    assert done.lines()[2].startswith("E19999: ")


def test_mode_6_shows_the_compiled_model(machine: Any, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = machine("atc", "--mode=6", "--om=m_bs4.om")
    assert done.code == 0
    assert "soc_version[Ascend310P3], framework_type[5]." in done.out
    assert done.lines()[2].startswith("Original Atc command line: atc --model=m.onnx")
    assert machine("atc", "--mode=6", "--om=absent.om").lines()[2].startswith("E10410")
    Path("bad.om").write_bytes(b"IMOD")
    assert machine("atc", "--mode=6", "--om=bad.om").lines()[2].startswith("E10041")


def test_out_nodes_and_output_type(machine: Any, model: onnx.ModelProto) -> None:
    assert machine.atc(1, extra=("--out_nodes=Flatten_3:0", "--output_type=FP16")).code == 0
    om = read_om(Path("m_bs1.om"))
    assert (om.outputs, om.output_type) == (["f"], "FP16")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("aipp_op {", "E19018"),
        ("@@@", "E19018"),
        ("aipp_op { aipp_mode: sometimes }", "E10052"),
        ("aipp_op { aipp_mode: static input_format: PNG }", "E10052"),
    ],
)
def test_broken_aipp_config(machine: Any, model: onnx.ModelProto, text: str, code: str) -> None:
    Path("aipp.cfg").write_text(text)
    assert machine.atc(1, extra=("--insert_op_conf=aipp.cfg",)).lines()[2].startswith(f"{code}: ")


def test_om_round_trip_and_damage(tmp_path: Path) -> None:
    om = Om("m", "Ascend310", [{"name": "x", "dims": [2, 3], "dtype": "float32"}], ["y"], onnx=b"body")
    path = tmp_path / "m.om"
    write_om(path, om)
    assert read_om(path) == om
    data = path.read_bytes()
    for damaged in (data[:-1], data[:100], b"XXXX" + data[4:], data[:160] + b"\0" * 20 + data[180:]):
        path.write_bytes(damaged)
        with pytest.raises(OmError):
            read_om(path)


def test_model_with_int64_output_compiles(machine: Any, make_model: Any) -> None:
    onnx.save(make_model(output_type=TensorProto.INT64), "m.onnx")
    assert machine.atc(2).code == 0
    assert np.prod(read_om(Path("m_bs2.om")).inputs[0]["dims"]) == 2 * 3 * 16 * 16
