from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from kit.simulated.devices import node_problem
from kit.simulated.machine import this_machine

BLOCK = re.compile(
    r"\A\[e2e\] throughputRate: (\S+), latency: (\S+)\n"
    r"\[data read\] throughputRate: (\S+), moduleLatency: (\S+)\n"
    r"\[preprocess\] throughputRate: (\S+), moduleLatency: (\S+)\n"
    r"\[inference\] throughputRate: (\S+), Interface throughputRate: (\S+), moduleLatency: (\S+)\n"
    r"\[postprocess\] throughputRate: (\S+), moduleLatency: (\S+)\n\Z"
)


def outputs(folder: str = "result/dumpOutput_device0") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_data_set_run_gives_the_models_numbers_within_half_precision(
    machine: Any, images: np.ndarray, reference: np.ndarray
) -> None:
    machine.atc(4)
    done = machine.benchmark(4)
    assert done.code == 0
    assert "ERROR" not in done.out
    assert outputs() == [f"val_{number:04d}_1.txt" for number in range(10)]  # the last batch holds two samples
    for number, row in enumerate(reference):
        text = Path(f"result/dumpOutput_device0/val_{number:04d}_1.txt").read_text()
        assert re.fullmatch(r"(-?\d+\.\d{6} ){10}\n", text)
        np.testing.assert_allclose([float(word) for word in text.split()], row, rtol=4e-3, atol=4e-3)
    # Not float32 in disguise: every value is a half.
    values = [float(word) for word in Path("result/dumpOutput_device0/val_0000_1.txt").read_text().split()]
    assert np.allclose(values, np.array(values, np.float16).astype(float), atol=1e-6)
    assert Path("result/SIMULATED").is_file()


def test_performance_file_keeps_the_tools_identities(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = machine.benchmark(4)
    text = Path("result/perf_vision_batchsize_4_device_0.txt").read_text()
    match = BLOCK.match(text)
    assert match, text
    e2e, latency, read, read_latency, _, _, infer, interface, _, post, post_latency = map(float, match.groups())
    assert e2e * latency / 1000 == pytest.approx(10, rel=1e-5)
    assert read_latency == pytest.approx(1000 / read, rel=1e-4)
    assert post_latency == pytest.approx(1000 / post, rel=1e-4)
    assert interface >= infer
    assert text in done.out
    assert re.findall(r"CurSampleNum is (\d+)", done.out) == ["4", "8", "10"]


def test_official_parser_works_on_the_file(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    """The published parse step: text between a colon and a comma, the eighth of them."""
    machine.atc(1)
    machine.benchmark(1)
    text = Path("result/perf_vision_batchsize_1_device_0.txt").read_text()
    found = re.findall(":(.*?),", text.replace("\n", ",") + ",")
    match = BLOCK.match(text)
    assert match
    assert found[7].strip() == match.group(8)


def test_binary_output(machine: Any, images: np.ndarray, reference: np.ndarray) -> None:
    machine.atc(1)
    machine.benchmark(1, binary=True)
    data = np.fromfile("result/dumpOutput_device0/val_0003_1.bin", "<f4")
    np.testing.assert_allclose(data, reference[3], rtol=4e-3, atol=4e-3)


def test_stale_results_stay(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    machine.benchmark(1)
    Path("dataset.info").write_text("0 ./prep_bin/val_0001.bin 16 16\n")
    Path("result/dumpOutput_device0/old_1.txt").write_text("0\n")
    assert machine.benchmark(1).code == 0
    assert len(outputs()) == 11


def test_many_outputs_are_numbered_in_the_order_of_their_index_as_text(
    machine: Any, images: np.ndarray, make_model: Any
) -> None:
    onnx.save(make_model(outputs=11), "m.onnx")
    machine.atc(1)
    machine.benchmark(1)
    assert len(outputs()) == 110
    assert "val_0000_11.txt" in outputs()


def test_integer_output_is_taken_for_float(machine: Any, images: np.ndarray, make_model: Any) -> None:
    onnx.save(make_model(output_type=TensorProto.INT64), "m.onnx")
    machine.atc(1)
    machine.benchmark(1)
    assert Path("result/dumpOutput_device0/val_0000_1.txt").read_text() == "0.000000 0.000000 \n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-nonsense=1"], "[ERROR] Command params input error! Please check help message."),
        (["-batch_size"], "[ERROR] Command params input error! Please check help message."),
        (["-model_type=picture"], "[ERROR] invalid model type, please check!"),
        (["-batch_size=0"], "[ERROR] invalid batch size, please check!"),
        (["-device_id=-1"], "[ERROR] invalid device id, please check!"),
        (["-input_width=0"], "[ERROR] invalid input_width, please check!"),
        (["-input_height=0"], "[ERROR] invalid input_height, please check!"),
        (["-round=0"], "[ERROR] Please input the right round number(0<round<=1024)."),
        (["-round=1025"], "[ERROR] Please input the right round number(0<round<=1024)."),
        (["-om_path="], "[ERROR] invalid om_path, please check!"),
        (["-om_path=gone.om"], "[ERROR] Get absolute om_path failed! The path is gone.om"),
        (["-input_text_path=gone"], "[ERROR] Get absolute input_text_path path failed! The path is gone"),
        (["-device_id=2"], "[ERROR] aclrtSetDevice failed!"),
        (["-batch_size=2"], "[ERROR][Inference] The batchsize of om model does not match the user inputs!"),
    ],
)
def test_messages(machine: Any, images: np.ndarray, model: onnx.ModelProto, argv: list[str], message: str) -> None:
    machine.atc(1)
    done = machine.benchmark(1, *argv)
    assert done.code == 0  # as the tool's source: who trusts the status believes in a run that never was
    assert message in done.lines()
    assert not list(Path("result").glob("perf*"))


