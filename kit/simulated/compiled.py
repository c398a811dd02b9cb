"""A compiled om in use: bytes in, tensors out, whatever AIPP, half inputs or gears it was compiled with."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from . import aipp
from .engine import Engine
from .om import Om

__all__ = ["Compiled"]


class Compiled:
    """An om that is loaded for one batch (and, with image gears, one height and width)."""

    def __init__(self, om: Om, batch: int, size: tuple[int, int] | None = None) -> None:
        self.om = om
        self.batch = batch
        self.engine = Engine(om.onnx, fp16=om.fp16)
        self.shapes: dict[str, tuple[int, ...]] = {}
        for entry in om.inputs:
            dims = list(entry["dims"])
            if dims and dims[0] < 0:
                dims[0] = batch
            if size is not None and len(dims) == 4:
                dims[2:] = [was if was > 0 else now for was, now in zip(dims[2:], size, strict=True)]
            self.shapes[entry["name"]] = tuple(dims)
        self.dtypes = {entry["name"]: np.dtype(entry["dtype"]) for entry in om.inputs}

    @property
    def names(self) -> list[str]:
        return [entry["name"] for entry in self.om.inputs]

    def bytes_per_input(self, name: str) -> int:
        """Bytes of the whole batch of one input."""
        if self.om.aipp and self.om.aipp.get("aipp_mode") == "static":
            return self.batch * aipp.source_shape(self.om.aipp, self.shapes[name])[2]
        return math.prod(self.shapes[name]) * int(self.dtypes[name].itemsize)

    def run(self, buffers: Mapping[str, bytes | bytearray]) -> list[np.ndarray]:
        """Run one full batch; buffers have exactly :meth:`bytes_per_input` bytes.

        Raises:
            EngineError: the model fails on it.
        """
        feeds = {}
        for name, data in buffers.items():
            shape = self.shapes[name]
            if self.om.aipp and self.om.aipp.get("aipp_mode") == "static":
                raw = np.frombuffer(data, np.uint8).reshape(self.batch, -1)
                value = aipp.apply(self.om.aipp, raw, shape)
            else:
                value = np.frombuffer(data, self.dtypes[name]).reshape(shape)
            feeds[name] = value.astype(self.engine.inputs[name], copy=False)
        results = self.engine(feeds)
        if self.om.output_type.startswith("FP16"):
            results = [value.astype(np.float16) if value.dtype == np.float32 else value for value in results]
        return results
