"""A data set of preprocessed tensors through a TensorRT plan: the same file whose speed was measured.

Command line::

    python3 -m inside.trt_infer --plan FILE --tensors DIR --batch 16 --shape 3,224,224 --out DIR
        [--input NAME] [--output NAME] [--check 1] [--shard I/N]

It runs in TensorRT's own image (Python 3.8, numpy, the ``tensorrt`` module) and needs no pycuda: memory and copies go
through ``libcudart`` itself. It writes what :mod:`inside.evaluate` writes (``predictions.npy``, ``scores.npy``,
``images.txt``, ``evaluate.json``), and for each of the first ``--check`` batches ``check/input_<k>.bin`` and
``check/output_<k>.bin`` (float32), so that trtexec can run the same input and the outputs can be compared. ``--shard``:
see :mod:`inside.evaluate`.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from .arguments import parse_shape, positive
from .labels import unique_keys
from .protocol import UserError, progress, run, write_json
from .shard import Shard
from .stored import write_predictions
from .topk import K, best, check_finite

__all__ = ["TensorRtPlan", "main"]

_REBUILD = "Build the plan again, on this GPU and with this TensorRT."
#: cudaMemcpyKind.
_TO_DEVICE, _TO_HOST = 1, 2


class Cuda:
    """The few calls of the CUDA runtime that inference needs."""

    def __init__(self) -> None:
        self._library = self._load()
        for name, arguments in (
            ("cudaMalloc", [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t]),
            ("cudaFree", [ctypes.c_void_p]),
            ("cudaMemcpyAsync", [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]),
            ("cudaStreamCreate", [ctypes.POINTER(ctypes.c_void_p)]),
            ("cudaStreamSynchronize", [ctypes.c_void_p]),
            ("cudaStreamDestroy", [ctypes.c_void_p]),
        ):
            function = getattr(self._library, name)
            function.argtypes, function.restype = arguments, ctypes.c_int
        self._library.cudaGetErrorString.argtypes = [ctypes.c_int]
        self._library.cudaGetErrorString.restype = ctypes.c_char_p

    @staticmethod
    def _load() -> Any:
        tried = []
        for name in ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so.10.2"):
            try:
                return ctypes.CDLL(name)
            except OSError as error:
                tried.append(str(error))
        raise UserError(
            "the CUDA runtime library is not in the image", "Use TensorRT's own image.", tried[0], "missing"
        )

    def call(self, name: str, *arguments: Any) -> None:
        """One call; anything but success is the user's: driver, memory or device."""
        status = getattr(self._library, name)(*arguments)
        if status:
            words = (self._library.cudaGetErrorString(status) or b"").decode("ascii", "replace")
            raise UserError(
                f"CUDA fails in {name}: {words} ({status})",
                "Check the driver with nvidia-smi, and that nothing else uses the GPU's memory.",
                kind="resource",
            )

    def malloc(self, size: int) -> int:
        """Device memory."""
        pointer = ctypes.c_void_p()
        self.call("cudaMalloc", ctypes.byref(pointer), size)
        return int(pointer.value or 0)

    def stream(self) -> int:
        """A stream."""
        handle = ctypes.c_void_p()
        self.call("cudaStreamCreate", ctypes.byref(handle))
        return int(handle.value or 0)


