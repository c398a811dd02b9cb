"""A loaded om: bytes in, tensors out, with the AIPP, half inputs and gears that it was compiled with."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from . import aipp
from .engine import StandInEngine, StandInError
from .om import Om

__all__ = ["Compiled"]

Shape = tuple[int, ...]


class Compiled:
    """An om that is loaded. What it was compiled for with -1 is fixed by :meth:`set_shapes` before it runs."""

    def __init__(self, om: Om, batch: int | None = None, size: Shape | None = None) -> None:
        """``batch`` is a gear of an om with several batches, ``size`` the height and width of one with image gears."""
        self.om = om
        self.engine = StandInEngine(om.onnx, fp16=om.fp16)
        self.dtypes = {entry["name"]: np.dtype(entry["dtype"]) for entry in om.inputs}
        self.names = list(self.dtypes)
        self.shapes: dict[str, Shape] = {entry["name"]: tuple(entry["dims"]) for entry in om.inputs}
        for name, dims in self.shapes.items():
            changed = [batch if batch and place == 0 and was < 0 else was for place, was in enumerate(dims)]
            if size is not None and len(changed) == 4:
                changed[2:] = [was if was > 0 else now for was, now in zip(changed[2:], size, strict=True)]
            self.shapes[name] = tuple(changed)

    def set_shapes(self, shapes: Mapping[str, Shape]) -> None:
        """Fix the axes that are open.

        Raises:
            StandInError: a shape contradicts what the om was compiled for, or all together are none of its gears.
        """
        chosen: list[int] = []
        for entry in self.om.inputs:
            name, compiled = entry["name"], tuple(entry["dims"])
            wanted = tuple(shapes.get(name, self.shapes[name]))
            bounds = self.om.ranges.get(name) or [[was, was] if was >= 0 else [0, 1 << 62] for was in compiled]
            fits = len(wanted) == len(bounds) and all(a <= b <= c for (a, c), b in zip(bounds, wanted, strict=True))
            if not fits:
                raise StandInError(f"the shape {wanted} of {name} is none that the om was compiled for: {compiled}")
            chosen += [now for was, now in zip(compiled, wanted, strict=True) if was < 0]
            self.shapes[name] = wanted
        if chosen and self.om.sizes and chosen not in self.om.sizes:
            raise StandInError(f"{chosen} is none of the gears that the om was compiled for: {self.om.sizes}")

    @property
    def batch(self) -> int:
        """The first axis of the first input."""
        dims = self.shapes[self.names[0]]
        return dims[0] if dims and dims[0] > 0 else 1

    def bytes_per_input(self, name: str) -> int:
        """Bytes of the whole batch of one input."""
        if self.om.static_aipp:
            return self.batch * aipp.source_shape(self.om.static_aipp, self.shapes[name])[2]
        return math.prod(self.shapes[name]) * int(self.dtypes[name].itemsize)

    def run(self, buffers: Mapping[str, bytes | bytearray]) -> list[np.ndarray]:
        """Run one full batch; buffers have exactly :meth:`bytes_per_input` bytes.

        Raises:
            StandInError: the model fails on it.
        """
        feeds = {}
        for name, data in buffers.items():
            shape = self.shapes[name]
            if self.om.static_aipp:
                value = aipp.apply(self.om.static_aipp, np.frombuffer(data, np.uint8).reshape(self.batch, -1), shape)
            else:
                value = np.frombuffer(data, self.dtypes[name]).reshape(shape)
            feeds[name] = value.astype(self.engine.inputs[name], copy=False)
        results = self.engine(feeds)
        if self.om.output_type.startswith("FP16"):
            results = [value.astype(np.float16) if value.dtype == np.float32 else value for value in results]
        return results
