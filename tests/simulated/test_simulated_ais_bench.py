from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest


def bench(machine: Any, *argv: str, batch: int = 4, **env: str) -> Any:
    return machine("ais_bench", f"--model=m_bs{batch}.om", f"--batchsize={batch}", *argv, **env)


def test_folder_run(machine: Any, images: np.ndarray, reference: np.ndarray) -> None:
    machine.atc(4)
    done = bench(machine, "--input", "prep_bin", "--output", "out", "--output_dirname", "r", "--outfmt", "TXT")
    assert done.code == 0
    assert done.lines()[:5] == [
        "[INFO] acl init success",
        "[INFO] open device 0 success",
        "[INFO] load model m_bs4.om success",
        "[INFO] create model description success",
        "[INFO] try get model batchsize:4",
    ]
    assert sorted(os.listdir("out/r")) == [f"val_{number:04d}_0.txt" for number in range(10)]  # noqa: PTH208
    for number, row in enumerate(reference):
        values = [float(word) for word in Path(f"out/r/val_{number:04d}_0.txt").read_text().split()]
        np.testing.assert_allclose(values, row, rtol=4e-3, atol=4e-3)
    summary = json.loads(Path("out/r_summary.json").read_text())
    assert list(summary["filesinfo"]) == [str(number) for number in range(10)]  # by sample, padding left out
    assert summary["filesinfo"]["9"] == {"infiles": ["prep_bin/val_0009.bin"], "outfiles": ["out/r/val_0009_0.txt"]}
    times = summary["NPU_compute_time"]
    assert times["count"] == len(summary["npu_compute_time_list"]) == 3
    assert summary["throughput"] == pytest.approx(4000 / times["mean"])
    shown = re.search(
        r"\[INFO\] throughput 1000\*batchsize\.mean\(4\)/NPU_compute_time\.mean\((\S+)\): (\S+)", done.out
    )
    assert shown
    assert float(shown.group(2)) == pytest.approx(summary["throughput"])
    assert Path("out/SIMULATED").is_file()


@pytest.mark.parametrize("form", ["BIN", "NPY"])
def test_binary_forms(machine: Any, images: np.ndarray, reference: np.ndarray, form: str) -> None:
    machine.atc(1)
    bench(machine, "--input=prep_bin/val_0002.bin", "--output=out", "--output_dirname=r", f"--outfmt={form}", batch=1)
    path = Path(f"out/r/val_0002_0.{form.lower()}")
    data = np.load(path) if form == "NPY" else np.fromfile(path, "<f4")
    np.testing.assert_allclose(data.ravel(), reference[2], rtol=4e-3, atol=4e-3)


