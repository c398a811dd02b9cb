"""The accuracy program for TensorRT plans, with a library that stands for CUDA's and a module that stands for tensorrt.

Both do real work: memory is allocated and copied through the C interface, and the "engine" computes from the addresses
that it is given, so a wrong pointer, size or order of bindings gives wrong scores or a crash.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CUDART = r"""
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
static long live, streams, budget = -1;
static void init(void) { const char *b = getenv("FAKE_CUDA_BYTES"); if (budget < 0) budget = b ? atol(b) : 1L << 40; }
int cudaMalloc(void **p, size_t n) {
    init(); if ((long)n > budget) return 2; budget -= n; *p = malloc(n); live++; return 0; }
int cudaFree(void *p) { free(p); live--; return 0; }
int cudaMemcpyAsync(void *d, const void *s, size_t n, int kind, void *stream) {
    if (kind != 1 && kind != 2) return 1; if (!stream) return 1; memcpy(d, s, n); return 0; }
int cudaStreamCreate(void **s) { *s = malloc(1); streams++; return 0; }
int cudaStreamSynchronize(void *s) { return s ? 0 : 1; }
int cudaStreamDestroy(void *s) { free(s); streams--; if (live || streams) { fprintf(stderr, "LEAK\n"); } return 0; }
const char *cudaGetErrorString(int e) { return e == 2 ? "out of memory" : "invalid argument"; }
"""

TENSORRT = '''
"""Stands for tensorrt: a plan is JSON; form "bindings" is the interface of 7.2, "tensors" that of 10."""
import ctypes, json, os
import numpy as np
__version__ = "7.2.3.4"
class Logger:
    WARNING = 2
    def __init__(self, level): pass
class TensorIOMode: INPUT, OUTPUT = 1, 2
def init_libnvinfer_plugins(logger, namespace): return True
def nptype(kind): return np.dtype(kind)
def at(address, shape):
    size = int(np.prod(shape))
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_float)), (size,)).reshape(shape)
class Runtime:
    def __init__(self, logger): pass
    def deserialize_cuda_engine(self, data):
        try: facts = json.loads(data)
        except ValueError: return None
        return (Bindings if facts["form"] == "bindings" else Tensors)(facts)
class Base:
    def __init__(self, facts):
        self.facts, self.names = facts, facts["names"]
        self.batch = facts["batch"]
    def shape(self, name):
        size = self.facts.get("classes", 5)
        return (self.batch, *self.facts["shape"]) if name == "actual_input_1" else (self.batch, size)
    def create_execution_context(self): return Context(self) if self.facts.get("context", True) else None
class Bindings(Base):
    num_bindings = property(lambda self: len(self.names))
    def get_binding_name(self, index): return self.names[index]
    def binding_is_input(self, index): return self.names[index] == "actual_input_1"
    def __getitem__(self, key): return self.names.index(key) if isinstance(key, str) else self.names[key]
    def get_binding_shape(self, index): return self.shape(self.names[index])
    def get_binding_dtype(self, index): return self.facts.get("dtype", "float32")
class Tensors(Base):
    num_io_tensors = property(lambda self: len(self.names))
    def get_tensor_name(self, index): return self.names[index]
    def get_tensor_mode(self, name): return TensorIOMode.INPUT if name == "actual_input_1" else TensorIOMode.OUTPUT
    def get_tensor_shape(self, name): return self.shape(name)
    def get_tensor_dtype(self, name): return self.facts.get("dtype", "float32")
class Context:
    def __init__(self, engine): self.engine, self.batch, self.where = engine, engine.batch, {}
    def set_binding_shape(self, index, shape): return self.set_input_shape(self.engine.names[index], shape)
    def set_input_shape(self, name, shape):
        if not self.engine.facts.get("low", 1) <= shape[0] <= self.engine.facts.get("high", 64): return False
        self.batch = shape[0]
        return True
    def sized(self, name): return (self.batch, *self.engine.shape(name)[1:])
    def get_binding_shape(self, index): return self.sized(self.engine.names[index])
    def get_tensor_shape(self, name): return self.sized(name)
    def set_tensor_address(self, name, address): self.where[name] = address
    def execute_async_v2(self, bindings, stream_handle):
        return self.compute(dict(zip(self.engine.names, bindings)), stream_handle)
    def execute_async_v3(self, stream): return self.compute(self.where, stream)
    def compute(self, where, stream):
        assert stream
        images = at(where["actual_input_1"], self.sized("actual_input_1")).reshape(self.batch, -1)
        for name in self.engine.names:
            if name != "actual_input_1":
                classes = self.sized(name)[1]
                # score of class c: sum of every value whose index leaves c when divided by the classes
                scores = np.stack([images[:, c::classes].sum(axis=1) for c in range(classes)], axis=1)
                at(where[name], self.sized(name))[:] = scores if name == "output1" else -1
        if self.engine.facts.get("nan"): at(where["output1"], self.sized("output1"))[0, 0] = np.nan
        return True
'''

SHAPE = (3, 4, 4)


class Site:
    """A folder with plan, tensors and the two stand-ins."""

    def __init__(self, folder: Path, library: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        (folder / "tensors").mkdir()
        rng = np.random.default_rng(1)
        self.images = rng.standard_normal((7, *SHAPE)).astype(np.float32)
        for number, image in enumerate(self.images):
            image.tofile(folder / "tensors" / f"img_{number}.bin")
        (folder / "python").mkdir()
        (folder / "python/tensorrt.py").write_text(TENSORRT)
        self.library = library

    def plan(self, **facts: Any) -> None:
        values = {"form": "bindings", "names": ["actual_input_1", "output1"], "batch": -1, "shape": SHAPE, **facts}
        (self.folder / "e.plan").write_text(json.dumps(values))

    def run(self, *more: str, batch: int = 4, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.root / 'kit'}:{self.folder / 'python'}",
            "LD_LIBRARY_PATH": str(self.library),
            "OMP_NUM_THREADS": "1",
            **env,
        }
        argv = [sys.executable, "-m", "inside.trt_infer", "--plan", str(self.folder / "e.plan")]
        argv += ["--tensors", str(self.folder / "tensors"), "--batch", str(batch), "--shape", "3,4,4"]
        argv += ["--out", str(self.folder / "out"), *more]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)

    def error(self, done: subprocess.CompletedProcess[str]) -> dict[str, str]:
        assert done.returncode == 64, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if '"error"' in line]
        found: dict[str, str] = json.loads(line.removeprefix("@kit "))["error"]
        return found

    def expected(self, classes: int = 5) -> np.ndarray[Any, Any]:
        flat = self.images.reshape(7, -1)
        return np.stack([flat[:, c::classes].sum(axis=1) for c in range(classes)], axis=1)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the stand-in for libcudart")
    folder = tmp_path_factory.mktemp("cudart")
    (folder / "cudart.c").write_text(CUDART)
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(folder / "libcudart.so"), str(folder / "cudart.c")], check=True
    )
    return folder


@pytest.fixture
def site(tmp_path: Path, library: Path, root: Path) -> Site:
    return Site(tmp_path, library, root)


@pytest.mark.parametrize("form", ["bindings", "tensors"])
@pytest.mark.parametrize("names", [["actual_input_1", "output1"], ["other", "output1", "actual_input_1"]])
@pytest.mark.parametrize("static", [False, True])
def test_scores_are_those_of_the_engine(site: Site, form: str, names: list[str], static: bool) -> None:
    site.plan(form=form, names=names, batch=4 if static else -1)
    done = site.run("--input", "actual_input_1", "--output", "output1", "--check", "2")
    assert done.returncode == 0, done.stderr
    assert "LEAK" not in done.stderr
    expected = site.expected()
    order = np.argsort(-expected, axis=1, kind="stable")
    assert np.array_equal(np.load(site.folder / "out/predictions.npy"), order)
    scores = np.load(site.folder / "out/scores.npy")
    np.testing.assert_allclose(scores, np.take_along_axis(expected, order, axis=1), rtol=1e-5)
    assert (site.folder / "out/images.txt").read_text().split() == [f"img_{number}.bin" for number in range(7)]
    facts = json.loads((site.folder / "out/evaluate.json").read_text())
    assert (facts["n"], facts["classes"], facts["batch"]) == (7, 5, 4)
    assert facts["versions"]["TensorRT"] == "7.2.3.4"
    kept = np.fromfile(site.folder / "out/check/input_1.bin", np.float32).reshape(4, *SHAPE)
    np.testing.assert_array_equal(kept[:3], site.images[4:])
    assert not kept[3].any()  # the last batch is filled up
    output = np.fromfile(site.folder / "out/check/output_1.bin", np.float32).reshape(4, 5)
    np.testing.assert_allclose(output[:3], expected[4:], rtol=1e-5)


def test_names_may_be_left_out_where_there_is_one_of_each(site: Site) -> None:
    site.plan()
    assert site.run().returncode == 0


@pytest.mark.parametrize(
    ("facts", "more", "words"),
    [
        ({"batch": 1}, (), "the plan computes 1x3x4x4, not 4x3x4x4: the ONNX model is static, so --shapes was ignored"),
        ({"shape": [3, 8, 8]}, (), "the plan computes -1x3x8x8, not 4x3x4x4"),
        ({"low": 8}, (), "the plan was not built for the shape 4x3x4x4"),
        ({}, ("--input", "input.1"), "input input.1 was expected, the plan has actual_input_1"),
        ({}, ("--output", "class"), "output class was expected, the plan has output1"),
        ({"names": ["actual_input_1", "output1", "two"]}, (), "one output was expected, the plan has output1, two"),
        ({"dtype": "float16"}, (), "actual_input_1 of the plan is float16"),
        ({"context": False}, (), "too little memory for this plan"),
        ({"nan": True}, (), "img_0.bin"),
    ],
)
def test_what_cannot_be_right_is_refused(site: Site, facts: dict[str, Any], more: tuple[str, ...], words: str) -> None:
    site.plan(**facts)
    error = site.error(site.run(*more))
    assert words in f"{error['what']} {error['where']}"
    assert error["remedy"]


def test_a_damaged_plan(site: Site) -> None:
    (site.folder / "e.plan").write_bytes(b"\x00plan")
    error = site.error(site.run())
    assert error["kind"] == "damaged"
    assert "TensorRT 7.2.3.4 cannot load this plan" in error["what"]


def test_a_gpu_without_memory(site: Site) -> None:
    site.plan()
    error = site.error(site.run(FAKE_CUDA_BYTES="100"))
    assert "CUDA fails in cudaMalloc: out of memory (2)" in error["what"]


def test_no_cuda_in_the_image(site: Site) -> None:
    site.plan()
    broken = site.folder / "broken"  # this machine may have a real one, which must not be found
    broken.mkdir()
    for version in ("", ".13", ".12", ".11.0", ".10.2"):
        (broken / f"libcudart.so{version}").write_text("no library")
    error = site.error(site.run(LD_LIBRARY_PATH=str(broken)))
    assert error["what"] == "the CUDA runtime library is not in the image"


@pytest.mark.parametrize(("data", "kind"), [(b"short", "damaged"), (b"", "damaged"), (bytes(1000), "damaged")])
def test_a_tensor_of_another_size(site: Site, data: bytes, kind: str) -> None:
    site.plan()
    (site.folder / "tensors/img_3.bin").write_bytes(data)
    error = site.error(site.run())
    assert error["kind"] == kind
    assert error["where"].endswith("img_3.bin")


def test_no_tensors_and_no_plan(site: Site) -> None:
    assert site.error(site.run())["what"] == "there is no such plan"
    site.plan()
    shutil.rmtree(site.folder / "tensors")
    assert site.error(site.run())["what"] == "holds no tensors"


def test_python_3_8_of_the_vendors_image_can_read_it(root: Path) -> None:
    """The image has Python 3.8: no syntax and no builtin of later ones, in the program and what it imports."""
    import ast

    for name in ("trt_infer", "topk", "protocol"):
        text = (root / "kit/inside" / f"{name}.py").read_text()
        tree = ast.parse(text, feature_version=(3, 8))
        assert "from __future__ import annotations" in text
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
                assert not node.keywords, f"{name}:{node.lineno}: zip(strict=) came with 3.10"
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"removeprefix", "removesuffix"}, f"{name}:{node.lineno}"
