"""Inference over folders of tensor files, as the vendors' tools do it: same order, same batches, same names of results.

Command line::

    python3 -m inside.infer_files --model model.onnx --inputs JSON --outputs JSON --batch N --out DIR
        [--engine NAME] [--options JSON] [--types FILE] [--shard I/N] [--keep-batch]

It runs in TensorRT's own image, too (Python 3.8). ``--inputs`` is a list, one entry per input of the graph: ``folder``,
and where the files are not what the graph takes ``dtype``, ``layout``, ``mean``, ``scale``; ``shape`` fixes dynamic
sizes. ``--outputs`` holds ``format`` (``bin``, ``txt``, ``npy``), ``batch_axis``, ``dtype`` (number of the output ->
type) and ``names``. ``--types`` names what :mod:`inside.onnx_input` wrote: types of outputs in the ONNX file, for an
engine that has others. ``--shapes files``: the shape of each ``.npy`` decides, one file a call.

The folders pair by position. A call takes as many files as fill the batch; a file may hold a whole batch. The last call
is filled up with its first file, and what comes of the filling is dropped. ``--shard 2/4`` takes the second of four
parts, cut between two calls: their results together (:mod:`.union`) are those of one run.

It writes ``result/NAME_I.EXT`` for each output I, ``result_summary.json`` (which result came from which files),
``infer.json`` and, with ``--keep-batch``, ``batch/I.bin``: the first batch of each input I, in the engine's type.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .engines import add_arguments, compiler_cache
from .graph import open_graph
from .protocol import UserError, progress, run, write_json
from .samples import list_samples, result_name
from .shard import Shard
from .stored import read_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .graph import Graph, Port

    Array = NDArray[Any]

__all__ = ["Source", "first_batches", "main", "sources_of", "write_result"]


@dataclass(frozen=True)
class Source:
    """The files of one input, and how each becomes a part of the input tensor."""

    port: Port
    folder: str
    names: tuple[str, ...]
    shape: tuple[int, ...]  # of one sample, as the graph takes it
    stored: np.dtype[Any]  # of the files
    nhwc: bool = False  # the files are height, width, channels; the graph wants channels first
    mean: Array | float = 0.0
    scale: Array | float = 1.0

    def load(self, index: int) -> Array:
        """One file: (samples, ...) as the graph takes it.

        Raises:
            UserError: its size is not that of whole samples.
        """
        path = os.path.join(self.folder, self.names[index])
        if path.endswith(".npy"):
            return self._loaded_npy(path)
        size = math.prod(self.shape)
        if not size:
            raise UserError("the file does not say its shape", "Let the script write .npy files.", path)
        data = np.fromfile(path, dtype=self.stored)
        if data.size == 0 or data.size % size:
            raise UserError(
                f"the file holds {data.size} numbers of {self.stored.name}, and a sample of input {self.port.name}"
                f" {list(self.shape)} takes {size}",
                "Let the script write what the model takes, or declare dtype and layout: task -> script -> inputs.",
                path,
                "damaged",
            )
        return self._converted(data.reshape(-1, *self._stored_shape))

    def _loaded_npy(self, path: str) -> Array:
        array = read_array(path, "Let the script write it with np.save.")
        if array.ndim == len(self._stored_shape):
            array = array[None]
        if array.ndim != len(self._stored_shape) + 1:
            raise UserError(
                f"the array has shape {list(array.shape)}, and input {self.port.name} takes {list(self.shape)}",
                "Let the script write one sample, or a batch of them.",
                path,
            )
        return self._converted(array)

    @property
    def _stored_shape(self) -> tuple[int, ...]:
        if not self.nhwc:
            return self.shape
        channels, height, width = self.shape
        return (height, width, channels)

    def _converted(self, array: Array) -> Array:
        wanted = np.dtype(self.port.dtype)
        if self.nhwc:
            array = array.transpose(0, 3, 1, 2)
        if not (np.isscalar(self.mean) and self.mean == 0 and np.isscalar(self.scale) and self.scale == 1):
            array = (array.astype(np.float32) - self.mean) * self.scale
        return np.ascontiguousarray(array, dtype=wanted)


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    with compiler_cache(arguments.out):
        _run(arguments)


def _run(arguments: argparse.Namespace) -> None:
    graph = open_graph(arguments.engine, arguments.model, arguments.threads, arguments.options)
    if arguments.types:
        arguments.outputs["dtype"] = dict(declared_types(arguments.types), **arguments.outputs["dtype"])
    sources = sources_of(graph, arguments.inputs, arguments.model, from_files=arguments.shapes == "files")
    result = os.path.join(arguments.out, "result")
    os.makedirs(result)
    batch = 1 if arguments.shapes == "files" else arguments.batch
    if arguments.keep_batch:
        os.makedirs(os.path.join(arguments.out, "batch"))
        for number, array in enumerate(first_batches(sources, batch, 1, from_files=arguments.shapes == "files")[0]):
            array.tofile(os.path.join(arguments.out, "batch", f"{number}.bin"))
    rows = arguments.shard.rows(len(sources[0].names), batch)
    summary, calls = _infer(graph, sources, batch, arguments, result, rows)
    write_json(os.path.join(arguments.out, "result_summary.json"), {"filesinfo": summary})
    write_json(
        os.path.join(arguments.out, "infer.json"),
        {
            "files": len(rows),
            "calls": calls,
            "batch": batch,
            "inputs": [{"name": one.port.name, "dtype": one.port.dtype, "shape": one.shape} for one in sources],
            "engine": arguments.engine,
            "version": graph.version,
            "versions": {"TensorRT": graph.version} if arguments.engine == "tensorrt" else {},
        },
    )


def declared_types(path: str) -> dict[str, str]:
    """Number of an output -> its type in the ONNX file."""
    with open(path, encoding="utf-8") as file:
        outputs = json.load(file)["outputs"]
    return {str(number): one["dtype"] for number, one in enumerate(outputs)}


def _infer(
    graph: Graph, sources: Sequence[Source], batch: int, arguments: argparse.Namespace, result: str, rows: range
) -> tuple[dict[str, Any], int]:
    summary: dict[str, Any] = {}
    at, calls = rows.start, 0
    while at < rows.stop:
        first = sources[0].load(at)
        per_call = 1 if arguments.shapes == "files" else _files_per_call(sources[0], at, len(first), batch)
        chosen = list(range(at, min(at + per_call, rows.stop)))
        filled = chosen + [at] * (per_call - len(chosen))
        arrays = [_together(source, filled, first if source is sources[0] else None) for source in sources]
        outputs = graph.run(arrays)
        for place, index in enumerate(chosen):
            written = [
                _write(output, number, place, per_call, sources[0].names[index], arguments.outputs, result)
                for number, output in enumerate(outputs)
            ]
            summary[str(index)] = {
                "infiles": [os.path.join(source.folder, source.names[index]) for source in sources],
                "outfiles": written,
            }
        at, calls = at + len(chosen), calls + 1
        progress(at - rows.start, len(rows), "files")
    return summary, calls


def _files_per_call(source: Source, index: int, samples: int, batch: int) -> int:
    """How many files fill the batch.

    Raises:
        UserError: it is not a whole number.
    """
    if samples > batch or batch % samples:
        raise UserError(
            f"a file holds {samples} samples, and the batch is {batch}",
            f"Write batches: [{samples}] or multiples of it into the recipe, or one sample a file; or declare the type"
            " of the numbers, if it is not the graph's: task -> script -> inputs.",
            os.path.join(source.folder, source.names[index]),
        )
    return batch // samples


def first_batches(sources: Sequence[Source], batch: int, count: int, *, from_files: bool) -> list[list[Array]]:
    """Up to ``count`` whole batches, each an array per input; a small data set starts again from its beginning."""
    total = len(sources[0].names)
    per_call = 1 if from_files else _files_per_call(sources[0], 0, len(sources[0].load(0)), batch)
    starts = range(0, min(total, count * per_call), per_call)
    return [
        [_together(source, [(at + k) % total for k in range(per_call)], None) for source in sources] for at in starts
    ]


def _together(source: Source, indexes: Sequence[int], first: Array | None) -> Array:
    parts = [first if first is not None and index == indexes[0] else source.load(index) for index in indexes]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _write(
    output: Array, number: int, place: int, per_call: int, name: str, form: Mapping[str, Any], result: str
) -> str:
    """One file's part of an output."""
    axis = int(form["batch_axis"])
    if per_call > 1:
        if output.ndim <= axis or output.shape[axis] % per_call:
            raise UserError(
                f"output {number} is {list(output.shape)}, and axis {axis} does not divide among {per_call} files",
                "Say which axis is the batch: task -> script -> outputs -> batch_axis.",
            )
        step = output.shape[axis] // per_call
        output = output.take(range(place * step, (place + 1) * step), axis=axis)
    return write_result(output, number, name, form, result)