def test_loop_without_input(machine: Any, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = bench(machine, "--loop=7", "--output=out", "--output_dirname=r", "--pure_data_type=random")
    assert done.code == 0
    assert json.loads(Path("out/r_summary.json").read_text())["NPU_compute_time"]["count"] == 7


def test_two_devices(machine: Any, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = bench(machine, "--loop=2", "--device=0,1")
    assert re.search(r"^i:0 device_0 throughput:\S+ start_time:", done.out, re.MULTILINE)
    assert re.search(r"^i:1 device_1 throughput:", done.out, re.MULTILINE)


def test_natural_order(machine: Any, model: onnx.ModelProto) -> None:
    machine.atc(4)
    Path("in").mkdir()
    for number in (10, 9, 1, 2):
        np.zeros((3, 16, 16), np.float32).tofile(f"in/x{number}.bin")
    Path("in/notes.txt").write_text("no input")
    bench(machine, "--input=in", "--output=out", "--output_dirname=r")
    samples = json.loads(Path("out/r_summary.json").read_text())["filesinfo"].values()
    assert [Path(sample["infiles"][0]).stem for sample in samples] == ["x1", "x2", "x9", "x10"]


def test_errors(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    Path("prep_bin/val_0000.bin").write_bytes(bytes(13))
    done = bench(machine, "--input=prep_bin", "--output=out", batch=1)
    assert (done.code, "[ERROR] arg0 tensorsize: 3072 filesize: 13 not match" in done.lines()) == (1, True)
    Path("prep_bin/val_0000.bin").write_bytes(bytes(3072))
    Path("prep_bin/val_0003.bin").write_bytes(bytes(13))
    done = bench(machine, "--input=prep_bin", "--output=out", batch=1)
    assert (done.code, "[ERROR] ndata size:13 not match 3072" in done.lines()) == (1, True)
    done = machine("ais_bench", "--model=absent.om")
    assert (done.code, "om path:absent.om is illegal. Please check." in done.err) == (2, True)
    done = machine("ais_bench", "--model=m_bs1.om", "--device=3")
    assert "[ERROR] acl open device 3 failed" in done.lines()
    assert "SetDevice failed.ret=507033" in done.err
    assert machine("ais_bench", "--model=m_bs1.om", "--device=300").code == 2
    machine.atc(1, chip="310")
    assert "load model from file failed" in machine("ais_bench", "--model=m_bs1.om").out


def test_older_form_drops_the_last_batch_and_needs_the_output_folder(
    machine: Any, images: np.ndarray, model: onnx.ModelProto
) -> None:
    machine.atc(4)
    argv = ("--model=m_bs4.om", "--input=prep_bin", "--output=out", "--batchsize=4", "--outfmt=NPY")
    assert machine("ais_infer", *argv, program="ais_infer.py").code == 1
    Path("out").mkdir()
    done = machine("ais_infer", *argv, program="ais_infer.py")
    assert done.code == 0
    (folder,) = [path for path in Path("out").iterdir() if path.is_dir()]
    assert re.fullmatch(r"\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d", folder.name)
    assert "H2D_latency (ms): min = " in done.out
    assert "throughput (1000*batchsize/NPU_compute_time): " in done.out
    names = sorted(path.name for path in folder.iterdir())
    assert "sumary.json" in names
    assert len(names) == 1 + 8


def test_paths_that_the_published_tool_refuses(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    Path("link.om").symlink_to("m_bs1.om")
    Path("open").mkdir()
    Path("open").chmod(0o755)
    Path("group").mkdir(mode=0o750)
    Path("group").chmod(0o770)
    Path("prep_bin").chmod(0o775)
    for kind, argv in (
        ("om", ["--model=link.om"]),
        ("om", ["--model=m bs1.om"]),
        ("input", ["--model=m_bs1.om", "--input=prep_bin"]),
        ("output", ["--model=m_bs1.om", "--output=open"]),
        ("output", ["--model=m_bs1.om", "--output=group"]),
    ):
        done = machine("ais_bench", *argv)
        assert (done.code, f"{kind} path:" in done.err, "is illegal. Please check." in done.err) == (2, True, True), (
            argv
        )
    Path("prep_bin").chmod(0o755)
    Path("open").chmod(0o750)
    assert machine("ais_bench", "--model=m_bs1.om", "--input=prep_bin", "--output=open").code == 0


def two_inputs(ids: int | str = 3) -> onnx.ModelProto:
    """Adds an image to the square of an int64 vector; gives both the sum and the vector, of other ranks and types."""
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["ids", "ids"], ["square"], name="Mul_0"),
            helper.make_node("Cast", ["square"], ["real"], name="Cast_1", to=onnx.TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["real"], ["total"], name="ReduceSum_2", axes=[1], keepdims=1),
            helper.make_node("Flatten", ["image"], ["flat"], name="Flatten_3"),
            helper.make_node("Add", ["flat", "total"], ["sum"], name="Add_4"),
        ],
        "two",
        [
            helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["n", 2, 2, 2]),
            helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", ids]),
        ],
        [
            helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, ["n", 8]),
            helper.make_tensor_value_info("square", onnx.TensorProto.INT64, ["n", ids]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    made.ir_version = 6
    return made


def test_several_inputs_and_outputs_of_other_types(machine: Any) -> None:
    onnx.save(two_inputs(), "two.onnx")
    done = machine(
        "atc", "--model=two.onnx", "--framework=5", "--output=two", "--soc_version=Ascend310P3",
        "--input_shape=image:2,2,2,2;ids:2,3",
    )  # fmt: skip
    assert done.code == 0, done
    for folder in ("a", "b"):
        Path(folder).mkdir()
    for number in range(3):
        np.full((2, 2, 2), number, np.float32).tofile(f"a/x{number}.bin")
        np.save(f"b/{number}_ids.npy", np.full(3, number + 1, np.int64))  # paired by place, not by name
    argv = ("--model=two.om", "--input=a,b", "--output=out", "--output_dirname=r", "--outfmt=NPY")
    assert machine("ais_bench", *argv).code == 0
    assert sorted(path.name for path in Path("out/r").iterdir()) == [
        f"x{number}_{index}.npy" for number in range(3) for index in (0, 1)
    ]
    for number in range(3):
        total, square = (np.load(f"out/r/x{number}_{index}.npy") for index in (0, 1))
        assert (total.dtype, square.dtype) == (np.float32, np.int64)
        assert total.shape == (1, 8)
        np.testing.assert_allclose(total, number + 3 * (number + 1) ** 2)
        np.testing.assert_array_equal(square, np.full((1, 3), (number + 1) ** 2))
    Path("b/2_ids.npy").unlink()
    assert machine("ais_bench", *argv).code == 1
    assert "not equal to model inputs num:2" in machine("ais_bench", "--model=two.om", "--input=a").out


def test_the_shape_of_each_file_decides(machine: Any, model: onnx.ModelProto) -> None:
    shape = "--input_shape=actual_input_1:1,3,-1,-1"
    assert machine.atc(1, extra=(shape, "--dynamic_dims=16,16;8,8", "--input_format=ND")).code == 0
    Path("in").mkdir()
    for number, side in enumerate((16, 8)):
        np.save(f"in/{number}.npy", np.ones((1, 3, side, side), np.float32))
    argv = ("--model=m_bs1.om", "--input=in", "--output=out", "--output_dirname=r")
    assert "dynamic batch om model detected" in machine("ais_bench", *argv).err
    assert machine("ais_bench", *argv, "--auto_set_dymdims_mode=1").code == 0
    assert len(list(Path("out/r").iterdir())) == 2
    np.save("in/2.npy", np.ones((1, 3, 4, 4), np.float32))
    assert machine("ais_bench", *argv, "--auto_set_dymdims_mode=1").code == 1  # none of the gears


def test_gears_are_those_of_all_inputs_together(machine: Any) -> None:
    onnx.save(two_inputs(ids="m"), "two.onnx")
    flags = ("--model=two.onnx", "--framework=5", "--output=two", "--soc_version=Ascend310P3", "--input_format=ND")
    assert machine("atc", *flags, "--input_shape=image:-1,2,2,2;ids:-1,-1", "--dynamic_dims=1,1,3;2,2,4").code == 0
    words = ("--model=two.om", "--output=out", "--output_dirname=r", "--loop=2")
    for dims, code in (("image:1,2,2,2;ids:1,3", 0), ("image:2,2,2,2;ids:2,4", 0), ("image:1,2,2,2;ids:2,4", 1)):
        assert machine("ais_bench", *words, f"--dymDims={dims}").code == code


def test_a_range_of_shapes_needs_a_newer_toolkit_and_the_memory_of_the_outputs(
    machine: Any, model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = "--input_shape=actual_input_1:1,3,8~16,8~16"
    assert "E10002" in machine.atc(1, extra=(shape,)).out
    monkeypatch.setenv("KIT_SIM_TOOLKIT", "9.0.1")
    assert machine.atc(1, extra=(shape,)).code == 0
    Path("in").mkdir()
    for number, side in enumerate((16, 8, 11)):
        np.save(f"in/{number}.npy", np.ones((1, 3, side, side), np.float32))
    argv = ("--model=m_bs1.om", "--input=in", "--output=out", "--output_dirname=r", "--auto_set_dymshape_mode=1")
    assert "--outputSize gives none" in machine("ais_bench", *argv).err
    assert machine("ais_bench", *argv, "--outputSize=4").code == 1
    assert machine("ais_bench", *argv, "--outputSize=1000000").code == 0
    np.save("in/3.npy", np.ones((1, 3, 17, 16), np.float32))
    assert machine("ais_bench", *argv, "--outputSize=1000000").code == 1  # outside of the range