class TensorRtPlan:
    """A plan with its execution context, by the bindings of 7.x and 8.x or the named tensors of 10 and later."""

    def __init__(self, path: str) -> None:
        trt: Any = importlib.import_module("tensorrt")
        self._trt, self._path = trt, path
        self.version = str(trt.__version__)
        logger = trt.Logger(trt.Logger.WARNING)
        trt.init_libnvinfer_plugins(logger, "")
        with open(path, "rb") as file:
            data = file.read()
        self._runtime = trt.Runtime(logger)
        self._engine = self._runtime.deserialize_cuda_engine(data)
        if self._engine is None:
            raise UserError(f"TensorRT {self.version} cannot load this plan", _REBUILD, path, "damaged")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise UserError("the GPU has too little memory for this plan", "Use a smaller batch.", path, "resource")
        self._named = not hasattr(self._engine, "num_bindings")
        self.names, self.sources = self._bindings(trt)
        self.results = [name for name in self.names if name not in self.sources]
        self._cuda = Cuda()
        self._stream = self._cuda.stream()
        # In the engine's order: addresses are passed by position.
        self._memory: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def _bindings(self, trt: Any) -> tuple[list[str], list[str]]:
        """All names in the engine's order, and those of the inputs."""
        engine = self._engine
        if self._named:
            names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
            mode = trt.TensorIOMode.INPUT
            return names, [name for name in names if engine.get_tensor_mode(name) == mode]
        names = [engine.get_binding_name(index) for index in range(engine.num_bindings)]
        return names, [name for index, name in enumerate(names) if engine.binding_is_input(index)]

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape that an input or output was built with; -1 where a size is dynamic."""
        engine = self._engine
        return tuple(engine.get_tensor_shape(name) if self._named else engine.get_binding_shape(engine[name]))

    def dtype(self, name: str) -> Any:
        """The NumPy type of an input or output."""
        engine = self._engine
        kind = engine.get_tensor_dtype(name) if self._named else engine.get_binding_dtype(engine[name])
        return np.dtype(self._trt.nptype(kind))

    def _actual_shape(self, name: str) -> tuple[int, ...]:
        """The shape that follows from those of the inputs."""
        context = self._context
        return tuple(context.get_tensor_shape(name) if self._named else context.get_binding_shape(self._engine[name]))

    def run(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """All outputs by name, for all inputs by name.

        Raises:
            UserError: the plan was built for other shapes, or the GPU fails.
        """
        shapes = {name: tuple(array.shape) for name, array in arrays.items()}
        if shapes != self._shapes:
            for name, shape in shapes.items():
                check_shape(self.shape(name), shape, self._path)
                self._set_shape(name, shape)
            self._allocate()
            self._shapes = shapes
        kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        for name, array in kept.items():
            self._copy(self._memory[name], array.ctypes.data, array.nbytes, _TO_DEVICE)
        self._execute()
        outputs = {name: np.empty(self._actual_shape(name), self.dtype(name)) for name in self.results}
        for name, output in outputs.items():
            self._copy(output.ctypes.data, self._memory[name], output.nbytes, _TO_HOST)
        self._cuda.call("cudaStreamSynchronize", self._stream)
        return outputs

    def _set_shape(self, name: str, wanted: tuple[int, ...]) -> None:
        if -1 not in self.shape(name):
            return
        if self._named:
            done = self._context.set_input_shape(name, wanted)
        else:
            done = self._context.set_binding_shape(self._engine[name], wanted)
        if not done:
            shown = "x".join(str(n) for n in wanted)
            raise UserError(f"the plan was not built for the shape {shown}", _REBUILD, self._path)

    def _allocate(self) -> None:
        """Allocate memory for all tensors, by the shapes of the inputs."""
        self._free()
        for name in self.names:
            count = int(np.prod(self._actual_shape(name), dtype=np.int64))
            self._memory[name] = self._cuda.malloc(max(1, count * self.dtype(name).itemsize))

    def _free(self) -> None:
        for pointer in self._memory.values():
            self._cuda.call("cudaFree", pointer)
        self._memory = {}

    def _copy(self, to: int, source: int, size: int, kind: int) -> None:
        self._cuda.call("cudaMemcpyAsync", to, source, size, kind, self._stream)

    def _execute(self) -> None:
        if self._named:
            for name, pointer in self._memory.items():
                self._context.set_tensor_address(name, pointer)
            done = self._context.execute_async_v3(self._stream)
        else:
            done = self._context.execute_async_v2(bindings=list(self._memory.values()), stream_handle=self._stream)
        if not done:
            raise UserError("TensorRT refused to run the plan", _REBUILD, kind="tolerance")

    def close(self) -> None:
        """Free the GPU's memory."""
        self._free()
        self._cuda.call("cudaStreamDestroy", self._stream)


class Classifier:
    """A plan that makes one row of scores of each image, from one input to one output."""

    def __init__(self, plan: TensorRtPlan, path: str, source: str | None, result: str | None) -> None:
        self._plan, self._path = plan, path
        self.input = choose(source, plan.sources, "input", path)
        self.output = choose(result, plan.results, "output", path)
        for name in (self.input, self.output):
            if plan.dtype(name) != np.float32:
                raise UserError(
                    f"{name} of the plan is {plan.dtype(name)}", "Keep float32 at inputs and outputs.", path
                )

    def infer(self, images: Any) -> Any:
        """Scores, float32 (batch, classes), of one batch of images.

        Raises:
            UserError: the plan was built for another shape, or its output is not one row of scores per image.
        """
        output = self._plan.run({self.input: images})[self.output]
        shape = output.shape
        if len(shape) < 2 or shape[0] != len(images) or output.size != len(images) * max(shape[1:]):
            raise UserError(
                f"output {self.output} has shape {shape}, which is not one row of scores per image",
                "Give a classifier with one score per class.",
                self._path,
            )
        return output.reshape(len(images), -1)


def choose(wanted: str | None, names: list[str], kind: str, path: str) -> str:
    """The binding that was asked for, or the only one."""
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    asked = f"one {kind}" if wanted is None else f"{kind} {wanted}"
    raise UserError(
        "{} was expected, the plan has {}".format(asked, ", ".join(names) or "none"),
        f"Give the model's own {kind} name in the recipe.",
        path,
    )


