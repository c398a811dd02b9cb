"""Scripts of the kind that people have had around the vendor's tools for years: written anew, run unchanged."""

from __future__ import annotations

import json
import os
import platform
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

CONVERT = r"""
set -e
for bs in 1 4
do
    atc --framework=5 --model=./m.onnx --output=m_bs${bs} --input_format=NCHW \
        --input_shape="actual_input_1:${bs},3,16,16" --log=error --soc_version=Ascend310P3
    if [ -f m_bs${bs}.om ]; then echo "success"; else echo "fail!"; exit 1; fi
done
rm -rf kernel_meta fusion_result.json
"""

EVALUATE = r"""
arch=`uname -m`
rm -rf ./prep_dataset.info
i=0
for f in prep_bin/*.bin; do echo "$i ./$f 16 16" >> prep_dataset.info; i=$((i+1)); done
chmod u+x benchmark.${arch}
for bs in 1 4
do
    rm -rf result/dumpOutput_device0
    ./benchmark.${arch} -model_type=vision -device_id=0 -batch_size=${bs} -om_path=m_bs${bs}.om \
        -input_text_path=./prep_dataset.info -input_width=16 -input_height=16 -output_binary=False \
        -useDvpp=False > /dev/null
    if [ $? != 0 ]; then echo "fail!"; exit -1; fi
    python3.7 score.py result/dumpOutput_device0/ labels.txt ./ result_bs${bs}.json
done
"""

PERFORMANCE = r"""
fps() { cat result/perf_vision_batchsize_$1_device_0.txt | grep 'Interface throughputRate' | awk '{print $6}'; }
echo "bs1 $(fps 1) bs4 $(fps 4)"
./benchmark.`uname -m` -round=20 -batch_size=4 -device_id=0 -om_path=m_bs4.om | grep ave_throughputRate
cat result/PureInfer_perf_of_m_bs4_in_device_0.txt
"""

# Top-k of the first line of each text result, as such scripts count it: every file of the folder.
SCORE = r"""
import json, os, sys
import numpy as np
folder, labels, out, name = sys.argv[1:5]
truth = {line.split(" ")[0].split(".")[0]: int(line.split(" ")[1]) for line in open(labels)}
hits, files = 0, os.listdir(folder)
for file in files:
    image = file.split(".")[0]
    image = image[:image.rindex("_")]
    values = [float(word) for word in open(os.path.join(folder, file)).readline().strip().split(" ")]
    hits += int(np.argmax(values)) == truth[image]
table = {"value": [{"key": "Number of images", "value": str(len(files))},
                   {"key": "Top1 accuracy", "value": str(round(hits / len(files) * 100, 2)) + "%"}]}
json.dump(table, open(os.path.join(out, name), "w"))
"""

T4 = r"""
for bs in 1 4
do
    trtexec --onnx=m.onnx --fp16 --shapes=actual_input_1:${bs}x3x16x16 --workspace=5000 --threads \
        --duration=0 --warmUp=0 --iterations=30 > perf_bs${bs}.log
    time=$(grep "GPU.* mean.*ms$" perf_bs${bs}.log | awk '{print $16}')
    if [ -z "${time}" ]; then time=$(grep "mean.*ms$" perf_bs${bs}.log | awk '{print $4}'); fi
    echo "bs${bs} $(awk 'BEGIN{printf "%.3f\n", 1000*'${bs}'/'${time}'}')"
done
"""


def prepare(machine: Any, reference: np.ndarray) -> None:
    """What a user has beside the scripts: the tool copied here and not executable, labels, the metric."""
    arch = platform.machine()
    Path(f"benchmark.{arch}").write_bytes(machine.path(f"/usr/local/bin/benchmark.{arch}").read_bytes())
    Path(f"benchmark.{arch}").chmod(0o644)
    lines = [f"val_{number:04d}.JPEG {int(np.argmax(row))}" for number, row in enumerate(reference)]
    Path("labels.txt").write_text("\n".join(lines) + "\n")
    Path("score.py").write_text(SCORE)


@pytest.mark.slow
def test_310_scripts(machine: Any, images: np.ndarray, reference: np.ndarray) -> None:
    prepare(machine, reference)
    done = machine.bash(CONVERT)
    assert (done.code, done.lines().count("success")) == (0, 2)
    done = machine.bash(EVALUATE)
    assert done.code == 0, done
    for batch in (1, 4):
        table = json.loads(Path(f"result_bs{batch}.json").read_text())["value"]
        assert table == [
            {"key": "Number of images", "value": "10"},
            {"key": "Top1 accuracy", "value": "100.0%"},  # against the float32 engine's own answers
        ]
    done = machine.bash(PERFORMANCE)
    assert done.code == 0
    rates = re.match(r"bs1 (\S+), bs4 (\S+),\n", done.out)  # such an awk gives the value with its comma
    assert rates
    assert min(map(float, rates.groups())) > 0
    assert re.search(r"^\[INFO\] ave_throughputRate: \S+samples/s, ave_latency: \S+ms$", done.out, re.MULTILINE)


