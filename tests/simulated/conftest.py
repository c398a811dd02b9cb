"""A simulated machine in a temporary root, and models small enough to run in a moment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from kit.simulated import __main__ as entry
from kit.simulated.install import install

SIDE = 16
SHAPE = (3, SIDE, SIDE)


@dataclass(frozen=True)
class Result:
    """How a tool ended."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        return self.out.splitlines()


class Machine:
    """Runs tools of one root: in this process where they return, in their own where they die or scripts call them."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.root, self.patch, self.capture = root, patch, capture

    def __call__(self, tool: str, *argv: str, program: str = "", **env: str) -> Result:
        """Run a tool in this process; keyword arguments are KIT_SIM_... variables."""
        with self.patch.context() as patch:
            for name, value in env.items():
                patch.setenv(f"KIT_SIM_{name.upper()}", value)
            self.capture.readouterr()
            try:
                code = entry.main([f"{tool}@{program}" if program else tool, *argv])
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 1
                if isinstance(stop.code, str):
                    print(stop.code, file=sys.stderr)
            text = self.capture.readouterr()
        return Result(code, text.out, text.err)

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def bash(self, script: str, *, timeout: float = 60, **env: str) -> Result:
        """Run a script with set_env.sh sourced and the tools' folders on PATH, as people do."""
        values = {name: value for name, value in os.environ.items() if not name.startswith("KIT_SIM_")}
        values |= {f"KIT_SIM_{name.upper()}": value for name, value in {"devices": "virtual", **env}.items()}
        folders = [self.path(name) for name in ("/usr/local/bin", "/workspace/tensorrt/bin", "/usr/bin")]
        values["PATH"] = os.pathsep.join([*map(str, folders), values["PATH"]])
        values["OMP_NUM_THREADS"] = "1"
        values.pop("LD_LIBRARY_PATH", None)
        source = f". {self.path('/usr/local/Ascend/ascend-toolkit/set_env.sh')}\n"
        done = subprocess.run(
            ["bash", "-c", source + script], capture_output=True, text=True, timeout=timeout, env=values, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def atc(self, batch: int = 1, *, model: str = "m.onnx", chip: str = "310P3", extra: tuple[str, ...] = ()) -> Result:
        """Convert ``model`` to ``m_bs<batch>.om``."""
        shape = f"--input_shape=actual_input_1:{batch},3,{SIDE},{SIDE}"
        return self(
            "atc",
            f"--model={model}",
            "--framework=5",
            f"--output=m_bs{batch}",
            "--input_format=NCHW",
            shape,
            "--log=error",
            f"--soc_version=Ascend{chip}",
            *extra,
        )

    def benchmark(self, batch: int = 1, *extra: str, binary: bool = False, **env: str) -> Result:
        """Run ``m_bs<batch>.om`` over ``dataset.info``."""
        argv: tuple[str, ...] = (
            "-model_type=vision",
            "-device_id=0",
            f"-batch_size={batch}",
            f"-om_path=m_bs{batch}.om",
        )
        argv += ("-input_text_path=dataset.info", f"-input_width={SIDE}", f"-input_height={SIDE}", "-useDvpp=False")
        return self("benchmark", *argv, f"-output_binary={binary}", *extra, program="./benchmark.x86_64", **env)


@pytest.fixture(scope="session")
def sim_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(["--root", str(tmp_path_factory.mktemp("root")), "--chip", "310P3", "--devices", "2"])


@pytest.fixture
def machine(
    sim_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    """The machine with two virtual 310P3 chips (or T4s); the working directory is empty."""
    toolkit = sim_root / "usr/local/Ascend/ascend-toolkit/latest"
    work = tmp_path / "work"
    work.mkdir(mode=0o750)  # ais_bench writes into no folder that others may read
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("KIT_SIM_ROOT", str(sim_root))
    monkeypatch.setenv("KIT_SIM_DEVICES", "virtual")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{toolkit}/lib64:{sim_root}/usr/local/Ascend/driver/lib64")
    return Machine(sim_root, monkeypatch, capsys)


ModelMaker = Callable[..., onnx.ModelProto]


@pytest.fixture
def make_model() -> ModelMaker:
    """conv, relu, average pool, gemm to 10 classes; ``batch`` may be a number (a static model)."""

    def make(
        batch: int | str = "-1", *, opset: int = 11, domain: str = "", outputs: int = 1, output_type: int = 0
    ) -> onnx.ModelProto:
        rng = np.random.default_rng(7)

        def weight(name: str, *shape: int) -> onnx.TensorProto:
            return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)

        nodes = [
            helper.make_node(
                "Conv", ["actual_input_1", "w"], ["c"], name="Conv_0", kernel_shape=[3, 3], pads=[1, 1, 1, 1]
            ),
            helper.make_node("Relu", ["c"], ["r"], name="Relu_1", domain=domain),
            helper.make_node("GlobalAveragePool", ["r"], ["p"], name="GlobalAveragePool_2"),
            helper.make_node("Flatten", ["p"], ["f"], name="Flatten_3"),
            helper.make_node("Gemm", ["f", "g", "b"], ["output1"], name="Gemm_4", transB=1),
        ]
        ports = [helper.make_tensor_value_info("output1", TensorProto.FLOAT, [batch, 10])]
        for number in range(2, outputs + 1):
            nodes.append(helper.make_node("Identity", ["output1"], [f"output{number}"], name=f"Identity_{number}"))
            ports.append(helper.make_tensor_value_info(f"output{number}", TensorProto.FLOAT, [batch, 10]))
        if output_type == TensorProto.INT64:
            nodes.append(helper.make_node("ArgMax", ["output1"], ["best"], name="ArgMax_9", axis=1, keepdims=1))
            ports = [helper.make_tensor_value_info("best", TensorProto.INT64, [batch, 1])]
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("actual_input_1", TensorProto.FLOAT, [batch, *SHAPE])],
            ports,
            [weight("w", 8, 3, 3, 3), weight("g", 10, 8), weight("b", 10)],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])],
            producer_name="pytorch",
            producer_version="1.8",
        )
        model.ir_version = 6
        return model

    return make


@pytest.fixture
def images(machine: Machine) -> np.ndarray:
    """Ten samples in ``prep_bin/``, listed in ``dataset.info``; their values, for a check by other means."""
    del machine
    rng = np.random.default_rng(3)
    values = rng.standard_normal((10, *SHAPE)).astype(np.float32)
    Path("prep_bin").mkdir()
    lines = []
    for number, value in enumerate(values):
        value.tofile(f"prep_bin/val_{number:04d}.bin")
        lines.append(f"{number} ./prep_bin/val_{number:04d}.bin {SIDE} {SIDE}")
    Path("dataset.info").write_text("\n".join(lines) + "\n")
    return values


@pytest.fixture
def model(machine: Machine, make_model: ModelMaker) -> onnx.ModelProto:
    """``m.onnx`` in the working directory, with a dynamic batch."""
    del machine
    made = make_model()
    onnx.save(made, "m.onnx")
    return made


@pytest.fixture
def reference(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    """What the model really gives, in float32."""
    import onnxruntime as ort

    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(None, {"actual_input_1": images})[0]
    return result