def check_shape(have: tuple[int, ...], wanted: tuple[int, ...], path: str) -> None:
    """Refuse a plan with a fixed shape other than the one that is asked for: a static model ignores --shapes."""
    if len(have) == len(wanted) and all(one in (-1, other) for one, other in zip(have, wanted)):  # noqa: B905 - 3.8
        return
    shown, asked = ("x".join(str(n) for n in dims) for dims in (have, wanted))
    what = f"the plan computes {shown}, not {asked}"
    if have[1:] == wanted[1:] and have[:1] != wanted[:1]:
        what += ": the ONNX model is static, so --shapes was ignored"
    raise UserError(what, "Export the model with a dynamic batch axis, then build again.", path)


def read_batches(folder: str, names: list[str], shape: tuple[int, ...], batch: int) -> Iterator[tuple[int, Any]]:
    """(count, images) with images float32 (batch, channels, height, width), the last one filled up with zeros."""
    images = np.zeros((batch, *shape), np.float32)
    size = images[0].nbytes
    for first in range(0, len(names), batch):
        inside = names[first : first + batch]
        for slot, name in enumerate(inside):
            path = os.path.join(folder, name)
            with open(path, "rb", buffering=0) as file:
                found = os.fstat(file.fileno()).st_size
                if found != size or file.readinto(memoryview(images[slot]).cast("B")) != size:
                    raise UserError(
                        f"has {found} bytes, a tensor has {size}",
                        "Preprocess again, with the crop of this model.",
                        path,
                        "damaged",
                    )
        images[len(inside) :] = 0
        yield len(inside), images


def evaluate(model: Classifier, folder: str, names: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Run every batch, write the results; returns what ``evaluate.json`` says of them."""
    total = len(names)
    predictions, scores = np.empty((total, K), np.int32), np.empty((total, K), np.float32)
    ties = classes = done = 0
    start = time.perf_counter()
    shape = parse_shape(arguments.shape)
    for number, (count, images) in enumerate(read_batches(folder, names, shape, arguments.batch)):
        output = model.infer(images)
        if number < arguments.check:
            keep_check(arguments.out, number, images, output)
        output = output[:count]
        check_finite(output, names[done:], "fp16 overflows in this model: build without it, or check the weights.")
        found = best(output)
        predictions[done : done + count], scores[done : done + count] = found.classes, found.scores
        ties += int(np.count_nonzero(found.tied))
        classes = output.shape[1]
        done += count
        progress(done, total, "images")
    write_predictions(arguments.out, names, predictions, scores)
    return {"n": total, "classes": classes, "ties": ties, "seconds": {"total": round(time.perf_counter() - start, 6)}}


def keep_check(out: str, number: int, images: Any, output: Any) -> None:
    """Input and output of one batch, as trtexec reads and a comparison needs them."""
    folder = os.path.join(out, "check")
    os.makedirs(folder, exist_ok=True)
    images.tofile(os.path.join(folder, f"input_{number}.bin"))
    np.ascontiguousarray(output, np.float32).tofile(os.path.join(folder, f"output_{number}.bin"))


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="trt_infer", description="A data set through a TensorRT plan.")
    parser.add_argument("--plan", required=True, help="file that trtexec --saveEngine wrote")
    parser.add_argument("--tensors", required=True, help="folder of float32 .bin files, one per image")
    parser.add_argument("--batch", type=positive, required=True)
    parser.add_argument("--shape", required=True, help="channels,height,width")
    parser.add_argument("--input", help="name of the input")
    parser.add_argument("--output", help="name of the output")
    parser.add_argument("--check", type=int, default=0, help="batches to keep for a comparison with trtexec")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), help="only this part, as in 2/4")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(argv)
    if not os.path.isfile(arguments.plan):
        raise UserError("there is no such plan", "Build it first.", arguments.plan, "missing")
    try:
        names = sorted(name for name in os.listdir(arguments.tensors) if name.endswith(".bin"))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    if not names:
        raise UserError("holds no tensors", "Preprocess the images first.", arguments.tensors, "missing")
    unique_keys(names, arguments.tensors)
    whole, rows = len(names), arguments.shard.rows(len(names), arguments.batch)
    names = names[rows.start : rows.stop]
    os.makedirs(arguments.out, exist_ok=True)
    plan = TensorRtPlan(arguments.plan)
    model = Classifier(plan, arguments.plan, arguments.input, arguments.output)
    result = evaluate(model, arguments.tensors, names, arguments)
    plan.close()
    versions = {"TensorRT": plan.version, "numpy": np.__version__, "python": sys.version.split()[0]}
    if arguments.shard.parts > 1:
        result.update(first=rows.start, of=whole, engine={"title": "TensorRT"}, workers=1, threads=1)
    write_json(
        os.path.join(arguments.out, "evaluate.json"),
        dict(result, batch=arguments.batch, input=model.input, output=model.output, versions=versions),
    )
    print(f"{len(names)} images in {result['seconds']['total']:.2f} s")


if __name__ == "__main__":
    run(main)