@pytest.mark.slow
def test_t4_script(machine: Any, model: onnx.ModelProto) -> None:
    for version in ("7.2.3", "8.6.1"):
        done = machine.bash(T4, tensorrt=version)
        assert done.code == 0
        rates = re.fullmatch(r"bs1 (\S+)\nbs4 (\S+)\n", done.out)
        assert rates, done
        assert min(map(float, rates.groups())) > 0


def test_shell_cuts_an_unquoted_semicolon(machine: Any, model: onnx.ModelProto) -> None:
    done = machine.bash(
        "atc --framework=5 --output=m --soc_version=Ascend310 --input_shape=a:1,3,16,16;b:1,2 --model=m.onnx; true"
    )
    assert "E10054: The requied parameter [--model] for ATC is empty." in done.out
    assert "b:1,2: command not found" in done.err


def test_wrapper_gives_the_converters_status(machine: Any, model: onnx.ModelProto) -> None:
    assert machine.bash("atc --model=m.onnx --framework=9 > log 2>&1; echo $?").lines() == ["255"]
    done = machine.bash("unset LD_LIBRARY_PATH; atc --model=m.onnx; echo $?")
    assert done.lines()[-1] == "127"
    assert "libascend_hal.so: cannot open shared object file" in done.err
    link = Path("bin/atc")
    link.parent.mkdir()
    link.symlink_to(machine.path("/usr/local/Ascend/ascend-toolkit/latest/bin/atc"))
    assert machine.bash("./bin/atc --help").code == 0  # it finds its package behind a link


def test_old_paths_of_the_toolkit(machine: Any, model: onnx.ModelProto) -> None:
    install_path = machine.path("/usr/local/Ascend/ascend-toolkit/latest")
    done = machine.bash(
        f"export install_path={install_path}\n"
        "export PATH=/usr/local/python3.7.5/bin:${install_path}/atc/ccec_compiler/bin:${install_path}/atc/bin:$PATH\n"
        "export LD_LIBRARY_PATH=${install_path}/atc/lib64:${install_path}/acllib/lib64:$LD_LIBRARY_PATH\n"
        "export ASCEND_OPP_PATH=${install_path}/opp\n"
        "which atc; atc --model=m.onnx --framework=5 --output=m --soc_version=Ascend310 "
        '--input_shape="actual_input_1:1,3,16,16"'
    )
    assert done.lines()[0] == f"{install_path}/atc/bin/atc"
    assert done.lines()[-1] == "ATC run success, welcome to the next use."


def test_ais_bench_as_a_module(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = machine.bash(
        "python3.7 -m ais_bench --model=m_bs4.om --batchsize=4 --input ./prep_bin/ --output ./ "
        "--output_dirname result_bs4 --outfmt TXT"
    )
    assert done.code == 0, done
    assert len(list(Path("result_bs4").iterdir())) == 10
    assert Path("result_bs4_summary.json").is_file()


def test_program_name_is_told_as_it_was_typed(machine: Any) -> None:
    assert machine.bash("trtexec").lines()[0] == "&&&& RUNNING TensorRT.trtexec # trtexec"
    path = machine.path("/opt/tensorrt/bin/trtexec")
    assert machine.bash(f"{path} --help").lines()[0] == f"&&&& RUNNING TensorRT.trtexec # {path} --help"
    done = machine.bash("unset LD_LIBRARY_PATH; benchmark.`uname -m` -round=1")
    assert done.err.startswith(f"benchmark.{platform.machine()}: error while loading shared libraries: libascendcl.so")


def test_files_of_the_working_directory_do_not_disturb(machine: Any, model: onnx.ModelProto) -> None:
    for name in ("json", "queue", "numpy", "simulated", "statistics"):
        Path(f"{name}.py").write_text("raise SystemExit('the wrong file')\n")
    done = machine.bash(
        "export PYTHONPATH=$PWD:; atc --model=m.onnx --framework=5 --output=m --soc_version=Ascend310 "
        '--input_shape="actual_input_1:1,3,16,16"'
    )
    assert done.lines()[-1] == "ATC run success, welcome to the next use.", done


def test_reader_that_goes_away_ends_the_tool_silently(machine: Any) -> None:
    done = machine.bash("trtexec --help | head -1; echo ${PIPESTATUS[0]}")
    assert "Traceback" not in done.err
    assert "BrokenPipe" not in done.err


def test_a_second_installation_changes_nothing(tmp_path: Path) -> None:
    from kit.simulated.install import install

    for _ in range(2):
        root = install(["--root", str(tmp_path / "r"), "--tools", "tensorrt"])
    script = root / "workspace/tensorrt/bin/trtexec"
    assert script.read_text().startswith("#!/bin/sh\n# SIMULATED")
    assert stat.S_IMODE(script.stat().st_mode) == 0o755
    assert not (root / "usr/local/Ascend").exists()
    assert os.path.lexists(root / "usr/src/tensorrt/bin/trtexec")
