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
    assert "[ERROR] load model from file failed, model file is absent.om" in done.lines()
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
