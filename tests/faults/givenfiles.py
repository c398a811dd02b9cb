"""Files of each kind that a user gives, with the command that reads them: to be damaged, or given as they are."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.faults.faultsite import ROOT, Bench, Site


def quick(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """Kit in this process, for commands that start no other: a hundred times in seconds."""
    from kit.cli import main

    out, err = io.StringIO(), io.StringIO()
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGHUP)]
    code = 0
    with contextlib.chdir(site.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*words])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0
        finally:
            for number, handler in before:
                signal.signal(number, handler)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def small_model(path: Path) -> None:
    """A network that knows its input only by its mean: enough to be damaged."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    weight = numpy_helper.from_array(np.linspace(-1, 1, 30, dtype=np.float32).reshape(3, 10), "w")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["actual_input_1"], ["p"]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["output1"]),
        ],
        "small",
        [helper.make_tensor_value_info("actual_input_1", TensorProto.FLOAT, ["batch", 3, 64, 64])],
        [helper.make_tensor_value_info("output1", TensorProto.FLOAT, ["batch", 10])],
        [weight],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), str(path))


def result_files(site: Site, form: str) -> Path:
    """Result files of the images, as the vendors' tools write them; returns the first."""
    import numpy as np

    folder = site.folder / "results"
    folder.mkdir()
    names = sorted(path.stem for path in (site.folder / "val").iterdir())
    for number, name in enumerate(names):
        scores = np.roll(np.linspace(0, 1, 10, dtype=np.float32), number)
        if form == "txt":
            (folder / f"{name}_1.txt").write_text(" ".join(f"{score:.6f}" for score in scores) + " \n")
        elif form == "bin":
            (folder / f"{name}_1.bin").write_bytes(scores.tobytes())
        else:
            np.save(folder / f"{name}_0.npy", scores)
    return next(iter(sorted(folder.iterdir())))


METRICS = ("metrics", "results", "--labels", "val_label.txt", "--classes", "10", "--runner", "local")
INFER = ("infer", "--target", "cpu", "--runner", "local", "--use", "export=model.onnx")

LOG = """[INFO] Dataset number: 49 finished cost 5.932ms
-----------------Performance Summary------------------
[e2e] throughputRate: 210.5, latency: 237529
[data read] throughputRate: 224.1, moduleLatency: 4.4
[preprocess] throughputRate: 223.8, moduleLatency: 4.46
[inference] throughputRate: 223.6, Interface throughputRate: 678.142, moduleLatency: 4.4
[postprocess] throughputRate: 223.6, moduleLatency: 4.4
"""
REPORT = """# Report

| Model | 310 | T4 | 310/T4 |
|---|---|---|---|
| bs1 | 1000.5 fps | 500.25 fps | 2.00 |

batch1, 310: Interface throughputRate: 250.125, 250.125 x 4 = 1000.5 fps
"""


def recipe(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return site.recipe, ("report", "--recipe", "kit.yaml")


def labels(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    result_files(site, "txt")
    return site.labels, METRICS


def text(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return result_files(site, "txt"), METRICS


def binary(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return result_files(site, "bin"), METRICS


def numpy_file(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return result_files(site, "npy"), METRICS


def jpeg(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    small_model(site.folder / "model.onnx")
    return min((site.folder / "val").iterdir()), INFER


def onnx(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    small_model(site.folder / "model.onnx")
    return site.folder / "model.onnx", INFER


def given_tensors(site: Site) -> tuple[Path, tuple[str, ...]]:
    """Preprocessed files that the user brings: their folder, and the command that takes them."""
    small_model(site.folder / "model.onnx")
    folder = site.folder / "tensors"
    subprocess.run(
        [sys.executable, "-m", "inside.preprocess", "--images", site.folder / "val", "--out", folder / "prep_bin",
         "--preprocess", '{"resize": [64, 64], "crop": [64, 64]}', "--info", folder / "dataset.info",
         "--info-prefix", "./prep_bin"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "kit")}, check=True, capture_output=True,
    )  # fmt: skip
    return folder, (
        "infer", "--target", "310", "--batch", "1", "--simulate", "--use", "export=model.onnx",
        "--use", "preprocess=tensors",
    )  # fmt: skip


def tensor(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder, words = given_tensors(site)
    return min((folder / "prep_bin").iterdir()), words


def info(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder, words = given_tensors(site)
    return folder / "dataset.info", words


def log(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    path = site.folder / "perf.txt"
    path.write_text(LOG)
    return path, ("read", "perf.txt")


def report(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    path = site.folder / "REPORT.md"
    path.write_text(REPORT)
    return path, ("audit", "REPORT.md")


def stored_results(bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    folder = site.report / "results"
    folder.mkdir(parents=True)
    shutil.copy(bench.finished("docker").report / "results" / "cpu.json", folder)
    return folder / "cpu.json", ("report",)


def weights(_bench: Bench, site: Site) -> tuple[Path, tuple[str, ...]]:
    return site.weights, ("reproduce", "--runner", "docker")
