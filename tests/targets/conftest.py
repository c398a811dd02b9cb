"""Runs a target's own steps against the stand-ins, in this process: a plan, its checks, its results."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import kit
from kit.execution.selection import with_devices
from kit.planning.step import Made, Outcome, Step, fill
from kit.planning.target import Job, Target, load_target
from kit.recipe.schema import load_recipe
from kit.simulated import __main__ as stand_ins
from kit.simulated.install import install

SIDE, CLASSES, IMAGES = 16, 10, 10

RECIPE = """
kit: 1
model: {name: tiny, architecture: tiny, classes: 10}
weights: {path: tiny.pth, md5: "0123456789abcdef0123456789abcdef"}
input: {name: actual_input_1, shape: [3, 16, 16]}
dataset: {name: tiny, images: val, labels: val_label.txt, count: 10}
preprocess: {resize: [16, 16], interpolation: bilinear, crop: [16, 16]}
batches: [1, 4]
targets: {310: {}, 310P: {}, T4: {}}
tolerance: {accuracy_points: 0.5}
"""


def tiny_model(batch: int | str = "-1", name: str = "actual_input_1") -> onnx.ModelProto:
    """Flatten and Gemm to ten classes; ``batch`` may be a number (a static model)."""
    rng = np.random.default_rng(5)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", [name], ["f"], name="Flatten_0"),
            helper.make_node("Gemm", ["f", "w", "b"], ["output1"], name="Gemm_1", transB=1),
        ],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output1", TensorProto.FLOAT, [batch, CLASSES])],
        [
            numpy_helper.from_array(rng.standard_normal((CLASSES, 3 * SIDE * SIDE)).astype(np.float32), "w"),
            numpy_helper.from_array(rng.standard_normal(CLASSES).astype(np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    return model


@dataclass
class Rehearsal:
    """A job of one target with its steps; finished steps leave their folder in ``outputs``."""

    folder: Path
    root: Path
    patch: pytest.MonkeyPatch
    target: Target
    job: Job
    outputs: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = {step.name: step for step in self.target.plan(with_devices(self.target, self.job))}

    def run(self, name: str, *, fault: str = "", alone: bool = False, **env: str) -> Outcome:
        """Run a step and what it needs, and let the target check it; a fault reaches this step only."""
        step = self.steps[name]
        for source in step.after:
            if source not in self.outputs:
                self.run(source)
        out = self.folder / "out" / f"{name.replace('/', '-')}{'-' + fault if fault else ''}"
        out.mkdir(parents=True)
        if step.private:  # as the runners do
            out.chmod(0o750)

        def place(text: str) -> str:
            return fill(text, inputs=lambda key: str(self._input(step, key)), out=str(out), code="/kit")

        argv = [place(word) for word in step.argv]
        links = [out / link for link in step.links]
        for link, target in zip(links, step.links.values(), strict=True):
            link.symlink_to(place(target))
        environment = {key: place(text) for key, text in step.environment.items() if key.startswith("KIT_")} | env
        environment |= {"KIT_SIM_FAULT": fault} if fault else {}
        streams = (self.folder / f"{out.name}.stdout", self.folder / f"{out.name}.stderr")
        with self.patch.context() as patch:
            patch.chdir(out)
            for key, text in environment.items():
                patch.setenv(key, text)
            code = self._alone(argv, streams) if alone else self._here(argv, streams)
        for link in links:
            link.unlink()
        outcome = Outcome(code, out, *streams, seconds=0.0, oom=code == 137)
        self.target.check_outcome(self.job, step, outcome)
        if step.keep_output:
            for stream, kept in zip(streams, ("stdout.txt", "stderr.txt"), strict=True):
                (out / kept).write_bytes(stream.read_bytes())
        if not fault:
            self.outputs[name] = out
        return outcome

    def shortened(self) -> Rehearsal:
        """This rehearsal with measurements of TensorRT that last a moment: how fast the CPU is says nothing here."""
        for step in self.steps.values():
            if step.stage == "bench" and step.argv[0] == "trtexec":
                argv = [word for word in step.argv if not word.startswith(("--duration", "--warmUp"))]
                object.__setattr__(step, "argv", (*argv, "--duration=0", "--warmUp=1"))
        for name in ("_WARM_UP_MS", "LONG_WARM_UP_MS"):
            self.patch.setattr(f"kit.targets.tensorrt.success.{name}", 1.0)
        return self

    def run_all(self) -> Mapping[str, Path]:
        for name in self.steps:
            if name not in self.outputs:
                self.run(name)
        return self.outputs

    def _input(self, step: Step, key: str) -> Path:
        source = step.inputs[key]
        if isinstance(source, Made):
            folder = self.outputs[source.step]
            return folder / source.file if source.file else folder
        return source.path

    def _here(self, argv: Sequence[str], streams: tuple[Path, Path]) -> int:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = self._call(argv)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
        streams[0].write_text(out.getvalue())
        streams[1].write_text(err.getvalue())
        return code

    @staticmethod
    def _call(argv: Sequence[str]) -> int:
        if argv[:2] == ["python3", "-m"]:
            if argv[2] == "ais_bench":
                return stand_ins.main(list(argv[2:]))
            for name in ("tensorrt", "simulated.tensorrt_api"):  # each run imports the stand-in of its own version
                sys.modules.pop(name, None)
            importlib.import_module(f"kit.{argv[2]}").main(list(argv[3:]))
            return 0
        tool = argv[0].partition(".")[0]
        return stand_ins.main([f"{tool}@{argv[0]}", *argv[1:]])

    def _alone(self, argv: Sequence[str], streams: tuple[Path, Path]) -> int:
        folders = [self.root / part for part in ("usr/local/bin", "workspace/tensorrt/bin", "usr/bin")]
        folders.append(self.root / "usr/local/Ascend/ascend-toolkit/latest/bin")
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        with streams[0].open("wb") as out, streams[1].open("wb") as err:
            code = Path(kit.__file__).parent
            python = os.pathsep.join([str(code), str(self.root / "site-packages")])
            done = subprocess.run(
                [sys.executable if word == "python3" else word for word in argv],
                stdout=out,
                stderr=err,
                check=False,
                env={**os.environ, "PATH": path, "PYTHONPATH": python},
                timeout=60,
            )
        return done.returncode if done.returncode >= 0 else 128 - done.returncode


class Rehearsals:
    """Makes rehearsals of any target with any options."""

    def __init__(self, folder: Path, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.root, self.patch = folder, root, patch
        (folder / "kit.yaml").write_text(RECIPE)
        rng = np.random.default_rng(3)
        tensors = folder / "made" / "preprocess"
        (tensors / "prep_bin").mkdir(parents=True)
        lines = []
        values = rng.standard_normal((IMAGES, 3, SIDE, SIDE)).astype(np.float32)
        for number, value in enumerate(values):
            value.tofile(tensors / "prep_bin" / f"img_{number:04d}.bin")
            lines.append(f"{number} ./prep_bin/img_{number:04d}.bin {SIDE} {SIDE}")
        (tensors / "dataset.info").write_text("\n".join(lines) + "\n")
        export = folder / "made" / "export"
        export.mkdir()
        onnx.save(tiny_model(), str(export / "model.onnx"))
        (export / "export.json").write_text(json.dumps({"versions": {"torch": "2.0"}}))
        import onnxruntime

        session = onnxruntime.InferenceSession(str(export / "model.onnx"), providers=["CPUExecutionProvider"])
        self.scores = np.asarray(session.run(None, {"actual_input_1": values})[0])
        best = self.scores.argmax(axis=1)
        # Every third label is wrong, so that an accuracy is something to get right.
        self.labels = [int(label + (number % 3 == 0)) % CLASSES for number, label in enumerate(best)]
        (folder / "val_label.txt").write_text(
            "".join(f"img_{number:04d}.JPEG {label}\n" for number, label in enumerate(self.labels))
        )

    def job(
        self,
        target: str,
        *,
        simulate: bool = True,
        device: int = 0,
        devices: tuple[int, ...] = (),
        shards: int = 1,
        options: Mapping[str, object] | None = None,
    ) -> Job:
        recipe = load_recipe(self.folder)
        return Job(
            recipe=recipe,
            target=target,
            batches=recipe.batches_of(target),
            weights=self.folder / "tiny.pth",
            images=self.folder / "val",
            labels=self.folder / "val_label.txt",
            simulate=simulate,
            device=device,
            devices=devices,
            shards=shards,
            options=options or {},
        )

    def __call__(self, target: str, toolchain: str = "", **options: object) -> Rehearsal:
        """A rehearsal of a target; with a toolchain, of an entry ``<target>-other`` that names target and toolchain."""
        number = len(list(self.folder.glob("run*")))
        place = self.folder / f"run{number}"
        place.mkdir()
        entry = f"{target}-other" if toolchain else target
        if toolchain:
            targets = f"targets: {{{entry}: {{hardware: {target}, toolchain: {toolchain}}}, "
            (self.folder / "kit.yaml").write_text(RECIPE.replace("targets: {", targets))
        made = Rehearsal(place, self.root, self.patch, load_target(target), self.job(entry, options=options))
        made.outputs |= {name: self.folder / "made" / name for name in ("export", "preprocess")}
        made.outputs["parity"] = self.folder / "made" / "export"
        return made


@pytest.fixture(scope="session")
def stand_in_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's root with all stand-ins."""
    return install(["--root", str(tmp_path_factory.mktemp("machine")), "--chip", "310P3", "--devices", "4"])


@pytest.fixture
def rehearsals(stand_in_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsals:
    toolkit = stand_in_root / "usr/local/Ascend/ascend-toolkit/latest"
    monkeypatch.setenv("KIT_SIM_ROOT", str(stand_in_root))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{toolkit}/lib64:{stand_in_root}/usr/local/Ascend/driver/lib64")
    monkeypatch.setattr(sys, "path", [*sys.path, str(stand_in_root / "site-packages")])
    for name in [name for name in sys.modules if name == "tensorrt" or name.partition(".")[0] == "simulated"]:
        monkeypatch.delitem(sys.modules, name)  # each test imports the stand-in of its own version
    monkeypatch.setattr(ctypes, "CDLL", ctypes.CDLL)  # which the stand-in of the CUDA runtime replaces
    made = Rehearsals(tmp_path, stand_in_root, monkeypatch)
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path / "no-devices"))
    return made


@pytest.fixture
def make_tiny() -> Callable[..., onnx.ModelProto]:
    """Makes small models: see :func:`tiny_model`."""
    return tiny_model