def test_illegal_value_is_gflags_error(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    done = machine.benchmark(1, "-useDvpp=maybe")
    assert (done.code, done.err) == (1, "ERROR: illegal value 'maybe' specified for bool flag 'useDvpp'\n")


@pytest.mark.parametrize("text", ["", "\n\n", "0 ./prep_bin/val_0000.bin\n", "x ./prep_bin/val_0000.bin 16 16\n"])
def test_broken_info_file(machine: Any, images: np.ndarray, model: onnx.ModelProto, text: str) -> None:
    machine.atc(1)
    Path("dataset.info").write_text(text)
    assert "[ERROR] CheckTextContent Check whether the file content is correct!" in machine.benchmark(1).lines()


def test_duplicate_index(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    Path("dataset.info").write_text("0 ./prep_bin/val_0000.bin 16 16\n0 ./prep_bin/val_0001.bin 16 16\n")
    assert "[ERROR][PostProcess] FrameInfoMap insert error." in machine.benchmark(1).lines()


def test_lost_empty_and_short_inputs(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    Path("prep_bin/val_0000.bin").unlink()
    Path("prep_bin/val_0001.bin").write_bytes(b"")
    Path("prep_bin/val_0002.bin").write_bytes(b"1234")
    done = machine.benchmark(1)
    assert "[ERROR][DataManager] Image file does not exist: ./prep_bin/val_0000.bin" in done.lines()
    assert "[ERROR][DataManager] File size is zero!" in done.lines()
    assert (
        "[ERROR][Inference] Input data size don't match the model input size! len is 4, singleSize is 3072"
        in done.lines()
    )
    assert len(outputs()) == 7  # the run goes on without them: only a count shows it


def test_short_last_input_ends_the_run(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1)
    Path("prep_bin/val_0009.bin").write_bytes(b"1234")
    done = machine.benchmark(1)
    assert "[Inference] last frame inference failed and exit. " in done.lines()
    assert not list(Path("result").glob("perf*"))


def test_full_disk_leaves_short_files_and_no_word(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    machine.atc(1)
    folder = Path("result/dumpOutput_device0")
    folder.mkdir(parents=True)
    (folder / "val_0003_1.txt").symlink_to("/dev/full")
    (folder / "val_0005_1.txt").mkdir()
    done = machine.benchmark(1)
    assert "[ERROR][PostProcess] Can not open result/dumpOutput_device0/val_0005_1.txt" in done.lines()
    assert "[ERROR][PostProcess] SaveToTxtFile failed." in done.lines()
    assert "val_0003" not in done.out  # nobody looks at what a write says
    assert len(outputs()) == 10


def test_wrong_chip_foreign_om_and_old_name(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    machine.atc(1, chip="310")
    refused = "[ERROR] moduleInstance.inferenceInstance init failed."
    assert refused in machine.benchmark(1).lines()
    machine.atc(1, chip="710")  # the former name of the same chip
    assert refused not in machine.benchmark(1).lines()
    machine.atc(1, chip="310")
    assert refused not in machine.benchmark(1, chip="310").lines()
    Path("m_bs1.om").write_bytes(b"IMOD" + bytes(300))
    done = machine.benchmark(1)
    assert "[ERROR][Inference] aclmdlLoadFromFile failed!" in done.lines()


def test_dynamic_batch_gears(machine: Any, images: np.ndarray, reference: np.ndarray) -> None:
    shape = "--input_shape=actual_input_1:-1,3,16,16"
    assert machine.atc(1, extra=(shape, "--dynamic_batch_size=2,4")).code == 0
    assert "does not match the user inputs" in machine.benchmark(1).out
    assert machine.benchmark(1, "-batch_size=4").code == 0
    assert len(outputs()) == 10


def test_pure_inference(machine: Any, model: onnx.ModelProto) -> None:
    machine.atc(4)
    done = machine("benchmark", "-round=20", "-om_path=m_bs4.om", "-device_id=0", "-batch_size=4")
    text = Path("result/PureInfer_perf_of_m_bs4_in_device_0.txt").read_text()
    match = re.fullmatch(r"ave_throughputRate = (\S+)samples/s, ave_latency = (\S+)ms\n", text)
    assert match
    rate, latency = map(float, match.groups())
    assert rate * latency == pytest.approx(1000, rel=1e-4)
    costs = [float(cost) for cost in re.findall(r"Dataset number: \d+ finished cost (\S+)ms", done.out)]
    assert len(costs) == 20
    assert latency == pytest.approx(np.mean(costs[2:]) / 4, rel=1e-3)
    assert done.lines()[0] == "[INFO][Inference] PureInfer Init SUCCESS"
    assert "[INFO] PureInfer result saved in ./result/PureInfer_perf_of_m_bs4_in_device_0.txt" in done.lines()


def test_jpegs_through_the_decoder_and_aipp(machine: Any, model: onnx.ModelProto) -> None:
    from PIL import Image

    Path("aipp.cfg").write_text(
        "aipp_op {\n aipp_mode: static\n input_format: YUV420SP_U8 # decoded\n src_image_size_w: 16\n"
        " src_image_size_h: 16\n min_chn_0: 128\n min_chn_1: 128\n min_chn_2: 128\n var_reci_chn_0: 0.0078125\n"
        " var_reci_chn_1: 0.0078125\n var_reci_chn_2: 0.0078125\n}\n"
    )
    assert machine.atc(1, extra=("--insert_op_conf=aipp.cfg",)).code == 0
    Image.new("RGB", (40, 30), (200, 60, 20)).save("a.jpg")
    Path("broken.jpg").write_bytes(b"no image")
    Path("dataset.info").write_text("0 ./a.jpg 40 30\n1 ./broken.jpg 40 30\n")
    done = machine.benchmark(1, "-useDvpp=true")
    assert "[ERROR][VisionPreProcess] decode failed: ./broken.jpg" in done.lines()
    import onnxruntime as ort

    plane = (np.array([200, 60, 20], np.float32) - 128) / 128
    feed = np.broadcast_to(plane[None, :, None, None], (1, 3, 16, 16)).astype(np.float32)
    want = ort.InferenceSession(model.SerializeToString()).run(None, {"actual_input_1": feed})[0][0]
    got = [float(word) for word in Path("result/dumpOutput_device0/a_1.txt").read_text().split()]
    np.testing.assert_allclose(got, want, rtol=0.1, atol=0.1)


def nodes(machine: Any, *names: str) -> Path:
    dev = Path(machine.path("/dev"))
    dev.mkdir(exist_ok=True)
    for name in names:
        (dev / name).touch()
    return dev


@pytest.fixture
def dev(machine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A root of its own whose nodes are plain files; nothing is virtual."""
    root = tmp_path / "own"
    shutil.copytree(machine.root, root, symlinks=True)
    machine.root = root
    monkeypatch.setenv("KIT_SIM_ROOT", str(root))
    monkeypatch.delenv("KIT_SIM_DEVICES")
    return nodes(machine, "davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")


@pytest.mark.parametrize("name", ["davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"])
def test_each_node_is_needed(machine: Any, images: np.ndarray, model: onnx.ModelProto, dev: Path, name: str) -> None:
    machine.atc(1)
    assert "ERROR" not in machine.benchmark(1).out
    (dev / name).unlink()
    done = machine.benchmark(1)
    assert "[ERROR] aclrtSetDevice failed!" in done.lines()
    assert f"/dev/{name} is not there" in done.err


def test_driver_files_are_needed(machine: Any, images: np.ndarray, model: onnx.ModelProto, dev: Path) -> None:
    machine.atc(1)
    machine.path("/usr/local/Ascend/driver/version.info").unlink()
    assert "[ERROR] aclrtSetDevice failed!" in machine.benchmark(1).lines()


def test_stub_library_cannot_run(
    machine: Any, images: np.ndarray, model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.atc(1)
    toolkit = machine.path("/usr/local/Ascend/ascend-toolkit/latest")
    (stub,) = toolkit.glob("*-linux/devlib")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{toolkit}/lib64:{stub}")
    done = machine.benchmark(1)
    assert "[ERROR] aclInit failed!" in done.lines()
    assert "100039" in done.err


def problem_as(groups: list[int]) -> str:
    """What someone who is not root, in ``groups``, meets at the node of chip 0."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setresgid(1234, 1234, 1234)
            os.setresuid(1234, 1234, 1234)
            os.write(there, (node_problem(this_machine(), "davinci0") or "fit for use").encode())
        finally:
            os._exit(0)
    os.close(there)
    os.waitpid(pid, 0)
    with os.fdopen(here, "rb") as stream:
        return stream.read().decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="making device nodes and changing users needs root")
def test_real_nodes_ask_for_their_group(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "dev").mkdir()
        node = root / "dev/davinci0"
        try:
            os.mknod(node, stat.S_IFCHR | 0o660, os.makedev(236, 0))
        except PermissionError:
            pytest.skip("this container may not make device nodes")
        os.chown(node, 0, 4321)
        node.chmod(0o660)
        monkeypatch.setenv("KIT_SIM_ROOT", str(root))
        monkeypatch.delenv("KIT_SIM_DEVICES", raising=False)
        # Without a driver behind it the node answers ENXIO: mapped and permitted is all that can be rehearsed.
        if node_problem(this_machine(), "davinci0"):
            pytest.skip("the device rules of this container forbid the node even to root")
        assert problem_as([]) == "/dev/davinci0: no permission"
        assert problem_as([4321]) == "fit for use"