def write_result(output: Array, number: int, name: str, form: Mapping[str, Any], result: str) -> str:
    """One output of the file `name` in the form that is asked for; its path."""
    kind = form["dtype"].get(str(number))
    if kind:
        output = output.astype(kind)
    suffix = {"benchmark": f"{number + 1}", "msame": f"output_{number}"}.get(form["names"], f"{number}")
    path = os.path.join(result, f"{result_name(name)}_{suffix}.{form['format']}")
    if form["format"] == "npy":
        np.save(path, output, allow_pickle=False)
    elif form["format"] == "bin":
        np.ascontiguousarray(output).tofile(path)
    else:
        _write_text(path, output)
    return path


def _write_text(path: str, output: Array) -> None:
    """The numbers of a row of the last axis on one line, blank after each, as the vendor's tools write them."""
    rows = output.reshape(-1, output.shape[-1] if output.ndim else 1)
    shown = "{:.9g}" if output.dtype.kind == "f" else "{:d}"
    with open(path, "w", encoding="ascii") as file:
        file.writelines("".join(shown.format(value) + " " for value in row) + "\n" for row in rows.tolist())


def sources_of(graph: Graph, given: Sequence[Mapping[str, Any]], model: str, *, from_files: bool) -> list[Source]:
    """The files of each input, in the graph's order.

    Raises:
        UserError: another number of folders than inputs, folders that do not pair, or sizes that do not fit.
    """
    if len(given) != len(graph.inputs):
        names = ", ".join(port.name for port in graph.inputs)
        raise UserError(
            f"the model has {len(graph.inputs)} inputs ({names}), and {len(given)} folders are given",
            "Name one folder per input under task -> script -> runs, in this order.",
            model,
        )
    sources = [
        _source(port, entry, model, from_files=from_files)
        for port, entry in zip(graph.inputs, given)  # noqa: B905 - 3.8
    ]
    counts = {source.folder: len(source.names) for source in sources}
    if len(set(counts.values())) > 1:
        raise UserError(
            f"the folders hold different numbers of files: {counts}", "Write one file per sample into each."
        )
    return sources


def _source(port: Port, entry: Mapping[str, Any], model: str, *, from_files: bool) -> Source:
    declared = entry.get("shape")
    sizes = tuple(port.sizes[1:])
    if from_files:  # each file says its own sizes
        declared, sizes = (0,) * len(sizes), (None,) * len(sizes)
    if declared is None and None in sizes:
        raise UserError(
            f"input {port.name} has sizes that are not fixed: {list(sizes)}",
            "Give its shape in the recipe: input -> shape, or inputs.",
            model,
        )
    shape = tuple(declared) if declared is not None else tuple(size for size in sizes if size is not None)
    if len(shape) != len(sizes) or any(
        have not in {None, want}
        for have, want in zip(sizes, shape)  # noqa: B905 - 3.8
    ):
        raise UserError(
            f"input {port.name} is {list(sizes)} in the model, and {list(shape)} in the recipe",
            "Make them agree.",
            model,
        )
    stored = np.dtype(entry.get("dtype") or port.dtype)
    nhwc = entry.get("layout") == "NHWC" and len(shape) == 3
    return Source(
        port,
        entry["folder"],
        tuple(list_samples(entry["folder"])),
        shape,
        stored,
        nhwc,
        _per_channel(entry.get("mean", 0.0)),
        _per_channel(entry.get("scale", 1.0)),
    )


def _per_channel(value: float | Sequence[float]) -> Array | float:
    """Numbers per channel, broadcast over (samples, channels, height, width)."""
    if isinstance(value, (int, float)):
        return float(value)
    return np.asarray(value, dtype=np.float32).reshape(1, -1, 1, 1)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.infer_files", description="Inference over folders of tensor files.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True, type=json.loads)
    parser.add_argument("--outputs", required=True, type=json.loads)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--shapes", choices=("fixed", "files"), default="fixed")
    add_arguments(parser, "tensorrt")
    parser.add_argument("--types")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--shard", type=Shard.parse, default=Shard())
    parser.add_argument("--keep-batch", action="store_true")
    parser.add_argument("--out", required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
